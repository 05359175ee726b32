"""Align every cord with one outline: rotate it upright, then stretch it column by column.

The common outline is the mean of the cords of the dictionary, each centered and rotated upright.
Columns keep their order and are only moved and stretched, so nothing is folded and the inverse
transform is exact.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from scgm.segmenters.classical.cord_shape import moments

Floats = NDArray[np.float64]
Slice = NDArray[np.float32]

LEAST_ELONGATION = 1.15  # longer over shorter axis; a rounder cord has no reliable direction
MOST_TURN = np.deg2rad(25)
# Columns near the ends of the cord have no reliable height: they take that of the last reliable
# one, and stretching stays within bounds.
RELIABLE = 0.85
LEAST_STRETCH, MOST_STRETCH = 0.5, 1.6
SMOOTH = 3.3, 1.7  # samples: 1 mm for the middle of the columns, half of it for their height
INNER = 0.85  # how much of the outline, on each side of its middle, is compared


@dataclass(frozen=True, slots=True, eq=False)
class Profile:
    """A cord that stands upright; lengths in samples.

    Parameters
    ----------
    half_width : float
        Half of its width.
    middle, half_height : (n,) float64
        For each column of a window around the cord: how far the middle of the cord's column lies
        off the middle row, and half of its height.
    """

    half_width: float
    middle: Floats
    half_height: Floats

    def inner(self) -> NDArray[np.bool_]:
        """Return the samples (n, n) so far inside that an error of the edge has no effect."""
        rows, columns = around(len(self.middle))
        inside: NDArray[np.bool_] = np.abs(rows - self.middle) < INNER * self.half_height
        return inside & (np.abs(columns) < INNER * self.half_width)


@dataclass(frozen=True, slots=True, eq=False)
class Alignment:
    """The transform of a slice (n, n) to the common space (n, n), and its inverse; in samples.

    Parameters
    ----------
    center : (2,) float64
        Row and column of the cord's middle in the slice.
    turn : float
        Angle in radians of the cord's longer axis, from the columns towards the rows.
    width : float
        Width of the cord over that of the common outline.
    shift, stretch : (n,) float64
        For each column of the common space: where its middle row lies in the upright slice, and
        how many rows of the slice one row of the common space is.
    affine : (2, 3) float64
        Within the common space, from a place (row, column, 1) around its middle to where the
        outline alone would have it: what is in a cord does not quite follow its outline.
    """

    center: Floats
    turn: float
    width: float
    shift: Floats
    stretch: Floats
    affine: Floats = field(default_factory=lambda: np.eye(2, 3))

    def to_common(self, values: Slice) -> Slice:
        """Bring a slice to the common space by linear interpolation."""
        rows, columns = moved(self.affine, *around(len(self.shift)))
        shift, stretch = self._column(columns)
        across, along = _turned(rows * stretch + shift, columns * self.width, self.turn)
        return sampled(values, across + self.center[0], along + self.center[1])

    def from_common(self, values: Slice) -> Slice:
        """Bring a map of the common space to the slice by linear interpolation."""
        places = np.indices(values.shape, np.float64) - self.center[:, None, None]
        across, along = _turned(places[0], places[1], -self.turn)
        shift, stretch = self._column(along / self.width)
        matrix = np.linalg.inv(self.affine[:, :2])
        back = np.c_[matrix, -matrix @ self.affine[:, 2]]
        rows, columns = moved(back, (across - shift) / stretch, along / self.width)
        middle = (len(values) - 1) / 2
        return sampled(values, rows + middle, columns + middle)

    def _column(self, columns: Floats) -> tuple[Floats, Floats]:
        known = _offsets(len(self.shift))
        return np.interp(columns, known, self.shift), np.interp(columns, known, self.stretch)


def mean_profile(cords: Sequence[Slice], *, symmetric: bool) -> Profile:
    """Return the mean outline of cords (n, n), each moved to the middle and turned upright.

    *symmetric* makes its left like its right.
    """
    upright = [_profile(cord, *_pose(cord)) for cord in cords]
    columns = _offsets(len(cords[0]))
    half_width = float(np.mean([each.half_width for each in upright]))
    lines = np.zeros((2, len(columns)))
    for each in upright:
        there = columns * each.half_width / half_width
        lines[0] += np.interp(there, columns, each.middle) / len(upright)
        lines[1] += np.interp(there, columns, each.half_height) / len(upright)
    if symmetric:
        lines = (lines + lines[:, ::-1]) / 2
    return Profile(half_width, lines[0], lines[1])


def align(cord: Slice, outline: Profile) -> Alignment:
    """Return the transform of a slice to the common space from its cord (n, n), shares of 0 to 1.

    At least one sample is to be cord.
    """
    center, turn = _pose(cord)
    own = _profile(cord, center, turn)
    width = own.half_width / outline.half_width
    columns = _offsets(len(cord))
    known = columns[np.abs(columns) <= RELIABLE * outline.half_width]
    middle, height = (np.interp(known * width, columns, line) for line in _lines(own))
    common_middle, common_height = (np.interp(known, columns, line) for line in _lines(outline))
    stretch = np.clip(height / np.maximum(common_height, 1), LEAST_STRETCH, MOST_STRETCH)
    shift = middle - stretch * common_middle
    return Alignment(
        center, turn, width, np.interp(columns, known, shift), np.interp(columns, known, stretch)
    )


def _lines(profile: Profile) -> tuple[Floats, Floats]:
    return profile.middle, profile.half_height


def around(size: int) -> tuple[Floats, Floats]:
    """Return row and column of each sample (n, n), from the middle."""
    rows, columns = np.indices((size, size)) - (size - 1) / 2
    return rows, columns


def moved(affine: Floats, rows: Floats, columns: Floats) -> tuple[Floats, Floats]:
    """Return places moved by an affine (2, 3)."""
    (a, b, c), (d, e, f) = affine
    return a * rows + b * columns + c, d * rows + e * columns + f


def sampled(values: Slice, rows: Floats, columns: Floats) -> Slice:
    """Return the values at places, interpolated linearly; 0 outside."""
    found = ndimage.map_coordinates(values.astype(np.float32), (rows, columns), order=1)
    return np.asarray(found, np.float32)


def _pose(cord: Slice) -> tuple[Floats, float]:
    """Return row and column of the middle, and the angle of the longer axis; 0 if there is none."""
    center, spread = moments(_sharp(cord))
    difference, mixed = spread[1, 1] - spread[0, 0], 2 * spread[0, 1]
    longer, total = np.hypot(difference, mixed), spread.trace()
    if total + longer < LEAST_ELONGATION**2 * (total - longer):
        return center, 0.0
    angle = float(0.5 * np.arctan2(mixed, difference))
    return center, angle if abs(angle) <= MOST_TURN else 0.0


def _profile(cord: Slice, center: Floats, turn: float) -> Profile:
    rows, columns = around(len(cord))
    across, along = _turned(rows, columns, turn)
    upright = sampled(_sharp(cord), across + center[0], along + center[1]).astype(np.float64)
    heights = upright.sum(axis=0)
    # In an ellipse, half of an axis is twice the root of the mean square distance along it.
    half_width = float(2 * np.sqrt(heights @ columns[0] ** 2 / heights.sum()))
    shown = heights >= min(1, heights.max())
    middle = np.interp(
        columns[0], columns[0, shown], (rows * upright).sum(axis=0)[shown] / heights[shown]
    )
    return Profile(
        max(half_width, 1.0),
        ndimage.gaussian_filter1d(middle, SMOOTH[0], mode="nearest"),
        ndimage.gaussian_filter1d(heights / 2, SMOOTH[1], mode="nearest"),
    )


def _sharp(cord: Slice) -> Slice:
    """Remove faint values from a cord map; its edge, at 0.5, stays in place."""
    return np.asarray(np.clip(2 * cord - 0.5, 0, 1), np.float32)


def _offsets(size: int) -> Floats:
    return np.arange(size, dtype=np.float64) - (size - 1) / 2


def _turned(across: Floats, along: Floats, angle: float) -> tuple[Floats, Floats]:
    """Turn a vector (rows, columns) by an angle, from the columns towards the rows."""
    cosine, sine = np.cos(angle), np.sin(angle)
    return cosine * across + sine * along, cosine * along - sine * across
