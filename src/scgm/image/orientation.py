"""From a volume to canonical axial slices, and back.

Every method sees the same picture: slices from inferior to superior, rows from posterior to
anterior, columns from left to right. The axes of the array are only permuted and flipped, so the
inverse is exact.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scgm.errors import GeometryError, ImageReadError
from scgm.image.grid import on_grid_of
from scgm.image.volume import Geometry, Volume

# Gray matter is 2 to 4 mm wide: larger pixels cannot show it.
MAX_PIXEL_MM = 2.0

_ROUNDING_MM = 1e-3

# Which world axes (R, A, S) take the roles of left-right, front-back and up-down where the slices
# lie along R, A or S: as pictures of a sagittal, coronal or axial scan are drawn.
_ROLES = ((1, 2, 0), (0, 2, 1), (0, 1, 2))

_MASK_FROM = 0.5


@dataclass(frozen=True, slots=True)
class AxisMap:
    """Which axis of a native array becomes Z, Y and X, and which of them run backwards.

    Parameters
    ----------
    order : tuple of int
        Native axis (0, 1, 2 for i, j, k) of Z, Y and X.
    flipped : tuple of bool
        Whether Z, Y and X run against their native axis.
    """

    order: tuple[int, int, int]
    flipped: tuple[bool, bool, bool]

    def to_stack(self, native: NDArray[Any]) -> NDArray[Any]:
        """Return a view (Z, Y, X) of a native array (i, j, k)."""
        return np.flip(native.transpose(self.order), self._backward)

    def to_native(self, stack: NDArray[Any]) -> NDArray[Any]:
        """Return a view (i, j, k) of an array (Z, Y, X): the inverse of `to_stack`."""
        return np.flip(stack, self._backward).transpose(np.argsort(self.order))

    @property
    def _backward(self) -> tuple[int, ...]:
        return tuple(axis for axis in range(3) if self.flipped[axis])


@dataclass(frozen=True, slots=True, eq=False)
class AxialStack:
    """Axial slices in canonical order: all that a method ever sees of an image.

    Parameters
    ----------
    slices : (Z, Y, X) float32
        Z inferior to superior, Y posterior to anterior, X left to right. Row 0 is the most
        posterior one: draw with ``origin="lower"`` to have anterior up.
    spacing_mm : tuple of float
        Distance between slices, height of a pixel (along Y) and its width (along X) in mm.
    geometry : Geometry
        Geometry of the native volume.
    axes : AxisMap
        How native axes become Z, Y, X and back.
    missing : (Z, Y, X) bool, optional
        Pixels that have no value in the image, so that they can be no tissue.
    """

    slices: NDArray[np.float32]
    spacing_mm: tuple[float, float, float]
    geometry: Geometry
    axes: AxisMap
    missing: NDArray[np.bool_] | None = None

    def __repr__(self) -> str:
        size = " x ".join(f"{mm:.4g}" for mm in self.spacing_mm)
        return f"<AxialStack: (slices, rows, columns) {self.slices.shape}, {size} mm>"

    @property
    def native_axis(self) -> int:
        """Axis of the native array (0, 1 or 2) along which the slices lie."""
        return self.axes.order[0]

    @property
    def pixel_area_mm2(self) -> float:
        """Area of one pixel of a slice, also on a sheared grid."""
        return self.geometry.pixel_area_mm2(self.native_axis)

    def native_index(self, z: int) -> int:
        """Return the index of slice *z* along `native_axis`, as a viewer shows it.

        Raises
        ------
        GeometryError
            If the stack has no slice *z*; slices are counted from 0.
        """
        count = self.slices.shape[0]
        if not 0 <= z < count:
            msg = f"there is no slice {z} in a stack of {count} slices (0 to {count - 1})"
            raise GeometryError(msg)
        return count - 1 - z if self.axes.flipped[0] else z

    def point_to_stack(self, x: float, y: float) -> tuple[float, float]:
        """Return (row, column) of a point that is given as a viewer shows it.

        Parameters
        ----------
        x, y : float
            Voxel coordinates along the two native in-plane axes, in the order of the file;
            whole numbers are centers of voxels, counted from 0.

        Raises
        ------
        GeometryError
            If the point lies outside of the slices.
        """
        size = dict(zip(self.axes.order, self.slices.shape, strict=True))
        first, second = self._in_plane_axes
        if not (-0.5 <= x <= size[first] - 0.5 and -0.5 <= y <= size[second] - 0.5):
            msg = (
                f"the point {x:g},{y:g} lies outside of the slices, which have {size[first]} x "
                f"{size[second]} voxels counted from 0; give it in voxels, not in mm"
            )
            raise GeometryError(msg)
        point = {first: x, second: y}
        row, column = (self._turned(axis, point[self.axes.order[axis]]) for axis in (1, 2))
        return row, column

    def point_to_native(self, row: float, column: float) -> tuple[float, float]:
        """Return the point (x, y) of the native slices: the inverse of `point_to_stack`."""
        point = {
            self.axes.order[axis]: self._turned(axis, value)
            for axis, value in ((1, row), (2, column))
        }
        first, second = self._in_plane_axes
        return point[first], point[second]

    @property
    def _in_plane_axes(self) -> tuple[int, int]:
        first, second = sorted(self.axes.order[1:])
        return first, second

    def _turned(self, axis: int, value: float) -> float:
        """Count *value* from the other end if that axis of the stack is flipped."""
        return self.slices.shape[axis] - 1 - value if self.axes.flipped[axis] else value


def to_axial(volume: Volume) -> AxialStack:
    """Reorder a volume, however it was acquired, into axial slices.

    Parameters
    ----------
    volume : Volume
        The scan. Sagittal and coronal ones become axial where their voxels are small enough.

    Returns
    -------
    AxialStack
        The same values in canonical order, without a copy; none is interpolated.

    Raises
    ------
    ImageReadError
        If an axial pixel is larger than 2 mm or a slice is a single line: gray matter cannot be
        seen.
    """
    axes = axis_map(volume.geometry.affine, volume.slice_axis)
    size = volume.geometry.voxel_size_mm
    depth, height, width = (size[axis] for axis in axes.order)
    slices = axes.to_stack(volume.voxels)
    if max(height, width) > MAX_PIXEL_MM + _ROUNDING_MM:
        msg = (
            f"{volume.name}: gray matter cannot be seen in axial pixels of {height:.3g} x "
            f"{width:.3g} mm (front-back x left-right); give a scan with axial slices and pixels "
            f"of at most {MAX_PIXEL_MM:g} mm{_other_axis(size, axes)}"
        )
        raise ImageReadError(msg)
    if min(slices.shape[1:]) < 2:
        msg = (
            f"{volume.name}: its axial slices have only {slices.shape[1]} x {slices.shape[2]} "
            "pixels (front-back x left-right); give a scan with whole axial slices"
        )
        raise ImageReadError(msg)
    slices.setflags(write=False)
    missing = None if volume.missing is None else axes.to_stack(volume.missing)
    return AxialStack(slices, (depth, height, width), volume.geometry, axes, missing)


def _other_axis(size: tuple[float, float, float], axes: AxisMap) -> str:
    """Name the axis along which slices would have small pixels, if the header may be wrong."""
    thickest = max(range(3), key=lambda axis: size[axis])
    small = all(size[axis] <= MAX_PIXEL_MM for axis in range(3) if axis != thickest)
    if thickest == axes.order[0] or not small:
        return ""
    return (
        f"; if the slices along {'ijk'[thickest]} are axial and the header is wrong, say "
        f"--slice-axis {'ijk'[thickest]}"
    )


def from_axial(stack: AxialStack, values: NDArray[Any]) -> NDArray[Any]:
    """Bring values on the pixels of a stack back to the order of the native volume.

    Parameters
    ----------
    stack : AxialStack
        The slices that *values* belong to.
    values : (Z, Y, X) array
        One value for each pixel, of any type.

    Returns
    -------
    (i, j, k) array
        A view of the same values, in the order of the native volume.

    Raises
    ------
    GeometryError
        If *values* does not have the shape of the stack.
    """
    if values.shape != stack.slices.shape:
        msg = f"values are {values.shape}, but the slices {stack.slices.shape}"
        raise GeometryError(msg)
    return stack.axes.to_native(values)


def stack_mask(stack: AxialStack, mask: Volume) -> tuple[NDArray[np.bool_], tuple[str, ...]]:
    """Bring a mask that was drawn on the same image to the pixels of a stack.

    Parameters
    ----------
    stack : AxialStack
        Slices of the image.
    mask : Volume
        The mask, on the grid of the image (`scgm.image.grid.on_grid_of`); values of at least 0.5
        are inside.

    Returns
    -------
    inside : (Z, Y, X) bool
        Whether a pixel lies in the mask.
    notes : tuple of str
        What differs between the two grids and does no harm, one sentence each.

    Raises
    ------
    GeometryError
        If the grids differ.
    ImageReadError
        If there are values above 0, but none reaches 0.5.
    """
    values, notes = on_grid_of(stack.geometry, mask)
    most = float(values.max())
    if 0 < most < _MASK_FROM:
        msg = (
            f"{mask.name}: its largest value is {most:.3g}, and voxels of a mask have at least "
            f"{_MASK_FROM:g}; give a mask of 0 and 1"
        )
        raise ImageReadError(msg)
    inside: NDArray[np.bool_] = np.ascontiguousarray(stack.axes.to_stack(values >= _MASK_FROM))
    return inside, notes


def axis_map(affine: NDArray[np.float64], slice_axis: int | None = None) -> AxisMap:
    """Find the order and the flips of voxel axes that come closest to Z, Y, X.

    Z is the voxel axis closest to inferior-superior; of the other two, Y and X are those that
    come closest together. Where two choices are equally close (a grid rotated by 45 degrees) the
    one that keeps more of the order i, j, k = X, Y, Z wins, so the result is always a permutation.

    Parameters
    ----------
    affine : (4, 4) float64
        Voxels to millimeters, RAS+, not singular.
    slice_axis : int, optional
        The voxel axis that is Z, whatever the affine says; pictures keep their upper side.

    Returns
    -------
    AxisMap
        How native axes become Z, Y, X.
    """
    linear = affine[:3, :3]
    cosines = linear / np.linalg.norm(linear, axis=0)  # (world axis, voxel axis)
    if slice_axis is not None:
        along = int(np.abs(cosines[:, slice_axis]).argmax())
        cosines = cosines[list(_ROLES[along])]

    def closeness(order: tuple[int, ...]) -> tuple[float, float]:
        z, y, x = order
        in_plane = abs(cosines[1, y]) + abs(cosines[0, x])
        # Rounded, so that noise in the last digit of a header does not decide a tie.
        return round(float(abs(cosines[2, z])), 6), round(float(in_plane), 6)

    # `max` takes the first of equals, and the first is the order (2, 1, 0).
    orders = (order for order in permutations((2, 1, 0)) if slice_axis in (None, order[0]))
    z, y, x = max(orders, key=closeness)
    flipped = (bool(cosines[2, z] < 0), bool(cosines[1, y] < 0), bool(cosines[0, x] < 0))
    return AxisMap((z, y, x), flipped)
