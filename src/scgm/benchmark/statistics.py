"""Is one method better than another on the same subjects? Pure functions on numbers."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

# Below that, an interval of a mean says more of the method that made it than of the mean.
FEWEST_FOR_INTERVAL = 8
CONFIDENCE = 0.95
SIGNIFICANT = 0.05

Values = Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One score of two methods, subject by subject: *first* less *second*.

    Parameters
    ----------
    first, second : str
        The methods.
    n : int
        Subjects on which both have the score as a finite number.
    unequal : int
        Those of them on which it differs: the others have no part in the test.
    mean, median : float
        Of the differences; NaN without any.
    low, high : float
        Ends of the 95 % interval of the mean, as from `mean_interval`.
    p : float
        Of the Wilcoxon signed-rank test, two-sided; NaN without subjects.
    p_holm : float
        The same, corrected by Holm for the number of pairs that were compared.
    fewest : int
        Unequal subjects that it takes for the corrected p to reach 0.05, as from `fewest_units`.
    sites : int
        Number of sites of the subjects.
    site_mean : float
        Mean over the sites of the mean difference of each.
    """

    first: str
    second: str
    n: int
    unequal: int
    mean: float
    median: float
    low: float
    high: float
    p: float
    p_holm: float
    fewest: int
    sites: int
    site_mean: float

    @property
    def informative(self) -> bool:
        """Whether enough subjects differ for the test to say anything."""
        return self.unequal >= self.fewest


def compare_methods(scores: Mapping[str, Values], sites: Mapping[str, str]) -> list[Difference]:
    """Compare every pair of methods by one score.

    Parameters
    ----------
    scores : mapping of str to mapping of str to float
        By method: the score of each subject, by the subject's name. A subject counts for a pair
        where both methods have a finite score of it.
    sites : mapping of str to str
        The site of each subject.

    Returns
    -------
    list of Difference
        One for each pair, in the order of the methods.
    """
    pairs = [_compare(first, second, scores, sites) for first, second in combinations(scores, 2)]
    corrected = holm([pair.p for pair in pairs])
    fewest = fewest_units(sum(not math.isnan(pair.p) for pair in pairs))
    return [
        replace(pair, p_holm=p, fewest=fewest) for pair, p in zip(pairs, corrected, strict=True)
    ]


def _compare(
    first: str, second: str, scores: Mapping[str, Values], sites: Mapping[str, str]
) -> Difference:
    a, b = scores[first], scores[second]
    both = {
        unit: a[unit] - b[unit]
        for unit in a
        if unit in b and math.isfinite(a[unit]) and math.isfinite(b[unit])
    }
    differences = np.array(list(both.values()))
    where = [sites[unit] for unit in both]
    low, high = mean_interval(differences, where)
    by_site = group_means(differences, where)
    return Difference(
        first=first,
        second=second,
        n=len(both),
        unequal=int(np.count_nonzero(differences)),
        mean=float(differences.mean()) if both else math.nan,
        median=float(np.median(differences)) if both else math.nan,
        low=low,
        high=high,
        p=signed_rank_p(differences),
        p_holm=math.nan,
        fewest=0,
        sites=len(by_site),
        site_mean=float(np.mean(list(by_site.values()))) if both else math.nan,
    )


def fewest_units(comparisons: int) -> int:
    """Return how many subjects it takes for any of some comparisons to reach 0.05.

    If all n differences have one sign, 2 of 2^n ways are as extreme; Holm multiplies the smallest
    of m p values by m. So n must be large enough for m * 2 / 2^n <= 0.05: 6 for one comparison,
    11 for the 45 pairs of ten methods.
    """
    ways = math.ceil(round(2 * max(comparisons, 1) / SIGNIFICANT, 6))
    return (ways - 1).bit_length()


def mean_interval(
    values: NDArray[np.float64] | Sequence[float], clusters: Sequence[Hashable]
) -> tuple[float, float]:
    """Return the 95 % interval of the mean by Student's t; NaN for fewer than 8 values.

    Where the values come from several clusters, the standard error is that of clustered data, too
    (sums of the residuals of each cluster, times G / (G - 1) for G clusters, t with G - 1 degrees
    of freedom). The wider of both intervals counts: with few clusters the second can be narrow
    by chance.

    Parameters
    ----------
    values : sequence of float
        One for each subject.
    clusters : sequence
        The site of each.

    References
    ----------
    Liang K.-Y., Zeger S.L. Biometrika 73(1), 13-22 (1986).
    """
    each = np.asarray(values, np.float64)
    n = each.size
    if n < FEWEST_FOR_INTERVAL:
        return math.nan, math.nan
    mean = float(each.mean())
    half = _t(n - 1) * float(each.std(ddof=1)) / math.sqrt(n)
    sums = [n_of * (of - mean) for n_of, of in _sizes_and_means(each, clusters)]
    groups = len(sums)
    if groups > 1:
        error = math.sqrt(groups / (groups - 1) * sum(part**2 for part in sums)) / n
        half = max(half, _t(groups - 1) * error)
    return mean - half, mean + half


def group_means(
    values: NDArray[np.float64] | Sequence[float], groups: Sequence[Hashable]
) -> dict[Hashable, float]:
    """Return the mean of the values of each group, in the order in which they appear."""
    found: dict[Hashable, list[float]] = {}
    for value, group in zip(values, groups, strict=True):
        found.setdefault(group, []).append(float(value))
    return {group: float(np.mean(some)) for group, some in found.items()}


def _sizes_and_means(
    values: NDArray[np.float64], clusters: Sequence[Hashable]
) -> list[tuple[int, float]]:
    listed = list(clusters)
    means = group_means(values, listed)
    return [(listed.count(name), mean) for name, mean in means.items()]


def _t(degrees: int) -> float:
    """Return the quantile of Student's t that leaves half of 5 % above it."""
    from scipy.special import stdtrit  # noqa: PLC0415  (slow to import, and of use here alone)

    return float(stdtrit(degrees, (1 + CONFIDENCE) / 2))


def signed_rank_p(differences: NDArray[np.float64] | Sequence[float]) -> float:
    """Return the two-sided p of Wilcoxon's signed-rank test.

    Subjects on which both are equal are left out, as Wilcoxon does. If they all are, p is 1;
    without any subject it is NaN.

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
