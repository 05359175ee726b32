"""Kapur's threshold: the one with the largest sum of the entropies of its two classes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Histogram = NDArray[np.int64]


def class_entropies(histogram: Histogram) -> NDArray[np.float64]:
    """Return the entropy of the bins up to each one plus that of the bins above it.

    With p the histogram's shares and P their sum over the bins up to t::

        H(t) = - sum_(i <= t) p_i/P ln(p_i/P) - sum_(i > t) p_i/(1-P) ln(p_i/(1-P))

    Kapur, Sahoo, Wong (1985).

    Parameters
    ----------
    histogram : (B,) int
        Counts, not all zero.

    Returns
    -------
    (B,) float64
        In nats; -inf where one class is empty.
    """
    counts = histogram.astype(np.float64)
    total = counts.sum()
    # sum(c/C ln(c/C)) = (sum c ln c)/C - ln C: running sums do for all thresholds at once.
    weighted = counts * np.log(np.maximum(counts, 1))
    below, weighted_below = counts.cumsum(), weighted.cumsum()
    above, weighted_above = total - below, weighted.sum() - weighted_below
    both = (below > 0) & (above > 0)
    below, above = np.where(both, below, 1), np.where(both, above, 1)
    entropies = np.log(below) - weighted_below / below + np.log(above) - weighted_above / above
    return np.asarray(np.where(both, entropies, -np.inf), np.float64)


def entropy_threshold(
    values: NDArray[np.floating], *, bins: int, share: tuple[float, float]
) -> float:
    """Return the threshold of largest entropy with a plausible share of values above it.

    Parameters
    ----------
    values : (N,) float
        Intensities; gray matter is the bright class.
    bins : int
        Of the histogram, between the 1st and the 99th percentile; values beyond are counted in the
        outermost bins.
    share : (least, most)
        Share of values above the threshold. Entropy alone may put it anywhere where the contrast
        is low.

    Returns
    -------
    float
        Gray matter is above it. Infinite where all values are the same or no threshold has such a
        share above it, so that nothing is marked.
    """
    if not values.size:
        return np.inf
    low, high = np.percentile(values, (1, 99))
    if not high > low:
        return np.inf
    histogram, edges = np.histogram(np.clip(values, low, high), bins, (low, high))
    above = 1 - histogram.cumsum() / histogram.sum()
    plausible = (above >= share[0]) & (above <= share[1])
    entropies = np.where(plausible, class_entropies(histogram), -np.inf)
    best = int(np.argmax(entropies))
    return float(edges[best + 1]) if np.isfinite(entropies[best]) else np.inf
