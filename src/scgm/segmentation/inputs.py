"""What can be given as an image: a path, an image in memory, or an array."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scgm.errors import GeometryError, ImageReadError
from scgm.image.volume import Geometry, Volume
from scgm.io.read import (
    ReadOptions,
    labels_from_nibabel,
    read_labels,
    read_volume,
    volume_from_array,
    volume_from_nibabel,
)

_ONE_OF_THESE = (
    "give the path of a NIfTI file or a DICOM series, a nibabel image, or an array with spacing="
)


def as_volume(image: Any, reading: ReadOptions) -> Volume:
    """Return gray values of a path, a nibabel image or a `Volume`.

    Raises
    ------
    ImageReadError
        If it is anything else, or cannot be read.
    """
    if isinstance(image, Volume):
        return image
    if isinstance(image, str | Path):
        return read_volume(image, reading)
    _require_an_image(image)
    return volume_from_nibabel(image, reading)


def as_labels(image: Any, reading: ReadOptions) -> Volume:
    """Return labels of a path, a nibabel image or a `Volume`.

    Raises
    ------
    ImageReadError
        If it is anything else, or cannot be read.
    """
    if isinstance(image, Volume):
        return image
    if isinstance(image, str | Path):
        return read_labels(image, reading)
    _require_an_image(image)
    return labels_from_nibabel(image, reading)


def is_array(image: Any) -> bool:
    """Tell whether *image* is numbers without a place: an array, or lists of numbers."""
    return isinstance(image, np.ndarray | list | tuple)


def placed_array(values: Any, affine: ArrayLike | None, spacing: Sequence[float] | None) -> Volume:
    """Return a volume of an array (x, y, z) or (x, y), and where it lies.

    Parameters
    ----------
    values : array or nested lists of numbers
        Axial slices along the last axis, or a single slice.
    affine : (4, 4), optional
        Voxels to millimeters, as `nibabel` has it (RAS+).
    spacing : sequence of float, optional
        Size of a voxel in mm along the axes of the array, which go right, anterior and superior.

    Raises
    ------
    ImageReadError
        If the values are no image, or neither *affine* nor *spacing* is given, or both.
    """
    numbers = _numbers(values)
    if (affine is None) == (spacing is None):
        found = "no voxel size is given for it" if affine is None else "two voxel sizes are given"
        msg = f"the image is an array, and {found}; give either spacing=(x, y, z) in mm or affine="
        raise ImageReadError(msg)
    placed = _scaled(spacing, numbers.ndim) if affine is None else _checked(affine)
    return volume_from_array(numbers, placed)


def _checked(affine: ArrayLike) -> NDArray[np.float64]:
    """Return an affine that gives every voxel a place."""
    try:
        placed = np.asarray(affine, np.float64)
        Geometry((1, 1, 1), placed)
    except (TypeError, ValueError) as error:  # of what are no numbers, and of a wrong geometry
        found = str(error) if isinstance(error, GeometryError) else "the affine is no numbers"
        msg = f"{found}; give the (4, 4) array that leads from voxels to millimeters"
        raise ImageReadError(msg) from error
    return placed


def _numbers(values: Any) -> NDArray[Any]:
    if isinstance(values, np.ma.MaskedArray):  # what is masked has no value
        values = np.ma.filled(values.astype(np.float64), np.nan)
    try:
        array = np.asarray(values)
    except ValueError:  # lists of different lengths
        array = np.empty(0, object)
    if array.dtype.kind not in "iufb" or array.ndim not in (2, 3):
        what = f"{array.ndim} axes of type {array.dtype}" if array.size else "no even grid"
        msg = f"the image is an array with {what}, not 2 or 3 axes of numbers; {_ONE_OF_THESE}"
        raise ImageReadError(msg)
    return array


def _scaled(spacing: Sequence[float] | None, axes: int) -> NDArray[np.float64]:
    try:
        sizes = np.atleast_1d(np.asarray(spacing, np.float64))
    except (TypeError, ValueError):
        sizes = np.empty(0)
    if sizes.shape not in ((axes,), (3,)) or not (np.isfinite(sizes) & (sizes > 0)).all():
        msg = f"spacing={spacing} is not a voxel size; give {axes} numbers above 0, in mm"
        raise ImageReadError(msg)
    return np.diag([*sizes, *np.ones(4 - len(sizes))])


def _require_an_image(image: Any) -> None:
    if not (hasattr(image, "dataobj") and hasattr(image, "affine")):
        what = "None" if image is None else f"of type {type(image).__name__}"
        msg = f"the image is {what}; {_ONE_OF_THESE}"
        raise ImageReadError(msg)
