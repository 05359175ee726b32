"""Settings of the classical methods on the selection set: ``python -m experiments.selection``.

The selection set is that of docs/protocol.md: the labeled scans that are no evidence, each with an
atlas and a cord finder that have not seen its site, and phantoms. Nothing here reads evidence.
``python -m experiments.selection NAME ...`` measures some of the trials; each has its table in
docs/results/selection.md. Of a trial the setting with the best mean over both kinds of images is
taken, or the published one where it is within 0.005 of it.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from experiments.evidence import EVIDENCE, fold_for, read_case, sources
from experiments.markdown import Row, table
from experiments.results_page import replace_section
from scgm.evaluation.metrics import dice
from scgm.image.intensities import for_methods
from scgm.image.orientation import AxialStack, stack_mask, to_axial
from scgm.image.volume import Volume
from scgm.phantom import Acquisition, draw_anatomy, make_phantom
from scgm.segmenters.base import CordHint, Probabilities
from scgm.segmenters.registry import METHODS, MethodSettings, load_model, open_method
from scgm.segmenters.within_cord import InCord

CONTRASTS = ("t2star", "mt", "psir")
PEOPLE, SLICES, SNR = 3, 3, 15.0
FIRST_SEED = 900  # the protocol has those below 1000 for choices

Change = Callable[[Any], Any]


@dataclass(frozen=True, eq=False)
class Selected:
    """An image of the selection set, with its gray matter (Z, Y, X); a phantom has no site."""

    name: str
    site: str | None
    stack: AxialStack
    gm: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class KnownCord:
    """A cord finder that gives what another has found: the cord is looked for only once."""

    found: Probabilities
    name: str = "known"
    method_name: str = "known"
    threshold: float = 0.5
    confidence: Mapping[str, float] | None = None
    provenance: Mapping[str, str | None] = field(default_factory=dict)

    def __call__(self, stack: AxialStack, hint: CordHint | None = None) -> Probabilities:
        """Return it."""
        return self.found


@cache
def selection() -> tuple[Selected, ...]:
    """Return the selection set: scans whose labels follow a program, then phantoms."""
    return (*_scans(), *_phantoms())


def _scans() -> list[Selected]:
    images = []
    for source in sources():
        if source.gm is None or str(source.image) in EVIDENCE.values():
            continue
        case = read_case(source)
        assert case.gm is not None
        images.append(Selected(case.path.name, source.site, for_methods(case.stack), case.gm))
    return images


def _phantoms() -> list[Selected]:
    images = []
    for contrast, person in product(CONTRASTS, range(PEOPLE)):
        seed = FIRST_SEED + person
        scan = Acquisition(shape=(SLICES, 160, 160), contrast=contrast, snr=SNR)
        phantom = make_phantom(
            draw_anatomy(np.random.default_rng(seed), "cervical"), scan, seed=seed
        )
        stack = to_axial(phantom.volume)
        truth = Volume(phantom.gm.astype(np.float32), phantom.volume.geometry)
        gm = stack_mask(stack, truth)[0]
        images.append(Selected(f"{contrast} {person}", None, for_methods(stack), gm))
    return images


@cache
def cord_of(name: str) -> Probabilities:
    """Return the cord of an image, by a model that has not seen its site."""
    image = next(each for each in selection() if each.name == name)
    model = load_model("default" if image.site is None else fold_for(image.site), threads=1)
    return model(image.stack)


@cache
def opened(method: str, site: str | None, folder: Path | None = None) -> InCord:
    """Start a method with what it has learned without a site; shipped atlases for phantoms."""
    model = None
    if METHODS[method].learned != "nothing":
        model = fold_for(site, method) if site else None
    segmenter = open_method(method, MethodSettings(model=model, threads=1))
    assert isinstance(segmenter, InCord)
    return segmenter


def score(method: str, change: Change) -> tuple[float, float]:
    """Return the mean 2D Dice over the scans, and over the phantoms."""
    scores: dict[bool, list[float]] = {True: [], False: []}
    for image in selection():
        changed = InCord(change(opened(method, image.site).method), KnownCord(cord_of(image.name)))
        found = changed(image.stack).gm >= 0.5
        labeled = np.flatnonzero(image.gm.any(axis=(1, 2)))
        mean = float(np.mean([dice(found[z], image.gm[z]) for z in labeled]))
        scores[image.site is not None].append(mean)
    return float(np.mean(scores[True])), float(np.mean(scores[False]))


def with_fields(**fields: Any) -> Change:
    """Return a change of a method's own settings."""
    return lambda method: replace(method, **fields)


def with_part(part: str, **fields: Any) -> Change:
    """Return a change of the settings of one of a method's parts."""
    return lambda method: replace(method, **{part: replace(getattr(method, part), **fields)})


@dataclass(frozen=True)
class Trial:
    """Settings of a method that are compared; the first one is the method's own."""

    method: str
    settings: Mapping[str, Change]


NOTHING = with_fields()
TRIALS: dict[str, Trial] = {
    "mgac": Trial(
        "mgac",
        {
            f"Gaussian {edge} mm, rim {rim} mm": with_fields(edge_mm=edge, rim_mm=rim)
            for edge, rim in product((0.23, 0.35, 0.47, 0.6), (0.25, 0.5, 0.75))
        },
    ),
    "gsbme": Trial(
        "gsbme",
        {
            "nothing": NOTHING,
            "no object is discarded": with_fields(largest_score=1e9),
            "largest usual z: 2": with_fields(largest_score=2.0),
            "largest usual z: 4": with_fields(largest_score=4.0),
        },
    ),
}


def measured(trial: Trial) -> Sequence[Row]:
    """Return the rows of a trial: setting, scans, phantoms, mean of both."""
    rows = []
    for label, change in trial.settings.items():
        scans, phantoms = score(trial.method, change)
        rows.append((label, f"{scans:.3f}", f"{phantoms:.3f}", f"{(scans + phantoms) / 2:.3f}"))
        sys.stderr.write(f"{trial.method}: {' | '.join(rows[-1])}\n")
    return rows


def main(names: list[str]) -> None:
    """Measure all trials, or those that are named."""
    for name in names or TRIALS:
        header = ("changed", "scans", "phantoms", "mean of both")
        replace_section(f"selection-{name}", table(header, measured(TRIALS[name])))


if __name__ == "__main__":
    main(sys.argv[1:])
