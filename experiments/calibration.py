"""Do the probabilities of gray matter mean what they say? ``python -m experiments.calibration``.

Calibration error and Brier score are taken in the boundary band
(`scgm.evaluation.metrics.calibration.boundary_band`), beside those of the hard mask in the same
band, always of models that never saw the site. A correction p -> sigmoid(a logit(p) + b) (Platt)
is fitted on selection data alone: on phantoms, and on three people who are no evidence. It is kept
only if it lowers the Brier score on the selection data that it was not fitted on. The evidence is
measured once, with and without it.
"""

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

import scgm
from experiments.confidence import OTHERS
from experiments.evidence import DATA, EVIDENCE, fold_for, model_without, source_of
from experiments.evidence import read_case as read_source
from experiments.markdown import Row, table, verdict
from experiments.results_page import replace_section
from scgm.errors import CordNotFoundError
from scgm.evaluation.metrics.calibration import (
    boundary_band,
    brier,
    expected_calibration_error,
    reliability,
)
from scgm.phantom.confidence import draw_scan
from scgm.segmentation.status import SliceStatus
from scgm.segmenters.registry import OnnxModel, load_model

FITTED_ON, JUDGED_ON = range(0, 60, 2), range(1, 60, 2)
PICTURE = Path("docs/images/reliability.png")
# A pixel whose probability rounds to 0 or 1 would have an infinite logit.
LEAST = 1e-4
Correction = tuple[float, float]
UNCHANGED: Correction = (1.0, 0.0)


@dataclass(frozen=True)
class Pixels:
    """Probability of gray matter and truth, both (N,); with the hard mask for pixels of a band."""

    found: NDArray[np.float64]
    true: NDArray[np.float64]
    mask: NDArray[np.float64] | None = None


@dataclass(frozen=True)
class Fit:
    """A correction, what it was fitted on, and whether it is kept."""

    name: str
    correction: Correction
    judged: tuple[tuple[str, float, float], ...]  # data, Brier score before and after

    @property
    def kept(self) -> bool:
        """Whether it lowers the Brier score on all data that it is judged on."""
        return all(after < before for _, before, after in self.judged)


def calibration() -> str:
    """Measure, draw the diagrams, and return both tables."""
    people = [_pixels_of(image) for image in OTHERS.values()]
    models = {name: fold_for(source_of(image).site) for name, image in EVIDENCE.items()}
    fits = {path: _fits(path, people) for path in sorted(set(models.values()))}
    measured = {name: _pixels_of(image) for name, image in EVIDENCE.items()}
    rows = [
        (name, str(pixels.true.size), *_scores(pixels, fits[models[name]]))
        for name, pixels in measured.items()
    ]
    draw({**measured, "three other people": joined(people)}, PICTURE)
    means = ("**mean**", "", *_means([row[2:] for row in rows]))
    chosen = [_choice_row(path, fit) for path, some in fits.items() for fit in some]
    return f"{table(_HEADER, [*rows, means])}\n\n{table(_CHOICE, chosen)}"


_WAYS = ("as it comes", "hard mask", "fitted on phantoms", "fitted on other people")
_HEADER = (
    "image",
    "pixels in the band",
    *(f"calibration error, {way}" for way in _WAYS),
    *(f"Brier, {way}" for way in _WAYS),
)
_CHOICE = ("model", "correction", "a, b", "Brier on selection data kept apart", "kept")


def platt(pixels: Pixels) -> Correction:
    """Fit a and b of sigmoid(a logit(p) + b) by maximum likelihood (Newton's method)."""
    design = np.column_stack([_logit(pixels.found), np.ones(len(pixels.found))])
    weights = np.zeros(2)  # from a = 1, b = 0 the steps can grow without end
    for _ in range(20):
        expected = 1 / (1 + np.exp(-design @ weights))
        curve = design.T @ (design * (expected * (1 - expected))[:, None])
        weights -= np.linalg.solve(curve, design.T @ (expected - pixels.true))
    a, b = weights.tolist()
    return a, b


def corrected(found: NDArray[np.float64], a: float, b: float) -> NDArray[np.float64]:
    """Return the probabilities as a correction changes them; as they are for a = 1, b = 0."""
    if (a, b) == UNCHANGED:
        return found
    return np.asarray(1 / (1 + np.exp(-(a * _logit(found) + b))))


def _logit(found: NDArray[np.float64]) -> NDArray[np.float64]:
    inside = np.clip(found, LEAST, 1 - LEAST)
    return np.asarray(np.log(inside / (1 - inside)))


def joined(parts: Iterable[Pixels]) -> Pixels:
    """Return the pixels of several images as those of one."""
    listed = list(parts)
    found, true = zip(*((part.found, part.true) for part in listed), strict=True)
    masks = [part.mask for part in listed if part.mask is not None]
    mask = np.concatenate(masks) if len(masks) == len(listed) else None
    return Pixels(np.concatenate(found), np.concatenate(true), mask)


def judge(correction: Correction, pixels: Pixels) -> tuple[float, float]:
    """Return the Brier score of some pixels before and after a correction."""
    return brier(pixels.found, pixels.true), brier(
        corrected(pixels.found, *correction), pixels.true
    )


def fit_on_people(people: Sequence[Pixels], phantoms: Pixels) -> Fit:
    """Fit on all people; judge on each of them by a fit on the others, and on phantoms."""
    correction = platt(joined(people))
    judged = []
    for left_out, person in enumerate(people):
        others = [each for place, each in enumerate(people) if place != left_out]
        judged.append(judge(platt(joined(others)), person))
    before, after = np.mean(judged, axis=0).tolist()
    on_phantoms = ("phantoms", *judge(correction, phantoms))
    return Fit(_WAYS[3], correction, (("people left out", before, after), on_phantoms))


def fit_on_phantoms(fitted: Pixels, judged: Pixels, people: Sequence[Pixels]) -> Fit:
    """Fit on phantoms; judge on other phantoms, and on people."""
    correction = platt(fitted)
    before, after = np.mean([judge(correction, each) for each in people], axis=0).tolist()
    on_others = ("other phantoms", *judge(correction, judged))
    return Fit(_WAYS[2], correction, (on_others, ("people", before, after)))


def _fits(path: Path, people: Sequence[Pixels]) -> tuple[Fit, Fit]:
    model = load_model(path, threads=1)
    fitted, judged = (joined(_phantom_pixels(model, seeds)) for seeds in (FITTED_ON, JUDGED_ON))
    return fit_on_phantoms(fitted, judged, people), fit_on_people(people, judged)


def _pixels_of(image: str) -> Pixels:
    """Pixels in the band of a real image, by the model that never saw its site."""
    case = read_source(source_of(image))
    assert case.gm is not None
    result = scgm.segment(DATA / image, segmenter=model_without(case.source.site))
    return in_band(result.axial_probability("gm"), result.axial_mask("gm"), case.gm)


def _phantom_pixels(model: OnnxModel, seeds: Iterable[int]) -> Iterable[Pixels]:
    """Pixels in the band of phantoms, of slices that are not flagged: what a user relies on."""
    for seed in seeds:
        phantom = draw_scan(seed)
        try:
            result = scgm.segment(phantom.volume, segmenter=model)
        except CordNotFoundError:
            continue
        truth = np.asarray(phantom.gm.T, bool)
        ok = [z for z, status in enumerate(result.status) if status is SliceStatus.OK]
        if truth[ok].any():
            soft, mask = result.axial_probability("gm"), result.axial_mask("gm")
            yield in_band(soft[ok], mask[ok], truth[ok])


def in_band(soft: NDArray[np.float32], mask: NDArray[np.bool_], true: NDArray[np.bool_]) -> Pixels:
    """Return the pixels in the boundary band of the slices that are drawn."""
    band = boundary_band(soft, mask, true)
    return Pixels(*(each[band].astype(np.float64) for each in (soft, true, mask)))


def _scores(pixels: Pixels, fits: Sequence[Fit]) -> Row:
    assert pixels.mask is not None
    maps = [pixels.found, pixels.mask]
    maps += [corrected(pixels.found, *fit.correction) for fit in fits]
    errors = (expected_calibration_error(each, pixels.true) for each in maps)
    return (*(f"{value:.3f}" for value in errors), *(f"{brier(m, pixels.true):.3f}" for m in maps))


def _choice_row(path: Path, fit: Fit) -> Row:
    judged = "; ".join(f"{name} {before:.4f} -> {after:.4f}" for name, before, after in fit.judged)
    a, b = fit.correction
    return (path.stem, fit.name, f"{a:.2f}, {b:+.2f}", judged, verdict(fit.kept))


def _means(rows: Sequence[Row]) -> Row:
    return tuple(f"{value:.3f}" for value in np.array(rows, np.float64).mean(axis=0))


def draw(measured: dict[str, Pixels], path: Path) -> None:
    """Draw a reliability diagram of each image: share of gray matter by probability."""
    figure = Figure(figsize=(2.3 * len(measured), 2.9), dpi=90, layout="constrained")
    panels = figure.subplots(1, len(measured), squeeze=False, sharey=True)[0]
    for panel, (name, pixels) in zip(panels, measured.items(), strict=True):
        bins = reliability(pixels.found, pixels.true)
        panel.plot([0, 1], [0, 1], color="gray", linewidth=0.8)
        share = bins.count / bins.count.sum()
        panel.bar(bins.predicted, share, width=0.05, color="lightgray")
        panel.plot(bins.predicted, bins.observed, "o-", markersize=3, label="probability")
        if pixels.mask is not None:
            hard = reliability(pixels.mask, pixels.true)
            panel.plot(hard.predicted, hard.observed, "x", color="black", label="hard mask")
        error = expected_calibration_error(pixels.found, pixels.true)
        panel.set_title(f"{name}\n{pixels.true.size} pixels, error {error:.2f}", fontsize=8)
        panel.set_xlabel("probability", fontsize=8)
        panel.set_xlim(-0.05, 1.05)
        panel.set_ylim(0, 1)
        panel.tick_params(labelsize=7)
    panels[0].set_ylabel("share that is gray matter", fontsize=8)
    panels[0].legend(fontsize=7, loc="upper left")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)


if __name__ == "__main__":
    content = calibration()
    sys.stdout.write(f"{content}\n")
    replace_section("calibration", content)
