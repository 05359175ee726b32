"""Scores of probability maps: how near they are, and whether they mean what they say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import (
    binary_dilation,
    binary_erosion,
    distance_transform_edt,
    generate_binary_structure,
)

from scgm.evaluation.metrics.arrays import Mask, as_mask, as_probabilities, same_shape, share

BINS = 15
MARGIN_PX = 2
NEAR_MM = 3.0
UNSURE = (0.05, 0.95)


@dataclass(frozen=True, slots=True, eq=False)
class Reliability:
    """What a reliability diagram draws: pixels sorted into bins of equal width by probability.

    Parameters
    ----------
    count : (bins,) int
        Number of pixels; bin b holds probabilities from b / bins to below (b + 1) / bins, the last
        one 1, too.
    predicted, observed : (bins,) float
        Mean of their probabilities, and mean of the reference; NaN where there is no pixel.
    """

    count: NDArray[np.intp]
    predicted: NDArray[np.float64]
    observed: NDArray[np.float64]


def cord_region(cord: NDArray[Any]) -> Mask:
    """Return where calibration is looked at: the cord, grown by 2 pixels within each slice.

    Elsewhere nearly every pixel is surely background, which makes any map look well calibrated.

    Parameters
    ----------
    cord : (Y, X) or (Z, Y, X) mask
        bool, or numbers that are 0 or 1.

    Returns
    -------
    bool array of the same shape
        Every pixel whose center is at most 2 pixels from that of one in the cord.
    """
    mask = as_mask(cord)
    grown: Mask = binary_dilation(mask, _cross(mask), iterations=MARGIN_PX)
    return grown


def near_reference(reference: NDArray[Any], pixel_mm: Sequence[float]) -> Mask:
    """Return the pixels at most 3 mm from the reference, each slice by itself.

    The region depends on the reference alone: it is the same for every method, whether or not a
    cord was drawn. A slice without reference has no such pixel.

    Parameters
    ----------
    reference : (Y, X) or (Z, Y, X) mask
        bool, or numbers that are 0 or 1.
    pixel_mm : (row, column)
        Height and width of a pixel.
    """
    mask = as_mask(reference)
    near = np.zeros_like(mask)
    stack, out = (each.reshape(-1, *mask.shape[-2:]) for each in (mask, near))
    for z in np.flatnonzero(stack.any(axis=(1, 2))):
        out[z] = distance_transform_edt(~stack[z], sampling=tuple(pixel_mm)) <= NEAR_MM
    return near


def boundary_band(
    probability: NDArray[Any], prediction: NDArray[Any], reference: NDArray[Any]
) -> Mask:
    """Return where a probability can be wrong by much: the band around the two outlines.

    These are the pixels with 0.05 < p < 0.95, and those that touch the outline of the prediction
    or of the reference from inside or outside (sharing an edge with a pixel on the other side).
    Slices in which the reference has nothing are left out, if it has something in any other.

    Parameters
    ----------
    probability, prediction, reference : (Y, X) or (Z, Y, X) arrays of one shape
        Probabilities, and two masks.
    """
    predicted, true = as_mask(prediction), as_mask(reference)
    band: Mask = (np.asarray(probability) > UNSURE[0]) & (np.asarray(probability) < UNSURE[1])
    for mask in (predicted, true):
        cross = _cross(mask)
        band |= binary_dilation(mask, cross) & ~binary_erosion(mask, cross, border_value=1)
    if true.any():
        band &= true.any(axis=(-2, -1), keepdims=True)
    return band


def _cross(mask: Mask) -> Mask:
    """Return the pixel and its four neighbors within a slice."""
    return np.asarray(generate_binary_structure(2, 1).reshape((1,) * (mask.ndim - 2) + (3, 3)))


def brier(
    probability: NDArray[Any], reference: NDArray[Any], region: NDArray[Any] | None = None
) -> float:
    """Brier score: the mean squared difference of probability and truth; 0 is perfect.

    Parameters
    ----------
    probability : array
        From 0 to 1.
    reference : array of the same shape
        A mask, or the share of raters who marked a pixel, from 0 to 1.
    region : mask of the same shape, optional
        Pixels to look at, as from `cord_region`; by default all. An empty one gives NaN.

    Raises
    ------
    GeometryError
        If the shapes differ.
    ValueError
        If a value is not from 0 to 1.

    References
    ----------
    Brier, Monthly Weather Review 78(1), 1950.
    """
    predicted, true = _within(probability, reference, region)
    return float(np.mean((predicted - true) ** 2)) if true.size else float("nan")


def expected_calibration_error(
    probability: NDArray[Any], reference: NDArray[Any], region: NDArray[Any] | None = None
) -> float:
    """Return the expected calibration error: the mean gap of probability and frequency.

    Pixels are sorted into 15 bins of equal width; the gaps of the bins are weighted by their
    pixels; 0 is perfect. Parameters and errors as for `brier`.

    References
    ----------
    Naeini, Cooper, Hauskrecht, AAAI 2015.
    """
    bins = reliability(probability, reference, region)
    total = int(bins.count.sum())
    if not total:
        return float("nan")
    filled = bins.count > 0
    gaps = np.abs(bins.predicted - bins.observed)[filled]
    return float((bins.count[filled] * gaps).sum() / total)


def reliability(
    probability: NDArray[Any], reference: NDArray[Any], region: NDArray[Any] | None = None
) -> Reliability:
    """Sort pixels into 15 bins by probability; parameters and errors as for `brier`."""
    predicted, true = _within(probability, reference, region)
    places = np.minimum((predicted * BINS).astype(np.intp), BINS - 1)
    count = np.bincount(places, minlength=BINS)
    with np.errstate(invalid="ignore"):  # 0 / 0 in an empty bin
        means = [np.bincount(places, each, BINS) / count for each in (predicted, true)]
    return Reliability(count, *means)


def soft_dice(probability: NDArray[Any], reference: NDArray[Any]) -> float:
    """Soft Dice coefficient, 2 sum(p r) / (sum(p) + sum(r)), without a threshold.

    Parameters
    ----------
    probability, reference : arrays of one shape
        From 0 to 1: a mask, a probability map, or the mean of several raters' masks.

    Returns
    -------
    float
        From 0 to 1. It is 1 for equal masks, but below 1 for equal soft maps. 1 where both are all
        zero, 0 where one is.

    Raises
    ------
    GeometryError
        If the shapes differ.
    ValueError
        If a value is not from 0 to 1.
    """
    predicted, true = _within(probability, reference, None)
    return share(2 * float(predicted @ true), predicted.sum() + true.sum(), both_empty=True)


def _within(
    probability: NDArray[Any], reference: NDArray[Any], region: NDArray[Any] | None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return probabilities and truth (n,) of the pixels to look at."""
    maps = as_probabilities(probability, reference)
    if region is None:
        return maps[0].ravel(), maps[1].ravel()
    same_shape(region, reference)
    inside = as_mask(region)
    return maps[0][inside], maps[1][inside]
