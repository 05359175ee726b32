"""``scgm models``: which models there are, and what is known of them."""

from __future__ import annotations

from typing import Annotated

import typer

from scgm.cli.console import Messages, Quiet, Verbose


def models(
    name: Annotated[
        str | None,
        typer.Argument(metavar="NAME", help="Name or path of one model or atlas to show."),
    ] = None,
    verbose: Verbose = False,
    quiet: Quiet = False,
) -> None:
    """List the models and atlases, or show the card of one after checking its file.

    A name is what --model takes; a method without --model takes the one that has its name.

    For example:

      scgm models

      scgm models default
    """
    from scgm.artifacts.atlases import atlas_names, read_atlas, read_atlas_card
    from scgm.artifacts.models import read_model

    messages = Messages(verbose, quiet)
    if name is None:
        messages.table(_rows())
    elif name in atlas_names() or name.lower().endswith(".npz"):
        card = read_atlas(name, read_atlas_card(name).method).card
        messages.result(card.model_dump_json(indent=2))
    else:
        messages.result(read_model(name).card.model_dump_json(indent=2))


SCORES = "gray matter, sites left out"
HEADINGS = ("name", "method", "what", "learned from", "size", "sha256", SCORES)


def _rows() -> list[list[str]]:
    from scgm.artifacts.atlases import atlas_names
    from scgm.artifacts.models import model_names
    from scgm.errors import ModelError

    rows = [list(HEADINGS)]
    for names, row_of in ((model_names(), _model_row), (atlas_names(), _atlas_row)):
        for name in names:
            try:
                rows.append(row_of(name))
            except ModelError as error:  # one bad file does not hide the others
                rows.append([name, "-", str(error), "-", "-", "-", "-"])
    return rows


def _model_row(name: str) -> list[str]:
    from scgm.artifacts.models import read_model

    file = read_model(name)
    card, size = file.card, f"{len(file.graph) / 1e6:.1f} MB"
    learned = f"{len(card.data)} volumes"
    made = [card.graph_sha256[:12], _in_short(card.scores)]
    return [name, card.method, card.description, learned, size, *made]


def _atlas_row(name: str) -> list[str]:
    from scgm.artifacts.atlases import read_atlas, read_atlas_card

    card = read_atlas_card(name)
    size = f"{read_atlas(name, card.method).path.stat().st_size / 1e6:.1f} MB"
    learned = f"{len(card.data)} volumes"
    return [name, card.method, card.description, learned, size, card.sha256[:12], "-"]


def _in_short(scores: tuple[dict[str, object], ...]) -> str:
    """Range of the mean Dice over images of sites left out; the card has each image's."""
    values = [value for score in scores if isinstance(value := score.get("gm_dice"), float)]
    if not values:
        return "not measured"
    return f"Dice {min(values):.2f} to {max(values):.2f} on {len(values)} images"
