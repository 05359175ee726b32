"""Integers that were stored in too few bits: the brightest voxels are negative."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from scgm.errors import ImageReadError

# Ends of the range of the type that are looked at, as a share of the largest number.
_END = 0.1

# At either end there are this many different numbers, so they are neither padding nor spikes.
_LEAST_VALUES = 5

# The numbers go on from one end to the other: at most this many times as many at either.
_CONTINUED = 10

# There are this many times as many numbers at the lower end as closely below 0.
_FAR_FROM_ZERO = 3

_SAMPLE = 1 << 22


def require_unwrapped(numbers: NDArray[Any]) -> None:
    """Refuse numbers that look as if they had passed the largest one of their type.

    Numbers that pass the largest of a signed type go on at the smallest. So they are frequent at
    both ends of the range, but rare closely below 0, which no measurement is.

    Parameters
    ----------
    numbers : 1D array
        As stored, before any scaling.

    Raises
    ------
    ImageReadError
        If they look so.
    """
    if numbers.dtype.kind != "i" or numbers.dtype.itemsize > 2:
        return
    most = np.iinfo(numbers.dtype).max
    end = int(_END * most)
    part = numbers[:: -(-numbers.size // _SAMPLE) | 1]
    high, low = part[part > most - end], part[part < end - most]
    if min(np.unique(high).size, np.unique(low).size) < _LEAST_VALUES:
        return
    below_zero = np.count_nonzero((part < 0) & (part > -end))
    continued = max(high.size, low.size) <= _CONTINUED * min(high.size, low.size)
    if continued and low.size > _FAR_FROM_ZERO * below_zero:
        msg = (
            f"its brightest voxels are negative: values above {most} were stored as signed "
            f"{8 * numbers.dtype.itemsize}-bit integers; convert the image again, as unsigned "
            "integers or floating-point numbers"
        )
        raise ImageReadError(msg)
