"""The center line of the cord, smoothed, and how obliquely it crosses the slices."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scgm.image.centroid import centroids
from scgm.measurement.plane import Plane

# Standard deviation of the Gaussian by which neighbors count, along the cord.
SMOOTHING_MM = 10.0


@dataclass(frozen=True, slots=True)
class Crossing:
    """How the cord crosses a slice.

    Parameters
    ----------
    slope : (float, float)
        How far the center line moves to the patient's right, and to the front, for each mm up.
    """

    slope: tuple[float, float]

    @property
    def angle_deg(self) -> float:
        """Angle between the cord and the normal of the slice."""
        return float(np.degrees(np.arctan(np.hypot(*self.slope))))

    @property
    def angle_ap_deg(self) -> float:
        """The part of it about the antero-posterior axis: positive if it leans to the right."""
        return float(np.degrees(np.arctan(self.slope[0])))

    @property
    def angle_rl_deg(self) -> float:
        """The part of it about the right-left axis: positive if it leans to the front."""
        return float(np.degrees(np.arctan(self.slope[1])))

    @property
    def flattening(self) -> NDArray[np.float64]:
        """Matrix (2, 2) that turns an oblique cut through the cord into one across it."""
        steep = float(np.hypot(*self.slope))
        if steep == 0:
            return np.eye(2)
        lean = np.array(self.slope) / steep
        shorter = 1 - float(np.cos(np.arctan(steep)))
        matrix: NDArray[np.float64] = np.eye(2) - shorter * np.outer(lean, lean)
        return matrix


def crossings(
    mask: NDArray[np.bool_], usable: NDArray[np.bool_], plane: Plane
) -> list[Crossing | None]:
    """Return how the cord crosses each slice; None where it cannot be told.

    A line is fitted to the centers of the slices around, weighted by a Gaussian of `SMOOTHING_MM`
    (of the distance between slices if that is more).

    Parameters
    ----------
    mask : (Z, Y, X) bool
        The cord.
    usable : (Z,) bool
        Slices that show the whole cord.
    plane : Plane
        Where the slices lie.
    """
    found = np.flatnonzero(usable)
    if len(found) < 2:
        return [None] * len(usable)
    centers = centroids(mask[found]).astype(np.float64)
    x, y, s = plane.place(np.column_stack([centers[:, 1], centers[:, 0], found])).T
    width = max(SMOOTHING_MM, plane.distance_mm)
    lines: list[Crossing | None] = [None] * len(usable)
    for index, z in enumerate(found):
        # From this slice: beside its weight, that of slices far away would be lost in rounding.
        away = s - s[index]
        weight = np.exp(-0.5 * (away / width) ** 2)
        if np.count_nonzero(weight) > 1:
            right, front = (_slope(away, place - place[index], weight) for place in (x, y))
            lines[z] = Crossing((right, front))
    return lines


def _slope(s: NDArray[np.float64], x: NDArray[np.float64], weight: NDArray[np.float64]) -> float:
    """Return the slope of the weighted straight line through *x* over *s*."""
    away = s - np.average(s, weights=weight)
    return float((weight * away * x).sum() / (weight * away**2).sum())
