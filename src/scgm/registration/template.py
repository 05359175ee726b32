"""Templates: a folder with gray matter, cord and, if it has them, levels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from scgm.errors import ImageReadError
from scgm.io.paths import home
from scgm.io.read import read_labels
from scgm.measurement.level_image import DISCS, show_surfaces
from scgm.measurement.level_source import LEVEL_TEXT, levels_for
from scgm.measurement.masks import structures_from_masks
from scgm.measurement.options import MeasureOptions
from scgm.registration.register import SegmentedCord

_ENDING = ".nii.gz"
_GM = ("gm",)
_CORD = ("cord", "sc")


def template_folder(name: str) -> Path:
    """Return the folder of a template: a path, or the name of a set that was downloaded.

    Raises
    ------
    ImageReadError
        If there is none.
    """
    path = Path(name).expanduser()
    if path.is_dir():
        return path
    if path.exists():
        msg = f"{name}: a template is a folder with NAME_gm{_ENDING} and NAME_cord{_ENDING}"
        raise ImageReadError(msg)
    data = home() / "data"
    known = [each for each in data.iterdir() if each.is_dir()] if data.is_dir() else []
    wanted = name.lower()
    for each in known:
        if each.name.lower() in (wanted, f"template_{wanted}"):
            return each
    msg = (
        f"{name}: there is no such folder, and no downloaded template of that name; give a folder, "
        "or fetch one ('scgm data list')"
    )
    raise ImageReadError(msg)


def read_template(
    folder: Path, levels: Path | None = None, kind: str | None = None
) -> SegmentedCord:
    """Read a template.

    Parameters
    ----------
    folder : Path
        It holds NAME_gm.nii.gz, NAME_cord.nii.gz (or NAME_sc.nii.gz), both masks or probabilities,
        and maybe NAME_levels.nii.gz and NAME_spinal_levels.nii.gz; or in its subfolder "template".
    levels : Path, optional
        A label image or text file of its levels, in place of the one in the folder.
    kind : str, optional
        What the levels are; "spinal" takes NAME_spinal_levels.nii.gz.

    Raises
    ------
    ImageReadError, GeometryError
        If a file is missing or damaged, or they do not fit each other.
    """
    inner = folder / "template"
    place = inner if inner.is_dir() and not _files(folder, _GM) else folder
    gm, cord = (
        read_labels(_one(place, endings, what))
        for endings, what in ((_GM, "gray matter"), (_CORD, "cord"))
    )
    structures = structures_from_masks(str(folder), gm, cord)
    structures = replace(structures, warnings=())  # a template of probabilities is as it must be
    chosen = levels or _levels_file(place, kind)
    if chosen is None:
        return SegmentedCord(structures)
    own = levels is None
    meaning = ("spinal" if kind == "spinal" else "vertebral") if own else kind
    found = levels_for(structures, MeasureOptions(levels_from=chosen, level_kind=meaning))
    return SegmentedCord(structures, found)


def kind_of_levels(levels: Path | None, kind: str | None) -> str | None:
    """Return what the levels of a template are, if *kind* is said of a person's.

    Discs of a person, as points, are often given with levels of a template, as surfaces.
    """
    if levels is None or kind not in DISCS or levels.suffix.lower() in LEVEL_TEXT:
        return kind
    return "vertebral" if show_surfaces(read_labels(levels)) else kind


def _files(folder: Path, endings: Sequence[str]) -> list[Path]:
    names = [f"{mark}{ending}{_ENDING}" for ending in endings for mark in ("_", "")]
    return sorted(
        path
        for path in folder.glob(f"*{_ENDING}")
        if any(
            path.name.lower() == n or (n[0] == "_" and path.name.lower().endswith(n)) for n in names
        )
    )


def _one(folder: Path, endings: Sequence[str], what: str) -> Path:
    found = _files(folder, endings)
    wanted = " or ".join(f"NAME_{ending}{_ENDING}" for ending in endings)
    if not found:
        msg = f"{folder}: this template has no {what}; put {wanted} there"
        raise ImageReadError(msg)
    if len(found) > 1:
        names = ", ".join(path.name for path in found[:4])
        msg = f"{folder}: several files may be the {what} ({names}); keep one of them"
        raise ImageReadError(msg)
    return found[0]


def _levels_file(folder: Path, kind: str | None) -> Path | None:
    spinal = kind == "spinal"
    found = [p for p in _files(folder, ("levels",)) if ("spinal_levels" in p.name) == spinal]
    return found[0] if found else None
