"""SimpleITK, which is installed only with the extra ``classical``, and its images."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scgm.errors import ModelError, missing_library

Floats = NDArray[np.float32]


def simpleitk(method: str = "this method") -> ModuleType:
    """Return SimpleITK for a method.

    Raises
    ------
    ModelError
        If it is not installed.
    """
    try:
        import SimpleITK  # noqa: PLC0415  (an extra, and slow to load)
    except ImportError as error:
        raise ModelError(missing_library(method, "SimpleITK", "classical")) from error
    return SimpleITK  # type: ignore[no-any-return]


def as_image(values: NDArray[Any], pixel_mm: float) -> Any:
    """Return a SimpleITK image whose origin is the middle of *values* (n, m)."""
    image = simpleitk().GetImageFromArray(values)
    image.SetSpacing([pixel_mm, pixel_mm])
    image.SetOrigin([-(side - 1) / 2 * pixel_mm for side in values.shape[::-1]])
    return image


def resampled(image: Any, grid: Any, transform: Any, outside: float = 0.0) -> Floats:
    """Return an image on the samples of *grid* by linear interpolation.

    *transform* leads from places in the grid to places in the image; beyond the image lies
    *outside*.
    """
    itk = simpleitk()
    moved = itk.Resample(image, grid, transform, itk.sitkLinear, outside, itk.sitkFloat32)
    return np.asarray(itk.GetArrayFromImage(moved), np.float32)
