"""Do the probabilities of gray matter mean what they say? ``python -m experiments.calibration``.

A correction p -> sigmoid(a logit(p) + b) (Platt) is fitted on phantoms, and on three people who
are no evidence, always with models that never saw the site; calibration error and Brier score of
the evidence images are measured without it, and with either.
"""

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import scgm
from experiments.confidence import OTHERS
from experiments.degraded import degraded
from experiments.evidence import EVIDENCE, Case, fold_for, model_without, read_case, source_of
from experiments.markdown import Row, table
from experiments.results_page import replace_section
from scgm.errors import CordNotFoundError
from scgm.evaluation.metrics.calibration import brier, cord_region, expected_calibration_error
from scgm.image.volume import Volume
from scgm.io.read import read_volume
from scgm.phantom.confidence import draw_scan
from scgm.segmenters.registry import OnnxModel, load_model

PHANTOMS = range(100)
# A pixel whose probability rounds to 0 or 1 would have an infinite logit.
LEAST = 1e-4
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Pixels:
    """Probability of gray matter and truth, both (N,), in the found cord grown by 2 pixels."""

    found: NDArray[np.float64]
    true: NDArray[np.float64]


def calibration() -> str:
    """Table of both scores of each evidence image, as it comes and corrected in two ways."""
    rows: list[Row] = []
    worse: list[Row] = []
    models = {name: fold_for(source_of(image).site) for name, image in EVIDENCE.items()}
    on_phantoms = {path: _fit_on_phantoms(path) for path in sorted(set(models.values()))}
    on_people = platt(_joined(_pixels_of(image) for image in OTHERS.values()))
    for name, image in EVIDENCE.items():
        corrections = ((1.0, 0.0), on_phantoms[models[name]], on_people)
        rows.append((name, *_scores(_pixels_of(image), corrections), _parameters(corrections)))
        worse.append((name, *_scores(_joined(_worse_pixels_of(image)), corrections), ""))
    means = (_means("**mean**", rows), _means("mean of their worse versions", worse))
    return table(_HEADER, [*rows, *means])


_WAYS = ("as it comes", "fitted on phantoms", "fitted on other people")
_HEADER = (
    "image",
    *(f"calibration error, {way}" for way in _WAYS),
    *(f"Brier, {way}" for way in _WAYS),
    "a, b of both",
)


def platt(pixels: Pixels) -> tuple[float, float]:
    """Fit a and b of sigmoid(a logit(p) + b) by maximum likelihood (Newton's method)."""
    design = np.column_stack([_logit(pixels.found), np.ones(len(pixels.found))])
    weights = np.array([1.0, 0.0])
    for _ in range(20):
        expected = 1 / (1 + np.exp(-design @ weights))
        curve = design.T @ (design * (expected * (1 - expected))[:, None])
        weights -= np.linalg.solve(curve, design.T @ (expected - pixels.true))
    a, b = weights.tolist()
    return a, b


def corrected(found: NDArray[np.float64], a: float, b: float) -> NDArray[np.float64]:
    """Return the probabilities as a correction changes them; as they are for a = 1, b = 0."""
    if (a, b) == (1.0, 0.0):
        return found
    return np.asarray(1 / (1 + np.exp(-(a * _logit(found) + b))))


def _logit(found: NDArray[np.float64]) -> NDArray[np.float64]:
    inside = np.clip(found, LEAST, 1 - LEAST)
    return np.asarray(np.log(inside / (1 - inside)))


def _pixels_of(image: str) -> Pixels:
    """Pixels of the labeled slices of a real image, by the model that never saw its site."""
    case = read_case(source_of(image))
    pixels = _labeled_pixels(case, read_volume(case.path), model_without(case.source.site))
    assert pixels is not None
    return pixels


def _worse_pixels_of(image: str) -> Iterable[Pixels]:
    """Give the same for the worse versions in which a cord is found."""
    case = read_case(source_of(image))
    model = model_without(case.source.site)
    where = case.gm if case.cord is None else case.cord
    assert where is not None
    for _, volume in degraded(read_volume(case.path), case.stack, where, seed=0):
        pixels = _labeled_pixels(case, volume, model)
        if pixels is not None:
            yield pixels


def _labeled_pixels(case: Case, volume: Volume, model: OnnxModel) -> Pixels | None:
    assert case.gm is not None
    try:
        result = scgm.segment(volume, segmenter=model)
    except CordNotFoundError:
        return None
    labeled = np.flatnonzero(case.gm.any(axis=(1, 2)))
    return _pixels(result.axial_probability("gm"), case.gm, result.axial_mask("cord"), labeled)


def _pixels(gm: NDArray[np.float32], truth: Mask, cord: Mask, slices: NDArray[np.intp]) -> Pixels:
    region = cord_region(cord[slices])
    return Pixels(gm[slices][region].astype(np.float64), truth[slices][region].astype(np.float64))


def _fit_on_phantoms(path: Path) -> tuple[float, float]:
    model = load_model(path, threads=2)
    return platt(_joined(_phantom_pixels(model)))


def _phantom_pixels(model: OnnxModel) -> Iterable[Pixels]:
    for seed in PHANTOMS:
        phantom = draw_scan(seed)
        try:
            result = scgm.segment(phantom.volume, segmenter=model)
        except CordNotFoundError:
            continue
        cord = result.axial_mask("cord")
        slices = np.flatnonzero(cord.any(axis=(1, 2)))
        yield _pixels(result.axial_probability("gm"), phantom.gm.T, cord, slices)


def _joined(parts: Iterable[Pixels]) -> Pixels:
    found, true = zip(*((part.found, part.true) for part in parts), strict=True)
    return Pixels(np.concatenate(found), np.concatenate(true))


def _scores(pixels: Pixels, corrections: Iterable[tuple[float, float]]) -> Row:
    maps = [corrected(pixels.found, a, b) for a, b in corrections]
    errors = (expected_calibration_error(each, pixels.true) for each in maps)
    return (*(f"{value:.4f}" for value in errors), *(f"{brier(m, pixels.true):.4f}" for m in maps))


def _parameters(corrections: tuple[tuple[float, float], ...]) -> str:
    return "; ".join(f"{a:.2f}, {b:+.2f}" for a, b in corrections[1:])


def _means(name: str, rows: list[Row]) -> Row:
    columns = np.array([row[1:-1] for row in rows], np.float64).mean(axis=0)
    return (name, *(f"{value:.4f}" for value in columns), "")


if __name__ == "__main__":
    content = calibration()
    replace_section("calibration", content)
    sys.stdout.write(f"{content}\n")
