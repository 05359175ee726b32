"""Every cord brought to one outline: turned upright, then stretched column by column.

The common outline is an ellipse. Columns keep their order and are only moved and stretched, so the
way back is known exactly and nothing is folded.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Floats = NDArray[np.float64]
Slice = NDArray[np.float32]

# Half axes of the common outline: a cervical cord 13 mm wide and 8.4 mm high.
HALF_WIDTH_MM, HALF_HEIGHT_MM = 6.5, 4.2
LEAST_ELONGATION = 1.15  # a cord that is nearly round has no direction
MOST_TURN = np.deg2rad(25)
# Columns near the ends of the cord have no reliable height: stretching stays within these.
LEAST_STRETCH, MOST_STRETCH = 0.5, 1.6
SMOOTH_MM = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class Alignment:
    """The way from a slice (n, n) to the common space (n, n), and back; lengths in samples.

    Parameters
    ----------
    middle : (2,) float64
        Row and column of the cord's center in the slice.
    turn : float
        Angle in radians of the cord's longer axis, from the columns towards the rows.
    width : float
        Width of the cord over that of the common outline.
    mid, stretch : (n,) float64
        For each column of the common space: how far the middle of the cord's column lies off the
        center, and its height over that of the common outline.
    """

    middle: Floats
    turn: float
    width: float
    mid: Floats
    stretch: Floats

    def to_common(self, values: Slice) -> Slice:
        """Bring a slice to the common space by linear interpolation."""
        size = len(self.mid)
        rows, columns = np.indices((size, size)) - (size - 1) / 2
        across = rows * self.stretch + self.mid
        row, column = _turned(across, columns * self.width, self.turn)
        return _at(values, row + self.middle[0], column + self.middle[1])

    def from_common(self, values: Slice) -> Slice:
        """Bring a map of the common space to the slice by linear interpolation."""
        size = len(self.mid)
        rows, columns = np.indices((size, size))
        across, along = _turned(rows - self.middle[0], columns - self.middle[1], -self.turn)
        column = along / self.width + (size - 1) / 2
        index = np.arange(size)
        mid, stretch = np.interp(column, index, self.mid), np.interp(column, index, self.stretch)
        return _at(values, (across - mid) / stretch + (size - 1) / 2, column)


def align(cord: NDArray[np.bool_], pixel_mm: float) -> Alignment:
    """Find how the cord of a slice (n, n) lies and is shaped; at least one sample is cord."""
    size = len(cord)
    place = np.argwhere(cord).astype(np.float64)
    middle = place.mean(axis=0)
    turn = _axis(place - middle)
    rows, aside = (place - middle).T
    across, along = _turned(rows, aside, -turn)
    half_width = np.quantile(np.abs(along), 0.98) + 0.5
    width = float(half_width * pixel_mm / HALF_WIDTH_MM)
    columns = np.arange(size, dtype=np.float64) - (size - 1) / 2
    low, high = _profile(along / width, across, columns)
    outline = np.sqrt(np.maximum(1 - (columns * pixel_mm / HALF_WIDTH_MM) ** 2, 0.05))
    sigma = SMOOTH_MM / pixel_mm
    stretch = (high - low) / 2 / (HALF_HEIGHT_MM / pixel_mm * outline)
    stretch = ndimage.gaussian_filter1d(stretch, sigma, mode="nearest")
    mid = ndimage.gaussian_filter1d((high + low) / 2, sigma, mode="nearest")
    return Alignment(middle, turn, width, mid, np.clip(stretch, LEAST_STRETCH, MOST_STRETCH))


def _axis(place: Floats) -> float:
    """Return the angle of the longer axis of places (N, 2) around 0; 0 if they have none."""
    moments = place.T @ place / len(place) + np.eye(2) / 12  # 1/12: of a sample in itself
    difference, mixed = moments[1, 1] - moments[0, 0], 2 * moments[0, 1]
    longer = np.hypot(difference, mixed)
    total = moments.trace()
    if (total + longer) / (total - longer) < LEAST_ELONGATION**2:
        return 0.0
    angle = float(0.5 * np.arctan2(mixed, difference))
    return angle if abs(angle) <= MOST_TURN else 0.0


def _turned(across: Floats, along: Floats, angle: float) -> tuple[Floats, Floats]:
    """Turn a vector (rows, columns) by an angle, from the columns towards the rows."""
    cosine, sine = np.cos(angle), np.sin(angle)
    return cosine * across + sine * along, cosine * along - sine * across


def _profile(along: Floats, across: Floats, columns: Floats) -> tuple[Floats, Floats]:
    """Return lowest and highest edge of the cord in each column, continued beyond its ends."""
    low, high = (np.full(len(columns), np.nan) for _ in range(2))
    nearest = np.clip(np.rint(along - columns[0]).astype(int), 0, len(columns) - 1)
    for index in np.unique(nearest):
        inside = across[nearest == index]
        low[index], high[index] = inside.min() - 0.5, inside.max() + 0.5
    known = np.flatnonzero(~np.isnan(low))
    every = np.arange(len(columns))
    return np.interp(every, known, low[known]), np.interp(every, known, high[known])


def _at(values: Slice, rows: Floats, columns: Floats) -> Slice:
    found = ndimage.map_coordinates(values.astype(np.float32), (rows, columns), order=1)
    return np.asarray(found, np.float32)
