"""Corrected masks, written beside the images of the user's folder as those of a rater."""

from __future__ import annotations

import json
import re
import zipfile
import zlib
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from scgm.errors import ScgmError
from scgm.image.orientation import stack_mask, to_axial
from scgm.image.volume import Volume
from scgm.io.read import DEFAULT_READING, ReadOptions, read_labels
from scgm.io.transaction import checksums, file_set
from scgm.segmentation.outputs import label_file, result_name
from scgm.segmentation.result import LABELS

PLACE = Path("derivatives", "labels_studio")
# A record of changes; each mask is limited by the grid of its image.
_MOST_RECORD = 1 << 24
_MOST_MASK = 1 << 29


class CorrectionError(ScgmError):
    """What was sent cannot be the corrected masks of the image."""


def save_corrected(
    packed: Path, volume: Volume, root: Path, reading: ReadOptions = DEFAULT_READING
) -> str:
    """Write corrected masks where a BIDS data set has those of a rater, or beside each other.

    Parameters
    ----------
    packed : Path
        A zip file with the masks of gray matter, white matter and cord on the grid of *volume*,
        named after it, and ``NAME_corrected.json``.
    volume : Volume
        The image; it lies in *root*.
    root : Path
        The folder of the user.
    reading : ReadOptions
        Which volume or series of the file the image is.

    Returns
    -------
    str
        The folder of the files, below *root*.

    Raises
    ------
    CorrectionError
        If the masks are not those of the image, gray matter lies outside of the cord, or the
        masks that are there may be those of another image.
    OutputError
        If files are there that an earlier correction has not written.
    """
    assert volume.source is not None
    name = result_name(volume.source.name)
    record = f"{name}_corrected.json"
    masks = tuple(label_file(name, label) for label in LABELS)
    place = PLACE / _below(name, volume.source, root)
    image = _image(volume.source.relative_to(root), reading)
    names = (*masks, record)
    claims = partial(_claims, names=names, image=image)
    with file_set(root / place, names, overwrite=True, claims=claims) as staging:
        _unpack(packed, staging, dict.fromkeys(masks, _MOST_MASK) | {record: _MOST_RECORD})
        _write_fields(staging / record, {**_fields(staging / record), **image})
        _check(staging, masks, volume)
    return place.as_posix()


def _below(name: str, source: Path, root: Path) -> Path:
    """Return the folder of an image in a BIDS data set, by its name; for others where it lies."""
    found = re.match(r"(sub-[A-Za-z0-9]+)(?:_(ses-[A-Za-z0-9]+))?_", name)
    if found is None:
        return Path() if source == root else source.parent.relative_to(root)
    return Path(*filter(None, found.groups()), "anat")


def _image(path: Path, reading: ReadOptions) -> dict[str, Any]:
    """Return what a record says of the image: others can have its name, or lie in its file."""
    parts = {"Volume": reading.volume, "Series": reading.series}
    return {"File": path.as_posix()} | {k: part for k, part in parts.items() if part is not None}


def _claims(folder: Path, *, names: tuple[str, ...], image: dict[str, Any]) -> dict[str, str]:
    """Let files of an earlier correction of this image be replaced: those beside its record."""
    record = folder / names[-1]
    if not record.is_file():
        return {}
    known = _fields(record)
    if {key: known[key] for key in ("File", "Volume", "Series") if key in known} != image:
        msg = (
            f"{record}: the masks that are there are of another image, or do not say of which; "
            "move them away, then save again"
        )
        raise CorrectionError(msg)
    return checksums(folder / name for name in names if (folder / name).is_file())


def _write_fields(record: Path, content: dict[str, Any]) -> None:
    record.write_text(f"{json.dumps(content, indent=2)}\n", encoding="utf-8")


def _fields(record: Path) -> dict[str, Any]:
    """Return what a record says; nothing where it cannot be read."""
    try:
        content = json.loads(record.read_text(encoding="utf-8"))
    except (ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def _unpack(packed: Path, folder: Path, most: dict[str, int]) -> None:
    """Take exactly the files that are expected, none larger than it may be."""
    try:
        with zipfile.ZipFile(packed) as archive:
            if sorted(archive.namelist()) != sorted(most):
                msg = "the masks that were sent are not those of this image; open it again"
                raise CorrectionError(msg)
            for name, limit in most.items():
                with archive.open(name) as file:
                    content = file.read(limit + 1)
                if len(content) > limit:
                    msg = f"{name} is larger than it can be"
                    raise CorrectionError(msg)
                (folder / name).write_bytes(content)
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as error:
        msg = "the masks did not arrive whole; save them again"
        raise CorrectionError(msg) from error


def _check(folder: Path, masks: tuple[str, ...], volume: Volume) -> None:
    stack = to_axial(volume)
    gm, wm, cord = (stack_mask(stack, read_labels(folder / name))[0] for name in masks)
    if (gm & ~cord).any() or not np.array_equal(wm, cord & ~gm):
        msg = "gray matter lies outside of the cord, or white matter is not the rest of it"
        raise CorrectionError(msg)
