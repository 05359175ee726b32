"""Scores of what the methods found, against every rater; a failure is a miss in every slice."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from scgm.benchmark.plan import PlannedRun
from scgm.benchmark.runner import Outcome, Runner
from scgm.datasets import DataCase, reference_masks
from scgm.evaluation.consensus import CaseOptions, evaluate_pairs
from scgm.evaluation.metrics import METRICS, CaseScores, Mode, evaluate_case
from scgm.evaluation.metrics.calibration import Reliability, boundary_band, reliability
from scgm.image.orientation import AxialStack, to_axial
from scgm.io.read import read_volume

PRIMARY: Mode = "2d"
MODES: tuple[Mode, ...] = (PRIMARY, "3d")
# What is worst if nothing is right, whatever else is in the image: shares, and distances.
_OF_MISSES = tuple(
    metric.name
    for metric in METRICS
    if metric.unit == "mm"
    or (metric.unit == "" and metric.better == "high" and metric.name != "specificity")
)

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class RunResult:
    """A job and what came of it."""

    job: PlannedRun
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class ScoredResult:
    """One result against one rater, scored in one way."""

    result: RunResult
    rater: str
    scores: CaseScores


@dataclass(frozen=True, slots=True, kw_only=True)
class SliceArea:
    """One slice of one result against one rater.

    Parameters
    ----------
    result : RunResult
        Of which it is.
    rater : str
        Who drew the reference.
    z, native : int
        Index of the slice from inferior, and in the image as a viewer shows it.
    dice : float
        Of this slice.
    found_mm2 : float or None
        Area that the method marked; None, not zero, where it marked nothing.
    reference_mm2 : float
        Area that the rater drew.
    """

    result: RunResult
    rater: str
    z: int
    native: int
    dice: float
    found_mm2: float | None
    reference_mm2: float


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """What a method found: mask, probabilities if it has them, slices it does not flag."""

    mask: Mask
    soft: NDArray[np.float32] | None
    ok: NDArray[np.bool_] | None


@dataclass(frozen=True, slots=True, eq=False)
class CaseData:
    """An image with what each rater drew on it: gray matter, and the cord or None."""

    stack: AxialStack
    references: Mapping[str, tuple[Mask, Mask | None]]


def raters(case: DataCase) -> tuple[str, ...]:
    """Return who drew gray matter on an image."""
    return tuple(name for name, drawn in case.references.items() if drawn.gm)


def read_case(case: DataCase) -> CaseData:
    """Read an image and its references.

    Raises
    ------
    ScgmError
        If a file cannot be read, or a reference does not lie on the grid of the image.
    """
    stack = to_axial(read_volume(case.image))
    return CaseData(stack, {name: reference_masks(case, name, stack) for name in raters(case)})


def raters_of(cases: Iterable[DataCase]) -> dict[Mode, list[CaseScores]]:
    """Read all images and references, and compare each rater with each other one.

    Returns
    -------
    dict of Mode to list of CaseScores
        For each way of scoring, every pair of raters of every image, both ways round; empty where
        no image has more than one rater.

    Raises
    ------
    ScgmError
        As from `read_case`.
    """
    found: dict[Mode, list[CaseScores]] = {mode: [] for mode in MODES}
    for case in cases:
        data = read_case(case)
        drawn = {name: gm for name, (gm, _) in data.references.items()}
        for mode in MODES:
            found[mode] += evaluate_pairs(
                drawn, data.stack.spacing_mm, mode=mode, pixel_area_mm2=data.stack.pixel_area_mm2
            ).values()
    return found


def mask_only_methods(results: Iterable[RunResult]) -> set[str]:
    """Return the methods that gave masks, and never probabilities."""
    done = [result for result in results if not result.outcome.failed]
    soft = {result.job.label for result in done if not result.outcome.mask_only}
    return {result.job.label for result in done} - soft


def score_all(
    results: Sequence[RunResult], runner: Runner
) -> Iterator[tuple[list[ScoredResult], list[SliceArea]]]:
    """Score all results, image by image; yield comparisons and slices of each image."""
    mask_only = mask_only_methods(results)
    by_case: dict[str, list[RunResult]] = {}
    for result in results:
        by_case.setdefault(result.job.case.name, []).append(result)
    for of_case in by_case.values():
        data = read_case(of_case[0].job.case)
        comparisons: list[ScoredResult] = []
        slices: list[SliceArea] = []
        for result in of_case:
            found = _found(result, runner, data, with_soft=result.job.label not in mask_only)
            for rater in data.references:
                scored = _compare(result, data, rater, found)
                comparisons.extend(scored)
                slices.extend(_slice_areas(scored[0], data, found.mask))
        yield comparisons, slices


def band_reliability(results: Sequence[RunResult], runner: Runner) -> dict[str, Reliability]:
    """Return how often pixels of each probability are gray matter, by method.

    Pixels in the boundary band of all images and raters are taken together. Methods that give no
    probabilities, and images on which one failed, are left out.
    """
    mask_only = mask_only_methods(results)
    pixels: dict[str, list[NDArray[np.float64]]] = {}
    for result in results:
        if result.outcome.failed or result.job.label in mask_only:
            continue
        mask, soft = runner.masks(result.outcome)
        for gm, _ in read_case(result.job.case).references.values():
            band = boundary_band(soft, mask, gm)
            both = np.stack([soft[band], gm[band]]).astype(np.float64)
            pixels.setdefault(result.job.label, []).append(both)
    joined = {name: np.concatenate(some, axis=1) for name, some in pixels.items()}
    return {name: reliability(*both) for name, both in joined.items()}


def _found(result: RunResult, runner: Runner, data: CaseData, *, with_soft: bool) -> Found:
    """Return what a method found: nothing at all where it failed."""
    shape = data.stack.slices.shape
    if result.outcome.failed:
        mask, soft = np.zeros(shape, np.bool_), np.zeros(shape, np.float32)
        ok: NDArray[np.bool_] | None = np.zeros(shape[0], np.bool_)
    else:
        mask, soft = runner.masks(result.outcome)
        ok = runner.ok_slices(result.outcome)
    return Found(mask, soft if with_soft else None, ok)


def _compare(result: RunResult, data: CaseData, rater: str, found: Found) -> list[ScoredResult]:
    """Score in every way, the primary one first.

    The cord is not told, drawn or not: calibration is looked at in one region on all images.
    """
    gm, _ = data.references[rater]
    spacing, pixel = data.stack.spacing_mm, data.stack.pixel_area_mm2

    def scored(mask: Mask, soft: NDArray[np.float32] | None) -> list[CaseScores]:
        options = (
            CaseOptions(mode=mode, soft=soft, pixel_area_mm2=pixel, ok=found.ok) for mode in MODES
        )
        return [evaluate_case(mask, gm, spacing, **each) for each in options]

    scores = scored(found.mask, found.soft)
    if result.outcome.failed and not gm.any():
        # Nothing and nothing agree, but nobody looked: as bad as if all were marked.
        everything = np.ones_like(gm)
        soft = None if found.soft is None else everything.astype(np.float32)
        scores = [_missed(*both) for both in zip(scores, scored(everything, soft), strict=True)]
    return [ScoredResult(result, rater, each) for each in scores]


def _missed(scores: CaseScores, worst: CaseScores) -> CaseScores:
    """Return scores with shares and distances of the worst there is."""
    of_misses = {name: worst.values[name] for name in _OF_MISSES if name in scores.values}
    return replace(scores, values={**scores.values, **of_misses})


def _slice_areas(comparison: ScoredResult, data: CaseData, mask: Mask) -> list[SliceArea]:
    """Return the slices that the rater marked."""
    gm, _ = data.references[comparison.rater]
    found, drawn = (each.sum(axis=(1, 2)) * data.stack.pixel_area_mm2 for each in (mask, gm))
    return [
        SliceArea(
            result=comparison.result,
            rater=comparison.rater,
            z=each.index,
            native=data.stack.native_index(each.index),
            dice=each.values["dice"],
            found_mm2=float(found[each.index]) if each.in_prediction else None,
            reference_mm2=float(drawn[each.index]),
        )
        for each in comparison.scores.slices
        if each.in_reference
    ]


def by_image(comparisons: Iterable[ScoredResult], mode: Mode, name: str) -> dict[str, float]:
    """Return one score of each image of one method: the mean over its raters.

    Raters with whom it is undefined are left out; NaN if it is with all.
    """
    values: dict[str, list[float]] = {}
    for each in comparisons:
        if each.scores.mode == mode:
            image = values.setdefault(each.result.job.case.name, [])
            image.append(each.scores.values.get(name, math.nan))
    return {image: _mean(of_image) for image, of_image in values.items()}


def by_subject(comparisons: Sequence[ScoredResult], mode: Mode, name: str) -> dict[str, float]:
    """Return one score of each subject of one method: the mean over its images.

    Images on which it is undefined are left out; NaN if it is on all.
    """
    subjects = subjects_of(comparisons)
    values: dict[str, list[float]] = {}
    for image, value in by_image(comparisons, mode, name).items():
        values.setdefault(subjects[image], []).append(value)
    return {subject: _mean(of_subject) for subject, of_subject in values.items()}


def _mean(values: Sequence[float]) -> float:
    defined = [value for value in values if not math.isnan(value)]
    return float(np.mean(defined)) if defined else math.nan


def subjects_of(comparisons: Iterable[ScoredResult]) -> dict[str, str]:
    """Return whom each image shows."""
    cases = (each.result.job.case for each in comparisons)
    return {case.name: case.subject for case in cases}


def sites_of(comparisons: Iterable[ScoredResult]) -> dict[str, str]:
    """Return where each subject was scanned; several sites of one subject are one more."""
    found: dict[str, set[str]] = {}
    for each in comparisons:
        found.setdefault(each.result.job.case.subject, set()).add(site_of(each))
    return {subject: " + ".join(sorted(sites)) for subject, sites in found.items()}


def site_of(comparison: ScoredResult) -> str:
    """Return the site of an image; "unknown" where the data set does not say it."""
    return comparison.result.job.case.site or "unknown"
