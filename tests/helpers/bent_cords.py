"""Cords of ellipses, bent by a deformation that is known on paper, on any grid."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from scgm.measurement.levels import LevelKind, Levels
from scgm.measurement.masks import structures_from_masks
from scgm.registration.register import SegmentedCord
from tests.helpers.drawn_shapes import CORD, GRAY, Ellipse, Grid

Doubles = NDArray[np.float64]

FINE = Grid((112, 92, 6), (0.25, 0.25, 2.0))
COARSE = Grid((60, 50, 4), (0.5, 0.5, 3.0))


def places(grid: Grid) -> tuple[Doubles, Doubles]:
    """Return how far each voxel lies to the right and to the front of the middle, in mm."""
    steps = np.indices(grid.shape, np.float64)
    x, y = (steps[axis] * grid.size[axis] + grid.affine[axis, 3] for axis in (0, 1))
    return x, y


def bend(x: Doubles, y: Doubles, most_mm: float) -> tuple[Doubles, Doubles]:
    """Return the known displacement: waves of 16 and 20 mm."""
    return most_mm * np.sin(np.pi * y / 8 + 0.5), most_mm * np.cos(np.pi * x / 10 + 0.3)


def inside(ellipses: Sequence[Ellipse], x: Doubles, y: Doubles) -> NDArray[np.bool_]:
    """Tell which points lie in one of the ellipses."""
    found = [((x - e.x) / e.half_x) ** 2 + ((y - e.y) / e.half_y) ** 2 <= 1 for e in ellipses]
    return np.asarray(np.any(found, axis=0))


def bent_cord(
    grid: Grid, bent_mm: float = 0, name: str = "cord", levels: Sequence[str | None] | None = None
) -> SegmentedCord:
    """Return a cord whose point (x, y) is the point (x, y) + `bend` of the straight one."""
    x, y = places(grid)
    right, front = bend(x, y, bent_mm)
    gm, cord = (
        grid.volume(inside(what, x + right, y + front).astype(np.uint8)) for what in (GRAY, [CORD])
    )
    known = None if levels is None else Levels(tuple(levels), LevelKind.VERTEBRAL, "text file")
    return SegmentedCord(structures_from_masks(name, gm, cord), known)
