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
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from experiments.atlases import KINDS, RUNS
from experiments.evidence import EVIDENCE, FOLDS, Case, fold_for, read_case, sources
from experiments.markdown import Row, table
from experiments.results_page import replace_section
from scgm.evaluation.metrics import dice
from scgm.image.intensities import for_methods
from scgm.image.orientation import AxialStack, stack_mask, to_axial
from scgm.image.patches import CordWindows, Found
from scgm.image.volume import Volume
from scgm.phantom import Acquisition, draw_anatomy, make_phantom
from scgm.segmenters.base import CordHint, Probabilities
from scgm.segmenters.classical.building import LEARNING
from scgm.segmenters.classical.jcscs import Jcscs
from scgm.segmenters.registry import METHODS, MethodSettings, load_model, open_method
from scgm.segmenters.within_cord import InCord

CONTRASTS = ("t2star", "mt", "psir")
PEOPLE, SLICES, SNR = 3, 3, 15.0
FIRST_SEED, LEVELS_SEED = 900, 910  # the protocol has those below 1000 for choices
LEVELS = range(2, 7)

Change = Callable[[Any], Any]


@dataclass(frozen=True, eq=False)
class Selected:
    """An image of the selection set with its masks (Z, Y, X); a phantom has no site.

    All slices show the vertebral level *level*, where it is known.
    """

    name: str
    site: str | None
    stack: AxialStack
    gm: NDArray[np.bool_]
    cord: NDArray[np.bool_]
    level: int | None = None

    def some(self, every: int) -> Self:
        """Return every so many of its slices, for methods that take long."""
        keep = slice(every // 2, None, every)
        missing = self.stack.missing
        stack = replace(
            self.stack,
            slices=self.stack.slices[keep],
            missing=None if missing is None else missing[keep],
        )
        return replace(self, stack=stack, gm=self.gm[keep], cord=self.cord[keep])


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


def labeled_scans() -> list[Case]:
    """Return the labeled scans that are no evidence: their labels follow a program."""
    labeled = (source for source in sources() if source.gm is not None)
    return [read_case(source) for source in labeled if str(source.image) not in EVIDENCE.values()]


def _scans() -> list[Selected]:
    images = []
    for case in labeled_scans():
        assert case.gm is not None
        assert case.cord is not None
        stack = for_methods(case.stack)
        images.append(Selected(case.path.name, case.source.site, stack, case.gm, case.cord))
    return images


def _phantoms() -> list[Selected]:
    drawn = product(CONTRASTS, range(PEOPLE))
    return [_phantom(contrast, FIRST_SEED + person) for contrast, person in drawn]


@cache
def phantoms_with_levels() -> tuple[Selected, ...]:
    """Return phantoms of known level: segments C2 to C6 lie at about the vertebrae C2 to C6."""
    shown = product(LEVELS, range(PEOPLE))
    return tuple(_phantom("t2star", LEVELS_SEED + person, level) for level, person in shown)


def _phantom(contrast: str, seed: int, level: int | None = None) -> Selected:
    scan = Acquisition(shape=(SLICES, 160, 160), contrast=contrast, snr=SNR)
    region = "cervical" if level is None else f"C{level}"
    phantom = make_phantom(draw_anatomy(np.random.default_rng(seed), region), scan, seed=seed)
    stack = to_axial(phantom.volume)
    gm, cord = (
        stack_mask(stack, Volume(mask.astype(np.float32), phantom.volume.geometry))[0]
        for mask in (phantom.gm, phantom.cord)
    )
    name = f"{contrast} {region} {seed}"
    return Selected(name, None, for_methods(stack), gm, cord, level)


@cache
def cord_of(image: Selected, every: int) -> Probabilities:
    """Return the cord of every so many slices, by a model that has not seen the image's site."""
    image = image.some(every)
    model = load_model("default" if image.site is None else fold_for(image.site), threads=1)
    return model(image.stack)


def with_fields(**fields: Any) -> Change:
    """Return a change of a method's own settings."""
    return lambda method: replace(method, **fields)


def opal_with(**fields: Any) -> Change:
    """Return a change of OPAL's settings, of jcscs without its second half."""
    return lambda method: CordAlone(replace(method, opal=replace(method.opal, **fields)))


NOTHING = with_fields()


@dataclass(frozen=True)
class Setting:
    """A change of a method, and the kind of its atlas; "" for the one in the folds.

    Where *level* is true the method is told the vertebral level.
    """

    change: Change = NOTHING
    kind: str = ""
    level: bool = False


@cache
def opened(method: str, site: str | None, kind: str) -> InCord:
    """Start a method with what it has learned without a site: in folds, or of a kind of atlas."""
    model: Path | None = None
    if METHODS[method].learned == "atlas":
        folder = RUNS / kind if kind else FOLDS
        whole = folder / f"{method}.npz" if kind else None
        model = fold_for(site, method, folder) if site else whole
    segmenter = open_method(method, MethodSettings(model=model, threads=1))
    assert isinstance(segmenter, InCord)
    return segmenter


@dataclass(frozen=True, eq=False)
class CordAlone:
    """The first half of jcscs: its cord stands for the gray matter, nothing is registered."""

    method: Jcscs

    def __getattr__(self, name: str) -> Any:
        return getattr(self.method, name)

    def __call__(self, windows: CordWindows) -> Found:
        """Mark the cord."""
        cord = self.method.mark_cord(windows)
        return Found(cord, cord)


@dataclass(frozen=True)
class Trial:
    """Settings of a method that are compared, on every so many slices."""

    method: str
    settings: Mapping[str, Setting]
    of_cord: bool = False
    every: int = 1
    images: Callable[[], tuple[Selected, ...]] = selection


def score(trial: Trial, setting: Setting) -> tuple[float, float]:
    """Return the mean 2D Dice over the scans, and over the phantoms; NaN where there are none."""
    scores: dict[bool, list[float]] = {True: [], False: []}
    for whole in trial.images():
        image = whole.some(trial.every)
        own = opened(trial.method, image.site, setting.kind).method
        cord = KnownCord(cord_of(whole, trial.every))
        known = image.level if setting.level else None
        hint = None if known is None else CordHint(levels=np.full(len(image.gm), known, np.float32))
        found = InCord(setting.change(own), cord)(image.stack, hint).gm >= 0.5
        truth = image.cord if trial.of_cord else image.gm
        labeled = np.flatnonzero(truth.any(axis=(1, 2)))
        mean = float(np.mean([dice(found[z], truth[z]) for z in labeled]))
        scores[image.site is not None].append(mean)
    scans, phantoms = (float(np.mean(each)) if each else np.nan for each in scores.values())
    return scans, phantoms


ATLASES = {kind: Setting(kind=kind) for kind in KINDS}
TRIALS: dict[str, Trial] = {
    "mgac": Trial(
        "mgac",
        {
            f"Gaussian {edge} mm, rim {rim} mm": Setting(with_fields(edge_mm=edge, rim_mm=rim))
            for edge, rim in product((0.23, 0.35, 0.47, 0.6), (0.25, 0.5, 0.75))
        },
    ),
    "gsbme": Trial(
        "gsbme",
        {
            "nothing": Setting(),
            "no object is discarded": Setting(with_fields(largest_score=1e9)),
            "largest usual z: 2": Setting(with_fields(largest_score=2.0)),
            "largest usual z: 4": Setting(with_fields(largest_score=4.0)),
        },
    ),
    "gsbme-gaussian": Trial(
        "gsbme",
        {
            f"Gaussian {smooth} mm, rim {rim} mm": Setting(
                with_fields(smooth_mm=smooth, rim_mm=rim)
            )
            for smooth, rim in product((0.0, 0.15, 0.3), (0.5, 0.75, 1.0))
        },
    ),
    "sct-votes": Trial(
        "sct",
        {
            f"{labels}, {share:.0%} of the dictionary": Setting(
                with_fields(share=share, masks=masks)
            )
            for share in (0.05, 0.1, 0.2)
            for labels, masks in (("shares", False), ("masks", True))
        },
    ),
    "sct-levels": Trial(
        "sct",
        {"levels not given": Setting(), "levels given": Setting(level=True)},
        images=phantoms_with_levels,
    ),
    "opal": Trial(
        "jcscs",
        {
            f"sizes {sizes}, {' and '.join(features)}, {runs} runs each": Setting(
                opal_with(patches=sizes, features=features, runs=runs)
            )
            for sizes, features, runs in (
                ((9,), ("intensity",), 10),
                ((7, 11), ("intensity",), 5),
                ((9,), ("intensity", "gradient"), 5),
                ((7, 11), ("intensity", "gradient"), 3),
            )
        },
        of_cord=True,
        every=3,
    ),
    **{
        f"atlas-{method}": Trial(method, ATLASES, every=3 if method == "jcscs" else 1)
        for method in LEARNING
    },
}


def measured(trial: Trial) -> Sequence[Row]:
    """Return the rows of a trial: setting, scans, phantoms, mean of both."""
    rows = []
    for label, setting in trial.settings.items():
        scans, phantoms = score(trial, setting)
        means = (scans, phantoms, (scans + phantoms) / 2)
        rows.append((label, *("-" if np.isnan(mean) else f"{mean:.3f}" for mean in means)))
        sys.stderr.write(f"{trial.method}: {' | '.join(rows[-1])}\n")
    return rows


def main(names: list[str]) -> None:
    """Measure all trials, or those that are named."""
    for name in names or TRIALS:
        header = ("changed", "scans", "phantoms", "mean of both")
        replace_section(f"selection-{name}", table(header, measured(TRIALS[name])))


if __name__ == "__main__":
    main(sys.argv[1:])
