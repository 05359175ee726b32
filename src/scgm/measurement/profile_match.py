"""Two scans of one cord brought together along it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from scgm.errors import GeometryError, UsageError
from scgm.measurement.levels import level_number, range_text
from scgm.measurement.profile import Profile

Values = NDArray[np.float64]

# A match is sure if no place further away than this fits nearly as well.
SURE_MM = 5.0
# How close a correlation must be to the best to be nearly as good, and how good a match must be.
_NEARLY, _LEAST_SURE, _LEAST = 0.05, 0.7, 0.3
# Of equally good matches, the one in which more of the cord is seen twice.
_PREFER_OVERLAP = 0.05
# In a shorter piece of cord, a wrong place can look surely right by chance.
_LEAST_SURE_SEEN_MM = 30.0
_SHIFT_STEP_MM, _SAMPLE_MM = 0.5, 1.0
_LEAST_SHARE, _LEAST_SLICES = 0.5, 3
# A cord whose area differs less than this along itself (SD over mean) shows no place.
_LEAST_VARIATION = 0.01
_LEAST_SPAN_MM = 20.0
_MOST_STRETCH = 0.15


@dataclass(frozen=True, slots=True)
class Match:
    """Where the slices of the second scan lie in the first: ``stretch * place + shift_mm``.

    Parameters
    ----------
    by : str
        "levels" or "profile".
    shift_mm, stretch : float
        From the second scan to the first.
    uncertainty_mm : float
        How far off the shift may be.
    correlation : float, optional
        How alike the profiles are there.
    sure : bool
        Whether rows by level can be relied on.
    """

    by: str
    shift_mm: float
    stretch: float
    uncertainty_mm: float
    correlation: float | None
    sure: bool

    def in_second(self, at_mm: Values) -> Values:
        """Return where places of the first scan lie in the second."""
        return (at_mm - self.shift_mm) / self.stretch


def match(first: Profile, second: Profile) -> Match:
    """Bring two scans together: by levels if both have them, else by what is seen of the cord.

    Raises
    ------
    GeometryError
        If they show no common level, or the profiles are not alike anywhere.
    UsageError
        If one has vertebral and the other spinal levels.
    """
    if first.levels is None or second.levels is None:
        return match_profiles(first, second)
    return match_levels(first, second)


def match_levels(first: Profile, second: Profile) -> Match:
    """Bring two scans together by the ends of their levels; shift, and stretch if two are known."""
    assert first.levels is not None
    assert second.levels is not None
    if first.levels.kind is not second.levels.kind:
        msg = (
            f"{first.name} has {first.levels.kind} levels and {second.name} {second.levels.kind} "
            "ones; give levels of one kind"
        )
        raise UsageError(msg)
    ends, middles = _landmarks(first, second)
    places = ends if len(ends) else middles
    if not len(places):
        shown = [
            range_text(sorted({name for name in levels.of_slice if name}), levels.kind) or "none"
            for levels in (first.levels, second.levels)
        ]
        msg = (
            f"{first.name} and {second.name} show no common level ({shown[0]} and {shown[1]}); "
            "check the levels, or leave them out"
        )
        raise GeometryError(msg)
    one, other = places.T
    stretch, shift = 1.0, float(np.mean(one - other))
    if len(ends) > 1 and np.ptp(other) >= _LEAST_SPAN_MM:
        stretch, shift = (float(value) for value in np.polyfit(other, one, 1))
    rest = float(np.abs(one - stretch * other - shift).max())
    uncertainty = max(rest, max(first.thickness_mm, second.thickness_mm) / 2)
    approximate = "approximate" in (first.levels.source, second.levels.source)
    sure = (
        len(ends) > 0 and not approximate and rest <= SURE_MM and abs(stretch - 1) <= _MOST_STRETCH
    )
    return Match("levels", shift, stretch, uncertainty, None, sure)


def _landmarks(first: Profile, second: Profile) -> tuple[Values, Values]:
    """Return places (N, 2) in both scans: ends between two levels, and middles of levels."""
    found = []
    for of in (_ends, _middles):
        one, other = dict(of(first)), dict(of(second))
        both = [(one[name], other[name]) for name in one if name in other]
        found.append(np.array(both, np.float64).reshape(-1, 2))
    return found[0], found[1]


def _ends(profile: Profile) -> Iterator[tuple[str, float]]:
    """Yield where one level ends and the next one begins."""
    levels, places = profile.levels, profile.positions_mm
    assert levels is not None
    for z, (lower, upper) in enumerate(pairwise(levels.of_slice)):
        if lower is None or upper is None:
            continue
        if level_number(lower, levels.kind) == level_number(upper, levels.kind) + 1:
            yield upper, float(places[z] + places[z + 1]) / 2


def _middles(profile: Profile) -> Iterator[tuple[str, float]]:
    levels = profile.levels
    assert levels is not None
    for name in dict.fromkeys(levels.of_slice):
        if name is not None:
            inside = [one == name for one in levels.of_slice]
            yield name, float(profile.positions_mm[inside].mean())


def match_profiles(first: Profile, second: Profile) -> Match:
    """Bring two scans together by a shift, at which areas and shape along the cord are most alike.

    Raises
    ------
    GeometryError
        If too few slices show the cord, or the profiles are not alike anywhere.
    """
    shifts = _shifts(first, second)
    scores = np.array([_score(first, second, shift) for shift in shifts])
    if not np.isfinite(scores).any() or np.nanmax(scores) < _LEAST:
        best = f"{np.nanmax(scores):.2f}" if np.isfinite(scores).any() else "none"
        msg = (
            f"{first.name} and {second.name}: they cannot be matched along the cord, since area "
            f"and shape do not tell the place (best correlation: {best}); give the levels of both"
        )
        raise GeometryError(msg)
    chosen = int(np.nanargmax(scores))
    nearly = shifts[scores >= scores[chosen] - _NEARLY]
    off = float(np.abs(nearly - shifts[chosen]).max())
    uncertainty = max(off, _SHIFT_STEP_MM)
    correlation = float(scores[chosen])
    shift = float(shifts[chosen])
    sure = (
        uncertainty <= SURE_MM
        and correlation >= _LEAST_SURE
        and _seen_twice_mm(first, second, shift) >= _LEAST_SURE_SEEN_MM
    )
    return Match("profile", shift, 1.0, uncertainty, correlation, sure)


def _seen_twice_mm(first: Profile, second: Profile, shift: float) -> float:
    low, high = first.ends_mm
    lower, upper = second.ends_mm
    return min(high, upper + shift) - max(low, lower + shift)


def _shifts(first: Profile, second: Profile) -> Values:
    """Return the shifts to try: those at which enough of the cord is seen twice."""
    low, high = first.ends_mm
    lower, upper = second.ends_mm
    thick = max(first.thickness_mm, second.thickness_mm)
    shorter = min(high - low, upper - lower)
    overlap = max(_LEAST_SHARE * shorter, _LEAST_SLICES * thick)
    least, most = low + overlap - upper, high - overlap - lower
    steps = np.arange(np.ceil(least / _SHIFT_STEP_MM), np.floor(most / _SHIFT_STEP_MM) + 1)
    return steps * _SHIFT_STEP_MM


def _score(first: Profile, second: Profile, shift: float) -> float:
    """Return how alike the profiles are at a shift: the mean correlation of all features."""
    low, high = first.ends_mm
    at = np.arange(low, high, _SAMPLE_MM)
    found, seen = [], 0.0
    for name in first.features.keys() & second.features.keys():
        one = first.sampled(first.features[name], at, to_ends=True)
        other = second.sampled(second.features[name], at - shift, to_ends=True)
        both = np.isfinite(one) & np.isfinite(other)
        seen = max(seen, float(both.sum()))
        if _varies(first.features[name]) and _varies(second.features[name]) and both.sum() > 3:
            found.append(_correlation(one[both], other[both]))
    if not found:
        return float("nan")
    lower, upper = second.ends_mm
    share = seen * _SAMPLE_MM / min(high - low, upper - lower)
    return float(np.mean(found)) - _PREFER_OVERLAP * (1 - min(share, 1.0))


def _varies(values: Values) -> bool:
    known = values[np.isfinite(values)]
    return len(known) > 1 and float(known.std() / known.mean()) >= _LEAST_VARIATION


def _correlation(one: Values, other: Values) -> float:
    one, other = one - one.mean(), other - other.mean()
    size = float(np.sqrt((one**2).sum() * (other**2).sum()))
    return float((one * other).sum() / size) if size > 0 else 0.0
