"""The cord's own frame in a slice: its center, and the axis about which it is symmetric."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates

from scgm.measurement.shape import Matrix, Outline

# How far a cord may be rotated in the slice.
MOST_DEG = 40.0

_COARSE_DEG, _FINE_DEG = 2.0, 0.25
# Of two equally good axes, that which is rotated less.
_PREFER_UPRIGHT = 0.1


@dataclass(frozen=True, slots=True, eq=False)
class Axis:
    """Frame of the cord in a slice.

    Parameters
    ----------
    center : (2,)
        Center of the cord in mm, as `Outline.points` has it.
    angle_deg : float
        Rotation of the frame: positive where the cord's right side lies in front.
    """

    center: Matrix
    angle_deg: float

    @property
    def right(self) -> Matrix:
        """Unit vector toward the right side of the cord."""
        angle = np.radians(self.angle_deg)
        return np.array([np.cos(angle), np.sin(angle)])

    @property
    def anterior(self) -> Matrix:
        """Unit vector toward the front of the cord."""
        x, y = self.right
        return np.array([-y, x])


def symmetry_axis(cord: Outline, others: Sequence[Outline] = ()) -> Axis:
    """Return the axis through the center of the cord about which the shapes mirror best.

    Parameters
    ----------
    cord : Outline
        The cord.
    others : sequence of Outline
        What has the same symmetry: the gray matter. All on the same pixels.
    """
    center = cord.center
    outlines = (cord, *others)

    def score(angle: float) -> float:
        # By area: a piece of gray matter on one side alone must not turn the axis to itself.
        overlap = sum(_mirrored_mm2(outline, Axis(center, angle)) for outline in outlines)
        return overlap / cord.area_mm2 - _PREFER_UPRIGHT * float(np.radians(angle)) ** 2

    around = np.arange(-MOST_DEG, MOST_DEG + _COARSE_DEG / 2, _COARSE_DEG)
    best = max(around, key=score)
    near = best + np.arange(-_COARSE_DEG, _COARSE_DEG + _FINE_DEG / 2, _FINE_DEG)
    scores = np.array([score(angle) for angle in near])
    return Axis(center, float(np.clip(_peak(near, scores), -MOST_DEG, MOST_DEG)))


def _mirrored_mm2(outline: Outline, axis: Axis) -> float:
    """Return how much of a shape lies on itself after it was mirrored at the axis."""
    points = outline.points - axis.center
    mirrored = points - 2 * np.outer(points @ axis.right, axis.right) + axis.center
    columns, rows = np.linalg.solve(outline.to_mm, mirrored.T)
    values = map_coordinates(outline.mask.astype(np.float32), [rows, columns], order=1)
    return float(values.sum()) * outline.pixel_mm2


def _peak(angles: NDArray[np.float64], scores: NDArray[np.float64]) -> float:
    """Return the middle of what is as good as the best: overlaps of pixels are no smooth curve."""
    curve = np.polyfit(angles - angles.mean(), scores, 2)
    if curve[0] >= 0:
        return float(angles[scores.argmax()])
    top = float(-curve[1] / (2 * curve[0]) + angles.mean())
    return float(np.clip(top, angles[0], angles[-1]))
