"""Size and shape of a mask in one slice."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Outline:
    """The pixels of a mask in one slice, in mm.

    Parameters
    ----------
    mask : (Y, X) bool
        Not empty.
    to_mm : (2, 2)
        From steps in (column, row) to mm toward the patient's (right, front).
    """

    mask: NDArray[np.bool_]
    to_mm: Matrix

    @property
    def points(self) -> Matrix:
        """The middle of each pixel, (N, 2): mm to the right and to the front of pixel 0, 0."""
        rows, columns = np.nonzero(self.mask)
        return np.column_stack([columns, rows]) @ self.to_mm.T

    @property
    def pixel_mm2(self) -> float:
        """Area of a pixel."""
        return abs(float(np.linalg.det(self.to_mm)))

    @property
    def area_mm2(self) -> float:
        """Area of the mask."""
        return float(self.mask.sum()) * self.pixel_mm2

    @property
    def center(self) -> Matrix:
        """Center of gravity, (2,)."""
        center: Matrix = self.points.mean(axis=0)
        return center

    @property
    def spread(self) -> Matrix:
        """Second moments (2, 2) about the center in mm2; a pixel is a surface, not a point."""
        away = self.points - self.center
        return away.T @ away / len(away) + self.to_mm @ self.to_mm.T / 12

    @property
    def solidity(self) -> float | None:
        """Share of the convex hull that the mask fills; the same for any size of pixels."""
        from skimage.measure import regionprops  # noqa: PLC0415  (heavy)

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a line of pixels has no hull
            hull = float(regionprops(self.mask.astype(np.uint8))[0].area_convex)
        return float(self.mask.sum()) / hull if hull else None

    def extent(self, direction: Matrix) -> float:
        """Return how long it is along a unit vector, from edge to edge."""
        along = self.points @ direction
        return float(np.ptp(along) + np.abs(direction @ self.to_mm).sum())

    def diameter(self, direction: Matrix) -> float:
        """Return the width, along a unit vector, of the ellipse with the same second moments.

        It is four standard deviations of the pixels along that direction, so that of an ellipse
        is its axis.
        """
        return 4 * float(np.sqrt(direction @ self.spread @ direction))

    @property
    def eccentricity(self) -> float:
        """Eccentricity of the ellipse with the same second moments: 0 for a circle."""
        short, long = np.linalg.eigvalsh(self.spread)
        return float(np.sqrt(max(0.0, 1 - short / long)))

    @property
    def orientation_deg(self) -> float:
        """Angle of the long axis of that ellipse from right-left, from -90 to 90 degrees.

        It is positive where the right end lies in front.
        """
        (xx, xy), (_, yy) = self.spread
        return float(np.degrees(np.arctan2(2 * xy, xx - yy) / 2))
