"""Is our dilated network the published one? Its published weights must give its published Dice."""

from functools import partial
from pathlib import Path

import numpy as np

from experiments.evidence import DATA, EVIDENCE, Case, fold_for, read_case, source_of
from experiments.markdown import Row, table, verdict
from scgm.evaluation.metrics import dice
from scgm.networks.ddc import DeepDilatedNetwork
from scgm.networks.keras_weights import load_published_weights
from scgm.networks.published import Constants, published_mask
from scgm.segmenters.registry import load_model

WEIGHTS = "published-ddc/challenge_model.hdf5"
# Measured beforehand with the authors' own files, by other code than ours.
EXPECTED = {"sub-9418": 0.898, "t2s_uncropped": 0.885, "t2s": 0.897, "mt1": 0.712}
TOLERANCE = 0.005
# challenge_model.json of github.com/neuropoly/gmseg.
CONSTANTS = Constants(mean=449.5663, deviation=489.2221)
HEADER = (
    "image",
    "expected",
    "ours",
    "within 0.005",
    "around the found cord",
    "with the constants",
    "grid from the first voxel",
)


def published_dice() -> str:
    """Table of the published weights' Dice: expected, ours, and in three variants."""
    network = load_network()
    return table(HEADER, [_row(network, *item) for item in EVIDENCE.items()])


def load_network() -> DeepDilatedNetwork:
    """Load the published weights."""
    return load_published_weights(DATA / WEIGHTS)


def found_center_dice(network: DeepDilatedNetwork, case: Case, finder: Path) -> float:
    """Mean 2D Dice of the published weights, around the cord that a model of ours finds."""
    centers = load_model(finder, device="cpu")(case.stack).centre_px
    mask = published_mask(network, case.stack.slices, case.stack.spacing_mm, centers_px=centers)
    return _mean_dice(mask, case)


def _row(network: DeepDilatedNetwork, name: str, image: str) -> Row:
    case = read_case(source_of(image))
    run = partial(published_mask, network, case.stack.slices, case.stack.spacing_mm)
    ours = _mean_dice(run(), case)
    variants = (
        found_center_dice(network, case, fold_for(case.source.site)),
        _mean_dice(run(constants=CONSTANTS), case),
        _mean_dice(run(alignment="first voxel"), case),
    )
    near = abs(ours - EXPECTED[name]) <= TOLERANCE
    scores = (f"{score:.3f}" for score in variants)
    return (name, f"{EXPECTED[name]:.3f}", f"{ours:.4f}", verdict(near), *scores)


def _mean_dice(mask: np.ndarray, case: Case) -> float:
    assert case.gm is not None
    labeled = np.flatnonzero(case.gm.any(axis=(1, 2)))
    return float(np.mean([dice(mask[z], case.gm[z]) for z in labeled]))
