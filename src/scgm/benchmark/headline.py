"""The headline figures of each method: mean over images, over subjects and over sites."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Literal, TypedDict

import numpy as np

from scgm.benchmark.scores import MODES, ScoredResult, by_image, by_subject, sites_of, subjects_of
from scgm.benchmark.statistics import FEWEST_FOR_INTERVAL, group_means, mean_interval
from scgm.benchmark.tables import TESTED, methods_of
from scgm.evaluation.metrics import Mode
from scgm.io.tables import table_text

Unit = Literal["image", "subject", "site"]

NO_INTERVAL = f"none below {FEWEST_FOR_INTERVAL} subjects or sites"
UNDEFINED = "undefined on all images"


@dataclass(frozen=True, slots=True, kw_only=True)
class Headline:
    """The mean of one score of one method over images, subjects or sites.

    Parameters
    ----------
    method, mode, score : str
        Of what it is.
    unit : "image", "subject" or "site"
        What counts once. An image has the mean of its raters, a subject that of its images, a
        site that of its subjects.
    n : int
        How many of them; those whose score is undefined do not count.
    mean : float
        Over them; NaN without any.
    low, high : float
        Ends of the 95 % interval, as from `mean_interval`.
    interval : str
        How it was made, or why there is none.
    """

    method: str
    mode: Mode
    score: str
    unit: Unit
    n: int
    mean: float
    low: float
    high: float
    interval: str


def headlines(comparisons: Sequence[ScoredResult]) -> list[Headline]:
    """Return the figures of all methods, ways of scoring and tested scores."""
    of_method = {
        name: [each for each in comparisons if each.result.job.label == name]
        for name in methods_of(comparisons)
    }
    return [
        Headline(method=method, mode=mode, score=score, unit=unit, **_figures(some))
        for mode in MODES
        if any(each.scores.mode == mode for each in comparisons)
        for score in TESTED
        for method, scored in of_method.items()
        for unit, some in _by_unit(scored, mode, score).items()
    ]


@dataclass(frozen=True, slots=True)
class _Values:
    """A value of each unit, the cluster of each, and how many of them are independent."""

    values: list[float]
    clusters: list[Hashable]
    independent: int


class _Figures(TypedDict):
    n: int
    mean: float
    low: float
    high: float
    interval: str


def _by_unit(comparisons: Sequence[ScoredResult], mode: Mode, score: str) -> dict[Unit, _Values]:
    """Return the values of images, subjects and sites; images are clustered like subjects."""
    subjects, sites = subjects_of(comparisons), sites_of(comparisons)
    images = _defined(by_image(comparisons, mode, score))
    people = _defined(by_subject(comparisons, mode, score))
    of_people: list[Hashable] = [sites[name] for name in people]
    places = group_means(list(people.values()), of_people)
    several = len(places) > 1
    of_images: list[Hashable] = [
        sites[subjects[name]] if several else subjects[name] for name in images
    ]
    return {
        "image": _Values(list(images.values()), of_images, len(people)),
        "subject": _Values(list(people.values()), of_people, len(people)),
        "site": _Values(list(places.values()), list(places), len(places)),
    }


def _defined(values: Mapping[str, float]) -> dict[str, float]:
    return {name: value for name, value in values.items() if not math.isnan(value)}


def _figures(some: _Values) -> _Figures:
    low = high = math.nan
    if not some.values:
        return {"n": 0, "mean": math.nan, "low": low, "high": high, "interval": UNDEFINED}
    if some.independent >= FEWEST_FOR_INTERVAL:
        low, high = mean_interval(some.values, some.clusters)
    n = len(some.values)
    how = "t, clustered" if 1 < len(set(some.clusters)) < n else "t"
    return {
        "n": n,
        "mean": float(np.mean(some.values)),
        "low": low,
        "high": high,
        "interval": NO_INTERVAL if math.isnan(low) else how,
    }


def headline_csv(found: Sequence[Headline]) -> str:
    """Return one row for each figure."""
    head = [field.name for field in fields(Headline)]
    return table_text(head, (list(asdict(each).values()) for each in found))
