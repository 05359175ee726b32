"""Confidence of slices: ``python -m experiments.confidence [fit] [test] [methods]``.

``fit`` finds the coefficients of every method that the package carries, and of the models that
left sites out, on phantoms of many contrasts, noise levels and artefacts, and writes them to the
models' cards, or to ``scgm/artifacts/shipped/confidence.json`` for a method without one. ``test``
tries what the cards hold on other phantoms, on the evidence images (with the model that never saw
the site) and on worse versions of those, and writes the table of docs/results/confidence.md and
the picture of ROC curves.
``methods`` tries all methods on the scans of three other people, drops the confidence of those in
which it flags most of the good slices, and writes their table; ``--method NAME ...`` chooses.
No real image has a part in the fit. What the contrast tells is measured by `experiments.contrast`.
"""

import argparse
import json
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from scipy.stats import rankdata

import scgm
from experiments.degraded import FAULTS, degraded
from experiments.evidence import EVIDENCE, FOLDS, SHIPPED, fold_for, read_case, source_of
from experiments.markdown import Row, table, verdict
from experiments.results_page import replace_section
from scgm import Segmentation
from scgm.artifacts.confidence import TABLE
from scgm.artifacts.models import read_card
from scgm.errors import CordNotFoundError
from scgm.evaluation.metrics import dice
from scgm.image.confidence import ENOUGH_DICE, LOW_CONFIDENCE_BELOW
from scgm.image.volume import Volume
from scgm.io.read import read_volume
from scgm.phantom.confidence import (
    draw_scan,
    examples_of,
    fit_of_examples,
    phantom_scans,
)
from scgm.segmenters.registry import (
    METHODS,
    MethodSettings,
    OnnxModel,
    Segmenter,
    load_model,
    open_method,
)
from scgm.training.confidence import finder

FIT_SCANS = 300
TEST_SCANS = range(10_000, 10_100)
# Their labels reproduce a published model: no evidence, but good enough to choose features by.
OTHERS = {
    person: f"gm-challenge/{person}/anat/{person}_run-1_T2starw.nii.gz"
    for person in ("sub-9669", "sub-9709Ses1", "sub-10062Ses1")
}
PICTURE = Path("docs/images/roc.png")
# What is flagged is told at the confidence below which this share of the good slices lies.
FALSE_ALARMS, LEAST_FLAGGED = 0.05, 0.80
MOST_FLAGGED = 0.5  # of the good slices of other people, above which a confidence is none
FEWEST = 5  # slices of either kind, below which an area under the curve says nothing


@dataclass(frozen=True)
class Slice:
    """One labeled slice: confidence is None where its cord was not found."""

    scan: str
    fault: str
    dice: float
    confidence: float | None


def fit_all(names: Iterable[str], scans: int) -> None:
    """Fit methods and models, and write down what was found."""
    segmenters = {name: _opened(name) for name in names}
    parts: dict[str, list[tuple[NDArray[np.float64], NDArray[np.float64]]]] = {}
    for scan in phantom_scans(scans):
        for name, segmenter in segmenters.items():
            parts.setdefault(name, []).append(examples_of(scan, finder(segmenter)))
    for name, examples in parts.items():
        features, scores = (np.concatenate(each) for each in zip(*examples, strict=True))
        coefficients = fit_of_examples(features, scores)
        good = float(np.mean(scores >= ENOUGH_DICE))
        sys.stdout.write(f"{name}: {len(scores)} slices, {good:.0%} good, {coefficients}\n")
        if coefficients is not None:
            _write(name, coefficients)


def _opened(name: str) -> Segmenter:
    if (FOLDS / f"{name}.onnx").exists():
        return load_model(FOLDS / f"{name}.onnx", threads=1)
    return open_method(name, MethodSettings(threads=1))


def _write(name: str, coefficients: dict[str, float] | None) -> None:
    """Write coefficients to the card of a model, or to the table of methods; None: it has none."""
    for folder in (FOLDS, SHIPPED):
        card = folder / f"{name}.json"
        if card.with_suffix(".onnx").exists():
            content = json.loads(card.read_text(encoding="utf-8"))
            content["confidence"] = coefficients
            card.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
            read_card(card.with_suffix(".onnx"))  # still a card
            return
    known = json.loads(TABLE.read_text(encoding="utf-8")) | {name: coefficients}
    kept = {method: each for method, each in known.items() if each is not None}
    TABLE.write_text(json.dumps(kept, indent=2) + "\n", encoding="utf-8")


def try_all() -> str:
    """Table of what the cards' coefficients are worth."""
    rows = []
    shipped = load_model(SHIPPED / "default.onnx", threads=2)
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
    rows.append(_row("**all evidence, as it is and worse**", real, LEAST_FLAGGED))
    draw_curves({"phantoms": phantoms, "three other people": others, "evidence": real}, PICTURE)
    below = f"Dice below {ENOUGH_DICE}"
    flagged = (f"flagged of {below}", "flagged of the others")
    header = ("slices of", "slices", below, "AUC", *flagged, "mean confidence", "share good")
    limited = (f"found of them at {FALSE_ALARMS:.0%} false alarms", "limit", "met")
    return table((*header, "no cord found", *limited), rows)


def carried_over(names: Iterable[str]) -> str:
    """Table of what the confidence of methods says of other people's scans; drop what misleads."""
    rows: list[Row] = []
    for name in names:
        slices = [each for item in OTHERS.items() for each in _slices_of_method(name, *item)]
        flagged = [
            each.confidence is not None and each.confidence < LOW_CONFIDENCE_BELOW
            for each in slices
        ]
        good = [each.dice >= ENOUGH_DICE for each in slices]
        of_good = sum(alarm for alarm, fine in zip(flagged, good, strict=True) if fine)
        known = any(each.confidence is not None for each in slices)
        dropped = of_good > MOST_FLAGGED * sum(good)
        if dropped:
            _write(name, None)
        rows.append(
            (
                name,
                str(len(slices)),
                str(sum(good)),
                f"{of_good} of {sum(good)}" if known else "-",
                f"{sum(flagged) - of_good} of {len(good) - sum(good)}" if known else "-",
                "dropped" if dropped else "kept" if known else "none",
            )
        )
        sys.stdout.write(f"{rows[-1]}\n")
    header = ("method", "slices", f"Dice of at least {ENOUGH_DICE}", "flagged of these")
    return table((*header, "flagged of the others", "confidence"), rows)


def _slices_of_method(name: str, person: str, image: str) -> list[Slice]:
    """Score the slices of a scan as a method finds them that has not learned from its site."""
    case = read_case(source_of(image))
    assert case.gm is not None
    method, site = METHODS[name], case.source.site
    learned = None if method.learned == "nothing" else fold_for(site, name)
    cord_model = fold_for(site) if method.needs_cord else None
    settings = MethodSettings(model=learned, cord_model=cord_model, threads=2)
    return _slices(person, "", read_volume(case.path), case.gm, open_method(name, settings))


def _phantom_slices(seed: int, model: OnnxModel) -> list[Slice]:
    phantom = draw_scan(seed)
    return _slices(f"phantom {seed}", "", phantom.volume, phantom.gm.T, model)


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
    name: str, fault: str, volume: Volume, label: NDArray[np.bool_], model: Segmenter
) -> list[Slice]:
    """Score the labeled slices of one scan."""
    labeled = np.flatnonzero(label.any(axis=(1, 2)))
    try:
        result: Segmentation = scgm.segment(volume, segmenter=model)
    except CordNotFoundError:
        return [Slice(name, fault, 0.0, None) for _ in labeled]
    masks = result.axial_mask("gm")
    return [Slice(name, fault, dice(masks[z], label[z]), result.confidence[z]) for z in labeled]


def _row(name: str, slices: list[Slice], least: float | None = None) -> Row:
    sure, scores = _known(slices)
    bad, flagged = scores < ENOUGH_DICE, sure < LOW_CONFIDENCE_BELOW
    enough = min(bad.sum(), (~bad).sum()) >= FEWEST
    found = found_at(sure, bad, FALSE_ALARMS)
    return (
        name,
        str(len(sure)),
        str(bad.sum()),
        f"{area_under_curve(sure, bad):.2f}" if enough else "-",
        f"{flagged[bad].sum()} of {bad.sum()}",
        f"{flagged[~bad].sum()} of {(~bad).sum()}",
        f"{sure.mean():.2f}",
        f"{(~bad).mean():.2f}",
        str(len(slices) - len(sure)),
        f"{found:.0%}" if enough else "-",
        "" if least is None else f">= {least:.0%}",
        "" if least is None or not enough else verdict(found >= least),
    )


def _known(slices: Iterable[Slice]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return confidence and Dice of the slices whose cord was found."""
    known = [(each.confidence, each.dice) for each in slices if each.confidence is not None]
    sure, scores = np.array(known).T
    return sure, scores


def found_at(confidence: NDArray[np.float64], bad: NDArray[np.bool_], false_alarms: float) -> float:
    """Share of the bad slices that are found while at most that share of the good ones is flagged.

    All slices below one confidence are flagged, as many as the false alarms allow; NaN where all
    slices are of one kind.
    """
    good = np.sort(confidence[~bad])
    if not (good.size and bad.any()):
        return float("nan")
    allowed = int(false_alarms * good.size)
    limit = good[allowed] if allowed < good.size else np.inf
    return float((confidence[bad] < limit).mean())


def draw_curves(kinds: dict[str, list[Slice]], path: Path) -> None:
    """Draw the ROC curve of each kind of slices into a file."""
    figure = Figure(figsize=(4.5, 4.2), dpi=100, layout="constrained")
    axes = figure.subplots()
    for name, slices in kinds.items():
        sure, scores = _known(slices)
        bad = scores < ENOUGH_DICE
        limits = np.concatenate([[-np.inf], np.unique(sure), [np.inf]])
        alarms, found = ([(sure[kind] < each).mean() for each in limits] for kind in (~bad, bad))
        axes.plot(alarms, found, label=f"{name}, AUC {area_under_curve(sure, bad):.2f}")
    axes.axvline(FALSE_ALARMS, color="0.7", linewidth=0.8)
    axes.set(xlabel="flagged of the good slices", ylabel=f"flagged of Dice below {ENOUGH_DICE}")
    axes.legend(loc="lower right")
    figure.savefig(path)


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
    parser.add_argument("steps", nargs="*", choices=["fit", "test", "methods"], metavar="STEP")
    folds = [path.stem for path in sorted(FOLDS.glob("*.onnx"))]
    known = [name for name, method in METHODS.items() if method.learned != "published"]
    parser.add_argument("--method", nargs="+", default=[*known, *folds], help="method or fold")
    parser.add_argument("--scans", type=int, default=FIT_SCANS, help="phantoms to fit on")
    options = parser.parse_args()
    steps = options.steps or ["fit", "test"]
    if "fit" in steps:
        fit_all(options.method, options.scans)
    if "test" in steps:
        content = try_all()
        replace_section("confidence", content)
        sys.stdout.write(f"{content}\n")
    if "methods" in steps:
        content = carried_over(name for name in options.method if name in METHODS)
        if options.method == [*known, *folds]:
            replace_section("confidence-methods", content)


if __name__ == "__main__":
    main()
