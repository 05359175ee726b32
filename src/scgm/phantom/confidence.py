"""Coefficients of confidence: fitted on phantoms of every quality and, if there are, on real scans.

Whoever exports a model calls `fit_on_scans`; ``python -m experiments.confidence fit`` does it for
every method that the package carries.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from scgm.image.confidence import ENOUGH_DICE, FEATURES, fit_confidence, slice_features
from scgm.image.orientation import AxialStack, to_axial
from scgm.phantom import Acquisition, Phantom, draw_anatomy, make_phantom
from scgm.phantom.levels import SEGMENTS

CONTRASTS = ("t2star", "t2star", "mt", "psir", "mp2rage", "t1", "spgr", "t2")
PIXELS_MM = (0.3, 1.3)
# Half of the scans show the neck, where the gray matter is looked at most; below L5 there is none
# to speak of.
PARTS = ("C", "C", "T", "L")
SLICES = 4
# Slices of either kind that a fit must have, so as not to follow single ones.
FEWEST = 20


class Maps(NamedTuple):
    """What a method found in a stack: probabilities (Z, Y, X), the cord's center (Z, 2), threshold.

    The center is in pixels, row and column, NaN where there is no cord.
    """

    gm: NDArray[np.float32]
    cord: NDArray[np.float32]
    centre_px: NDArray[np.float32]
    threshold: float = 0.5


Find = Callable[[AxialStack], Maps | None]


@dataclass(frozen=True, slots=True, eq=False)
class LabeledScan:
    """A stack with its gray matter (Z, Y, X)."""

    stack: AxialStack
    gm: NDArray[np.bool_]


def draw_scan(seed: int, *, visible: bool = True) -> Phantom:
    """Draw a person and a scan of four slices, from very good to useless.

    Where it is not to be *visible*, gray matter has the signal of white matter.
    """
    rng = np.random.default_rng((7, seed))
    part = PARTS[int(rng.integers(len(PARTS)))]
    levels = [level for level in SEGMENTS if level.startswith(part)]
    anatomy = draw_anatomy(rng, levels[int(rng.integers(len(levels)))])
    pixel_mm = float(np.exp(rng.uniform(*np.log(PIXELS_MM))))
    side = int(np.clip(64 / pixel_mm, 64, 160))
    drawn_ratio = float(np.exp(rng.uniform(-0.3, 0.3)))
    ratio = drawn_ratio if visible else 1.0
    acquisition = Acquisition(
        shape=(SLICES, side, side),
        spacing_mm=(float(rng.choice((2.5, 3, 5, 8, 15))), pixel_mm, pixel_mm),
        contrast=CONTRASTS[int(rng.integers(len(CONTRASTS)))],
        gm_wm_ratio=ratio if rng.random() < 0.5 or not visible else None,
        snr=float(np.exp(rng.uniform(np.log(4), np.log(40)))),
        texture=float(rng.uniform(0, 0.15)),
        bias=float(rng.uniform(0, 1)),
        sampled_share=float(rng.uniform(0.45, 1)),
        ghosting=float(rng.uniform(0, 0.3)) if rng.random() < 0.5 else 0.0,
    )
    return make_phantom(anatomy, acquisition, seed=seed)


def phantom_scans(count: int, first: int = 0) -> Iterator[LabeledScan]:
    """Draw labeled phantoms whose gray matter can be seen."""
    for seed in range(first, first + count):
        phantom = draw_scan(seed)
        # A phantom's voxels (i, j, k) run right, front, up: its stack is (k, j, i).
        yield LabeledScan(to_axial(phantom.volume), phantom.gm.T)


def examples_of(scan: LabeledScan, find: Find) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return features (N, 4) and Dice (N,) of the labeled slices in which gray matter was found."""
    found = find(scan.stack)
    if found is None:
        return np.empty((0, len(FEATURES))), np.empty(0)
    features = slice_features(*found)
    masks = found.gm >= found.threshold
    counts = masks.sum(axis=(1, 2)) + scan.gm.sum(axis=(1, 2))
    dice = 2 * (masks & scan.gm).sum(axis=(1, 2)) / np.maximum(counts, 1)
    used = np.isfinite(features[:, 0]) & scan.gm.any(axis=(1, 2))
    return features[used], dice[used]


def fit_on_scans(find: Find, scans: Iterable[LabeledScan]) -> dict[str, float] | None:
    """Fit a method's coefficients of confidence.

    Parameters
    ----------
    find
        The method: a stack to what it finds there, None where that is nothing.
    scans
        `phantom_scans`, and labeled scans that the method has not learned from.

    Returns
    -------
    dict or None
        One number for each of `scgm.image.confidence.COEFFICIENTS`; None if fewer than 20 slices
        are good, or fewer than 20 are not.
    """
    parts = [examples_of(scan, find) for scan in scans]
    if not parts:
        return None
    features, dice = (np.concatenate(each) for each in zip(*parts, strict=True))
    return fit_of_examples(features, dice)


def fit_of_examples(
    features: NDArray[np.float64], dice: NDArray[np.float64]
) -> dict[str, float] | None:
    """Fit coefficients, rounded to what is written; None where there are too few of either kind."""
    good = dice >= ENOUGH_DICE
    if min(int(good.sum()), int((~good).sum())) < FEWEST:
        return None
    return {name: round(value, 4) for name, value in fit_confidence(features, good).items()}
