"""``scgm models``: which models, atlases and methods there are, and what is known of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import fmean
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scgm.cli.console import Messages, counted
from scgm.cli.options import Log, Quiet, Verbose

if TYPE_CHECKING:
    from scgm.artifacts.cards import Card
    from scgm.artifacts.store import Store


def models(
    name: Annotated[
        str | None,
        typer.Argument(metavar="NAME", help="Name or path of one model or atlas to show."),
    ] = None,
    verbose: Verbose = False,
    quiet: Quiet = False,
    log: Log = None,
) -> None:
    """List the methods with their models and atlases, or show one card after checking its file.

    A name is what --model takes; a method without --model takes the one that has its name.

    For example:

      scgm models

      scgm models default
    """
    from scgm.artifacts.atlases import atlas_names, read_atlas, read_atlas_card
    from scgm.artifacts.models import read_model
    from scgm.segmenters.methods import METHODS

    messages = Messages(verbose, quiet, log)
    if name is None:
        messages.table([["method", "what it is"], *([m.name, m.about] for m in METHODS.values())])
        messages.table(_rows())
    elif name in atlas_names() or name.lower().endswith(".npz"):
        card = read_atlas(name, read_atlas_card(name).method).card
        messages.result(card.model_dump_json(indent=2))
    else:
        messages.result(read_model(name).card.model_dump_json(indent=2))


SCORES = "gray matter of sites left out"
HEADINGS = ("model or atlas", "method", "what", "learned from", "size", "sha256", SCORES)


def _rows() -> list[list[str]]:
    from scgm.artifacts.atlases import ATLASES
    from scgm.artifacts.models import MODELS
    from scgm.errors import ModelError

    rows = [list(HEADINGS)]
    for store in (MODELS, ATLASES):
        for name in store.names():
            try:
                rows.append(_row(store, name))
            except ModelError as error:  # one bad file does not hide the others
                rows.append([name, "-", str(error), "-", "-", "-", "-"])
    return rows


def _row(store: Store[Any], name: str) -> list[str]:
    stored = store.read(name)
    card: Card = stored.card
    size = f"{len(stored.content) / 1e3:.0f} kB"
    learned = counted(len(card.data), "volume")
    scores = in_short(getattr(card, "scores", ()))
    return [name, card.method, card.description, learned, size, card.sha256[:12], scores]


# What a score was compared with, and how it is called; evidence of accuracy first.
_COMPARED_WITH = {
    "rater": "drawn or corrected by raters",
    None: "with labels of unknown origin",
    "program": "labeled by a program (no evidence)",
}


def in_short(scores: Sequence[dict[str, Any]]) -> str:
    """Return the range of the mean Dice over images, apart for each origin of the labels.

    An image that several raters drew on has the mean of its raters. Scores of images or sites that
    the model has seen, or that chose its weights, are counted alone.
    """
    measured = [score for score in scores if isinstance(score.get("gm_dice"), float)]
    new = [score for score in measured if _is_new(score)]
    parts = []
    for origin, called in _COMPARED_WITH.items():
        values = _by_image(score for score in new if _origin(score) == origin)
        if values:
            count = counted(len(values), "image")
            parts.append(f"Dice {min(values):.2f} to {max(values):.2f} on {count} {called}")
    parts = parts or ["not measured"]
    if len(new) < len(measured):
        left = len(_by_image(score for score in measured if not _is_new(score)))
        parts.append(f"{left} without evidence (seen before, unknown, or chose the weights)")
    return "; ".join(parts)


def _by_image(scores: Iterable[dict[str, Any]]) -> list[float]:
    """Return one Dice for each image; a score that names none is that of an image of its own."""
    from scgm.datasets.case import site_key

    values: dict[object, list[float]] = {}
    for number, score in enumerate(scores):
        image = score.get("image")
        named = number if image is None else (site_key(str(score.get("site"))), str(image))
        values.setdefault(named, []).append(score["gm_dice"])
    return [fmean(each) for each in values.values()]


def _is_new(score: dict[str, Any]) -> bool:
    """Whether a score is of an image that was used for nothing, as far as the card says."""
    return score.get("seen_by_start", False) is False and not score.get("decided", False)


def _origin(score: dict[str, Any]) -> str | None:
    found = score.get("labels")
    return found if found in ("rater", "program") else None
