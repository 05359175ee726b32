"""A displacement field: where each voxel of a grid comes from in another image."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates

from scgm.image.volume import Geometry

Doubles = NDArray[np.float64]
Floats = NDArray[np.float32]

# Voxels that come from nowhere are sent outside of every image.
NOWHERE_MM = 1e5

_ROUNDING = 1e-3

# A voxel has a value if at least this share of what it is interpolated from has one.
_LEAST_KNOWN = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Field:
    """Displacements on a box of a grid.

    Parameters
    ----------
    grid : Geometry
        The whole grid.
    start : tuple of int
        First voxel (i, j, k) of the box.
    displacement : (i, j, k, 3) float32
        In the box, mm in RAS+, from the voxel to the place in the other image; at least
        `NOWHERE_MM` where there is none.
    """

    grid: Geometry
    start: tuple[int, int, int]
    displacement: Floats

    @property
    def box(self) -> tuple[slice, slice, slice]:
        """The box in the whole grid."""
        shape = self.displacement.shape
        i, j, k = (slice(s, s + n) for s, n in zip(self.start, shape[:3], strict=True))
        return i, j, k

    @property
    def box_geometry(self) -> Geometry:
        """Where the voxels of the box lie."""
        affine = self.grid.affine.copy()
        affine[:3, 3] += affine[:3, :3] @ np.array(self.start)
        i, j, k = self.displacement.shape[:3]
        return Geometry((i, j, k), affine)

    @property
    def known(self) -> NDArray[np.bool_]:
        """Voxels (i, j, k) of the whole grid that have a place in the other image."""
        known = np.zeros(self.grid.shape, bool)
        known[self.box] = np.abs(self.displacement).max(axis=-1) < NOWHERE_MM / 2
        return known

    def places(self) -> Doubles:
        """Return the place (i, j, k, 3) in the other image of each voxel of the box, RAS+ mm."""
        affine = self.box_geometry.affine
        voxels = np.moveaxis(np.indices(self.displacement.shape[:3], np.float64), 0, -1)
        places: Doubles = voxels @ affine[:3, :3].T + affine[:3, 3] + self.displacement
        return places

    def bring(self, values: NDArray[np.generic], of: Geometry, *, labels: bool = False) -> Floats:
        """Bring values of the other image to the whole grid.

        Parameters
        ----------
        values : (i, j, k) array
            On the grid *of*; NaN where there is none.
        of : Geometry
            The other image's grid.
        labels : bool
            Take the nearest voxel; else interpolate linearly between the voxels with a value.

        Returns
        -------
        (i, j, k) float32
            NaN (0 for labels) where there is none: beyond the other image, or where most of what
            a voxel is interpolated from has none.
        """
        inverse = np.linalg.inv(of.affine)
        index = np.moveaxis(self.places() @ inverse[:3, :3].T + inverse[:3, 3], -1, 0)
        last = np.array(of.shape)[:, None, None, None] - 1
        inside = ((index > -0.5 - _ROUNDING) & (index < last + 0.5 + _ROUNDING)).all(axis=0)
        index = np.clip(index, 0, last)
        given = np.asarray(values, np.float32)
        brought = _nearest(given, index) if labels else _interpolated(given, index)
        nothing = np.float32(0 if labels else np.nan)
        whole = np.full(self.grid.shape, nothing)
        whole[self.box] = np.where(inside, brought, nothing)
        return whole


def _nearest(values: Floats, index: Doubles) -> Floats:
    return np.asarray(map_coordinates(values, index, order=0, mode="nearest"))


def _interpolated(values: Floats, index: Doubles) -> Floats:
    """Interpolate linearly between voxels with a value; NaN where most have none."""
    there = ~np.isnan(values)
    total, known = (
        np.asarray(map_coordinates(each, index, order=1, mode="nearest"))
        for each in (np.where(there, values, np.float32(0)), there.astype(np.float32))
    )
    enough = known >= _LEAST_KNOWN - _ROUNDING
    found: Floats = np.divide(total, known, out=np.full_like(total, np.nan), where=enough)
    return found
