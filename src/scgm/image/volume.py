"""Voxels in memory and where they lie."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scgm.errors import GeometryError, ImageReadError

# The voxel axes must span a box, not a sheet: least volume, where right angles give 1.
_LEAST_SPAN = 1e-3

# A voxel this many times beyond nearly all others is a fault of the file, not tissue.
_OUTLIER_FACTOR = 100.0


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
        Values, all finite. A read-only copy is kept.
    geometry : Geometry
        Where the voxels lie; its shape is that of *voxels*.
    source : Path, optional
        The file it was read from.
    header : object, optional
        Header of that file, for `scgm.io.nifti.read` alone.
    native_shape : tuple of int, optional
        Shape in the file: that of *voxels*, or (i, j) where a 2D image became one slice.
    warnings : tuple of str
        What was odd about the file and what was done about it, one sentence each.
    missing : (i, j, k) bool, optional
        Voxels that have no value in the file: NaN, infinite, or padding. They can be no tissue.
    sha256 : str, optional
        Checksum of the bytes that were read.
    voxel_size_from : str, optional
        What gives the voxel size: "sform", "qform" or "pixdim".
    slice_axis : int, optional
        Native axis of the axial slices where the user named it.
    unit : float
        What *voxels* are counted in: the values of the file are *voxels* times this power of two.
        It is 1 unless float32 could not hold the values.

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

    def __post_init__(self) -> None:
        voxels = read_only(self.voxels, np.float32)
        shape = self.geometry.shape
        native_shape = tuple(self.native_shape) or shape
        if voxels.shape != shape or native_shape not in (shape, _flat(shape)):
            msg = f"voxels are {voxels.shape}, in the file {native_shape}, but the geometry {shape}"
            raise GeometryError(msg)
        if not np.isfinite(voxels).all():
            msg = "voxels of a volume must be finite numbers"
            raise GeometryError(msg)
        if self.missing is not None:
            if self.missing.shape != shape:
                msg = f"missing voxels are {self.missing.shape}, but the geometry {shape}"
                raise GeometryError(msg)
            object.__setattr__(self, "missing", read_only(self.missing, np.bool_))
        object.__setattr__(self, "voxels", voxels)
        object.__setattr__(self, "native_shape", native_shape)

    @property
    def name(self) -> str:
        """What messages call it: the path of its file, or "the image"."""
        return "the image" if self.source is None else str(self.source)


def read_only(values: NDArray[Any], dtype: type[np.generic]) -> NDArray[Any]:
    """Return a copy that cannot be written to."""
    frozen = np.array(values, dtype=dtype, copy=True)
    frozen.setflags(write=False)
    return frozen


def clean_values(values: NDArray[Any]) -> tuple[NDArray[np.float32], tuple[str, ...]]:
    """Replace values that cannot be measurements, and say so.

    A value more than 100 times beyond nearly all others is set to the level that nearly all stay
    below. A negative value that lies farther below 98 % of all values than these reach from end to
    end is set to the lowest of these: ratios, such as maps of magnetization transfer, have such
    voxels where they divide noise by noise. NaN, infinity and what float32 cannot hold are set to
    the value that 99 % of the others stay above.

    Parameters
    ----------
    values : array of numbers, any shape
        Values as read.

    Returns
    -------
    voxels : float32 array of the same shape
        Values, all finite.
    warnings : tuple of str
        One sentence for each kind of value that was replaced, with their number.

    Raises
    ------
    ImageReadError
        If no value is finite, or all are the same.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        voxels = values.astype(np.float32)
    finite = np.isfinite(voxels)
    if not finite.any():
        msg = "none of its voxels is a finite number; export the image again from its source"
        raise ImageReadError(msg)
    warnings = []
    level = _usual_level(voxels[finite])
    limit = min(_OUTLIER_FACTOR * level, float(np.finfo(np.float32).max))
    extreme = finite & (np.abs(voxels) > limit)
    if extreme.any():
        reached = float(np.abs(voxels[extreme]).max())
        voxels[extreme] = np.sign(voxels[extreme]) * np.float32(level)
        warnings.append(
            f"{_count(extreme)} far beyond all others (up to {reached:.3g}), clipped to {level:.6g}"
        )
    low, high = np.percentile(voxels[finite], (1, 99), method="lower").tolist()
    deep = finite & ~extreme & (voxels < min(0.0, low - (high - low)))
    if deep.any():
        reached = float(voxels[deep].min())
        voxels[deep] = low
        warnings.append(f"{_count(deep)} far below all others (to {reached:.3g}), set to {low:.6g}")
    lowest, highest = float(voxels[finite].min()), float(voxels[finite].max())
    if lowest == highest:
        msg = f"all of its voxels are {lowest:.6g}, so there is nothing to see; check the file"
        raise ImageReadError(msg)
    if not finite.all():
        voxels[~finite] = low
        warnings.append(f"{_count(~finite)} NaN or infinite, replaced by {low:.6g}")
    return voxels, tuple(warnings)


def _usual_level(values: NDArray[np.float32]) -> float:
    """Return the magnitude that all but 0.1 % (and all but three) of the non-zero values keep to.

    Zeros do not count, because in a mask nearly all values are zero.
    """
    magnitudes = np.abs(values[values != 0])
    rank = magnitudes.size - 1 - max(3, magnitudes.size // 1000)
    return float(np.partition(magnitudes, rank)[rank]) if rank >= 0 else float("inf")


def _count(where: NDArray[np.bool_]) -> str:
    count = int(np.count_nonzero(where))
    return "1 voxel is" if count == 1 else f"{count} voxels are"


def _flat(shape: tuple[int, int, int]) -> tuple[int, ...]:
    """Return the 2D shape that stands for *shape*, if it is one slice."""
    return shape[:2] if shape[2] == 1 else shape


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
