"""Voxels in memory and where they lie."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scgm.errors import GeometryError

# The voxel axes must span a box, not a sheet: least volume, where right angles give 1.
_LEAST_SPAN = 1e-3


@dataclass(frozen=True, slots=True, eq=False)
class Geometry:
    """Where the voxels of a volume lie.

    Parameters
    ----------
    shape : tuple of int
        Number of voxels along i, j, k.
    affine : (4, 4) float64
        Multiplies the column (i, j, k, 1) from the left and gives the center of that voxel,
        (x, y, z, 1), in millimeters, RAS+ (x to the right, y to the front, z up).

    Raises
    ------
    GeometryError
        If the shape is not three positive numbers, or the affine places no volume: not (4, 4),
        not finite, last row not (0, 0, 0, 1), or axes that lie in one plane.
    """

    shape: tuple[int, int, int]
    affine: NDArray[np.float64]

    def __post_init__(self) -> None:
        if len(self.shape) != 3 or any(int(n) != n or n < 1 for n in self.shape):
            msg = f"a volume has three positive dimensions, not {self.shape}"
            raise GeometryError(msg)
        i, j, k = self.shape
        affine = read_only(self.affine, np.float64)
        problem = _affine_problem(affine)
        if problem:
            msg = f"the affine {problem}"
            raise GeometryError(msg)
        object.__setattr__(self, "shape", (int(i), int(j), int(k)))
        object.__setattr__(self, "affine", affine)

    @property
    def voxel_size_mm(self) -> tuple[float, float, float]:
        """Distances between neighboring voxels along i, j, k in mm."""
        i, j, k = np.linalg.norm(self.affine[:3, :3], axis=0).tolist()
        return i, j, k

    def pixel_area_mm2(self, slice_axis: int) -> float:
        """Return the area of one pixel of a slice in mm2.

        It is the area of the parallelogram that the two in-plane columns of the affine span, so it
        holds for a sheared grid, too.
        """
        first, second = (self.affine[:3, axis] for axis in range(3) if axis != slice_axis)
        return float(np.linalg.norm(np.cross(first, second)))

    def distance_mm(self, other: Geometry) -> float:
        """Return how far, at most, a voxel of *other* lies from the same voxel here, in mm.

        The two must have the same shape. The distance is largest at a corner of the grid.
        """
        corners = np.array([(*corner, 1) for corner in product(*((0, n - 1) for n in self.shape))])
        shifts = corners @ (self.affine - other.affine).T
        return float(np.linalg.norm(shifts[:, :3], axis=1).max())

    def matches(self, other: Geometry, *, tolerance_mm: float = 1e-3) -> bool:
        """Tell whether every voxel of *other* lies at the same place, to *tolerance_mm*."""
        return self.shape == other.shape and self.distance_mm(other) <= tolerance_mm


@dataclass(frozen=True, slots=True, eq=False)
class Volume:
    """A gray-value volume: what a scan shows, and where.

    Parameters
    ----------
    voxels : (i, j, k) float32
        Values, all finite. A read-only copy is kept, or the array itself if it is read-only.
    geometry : Geometry
        Where the voxels lie; its shape is that of *voxels*.
    source : Path, optional
        The file it was read from.
    header : object, optional
        Header of that file, for `scgm.io.nifti` alone.
    native_shape : tuple of int, optional
        Shape in the file: that of *voxels*, or (i, j) where a 2D image became one slice, or
        (i, j, 1, k) where the slices are volumes of a series.
    warnings : tuple of str
        What was odd about the file and what was done about it, one sentence each.
    missing : (i, j, k) bool, optional
        Voxels that have no value in the file: NaN, infinite, or padding. They can be no tissue.
    sha256 : str, optional
        Checksum of the bytes that were read.
    voxel_size_from : str, optional
        What gives the voxel size: "sform", "qform", "pixdim" or "dicom".
    slice_axis : int, optional
        Native axis of the axial slices where the user named it.
    unit : float
        What *voxels* are counted in: the values of the file are *voxels* times this power of two.
        It is 1 unless float32 could not hold the values.
    scan : object, optional
        The DICOM files that it was read from, for `scgm.io.dicom` alone.

    Raises
    ------
    GeometryError
        If the shapes do not fit, or a value is not finite.
    """

    voxels: NDArray[np.float32]
    geometry: Geometry
    source: Path | None = None
    header: object | None = None
    native_shape: tuple[int, ...] = ()
    warnings: tuple[str, ...] = ()
    missing: NDArray[np.bool_] | None = None
    sha256: str | None = None
    voxel_size_from: str | None = None
    slice_axis: int | None = None
    unit: float = 1.0
    scan: object | None = None

    def __post_init__(self) -> None:
        voxels = read_only(self.voxels, np.float32)
        shape = self.geometry.shape
        native_shape = tuple(self.native_shape) or shape
        if voxels.shape != shape or native_shape not in _shapes_in_file(shape):
            msg = f"voxels are {voxels.shape}, in the file {native_shape}, but the geometry {shape}"
            raise GeometryError(msg)
        # The smallest and the largest of all values, which NaN is whenever it is among them.
        if not np.isfinite((voxels.min(), voxels.max())).all():
            msg = "voxels of a volume must be finite numbers"
            raise GeometryError(msg)
        if self.missing is not None:
            if self.missing.shape != shape:
                msg = f"missing voxels are {self.missing.shape}, but the geometry {shape}"
                raise GeometryError(msg)
            object.__setattr__(self, "missing", read_only(self.missing, np.bool_))
        object.__setattr__(self, "voxels", voxels)
        object.__setattr__(self, "native_shape", native_shape)

    def __repr__(self) -> str:
        size = " x ".join(f"{mm:.4g}" for mm in self.geometry.voxel_size_mm)
        return f"<Volume {self.name}: {self.geometry.shape} voxels of {size} mm>"

    @property
    def name(self) -> str:
        """What messages call it: the path of its file, or "the image"."""
        return "the image" if self.source is None else str(self.source)


def read_only(values: NDArray[Any], dtype: type[np.generic]) -> NDArray[Any]:
    """Return an array that cannot be written to: a copy, unless *values* is one already."""
    if values.dtype == dtype and values.base is None and not values.flags.writeable:
        return values
    frozen = np.array(values, dtype=dtype, copy=True)
    frozen.setflags(write=False)
    return frozen


def _shapes_in_file(shape: tuple[int, int, int]) -> tuple[tuple[int, ...], ...]:
    """Return the shapes that a file can have: one slice may be 2D, slices may lie in time."""
    i, j, k = shape
    return (shape, (i, j, 1, k), *(((i, j),) if k == 1 else ()))


def _affine_problem(affine: NDArray[np.float64]) -> str | None:
    """Return why *affine* places no volume, or None if it does."""
    if affine.shape != (4, 4):
        return f"must be (4, 4), not {affine.shape}"
    if not np.isfinite(affine).all():
        return "holds NaN or infinity"
    if not np.array_equal(affine[3], (0, 0, 0, 1)):
        return f"must end with the row 0 0 0 1, not {affine[3]}"
    lengths = np.linalg.norm(affine[:3, :3], axis=0)
    if not lengths.all() or abs(np.linalg.det(affine[:3, :3] / lengths)) < _LEAST_SPAN:
        return "is singular: its axes do not span a volume"
    return None
