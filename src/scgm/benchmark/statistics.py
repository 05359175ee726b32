"""Is one method better than another on the same images? Pure functions on numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

# With fewer images no signed-rank test can reach 0.05: of five, 2 of 2^5 signs are as extreme.
FEWEST_IMAGES = 6
CONFIDENCE = 0.95
RESAMPLES = 10_000
SEED = 0

Values = Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One score of two methods, image by image: *first* less *second*.

    Parameters
    ----------
    first, second : str
        The methods.
    n : int
        Images on which both have the score as a finite number.
    mean, median : float
        Of the differences; NaN without any.
    low, high : float
        Ends of the 95 % bootstrap interval of the mean; NaN for fewer than two images.
    p : float
        Of the Wilcoxon signed-rank test, two-sided; NaN without images.
    p_holm : float
        The same, corrected by Holm for the number of pairs that were compared.
    """

    first: str
    second: str
    n: int
    mean: float
    median: float
    low: float
    high: float
    p: float
    p_holm: float

    @property
    def informative(self) -> bool:
        """Whether there are enough images for the test to say anything."""
        return self.n >= FEWEST_IMAGES


def compare_methods(scores: Mapping[str, Values]) -> list[Difference]:
    """Compare every pair of methods by one score.

    Parameters
    ----------
    scores : mapping of str to mapping of str to float
        By method: the score of each image, by the image's name. An image counts for a pair where
        both methods have a finite score of it.

    Returns
    -------
    list of Difference
        One for each pair, in the order of the methods.
    """
    pairs = [_compare(first, second, scores) for first, second in combinations(scores, 2)]
    corrected = holm([pair.p for pair in pairs])
    return [replace(pair, p_holm=p) for pair, p in zip(pairs, corrected, strict=True)]


def _compare(first: str, second: str, scores: Mapping[str, Values]) -> Difference:
    a, b = scores[first], scores[second]
    differences = np.array(
        [
            a[image] - b[image]
            for image in a
            if image in b and math.isfinite(a[image]) and math.isfinite(b[image])
        ]
    )
    low, high = bootstrap_interval(differences)
    return Difference(
        first=first,
        second=second,
        n=len(differences),
        mean=float(differences.mean()) if differences.size else math.nan,
        median=float(np.median(differences)) if differences.size else math.nan,
        low=low,
        high=high,
        p=signed_rank_p(differences),
        p_holm=math.nan,
    )


def bootstrap_interval(values: NDArray[np.float64] | Sequence[float]) -> tuple[float, float]:
    """Return the 95 % percentile bootstrap interval of the mean, always the same for the same.

    NaN for fewer than two values, which say nothing of their spread.
    """
    drawn_from = np.asarray(values, np.float64)
    if drawn_from.size < 2:
        return math.nan, math.nan
    draws = np.random.default_rng(SEED).integers(drawn_from.size, size=(RESAMPLES, drawn_from.size))
    tail = 100 * (1 - CONFIDENCE) / 2
    low, high = np.percentile(drawn_from[draws].mean(axis=1), (tail, 100 - tail))
    return float(low), float(high)


def signed_rank_p(differences: NDArray[np.float64] | Sequence[float]) -> float:
    """Return the two-sided p of Wilcoxon's signed-rank test.

    Images on which both are equal are left out, as Wilcoxon does. If they all are, p is 1; without
    any image it is NaN.

    References
    ----------
    Wilcoxon F. Biometrics Bulletin 1(6), 80-83 (1945).
    """
    from scipy.stats import wilcoxon  # noqa: PLC0415  (slow to import, and of use here alone)

    values = np.asarray(differences, np.float64)
    unequal = values[values != 0]
    if not unequal.size:
        return 1.0 if values.size else math.nan
    return float(wilcoxon(unequal).pvalue)


def holm(p_values: Sequence[float]) -> list[float]:
    """Correct p values for their number, so that all of them together err in 5 % at 0.05.

    The smallest of m is multiplied by m, the next by m - 1, and so on; none ends above 1 or below
    one that was smaller before. NaN stays NaN and does not count.

    References
    ----------
    Holm S. Scandinavian Journal of Statistics 6(2), 65-70 (1979).
    """
    corrected = [math.nan] * len(p_values)
    order = sorted((p, index) for index, p in enumerate(p_values) if not math.isnan(p))
    highest = 0.0
    for rank, (p, index) in enumerate(order):
        highest = max(highest, min(1.0, (len(order) - rank) * p))
        corrected[index] = highest
    return corrected
