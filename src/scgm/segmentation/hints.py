"""Where the cord is, as far as the user says so."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scgm.errors import CordMaskError
from scgm.image.centroid import centroids
from scgm.image.orientation import AxialStack, stack_mask
from scgm.image.volume import Volume
from scgm.segmentation.box import Box, boxed
from scgm.segmentation.cut_off import cut_by_window
from scgm.segmentation.given_cord import compare, require_a_cord
from scgm.segmentation.options import SegmentOptions
from scgm.segmentation.postprocessing import one_piece, one_piece_of
from scgm.segmenters.base import CordHint, Probabilities, Segmenter
from scgm.segmenters.within_cord import InCord

# The network sees 14 mm to either side of a center, and a cord is at most 8 mm from its own.
MOST_OFF_CENTER_MM = 3.0
# The part of a cord that a window shows gives a center closer to that of the whole.
MOST_MOVES = 3
# Farther from its middle, a point is hardly in the cord.
FAR_MM = 5.0


@dataclass(frozen=True, slots=True, eq=False)
class Given:
    """What the user says of the cord: the hint in the pixels of a stack, and where it came from.

    *notes* say what is odd about the file of a mask or a center line, and *sha256* is the checksum
    of its bytes.
    """

    hint: CordHint
    notes: tuple[str, ...] = ()
    sha256: str | None = None


def given_hint(stack: AxialStack, options: SegmentOptions, read: Callable[[Any], Volume]) -> Given:
    """Return what the user says of the cord, in the pixels of *stack*.

    Raises
    ------
    CordMaskError
        If a mask of the cord, or a center line, cannot be one.
    GeometryError
        If it lies on another grid than the image, or a center outside of it.
    """
    if options.cord is not None:
        volume = read(options.cord)
        mask, notes = stack_mask(stack, volume)
        require_a_cord(mask, stack, volume)
        return _from_file(CordHint(centre_px=centroids(mask), mask=mask), volume, notes)
    if options.centerline is not None:
        volume = read(options.centerline)
        line, notes = stack_mask(stack, volume)
        return _from_file(CordHint(centre_px=_along_line(line, volume.name)), volume, notes)
    if options.center is not None:
        place = np.array(stack.point_to_stack(*options.center), np.float32)
        return Given(CordHint(centre_px=np.tile(place, (len(stack.slices), 1))))
    return Given(CordHint())


def _from_file(hint: CordHint, volume: Volume, notes: tuple[str, ...]) -> Given:
    """Keep what is odd about the file of a hint; the name of the file comes first."""
    odd = (f"{volume.name}: {warning}" for warning in volume.warnings)
    return Given(hint, (*odd, *notes), volume.sha256)


def _along_line(line: NDArray[np.bool_], name: str) -> NDArray[np.float32]:
    """Return the line's row and column in each slice, interpolated; NaN beyond its ends."""
    points = centroids(line)
    given = np.flatnonzero(np.isfinite(points[:, 0]))
    if not given.size:
        msg = f"{name}: no voxel of this center line reaches 0.5; mark one voxel in each slice"
        raise CordMaskError(msg)
    inside = np.arange(given[0], given[-1] + 1)
    for axis in (0, 1):
        points[inside, axis] = np.interp(inside, given, points[given, axis])
    return points


def apply_hint(hint: CordHint, found: Probabilities, box: Box) -> Probabilities:
    """Override the cord that the method found with the user's cord or center."""
    if hint.mask is not None:
        given = box.crop(hint.mask).astype(np.float32)
        presence = np.asarray(hint.mask.any(axis=(1, 2)), np.float32)
        return Probabilities(found.gm, given, found.centre_px, presence)
    if hint.centre_px is not None:
        told = np.isfinite(hint.centre_px[:, 0])
        return replace(found, presence=np.where(told, np.float32(1), found.presence))
    return found


def centered(
    segmenter: Segmenter, stack: AxialStack, hint: CordHint, threshold: float
) -> tuple[Probabilities, Box]:
    """Run a method; where its window cuts the cord, run it again around what it found.

    A window is also moved where the user's center lies beside the cord. Where the user gives a
    mask, nothing is moved and nothing removed. What was found lies in the box that is returned.
    """
    found, box = boxed(segmenter(stack, hint), hint.mask)
    if hint.mask is not None:
        return found, box
    found, told = one_piece(found, threshold), hint.centre_px
    for _ in range(MOST_MOVES):
        center = _better_center(found, box, stack.spacing_mm[1:], told, threshold)
        if center is None:
            break
        found, box = boxed(segmenter(stack, CordHint(centre_px=center, levels=hint.levels)))
        found, told = one_piece(found, threshold), center
    return found, box


def _better_center(
    found: Probabilities,
    box: Box,
    pixel_mm: tuple[float, float],
    told: NDArray[np.float32] | None,
    threshold: float,
) -> NDArray[np.float32] | None:
    """Return centers (Z, 2) nearer to the cord, NaN where none is known; None: nothing to move."""
    if found.cord is None:
        return None
    middle = centroids(found.cord >= threshold) + box.origin
    told = np.full_like(middle, np.nan) if told is None else told
    off = np.linalg.norm((middle - told) * pixel_mm, axis=1) > MOST_OFF_CENTER_MM
    cut = cut_by_window(found.cord, threshold, pixel_mm, box.at_border) & np.isnan(told[:, 0])
    moved = (off | cut) & np.isfinite(middle[:, 0])
    return np.where(moved[:, None], middle, told) if moved.any() else None


def independent_cord(
    segmenter: Segmenter, stack: AxialStack, hint: CordHint, own: Probabilities, box: Box
) -> NDArray[np.float32] | None:
    """Return the network's own cord in the box, which a mask of the user has no part in."""
    if hint.mask is None or not isinstance(segmenter, InCord):
        return own.cord
    cord = segmenter.cord_finder(stack, CordHint(centre_px=hint.centre_px)).cord
    return None if cord is None else box.crop(cord)


@dataclass(frozen=True, slots=True)
class HintCheck:
    """What is to say of the user's cord or center: remarks, record, and slices in doubt (Z,)."""

    remarks: tuple[str, ...]
    record: Mapping[str, float | int | None] | None
    in_doubt: NDArray[np.bool_]


def check_hint(
    hint: CordHint,
    own: NDArray[np.float32] | None,
    box: Box,
    pixel_mm: tuple[float, float],
    threshold: float,
) -> HintCheck:
    """Compare the user's mask or center with the network's own cord, which lies in *box*."""
    trusted = np.zeros(box.shape[0], bool)
    cord = None if own is None else one_piece_of(own, own >= threshold)
    if hint.mask is not None:
        agreement = compare(box.crop(hint.mask), cord, pixel_mm)
        return HintCheck(agreement.remarks(), agreement.record(), agreement.in_doubt())
    if hint.centre_px is None or cord is None:
        return HintCheck((), None, trusted)
    away = np.linalg.norm((centroids(cord) + box.origin - hint.centre_px) * pixel_mm, axis=1)
    away = away[np.isfinite(away)]
    if not away.size:
        return HintCheck((), None, trusted)
    far = int((away > FAR_MM).sum())
    said = (
        f"the given center lies up to {away.max():.1f} mm from the middle of the cord that was "
        f"found, more than {FAR_MM:g} mm in {far} of {len(away)} slices; the cord was followed",
    )
    record = {
        "median_distance_mm": round(float(np.median(away)), 2),
        "largest_distance_mm": round(float(away.max()), 2),
        "compared": len(away),
    }
    return HintCheck(said if far else (), record, trusted)
