"""Cords of ellipses, whose sizes are known on paper, on any grid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scgm.image.volume import Geometry, Volume


@dataclass(frozen=True)
class Ellipse:
    """An ellipse in a slice: center (right, front) in mm from the cord's, and half axes."""

    x: float
    y: float
    half_x: float
    half_y: float

    @property
    def area(self) -> float:
        """Area in mm2."""
        return float(np.pi * self.half_x * self.half_y)


CORD = Ellipse(0, 0, 6.5, 4)
# Four horns and a bar between them; each horn has 2.36 mm2, the bar reaches into none of them.
HORNS = {
    "anterior_left": Ellipse(-2.4, 1.3, 1.0, 0.75),
    "anterior_right": Ellipse(2.4, 1.3, 1.0, 0.75),
    "posterior_left": Ellipse(-2.4, -1.3, 0.6, 1.25),
    "posterior_right": Ellipse(2.4, -1.3, 0.6, 1.25),
}
BAR = Ellipse(0, 0, 1.4, 0.4)
GRAY = (*HORNS.values(), BAR)


def shrunk(ellipse: Ellipse, share: float) -> Ellipse:
    """Return an ellipse of the same center whose area is smaller by a share."""
    factor = float(np.sqrt(1 - share))
    return Ellipse(ellipse.x, ellipse.y, ellipse.half_x * factor, ellipse.half_y * factor)


@dataclass(frozen=True)
class Grid:
    """A grid (i right, j front, k up) whose middle is the origin, and how the cord runs through it.

    *lean* is how far the cord moves to the right, and to the front, for each mm up; its cross
    section, seen along the cord, is the same everywhere. *turn_deg* rotates it in the slice.
    """

    shape: tuple[int, int, int] = (80, 60, 4)
    size: tuple[float, float, float] = (0.25, 0.25, 5.0)
    lean: tuple[float, float] = (0.0, 0.0)
    turn_deg: float = 0.0

    @property
    def affine(self) -> NDArray[np.float64]:
        """Voxels to millimeters, RAS+."""
        affine = np.diag([*self.size, 1.0])
        affine[:3, 3] = [-(n - 1) / 2 * mm for n, mm in zip(self.shape, self.size, strict=True)]
        return affine

    def mask(self, ellipses: Sequence[Ellipse]) -> NDArray[np.uint8]:
        """Return the voxels whose middle lies in one of the ellipses."""
        steps = np.indices(self.shape, np.float64)
        x, y, z = (steps[axis] * self.size[axis] + self.affine[axis, 3] for axis in range(3))
        x, y = x - self.lean[0] * z, y - self.lean[1] * z
        x, y = self._across(x, y)
        angle = np.radians(self.turn_deg)
        x, y = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
        inside = [((x - e.x) / e.half_x) ** 2 + ((y - e.y) / e.half_y) ** 2 <= 1 for e in ellipses]
        return np.asarray(np.any(inside, axis=0), np.uint8)

    def volume(self, values: NDArray[np.generic]) -> Volume:
        """Return values (i, j, k) as a volume on this grid."""
        return Volume(values.astype(np.float32), Geometry(self.shape, self.affine))

    def _across(
        self, x: NDArray[np.float64], y: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Project a place in the slice along the cord onto the plane across it."""
        steep = float(np.hypot(*self.lean))
        if steep == 0:
            return x, y
        ax, ay = self.lean[0] / steep, self.lean[1] / steep
        along = (x * ax + y * ay) * (1 - np.cos(np.arctan(steep)))
        return x - along * ax, y - along * ay
