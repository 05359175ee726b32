"""Mean squared error and peak signal-to-noise ratio of a map against its reference.

They come from image compression and say little about masks: of two masks, the mean squared error
is the share of pixels that differ, so it shrinks when more background is shown. They are here to
be compared with published numbers, never to rank methods.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scgm.errors import GeometryError
from scgm.evaluation.metrics.arrays import as_maps, as_mask, as_spacing

WINDOW_PIXELS = 200
WINDOW_SPACING_MM = 0.25


def mse(values: NDArray[Any], reference: NDArray[Any]) -> float:
    """Return the mean squared difference of two maps, or two masks, of the same shape.

    Raises
    ------
    GeometryError
        If the shapes differ.
    ValueError
        If a value is not finite.
    """
    found, true = as_maps(values, reference)
    return float(np.mean((found - true) ** 2))


def psnr_db(mean_squared_error: float, *, peak: float) -> float:
    """Return the peak signal-to-noise ratio in dB, 10 log10(peak^2 / MSE); inf for no error.

    Parameters
    ----------
    mean_squared_error : float
        As from `mse`, over how many pixels so ever: say how many when you report it.
    peak : float
        Largest possible value: 1 for masks and probabilities. Some published values of masks took
        255, which adds 48.13 dB: an MSE of 0.000425 is 33.716 dB with 1, 81.8469 dB with 255.

    Raises
    ------
    ValueError
        If the error is negative or the peak not positive.
    """
    if mean_squared_error < 0 or not peak > 0:
        msg = f"MSE must not be negative and peak positive, not {mean_squared_error} and {peak}"
        raise ValueError(msg)
    if mean_squared_error == 0:
        return math.inf
    return 10 * math.log10(peak**2 / mean_squared_error)


def paper_window(
    values: NDArray[Any], spacing_mm: Sequence[float], center: tuple[float, float]
) -> NDArray[Any]:
    """Resample a slice to the 200 x 200 pixels of 0.25 mm on which published networks worked.

    Linear interpolation, 0 outside of the slice. The edge of the window is moved, by at most half a
    pixel, onto the edge of a pixel: a slice of 0.25 mm is cropped and not interpolated, and a mask
    with pixels of 0.5 mm keeps its area.

    Parameters
    ----------
    values : (Y, X) array
        A map, or a mask (bool), which is cut at 0.5 again.
    spacing_mm : (row, column)
        Height and width of a pixel in mm.
    center : (row, column)
        Center of the window in pixels of *values*, as from `center_of` the reference.

    Returns
    -------
    (200, 200) array
        float64, or bool for a mask.

    Raises
    ------
    GeometryError
        If *values* is not 2D, the spacing does not fit, or the center is not finite.
    """
    found = np.asarray(values)
    if found.ndim != 2 or not all(math.isfinite(place) for place in center):
        msg = f"a window needs a 2D slice and a finite center, not {found.shape} and {center}"
        raise GeometryError(msg)
    window = np.asarray(found, np.float64)
    for axis, size in enumerate(as_spacing(spacing_mm, 2)):
        window = _resampled(window, WINDOW_SPACING_MM / size, center[axis], axis)
    return window >= 0.5 if found.dtype == np.bool_ else window


def _resampled(
    values: NDArray[np.float64], step: float, center: float, axis: int
) -> NDArray[np.float64]:
    """Sample one axis at the window's places, which lie *step* pixels apart."""
    # Pixel p reaches from p - 0.5 to p + 0.5.
    edge = round(center - step * WINDOW_PIXELS / 2 + 0.5) - 0.5
    places = edge + step * (np.arange(WINDOW_PIXELS) + 0.5)
    last = values.shape[axis] - 1
    inside = (places >= -0.5) & (places <= last + 0.5)
    nearest = places.clip(0, last)
    lower = np.floor(nearest).astype(int)
    upper = np.minimum(lower + 1, last)
    shape = [-1 if other == axis else 1 for other in range(values.ndim)]
    weight = (nearest - lower).reshape(shape)
    mixed = values.take(lower, axis) * (1 - weight) + values.take(upper, axis) * weight
    return np.where(inside.reshape(shape), mixed, 0.0)


def center_of(mask: NDArray[Any]) -> tuple[float, float]:
    """Return the center of mass (row, column) of a mask (Y, X) in pixels; NaN if it is empty."""
    points = np.argwhere(as_mask(mask))
    if not len(points):
        return math.nan, math.nan
    row, column = points.mean(axis=0).tolist()
    return row, column
