"""Distortion of echo planar images: an uneven field moves the signal along one axis."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scgm.phantom.shapes import Plane

MOST_DISTORTED = 0.4  # up to here no two places appear at the same point

_WAVES = 3
_ITERATIONS = 30
_LENGTHS_MM = (25.0, 60.0)  # of the waves within a slice: vertebrae, discs and lungs make them


@dataclass(frozen=True, slots=True, eq=False)
class Distortion:
    """Waves of displacement along the rows' direction, in mm and radians.

    A point of the image shows the tissue that lies `shift_mm` further to the front. Where places
    are squeezed together, their signals add up: `brightness` is by how much.

    Parameters
    ----------
    height_mm : (waves,) float
        Largest displacement by each wave.
    per_mm : (waves, 3) float
        Phase of each wave for each mm to the right, to the front and up.
    phase : (waves,) float
        Phase of each wave at the origin.
    """

    height_mm: NDArray[np.float64]
    per_mm: NDArray[np.float64]
    phase: NDArray[np.float64]

    @classmethod
    def draw(cls, amount: float, rng: np.random.Generator) -> Distortion:
        """Draw one by which lengths change by *amount*, as a standard deviation; 0 for none."""
        angle = rng.uniform(-math.pi / 4, math.pi / 4, _WAVES)  # more along the rows than across
        per_mm = 2 * math.pi / rng.uniform(*_LENGTHS_MM, _WAVES)
        along = 2 * math.pi / rng.uniform(*_LENGTHS_MM, _WAVES)
        directions = np.stack([per_mm * np.sin(angle), per_mm * np.cos(angle), along], axis=1)
        height = amount * math.sqrt(2 / _WAVES) / directions[:, 1]
        return cls(height, directions, rng.uniform(0, 2 * math.pi, _WAVES))

    def shift_mm(self, x: Plane, y: Plane, z_mm: float) -> Plane:
        """Return how far to the front of the points (x, y) of the image their tissue lies."""
        waves = (
            h * np.sin(p) for h, p in zip(self.height_mm, self._phases(x, y, z_mm), strict=True)
        )
        return np.asarray(sum(waves), np.float32)

    def brightness(self, x: Plane, y: Plane, z_mm: float) -> Plane:
        """Return the factor of the signal at the points (x, y) of the image."""
        slopes = self.height_mm * self.per_mm[:, 1]
        waves = (s * np.cos(p) for s, p in zip(slopes, self._phases(x, y, z_mm), strict=True))
        return np.asarray(1 + sum(waves), np.float32)

    def seen_at(self, place: tuple[float, float], z_mm: float) -> tuple[float, float]:
        """Return the point of the image that shows the tissue at a place."""
        x, shown = (np.full(1, each, np.float32) for each in place)
        y = shown
        for _ in range(_ITERATIONS):  # each brings it nearer, as nothing is folded
            y = shown - self.shift_mm(x, y, z_mm)
        return place[0], float(y[0])

    def _phases(self, x: Plane, y: Plane, z_mm: float) -> list[Plane]:
        return [
            np.asarray(right * x + front * y + (up * z_mm + start), np.float32)
            for (right, front, up), start in zip(self.per_mm, self.phase, strict=True)
        ]
