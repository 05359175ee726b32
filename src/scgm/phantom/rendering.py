"""The share of every tissue in every voxel, from the tissues at points.

Tissues are counted at k x k x m points in every voxel: k so that the points are at most 0.125 mm
apart around the cord, m so that they are about 1.25 mm apart through the slice, along which the
anatomy changes slowly. The body further out is sampled more coarsely.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scgm.phantom.anatomy import Anatomy
from scgm.phantom.body import Body
from scgm.phantom.distortion import Distortion
from scgm.phantom.scene import Scene
from scgm.phantom.tissues import Tissue

_POINTS_AT_ONCE = 2**20
_WINDOW_MM = 12.0  # half of the square around the cord that is sampled finely

Fractions = NDArray[np.float32]
Range = tuple[int, int]  # first, and the one after the last


@dataclass(frozen=True, slots=True)
class _Points:
    """Distances of points in mm, and limits of their number along an edge of a voxel."""

    in_plane: float
    along: float
    limits: tuple[int, int]

    def along_edge(self, size_mm: float) -> int:
        """Return how many points lie side by side in a voxel of some size."""
        least, most = self.limits
        return min(max(math.ceil(size_mm / self.in_plane - 1e-6), least), most)

    def along_slice(self, thickness_mm: float) -> int:
        """Return how many planes of points lie in a slice of some thickness."""
        return max(1, round(thickness_mm / self.along))


_FINE = _Points(in_plane=0.125, along=1.25, limits=(2, 40))
_COARSE = _Points(in_plane=0.4, along=2.5, limits=(1, 4))


def tissue_fractions(
    anatomy: Anatomy,
    shape: tuple[int, int, int],
    spacing_mm: tuple[float, float, float],
    rng: np.random.Generator,
    distortion: Distortion | None = None,
) -> Iterator[Fractions]:
    """Yield the share of every tissue in every voxel, slice by slice from the lowest.

    Parameters
    ----------
    anatomy : Anatomy
        Anatomical parameters; the origin is the middle of the grid.
    shape : (slices, rows, columns)
        Size of the grid; rows go to the front, columns to the right.
    spacing_mm : (slice, row, column)
        Size of a voxel; slices touch each other.
    rng : numpy.random.Generator
        Source of random differences in the surroundings of the cord.
    distortion : Distortion, optional
        Where tissue appears in the image; by default where it is.

    Yields
    ------
    (tissues, rows, columns) float32
        Shares in the order of `Tissue`; they sum to 1 in every voxel.
    """
    scene = Scene(anatomy, Body.draw(anatomy.region, rng), distortion)
    for index in range(shape[0]):
        grid = _Slice(index - (shape[0] - 1) / 2, shape[1:], spacing_mm)
        yield grid.fractions(scene, cord=anatomy.shows_cord(index))


@dataclass(frozen=True, slots=True)
class _Slice:
    """The voxels of one slice; *height* counts slices from the middle of the stack."""

    height: float
    shape: tuple[int, int]
    spacing_mm: tuple[float, float, float]

    def fractions(self, scene: Scene, *, cord: bool) -> Fractions:
        """Count the tissues, finely around the cord and coarsely elsewhere."""
        center = scene.center_mm(self.height * self.spacing_mm[0])
        rows = self._range(center[1], axis=0)
        columns = self._range(center[0], axis=1)
        whole = (0, self.shape[0]), (0, self.shape[1])
        if (rows, columns) == whole:
            return self._counted(scene, *whole, _FINE, cord=cord)
        shares = self._counted(scene, *whole, _COARSE, cord=cord)
        if cord and rows[0] < rows[1] and columns[0] < columns[1]:
            fine = self._counted(scene, rows, columns, _FINE, cord=cord)
            shares[:, slice(*rows), slice(*columns)] = fine
        return shares

    def _range(self, middle_mm: float, axis: int) -> Range:
        """Return which rows or columns lie near the cord."""
        count, size = self.shape[axis], self.spacing_mm[axis + 1]
        first, stop = (
            min(max(round((middle_mm + side * _WINDOW_MM) / size + count / 2), 0), count)
            for side in (-1, 1)
        )
        return first, stop

    def _counted(
        self, scene: Scene, rows: Range, columns: Range, points: _Points, *, cord: bool
    ) -> Fractions:
        """Return the shares in a block of voxels, computed band by band to save memory."""
        per_row = (columns[1] - columns[0]) * math.prod(map(points.along_edge, self.spacing_mm[1:]))
        height = max(1, _POINTS_AT_ONCE // per_row)
        starts = range(rows[0], rows[1], height)
        bands = [(start, min(start + height, rows[1])) for start in starts]
        parts = [self._band(scene, band, columns, points, cord=cord) for band in bands]
        return np.concatenate(parts, axis=1)

    def _band(
        self, scene: Scene, rows: Range, columns: Range, points: _Points, *, cord: bool
    ) -> Fractions:
        down, across = map(points.along_edge, self.spacing_mm[1:])
        y = self._places(rows, down, axis=0)
        x = self._places(columns, across, axis=1)
        shape = rows[1] - rows[0], columns[1] - columns[0], len(Tissue)
        # The first bin of the voxel that a point lies in; the tissue says which bin from there.
        voxel = np.repeat(np.arange(shape[0]), down)[:, None] * shape[1]
        bins = (voxel + np.repeat(np.arange(shape[1]), across)) * len(Tissue)
        grid_x, grid_y = np.meshgrid(x, y)
        thickness = self.spacing_mm[0]
        planes = points.along_slice(thickness)
        counts = np.zeros(math.prod(shape), np.int64)
        for plane in range(planes):
            z_mm = (self.height + (plane + 0.5) / planes - 0.5) * thickness
            labels = scene.labels(grid_x, grid_y, z_mm, cord=cord)
            counts += np.bincount((bins + labels).ravel(), minlength=counts.size)
        shares = counts.reshape(shape) / (planes * down * across)
        return np.ascontiguousarray(shares.transpose(2, 0, 1), np.float32)

    def _places(self, chosen: Range, inside: int, axis: int) -> NDArray[np.float32]:
        """Return where points lie along rows or columns, so many in each voxel, in mm."""
        steps = np.arange(chosen[0] * inside, chosen[1] * inside)
        middle = self.shape[axis] / 2
        return np.asarray(((steps + 0.5) / inside - middle) * self.spacing_mm[axis + 1], np.float32)
