"""Confidence of slices: ``python -m experiments.confidence [fit] [test]``.

``fit`` finds the coefficients of `default`, the shipped model and those that left sites out, on
phantoms of many contrasts, noise levels and artefacts, and writes them to the models' cards.
``test`` tries what the cards hold on other phantoms, on the evidence images (with the model that
never saw the site) and on worse versions of those, and writes the table of ``docs/results.md``.
No real image has a part in the fit.
"""

import argparse
import json
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

import scgm
from experiments.degraded import FAULTS, degraded
from experiments.evidence import EVIDENCE, FOLDS, fold_for, read_case, source_of
from experiments.markdown import Row, table
from experiments.results_page import replace_section
from scgm import Segmentation
from scgm.artifacts.models import read_card
from scgm.errors import CordNotFoundError
from scgm.evaluation.metrics import dice
from scgm.image.volume import Volume
from scgm.io.read import read_volume
from scgm.phantom import Acquisition, Phantom, draw_anatomy, make_phantom
from scgm.phantom.levels import SEGMENTS
from scgm.segmentation.confidence import (
    ENOUGH_DICE,
    FEATURES,
    LOW_CONFIDENCE_BELOW,
    NO_NEIGHBORS,
    slice_features,
)
from scgm.segmenters.registry import OnnxModel, load_model

SHIPPED = Path(scgm.__file__).parent / "artifacts" / "shipped" / "default.onnx"
FIT_SCANS = range(300)
TEST_SCANS = range(10_000, 10_100)
CONTRASTS = ("t2star", "t2star", "mt", "psir", "t1", "t2")
# Half of the scans show the neck, where the gray matter is looked at most; below L5 there is none
# to speak of.
PARTS = ("C", "C", "T", "L")
# Their labels reproduce a published model: no evidence, but good enough to choose features by.
OTHERS = {
    person: f"gm-challenge/{person}/anat/{person}_run-1_T2starw.nii.gz"
    for person in ("sub-9669", "sub-9709Ses1", "sub-10062Ses1")
}
FEWEST = 5  # slices of either kind, below which an area under the curve says nothing


@dataclass(frozen=True)
class Slice:
    """One labeled slice: confidence is None where its cord was not found."""

    scan: str
    fault: str
    dice: float
    confidence: float | None


def phantom_scan(seed: int) -> Phantom:
    """Draw a person and a scan: four slices, from very good to useless."""
    rng = np.random.default_rng((7, seed))
    part = PARTS[int(rng.integers(len(PARTS)))]
    levels = [level for level in SEGMENTS if level.startswith(part)]
    anatomy = draw_anatomy(rng, levels[int(rng.integers(len(levels)))])
    pixel_mm = float(np.exp(rng.uniform(np.log(0.3), np.log(1.0))))
    side = int(np.clip(64 / pixel_mm, 64, 160))
    ratio = float(np.exp(rng.uniform(-0.3, 0.3)))
    acquisition = Acquisition(
        shape=(4, side, side),
        spacing_mm=(float(rng.choice((2.5, 3, 5, 8, 15))), pixel_mm, pixel_mm),
        contrast=CONTRASTS[int(rng.integers(len(CONTRASTS)))],
        gm_wm_ratio=ratio if rng.random() < 0.5 else None,
        snr=float(np.exp(rng.uniform(np.log(4), np.log(40)))),
        texture=float(rng.uniform(0, 0.15)),
        bias=float(rng.uniform(0, 1)),
        sampled_share=float(rng.uniform(0.45, 1)),
        ghosting=float(rng.uniform(0, 0.3)) if rng.random() < 0.5 else 0.0,
    )
    return make_phantom(anatomy, acquisition, seed=seed)


def fit_all() -> None:
    """Fit every model and write its card."""
    models = {
        path: load_model(path, threads=2)
        for path in (*sorted(FOLDS.glob("without-*.onnx")), SHIPPED)
    }
    found: dict[Path, list[NDArray[np.float64]]] = {path: [] for path in models}
    for seed in FIT_SCANS:
        phantom = phantom_scan(seed)
        for path, model in models.items():
            found[path].append(_examples(phantom, model))
    for path, parts in found.items():
        examples = np.concatenate(parts)
        coefficients = fit(examples[:, :-1], examples[:, -1] >= ENOUGH_DICE)
        card = path.with_suffix(".json")
        content = json.loads(card.read_text(encoding="utf-8"))
        content["confidence"] = {name: round(value, 4) for name, value in coefficients.items()}
        card.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
        read_card(path)  # still a card
        good = float(np.mean(examples[:, -1] >= ENOUGH_DICE))
        sys.stdout.write(f"{path.stem}: {len(examples)} slices, {good:.0%} good, {coefficients}\n")


def _examples(phantom: Phantom, model: OnnxModel) -> NDArray[np.float64]:
    """Features and, in the last column, Dice of the slices in which gray matter was found."""
    try:
        result = scgm.segment(phantom.volume, segmenter=model)
    except CordNotFoundError:
        return np.empty((0, len(FEATURES) + 1))
    found = result.probabilities
    assert found.cord is not None
    centre_px = found.centre_px - result.box.origin
    features = slice_features(found.gm, found.cord, centre_px, result.threshold)
    scores = [dice(*masks) for masks in zip(result.axial_mask("gm"), _truth(phantom), strict=True)]
    return np.column_stack([features, scores])[np.isfinite(features[:, 0])]


def _truth(phantom: Phantom) -> NDArray[np.bool_]:
    return phantom.gm.T  # a phantom's voxels (i, j, k) run right, front, up: its stack is (k, j, i)


def fit(features: NDArray[np.float64], good: NDArray[np.bool_]) -> dict[str, float]:
    """Fit the logistic regression by Newton's method; a weak ridge (1) keeps it finite.

    Parameters
    ----------
    features
        As of `scgm.segmentation.confidence.slice_features`, (N, 4); only the last column may be
        NaN.
    good
        Whether the Dice was enough, (N,).
    """
    alone = float(np.nanmean(features[:, -1]))
    filled = np.where(np.isnan(features), alone, features)
    mean, spread = filled.mean(axis=0), filled.std(axis=0)
    design = np.column_stack([np.ones(len(filled)), (filled - mean) / spread])
    ridge = np.diag([0.0] + [1.0] * len(FEATURES))
    weights = np.zeros(design.shape[1])
    for _ in range(30):
        expected = 1 / (1 + np.exp(-design @ weights))
        slope = design.T @ (expected - good) + ridge @ weights
        curve = design.T @ (design * (expected * (1 - expected))[:, None]) + ridge
        weights -= np.linalg.solve(curve, slope)
    raw = weights[1:] / spread
    intercept = float(weights[0] - raw @ mean)
    named = dict(zip(FEATURES, raw.tolist(), strict=True))
    return {"intercept": intercept, **named, NO_NEIGHBORS: alone}


def try_all() -> str:
    """Table of what the cards' coefficients are worth."""
    rows = []
    shipped = load_model(SHIPPED, threads=2)
    phantoms = [slice_ for seed in TEST_SCANS for slice_ in _phantom_slices(seed, shipped)]
    rows.append(_row("phantoms kept apart, shipped model", phantoms))
    others = [each for item in OTHERS.items() for each in _real_slices(*item, seed=1)]
    rows.append(_row("three other people, as they are and worse", others))
    real = [each for item in EVIDENCE.items() for each in _real_slices(*item, seed=0)]
    rows.append(_row("evidence as it is", [each for each in real if not each.fault]))
    rows += [
        _row(f"evidence, worse: {kind}", [each for each in real if each.fault.startswith(kind)])
        for kind in FAULTS
    ]
    rows += [_row(f"{name} and worse", [s for s in real if s.scan == name]) for name in EVIDENCE]
    rows.append(_row("**all evidence, as it is and worse**", real))
    below = f"Dice below {ENOUGH_DICE}"
    flagged = (f"flagged of {below}", "flagged of the others")
    header = ("slices of", "slices", below, "AUC", *flagged, "mean confidence", "share good")
    return table((*header, "no cord found"), rows)


def _phantom_slices(seed: int, model: OnnxModel) -> list[Slice]:
    phantom = phantom_scan(seed)
    return _slices(f"phantom {seed}", "", phantom.volume, _truth(phantom), model)


def _real_slices(name: str, image: str, seed: int) -> Iterable[Slice]:
    case = read_case(source_of(image))
    assert case.gm is not None
    model = load_model(fold_for(case.source.site), threads=2)
    volume = read_volume(case.path)
    yield from _slices(name, "", volume, case.gm, model)
    cord = case.gm if case.cord is None else case.cord
    for fault, worse in degraded(volume, case.stack, cord, seed=seed):
        yield from _slices(name, fault, worse, case.gm, model)


def _slices(
    name: str, fault: str, volume: Volume, label: NDArray[np.bool_], model: OnnxModel
) -> list[Slice]:
    """Score the labeled slices of one scan."""
    labeled = np.flatnonzero(label.any(axis=(1, 2)))
    try:
        result: Segmentation = scgm.segment(volume, segmenter=model)
    except CordNotFoundError:
        return [Slice(name, fault, 0.0, None) for _ in labeled]
    masks = result.axial_mask("gm")
    return [Slice(name, fault, dice(masks[z], label[z]), result.confidence[z]) for z in labeled]


def _row(name: str, slices: list[Slice]) -> Row:
    known = [(each.confidence, each.dice) for each in slices if each.confidence is not None]
    sure, scores = np.array(known).T
    bad, flagged = scores < ENOUGH_DICE, sure < LOW_CONFIDENCE_BELOW
    return (
        name,
        str(len(sure)),
        str(bad.sum()),
        f"{area_under_curve(sure, bad):.2f}" if min(bad.sum(), (~bad).sum()) >= FEWEST else "-",
        f"{flagged[bad].sum()} of {bad.sum()}",
        f"{flagged[~bad].sum()} of {(~bad).sum()}",
        f"{sure.mean():.2f}",
        f"{(~bad).mean():.2f}",
        str(len(slices) - len(sure)),
    )


def area_under_curve(confidence: NDArray[np.float64], bad: NDArray[np.bool_]) -> float:
    """Area under the ROC curve: how often a bad slice has less confidence than a good one.

    Ties count half (Mann-Whitney); NaN where all slices are of one kind.
    """
    worst_first = rankdata(-confidence)
    count, others = int(bad.sum()), int((~bad).sum())
    if not (count and others):
        return float("nan")
    return float((worst_first[bad].sum() - count * (count + 1) / 2) / (count * others))


def main() -> None:
    """Fit, test, or both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("steps", nargs="*", choices=["fit", "test"], metavar="STEP")
    steps = parser.parse_args().steps or ["fit", "test"]
    if "fit" in steps:
        fit_all()
    if "test" in steps:
        content = try_all()
        replace_section("confidence", content)
        sys.stdout.write(f"{content}\n")


if __name__ == "__main__":
    main()
