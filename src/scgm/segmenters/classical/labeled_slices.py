"""Labeled slices of a data set as windows around the cord: the input of every atlas."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scgm.datasets import DataCase, DataSet, reference_masks
from scgm.errors import DataSetError
from scgm.image.centroid import centroids
from scgm.image.orientation import AxialStack, to_axial
from scgm.image.patches import cut_windows
from scgm.io.read import read_volume
from scgm.measurement.level_source import levels_for
from scgm.measurement.levels import level_number
from scgm.measurement.options import MeasureOptions
from scgm.measurement.structures import Structures

SIZE = 128
PIXEL_MM = 0.25

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class LabeledSlices:
    """Slices with labels, 32 mm squared around the middle of the cord, at 0.25 mm.

    Rows run from posterior to anterior, columns from left to right; slices of a volume follow each
    other from inferior to superior.

    Parameters
    ----------
    image : (N, 128, 128) float32
        Intensities over their mean inside the cord; 0 outside the image.
    inside : (N, 128, 128) bool
        Samples that lie in the image.
    cord, gm : (N, 128, 128) float32
        Share of cord and of gray matter, mean of the raters.
    volume : (N,) int
        Index of the volume that a slice belongs to, in the next four.
    distance_mm : (V,) float32
        Distance of neighboring slices of each volume.
    names, sites, subjects : tuple of V str
        Of each volume.
    level : (N,) uint8, optional
        Number of the vertebral level that each slice shows: 1 is C1, 8 is T1, 0 is unknown.
    """

    image: Floats
    inside: NDArray[np.bool_]
    cord: Floats
    gm: Floats
    volume: NDArray[np.intp]
    distance_mm: Floats
    names: tuple[str, ...]
    sites: tuple[str, ...]
    subjects: tuple[str, ...]
    level: NDArray[np.uint8] | None = None


def labeled_slices(dataset: DataSet, leave_out: Sequence[str] = ()) -> LabeledSlices:
    """Read every slice on which both gray matter and cord were drawn.

    Parameters
    ----------
    dataset : DataSet
        Images; those without labels of both tissues are skipped.
    leave_out : sequence of str
        Sites of which nothing is read.

    Raises
    ------
    DataSetError
        If a site to be left out is not there, or no slice is left.
    ScgmError
        If a file cannot be read.
    """
    known = {case.site for case in dataset.cases}
    unknown = sorted(set(leave_out) - {site for site in known if site})
    if unknown:
        msg = (
            f"{dataset.root}: no image is of site {', '.join(unknown)}, which is to be left out; "
            f"its sites: {', '.join(sorted(site for site in known if site)) or 'none is named'}"
        )
        raise DataSetError(msg)
    parts, cases = [], []
    for case in dataset.labeled:
        if case.site not in leave_out and (part := _of_case(case)) is not None:
            parts.append(part)
            cases.append(case)
    if not parts:
        msg = (
            f"{dataset.root}: no slice is left with labels of both gray matter and cord; "
            "an atlas needs both, so give other images or leave out fewer sites"
        )
        raise DataSetError(msg)
    image, inside, cord, gm, distance, level = zip(*parts, strict=True)
    return LabeledSlices(
        image=np.concatenate(image),
        inside=np.concatenate(inside),
        cord=np.concatenate(cord),
        gm=np.concatenate(gm),
        volume=np.repeat(np.arange(len(cases)), [len(each) for each in gm]),
        distance_mm=np.array(distance, np.float32),
        names=tuple(case.name for case in cases),
        sites=tuple(case.site or "unknown" for case in cases),
        subjects=tuple(case.subject for case in cases),
        level=np.concatenate(level),
    )


def cut_again(values: Floats, size: int, pixel_mm: float) -> tuple[Floats, NDArray[np.bool_]]:
    """Resample labeled slices (N, 128, 128) to windows of another size, around the same middle.

    Returns
    -------
    values, inside
        (N, size, size) each, as of `cut_windows`.
    """
    middle = np.full((len(values), 2), (values.shape[1] - 1) / 2, np.float32)
    return cut_windows(values, (PIXEL_MM, PIXEL_MM), middle, size=size, window_mm=pixel_mm)


def evenly_chosen(slices: LabeledSlices, most: int) -> list[NDArray[np.intp]]:
    """Return for each volume the indices of at most so many of its slices, evenly spaced."""
    chosen = []
    for volume in np.unique(slices.volume):
        own = np.flatnonzero(slices.volume == volume)
        picks = np.unique(np.linspace(0, len(own) - 1, min(most, len(own))).round())
        chosen.append(own[picks.astype(np.intp)])
    return chosen


def _of_case(
    case: DataCase,
) -> tuple[Floats, NDArray[np.bool_], Floats, Floats, float, NDArray[np.uint8]] | None:
    """Return image, inside, cord, gm, distance and levels of an image; None without labels."""
    stack = to_axial(read_volume(case.image))
    drawn = [reference_masks(case, rater, stack) for rater in case.raters]
    cords = [cord for _, cord in drawn if cord is not None]
    if not cords:
        return None
    gm: Floats = np.asarray(np.mean([mask for mask, _ in drawn], axis=0), np.float32)
    cord: Floats = np.maximum(np.asarray(np.mean(cords, axis=0), np.float32), gm)
    labeled = np.flatnonzero(gm.any(axis=(1, 2)) & (cord >= 0.5).any(axis=(1, 2)))
    if not labeled.size:
        return None
    levels = _levels(case, stack, cord >= 0.5)[labeled]
    return (*_windows(stack, cord[labeled], gm[labeled], labeled), stack.spacing_mm[0], levels)


def _levels(case: DataCase, stack: AxialStack, cord: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Return the number of each slice's vertebral level; 0 where it is not known."""
    count = len(stack.slices)
    masks, flagged = {"SC": cord}, np.zeros(count, np.bool_)
    structures = Structures(case.name, stack, masks, {}, ("",) * count, flagged)
    found = levels_for(structures, MeasureOptions(levels_from=case.levels))
    if found is None:
        return np.zeros(count, np.uint8)
    numbers = (0 if name is None else level_number(name, found.kind) for name in found.of_slice)
    return np.fromiter(numbers, np.uint8, count)


def _windows(
    stack: AxialStack, cord: Floats, gm: Floats, labeled: NDArray[np.intp]
) -> tuple[Floats, NDArray[np.bool_], Floats, Floats]:
    center = centroids(cord >= 0.5)
    pixel_mm = stack.spacing_mm[1:]

    def cut(values: Floats) -> tuple[Floats, NDArray[np.bool_]]:
        return cut_windows(values, pixel_mm, center, size=SIZE, window_mm=PIXEL_MM)

    image, inside = cut(stack.slices[labeled])
    cords, grays = cut(cord)[0], cut(gm)[0]
    mean = (image * cords).sum(axis=(1, 2)) / np.maximum(cords.sum(axis=(1, 2)), 1e-6)
    scale = np.maximum(np.abs(mean), 1e-6).astype(np.float32)
    return image / scale[:, None, None], inside, cords, grays
