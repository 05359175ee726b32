"""Areas of masks, slice by slice, and how far they are off.

All take masks (..., Y, X) and return arrays (...): one value for each slice.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scgm.evaluation.metrics.arrays import as_mask, as_masks, as_spacing


def area_mm2(mask: NDArray[Any], pixel_mm: Sequence[float]) -> NDArray[np.float64]:
    """Return the area of a mask in mm2, slice by slice.

    Parameters
    ----------
    mask : (..., Y, X) mask
        bool, or numbers that are 0 or 1.
    pixel_mm : (row, column)
        Height and width of a pixel in mm.

    Raises
    ------
    GeometryError
        If *pixel_mm* is not two positive numbers.
    ValueError
        If a value is neither 0 nor 1.
    """
    height, width = as_spacing(pixel_mm, 2)
    pixels = as_mask(mask).sum(axis=(-2, -1), dtype=np.float64)
    area: NDArray[np.float64] = np.asarray(pixels * (height * width))
    return area


def area_error_mm2(
    prediction: NDArray[Any], reference: NDArray[Any], pixel_mm: Sequence[float]
) -> NDArray[np.float64]:
    """Return by how much the area is too large (or, negative, too small) in mm2.

    Parameters and errors as for `area_mm2`, and a GeometryError if the shapes differ.
    """
    predicted, true = as_masks(prediction, reference)
    return np.asarray(area_mm2(predicted, pixel_mm) - area_mm2(true, pixel_mm))


def area_error_percent(prediction: NDArray[Any], reference: NDArray[Any]) -> NDArray[np.float64]:
    """Return by how much the area is too large (or, negative, too small) in % of the reference's.

    A missed structure is -100; one that the reference does not have is inf; 0 where both are empty.
    Errors as for `area_error_mm2`.
    """
    predicted, true = (
        mask.sum(axis=(-2, -1), dtype=np.float64) for mask in as_masks(prediction, reference)
    )
    with np.errstate(divide="ignore", invalid="ignore"):  # see above
        error = 100 * (predicted - true) / true
    return np.where(predicted == true, 0.0, error)
