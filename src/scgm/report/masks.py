"""Masks and probability of a result, read back onto the slices of its image."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from scgm.errors import RecordError
from scgm.image.grid import on_grid_of
from scgm.image.orientation import AxialStack, stack_mask
from scgm.image.volume import Volume
from scgm.io.hashing import sha256_of_file
from scgm.io.paths import is_safe_name
from scgm.io.read import read_labels
from scgm.io.text import name_text
from scgm.report.images import reading_of
from scgm.report.records import Record
from scgm.segmentation.outputs import listed_mask, possible_files
from scgm.segmentation.result import Label

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Masks:
    """What was found, (Z, Y, X) on the slices of the image; None where it was not written.

    *notes* say what differs between the grids of image and masks and does no harm.
    """

    gm: Mask
    cord: Mask | None
    probability: NDArray[np.float32] | None
    notes: tuple[str, ...] = ()


def read_masks(record: Record, stack: AxialStack) -> Masks:
    """Read the masks that a record lists, and the probability of gray matter.

    Raises
    ------
    RecordError
        If the mask of the gray matter is missing.
    ImageReadError, GeometryError
        If one cannot be read, or lies on another grid than the image.
    """
    gm = _read(record, Label.GM)
    if gm is None:
        msg = f"{record.path}: its mask of the gray matter is missing; segment the image again"
        raise RecordError(msg)
    cord = _read(record, Label.CORD)
    soft = _read(record, Label.GM, soft=True)
    gm_mask, gm_notes = stack_mask(stack, gm)
    cord_mask, cord_notes = (None, ()) if cord is None else stack_mask(stack, cord)
    probability = None if soft is None else _probability(stack, soft)
    return Masks(gm_mask, cord_mask, probability, (*gm_notes, *cord_notes))


def changed_files(record: Record) -> list[str]:
    """Return the files that changed since the record was written, as far as they are there."""
    return [
        name
        for name, digest in record.files.items()
        if (path := _beside(record, name)) is not None
        and path.is_file()
        and sha256_of_file(path) != digest
    ]


def _beside(record: Record, name: str) -> Path | None:
    """Return the path of a file that a record lists; None for what is no plain name."""
    usual = {name_text(path.name): path for path in possible_files(record.path.parent, record.name)}
    return usual.get(name, record.path.with_name(name) if is_safe_name(name) else None)


def _read(record: Record, label: Label, *, soft: bool = False) -> Volume | None:
    name = listed_mask(record.name, record.files, label, soft=soft)
    path = record.path.with_name(name)
    listed = name_text(name) in record.files and path.is_file()
    return read_labels(path, reading_of(record, of_masks=True)) if listed else None


def _probability(stack: AxialStack, soft: Volume) -> NDArray[np.float32]:
    values, _ = on_grid_of(stack.geometry, soft)
    probability: NDArray[np.float32] = np.clip(stack.axes.to_stack(values), 0, 1)
    return probability
