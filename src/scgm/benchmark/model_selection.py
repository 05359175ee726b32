"""Which model or atlas is selected for an image: one that was trained without its site."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scgm.artifacts.atlases import AtlasCard, read_atlas, read_atlas_card
from scgm.artifacts.models import DEFAULT_MODEL, ModelCard, read_card, read_model
from scgm.datasets import DataCase
from scgm.datasets.case import site_key
from scgm.errors import ModelError
from scgm.io.hashing import sha256_of_file
from scgm.segmenters.ddc_published import WITH_CONSTANTS
from scgm.segmenters.registry import METHODS

Card = ModelCard | AtlasCard

# What a card says that changes a result.
_DECIDING = {
    *("sha256", "threshold", "confidence"),
    *("slices_at_once", "reach_slices", "finer_below_mm", "finest_mm"),
}

MAY_HAVE_SEEN = "its training may have seen this image"
WITHOUT_SITE = "trained without site"


@dataclass(frozen=True, slots=True)
class SelectedModel:
    """The models selected for one method on one image.

    Parameters
    ----------
    model, cord_model : str or None
        Name or file of what the method has learned, and of the model that finds the cord.
    remark : str
        What is known of their having seen the image.
    identity : tuple of str
        What decides the result: checksums, and what cards say of the use of their models.
    """

    model: str | None
    cord_model: str | None
    remark: str
    identity: tuple[str, ...]


def read_offers(folder: Path) -> dict[Path, Card]:
    """Read the cards of all models and atlases in a folder.

    Raises
    ------
    ModelError
        If there is none, a card is damaged, or a card does not say which sites were seen.
    """
    graphs, atlases = sorted(folder.glob("*.onnx")), sorted(folder.glob("*.npz"))
    cards: dict[Path, Card] = {path: read_card(path) for path in graphs}
    cards |= {path: read_atlas_card(path) for path in atlases}
    if not cards:
        msg = (
            f"{folder}: there is no .onnx and no .npz file in it; "
            "give the folder of the models to choose from"
        )
        raise ModelError(msg)
    for path, card in cards.items():
        if not _sites(card):
            msg = (
                f"{path}: its card does not say which sites it was trained on (training.sites), "
                "so it cannot be chosen by site; take it out of the folder"
            )
            raise ModelError(msg)
    return cards


def select_model(
    name: str, model: str | Path | None, case: DataCase, offers: dict[Path, Card]
) -> SelectedModel:
    """Select the models of a method for an image.

    Parameters
    ----------
    name : str
        Of the method, out of `scgm.methods`.
    model : str or Path or None
        What the user gave for it.
    case : DataCase
        The image.
    offers : dict
        As from `read_offers`; empty to take what the package carries.

    Raises
    ------
    ModelError
        If a model is missing or damaged, or none was made without the site of the image.
    """
    method = METHODS[name]
    if method.learned == "published":
        if model is None:
            msg = f"method {name} needs the published weights; name them with --weights"
            raise ModelError(msg)
        path = _expanded(model).resolve()
        finder = _pick(DEFAULT_MODEL, case, offers) if method.needs_cord else None
        identities = [_identity(path), *([_identity(finder)] if finder else [])]
        constants = path.with_suffix(".json")
        if name == WITH_CONSTANTS and constants.is_file():
            identities.append(sha256_of_file(constants))
        return SelectedModel(str(path), finder, MAY_HAVE_SEEN, tuple(identities))
    parts: dict[str, str] = {}
    if method.learned != "nothing":
        parts["model"] = str(model) if model else _pick(name, case, offers)
    if method.needs_cord:
        parts["cord_model"] = _pick(DEFAULT_MODEL, case, offers)
    return SelectedModel(
        parts.get("model"),
        parts.get("cord_model"),
        training_remark([_card(part) for part in parts.values()], case),
        tuple(_identity(part) for part in parts.values()),
    )


def unseen(method: str, case: DataCase, offers: dict[Path, Card]) -> Path:
    """Return the first of a method's models that was made without the site of an image.

    Neither did it learn from the site, nor did the site choose its weights.

    Raises
    ------
    ModelError
        If the site is unknown, or all models have seen it.
    """
    if case.site is None:
        msg = f"{case.image}: the data set does not say its site, so --models cannot be used"
        raise ModelError(msg)
    of_method = [path for path, card in offers.items() if card.method == method]
    for path in of_method:
        card = offers[path]
        if site_key(case.site) not in map(site_key, [*_sites(card), *_deciding_sites(card)]):
            return path
    folder = next(iter(offers)).parent
    if not of_method:
        msg = f"{folder}: there is nothing in it for method {method}, as the cards say"
        raise ModelError(msg)
    msg = (
        f"{case.image}: everything for method {method} in {folder} has seen its site "
        f"{case.site!r}, or had its weights chosen by it; train without it, or omit --models"
    )
    raise ModelError(msg)


def _pick(method: str, case: DataCase, offers: dict[Path, Card]) -> str:
    """Return what a method is given: out of the offers, or what the package carries."""
    return str(unseen(method, case, offers).resolve()) if offers else method


def training_remark(cards: Sequence[Card], case: DataCase) -> str:
    """Say whether any card lists an image, or its site, among what it was trained on.

    "" without cards. One card that lists the site is enough to say so; that the site was left out
    is said only if every card tells its sites, none of them is this one, and this one did not
    choose the weights.
    """
    if not cards:
        return ""
    listed = [entry for card in cards for entry in card.data]
    if any(str(entry).endswith(f"/{case.image.name}") for entry in listed):
        return "its card lists an image of this name as seen in training"
    seen = [set(map(site_key, _sites(card))) for card in cards]
    if case.site is not None and any(site_key(case.site) in sites for sites in seen):
        return f"its card lists site {case.site} as seen in training"
    deciding = [site_key(site) for card in cards for site in _deciding_sites(card)]
    if case.site is not None and site_key(case.site) in deciding:
        return f"its weights were chosen by this site, {case.site}"
    if case.site is None or not all(seen):
        return MAY_HAVE_SEEN
    return f"{WITHOUT_SITE} {case.site}"


def _sites(card: Card) -> list[str]:
    sites = card.training.get("sites")
    return [str(site) for site in sites] if isinstance(sites, list | tuple) else []


def _deciding_sites(card: Card) -> list[str]:
    """Return the sites whose scores chose the weights, or stopped the training."""
    scores = card.scores if isinstance(card, ModelCard) else ()
    marked = [str(score["site"]) for score in scores if score.get("decided") and "site" in score]
    choice: Any = card.training.get("choice")
    if not isinstance(choice, dict):
        return marked
    by_score = choice.get("kept") == "best" or choice.get("stopped_early") is True
    sites = choice.get("validated_on")
    named = map(str, sites) if by_score and isinstance(sites, list | tuple) else ()
    return [*marked, *named]


def _card(name_or_path: str) -> Card:
    if name_or_path in METHODS:
        learned = METHODS[name_or_path].learned
        return read_atlas_card(name_or_path) if learned == "atlas" else read_card(name_or_path)
    is_atlas = _expanded(name_or_path).suffix.lower() == ".npz"
    return read_atlas_card(name_or_path) if is_atlas else read_card(name_or_path)


def _expanded(path: str | Path) -> Path:
    """Return a path with the home folder that ~ stands for."""
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        msg = f"{path}: there is no such home folder; give the whole path"
        raise ModelError(msg) from error


def _identity(name_or_path: str | Path) -> str:
    """Return what decides the results of a model: its content, and what its card says of it."""
    path = _expanded(name_or_path)
    card = None if path.suffix.lower() in (".hdf5", ".h5") else _card(str(name_or_path))
    if isinstance(card, ModelCard):
        settings = read_model(name_or_path).card.model_dump(include=_DECIDING)
        return json.dumps(settings, sort_keys=True)
    if isinstance(card, AtlasCard):
        return read_atlas(name_or_path, card.method).card.sha256
    if not path.is_file():
        msg = f"{path}: there is no such file of weights"
        raise ModelError(msg)
    return sha256_of_file(path)
