"""Where the middle of a mask or of weights lies, slice by slice."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def centroids(weights: NDArray[Any]) -> NDArray[np.float32]:
    """Return row and column of the weighted middle of each slice.

    Parameters
    ----------
    weights : (Z, Y, X)
        A mask, or weights of at least 0.

    Returns
    -------
    (Z, 2) float32
        NaN in a slice whose weights are all 0.
    """
    total = weights.sum(axis=(1, 2))
    rows, columns = (np.arange(length) for length in weights.shape[1:])
    with np.errstate(invalid="ignore"):
        row = (weights.sum(axis=2) * rows).sum(axis=1) / total
        column = (weights.sum(axis=1) * columns).sum(axis=1) / total
    return np.stack([row, column], axis=1).astype(np.float32)
