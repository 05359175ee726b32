"""Which images of a set stand apart: robust z of what was measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean, median

# With fewer images, the spread of a set is a guess.
FEWEST = 5
OUTLIER_FROM = 3.5  # as Iglewicz and Hoaglin 1993 advise for this score
# One outlier in a set of equal values would have an endless score.
_MOST = 99.0

FEATURES: Mapping[str, str] = {
    "gm_area": "gray matter area",
    "cord_area": "cord area",
    "gm_ratio": "gray matter / cord",
    "cord_shape": "cord width / height",
    "gm_spread": "spread of gray matter",
    "confidence": "confidence",
    "contrast": "contrast to noise",
}
# Only low values of these are bad.
_LOW_ALONE = ("confidence", "contrast")


def robust_z(values: Sequence[float | None]) -> list[float | None]:
    """Return how far each value is from the median, in robust standard deviations.

    These are 1.4826 times the median distance from the median; where that is zero, 1.2533 times
    the mean distance (Iglewicz and Hoaglin 1993). With fewer than five values all are None.

    >>> robust_z([1.0, 2.0, 3.0, 4.0, 10.0])[-1]
    4.721
    """
    known = [value for value in values if value is not None]
    if len(known) < FEWEST:
        return [None] * len(values)
    middle = median(known)
    distances = [abs(value - middle) for value in known]
    scale = 1.4826 * median(distances) or 1.2533 * fmean(distances)
    return [None if value is None else _score(value - middle, scale) for value in values]


def outlier_scores(images: Sequence[Mapping[str, float | None]]) -> list[dict[str, float]]:
    """Return for each image the robust z of each feature that tells, among those of the set.

    Parameters
    ----------
    images : sequence of mappings
        For each image its `FEATURES`; None where one is not known.

    Returns
    -------
    list of dict
        Confidence and contrast above the median are left out: they are no fault.
    """
    scores: list[dict[str, float]] = [{} for _ in images]
    for name in FEATURES:
        for own, z in zip(scores, robust_z([image.get(name) for image in images]), strict=True):
            if z is not None and not (name in _LOW_ALONE and z > 0):
                own[name] = z
    return scores


def _score(distance: float, scale: float) -> float:
    if not distance:
        return 0.0
    z = distance / scale if scale else _MOST * distance
    return round(max(-_MOST, min(_MOST, z)), 3)
