"""Scores of many cases in a few numbers."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from scgm.evaluation.metrics.case import CaseScores, Mode


@dataclass(frozen=True, slots=True)
class Statistic:
    """One score over many cases.

    Parameters
    ----------
    mean, std, median : float
        Over the cases; std with n - 1 in the denominator, NaN for a single case. A score that is
        infinite in one case makes the mean infinite and leaves no std.
    n : int
        Cases that have this score: all, less those where it is undefined (a distance where both
        masks are empty). A miss is not undefined.
    """

    mean: float
    std: float
    median: float
    n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """Scores of many cases, and of what they were taken.

    Parameters
    ----------
    mode : "2d" or "3d"
        How each case was scored.
    tolerance_mm : float
        Of the surface Dice.
    n, n_slices : int
        Cases, and slices of their references.
    n_missed, n_missed_slices : int
        Cases, and slices, in which the prediction found nothing of what the reference has. They are
        in every mean, with the worst score.
    n_false_slices, n_outside_slices : int
        Slices in which only the prediction has the structure, and all in which the reference has
        nothing. They are in no mean (see `scgm.evaluation.metrics.case`).
    n_false_ok_slices, n_false_flagged_slices : int or None
        The false slices by status; None where that of any case is not known.
    statistics : mapping of str to Statistic
        By the names of `scgm.evaluation.metrics.METRICS`.
    """

    mode: Mode
    tolerance_mm: float
    n: int
    n_slices: int
    n_missed: int
    n_missed_slices: int
    n_false_slices: int
    n_outside_slices: int
    n_false_ok_slices: int | None
    n_false_flagged_slices: int | None
    statistics: Mapping[str, Statistic]


def summarize(cases: Iterable[CaseScores]) -> Summary:
    """Summarize cases; each counts once, however many slices it has.

    Parameters
    ----------
    cases : iterable of CaseScores
        All scored in the same way. Where there are several raters, each comparison is a case.

    Raises
    ------
    ValueError
        If there are no cases, or they were scored in different ways (mode, tolerance).
    """
    rows = list(cases)
    if len({(case.mode, case.tolerance_mm) for case in rows}) != 1:
        msg = "a summary needs at least one case, and all of one mode and one tolerance"
        raise ValueError(msg)
    # In order of appearance; only some of the cases may have a probability map.
    names = dict.fromkeys(name for case in rows for name in case.values)
    return Summary(
        mode=rows[0].mode,
        tolerance_mm=rows[0].tolerance_mm,
        n=len(rows),
        n_slices=sum(case.n_slices for case in rows),
        n_missed=sum(case.missed for case in rows),
        n_missed_slices=sum(case.n_missed for case in rows),
        n_false_slices=sum(case.n_false for case in rows),
        n_outside_slices=sum(case.n_outside for case in rows),
        n_false_ok_slices=_sum(case.n_false_ok for case in rows),
        n_false_flagged_slices=_sum(case.n_false_flagged for case in rows),
        statistics={
            name: _statistic(case.values.get(name, math.nan) for case in rows) for name in names
        },
    )


def _sum(counts: Iterable[int | None]) -> int | None:
    """Add counts; None if one is not known."""
    listed = list(counts)
    known = [count for count in listed if count is not None]
    return sum(known) if len(known) == len(listed) else None


def _statistic(values: Iterable[float]) -> Statistic:
    defined = np.array([value for value in values if not math.isnan(value)])
    if not defined.size:
        return Statistic(math.nan, math.nan, math.nan, 0)
    finite = bool(np.isfinite(defined).all())
    std = float(np.std(defined, ddof=1)) if finite and defined.size > 1 else math.nan
    with np.errstate(invalid="ignore"):  # the middle of two infinite values
        median = float(np.median(defined))
    return Statistic(float(np.mean(defined)), std, median, int(defined.size))
