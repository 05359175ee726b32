"""What every metric asks of its arrays, and what holds where there is nothing to compare.

The rules for empty masks are here and nowhere else:

=============  ======================  ==================  ==================================
masks          shares (Dice, ...)      distances           why
=============  ======================  ==================  ==================================
both empty     1                       NaN                 they agree; no distance exists
one is empty   0 (conformity: -inf)    inf                 a miss is the worst score, and never
                                                           left out of a mean
=============  ======================  ==================  ==================================

`scgm.evaluation.metrics.case` puts the diagonal of the field of view in place of an infinite
distance, so that a mean over slices stays a number that a miss makes worse.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scgm.errors import GeometryError

Mask = NDArray[np.bool_]


def share(part: float, whole: float, *, both_empty: bool) -> float:
    """Return part / whole, or the rule for empty masks where *whole* is 0."""
    if whole == 0:
        return 1.0 if both_empty else 0.0
    return part / whole


def distance(
    there: NDArray[np.float64], back: NDArray[np.float64], statistic: Callable[[], Any]
) -> float:
    """Return a statistic of directed distances, or the rule for empty masks.

    Parameters
    ----------
    there, back : 1D arrays, mm
        One distance for each point of the one and of the other structure.
    statistic : function without arguments
        Called where both structures have points.
    """
    if there.size and back.size:
        return float(statistic())
    return math.inf if there.size or back.size else math.nan


def as_masks(prediction: NDArray[Any], reference: NDArray[Any]) -> tuple[Mask, Mask]:
    """Return both as bool arrays.

    Raises
    ------
    GeometryError
        If the shapes differ.
    ValueError
        If a value is neither 0 nor 1: labels and probabilities are for the caller to cut.
    """
    same_shape(prediction, reference)
    return as_mask(prediction), as_mask(reference)


def as_mask(values: NDArray[Any]) -> Mask:
    """Return an array of 0 and 1 as bool; anything else is a ValueError."""
    array = np.asarray(values)
    if array.dtype == np.bool_:
        return array
    mask: Mask = array == 1
    if not (mask | (array == 0)).all():
        msg = "a mask must hold only 0 and 1; choose a label or a threshold first"
        raise ValueError(msg)
    return mask


def as_maps(
    values: NDArray[Any], reference: NDArray[Any]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return two maps of shares or probabilities, or two masks, as float64.

    Raises
    ------
    GeometryError
        If the shapes differ.
    ValueError
        If a value is NaN or infinite.
    """
    same_shape(values, reference)
    maps = np.asarray(values, np.float64), np.asarray(reference, np.float64)
    if not all(np.isfinite(each).all() for each in maps):
        msg = "a map must hold finite numbers only"
        raise ValueError(msg)
    return maps


def as_probabilities(
    values: NDArray[Any], reference: NDArray[Any]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return two maps, as from `as_maps`; a ValueError if a value is not from 0 to 1."""
    maps = as_maps(values, reference)
    if any(each.size and (each.min() < 0 or each.max() > 1) for each in maps):
        msg = "probabilities and their reference must be from 0 to 1"
        raise ValueError(msg)
    return maps


def same_shape(one: NDArray[Any], other: NDArray[Any]) -> None:
    """Refuse arrays of different shape with a GeometryError."""
    if np.shape(one) != np.shape(other):
        msg = (
            f"arrays of the shapes {np.shape(one)} and {np.shape(other)} cannot be "
            "compared; bring both to one grid first"
        )
        raise GeometryError(msg)


def as_spacing(spacing_mm: Sequence[float], dimensions: int) -> tuple[float, ...]:
    """Return a spacing as floats, one for each dimension.

    Raises
    ------
    GeometryError
        If their number differs, or one is not a positive number.
    """
    spacing = tuple(float(size) for size in spacing_mm)
    if len(spacing) != dimensions or not all(0 < size < math.inf for size in spacing):
        msg = f"the spacing must be {dimensions} positive numbers in mm, not {spacing}"
        raise GeometryError(msg)
    return spacing
