"""Trainings side by side on the selection set: ``python -m experiments.trainings MODEL ...``.

MODEL is an ``.onnx`` file. Prints a row for each: Dice on the labeled scans that are no evidence
(their labels are the output of a published model: no sign of accuracy, but a network that loses
them has learned something wrong), on phantoms of several contrasts and of fine specimens, and how
much of a loss of 5 % is measured. A model has to have left out the sites of these scans, or to
have learned its segmentation from shapes alone. Nothing here reads evidence.
"""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import scgm
from experiments.hard_cases import CONTRASTS, specimen, with_level
from experiments.markdown import Row, table
from experiments.selection import labeled_scans
from scgm.errors import ScgmError
from scgm.evaluation.metrics import dice
from scgm.image.orientation import to_axial
from scgm.image.volume import Volume
from scgm.phantom import Acquisition, draw_anatomy, make_phantom
from scgm.segmenters.base import Segmenter
from scgm.segmenters.registry import load_model

# The protocol has seeds below 1000 for choices.
CONTRAST_SEED, SPECIMEN_SEED, LOSS_SEED = 940, 950, 960
PEOPLE, SPECIMENS = 3, 6
LOST, LEVEL = 0.05, slice(5, 10)
Mask = NDArray[np.bool_]


def segmented(model: Segmenter, volume: Volume) -> tuple[Mask, Mask]:
    """Return gray matter and cord (Z, Y, X); empty where no cord is found."""
    try:
        result = scgm.segment(volume, segmenter=model)
    except ScgmError:
        nothing = np.zeros(to_axial(volume).slices.shape, bool)
        return nothing, nothing
    return np.asarray(result.axial_mask("gm")), np.asarray(result.axial_mask("cord"))


def of_scans(model: Segmenter) -> Iterator[tuple[str, float]]:
    """Yield the Dice of gray matter on each labeled scan that is no evidence; the mean cord's."""
    of_cord = []
    for case in labeled_scans():
        assert case.gm is not None
        assert case.cord is not None
        found = model(case.stack)
        assert found.cord is not None
        slices = np.flatnonzero(case.gm.any(axis=(1, 2)))
        yield case.path.name.split("_")[0], _mean_dice(found.gm >= 0.5, case.gm, slices)
        of_cord.append(_mean_dice(found.cord >= 0.5, case.cord, slices))
    yield "cord of these", float(np.mean(of_cord))


def _mean_dice(found: Mask, truth: Mask, slices: NDArray[np.int_]) -> float:
    return float(np.mean([dice(found[z], truth[z]) for z in slices]))


def of_contrasts(model: Segmenter) -> Iterator[tuple[str, float]]:
    """Yield the mean Dice of gray matter on phantoms of each contrast."""
    for name, scan in CONTRASTS.items():
        scores = []
        for person in range(PEOPLE):
            anatomy = draw_anatomy(np.random.default_rng((CONTRAST_SEED, person)))
            phantom = make_phantom(anatomy, scan, seed=CONTRAST_SEED + person)
            found, _ = segmented(model, phantom.volume)
            scores += [dice(found[z], phantom.gm[..., z].T) for z in range(len(found))]
        yield name, float(np.mean(scores))


def of_specimens(model: Segmenter) -> Iterator[tuple[str, float]]:
    """Yield the mean Dice of fine specimens, and the recall of the thin ends of their horns."""
    scores, recalls = [], []
    for number in range(SPECIMENS):
        each = specimen(SPECIMEN_SEED, number)
        found, _ = segmented(model, each.phantom.volume)
        scores.append(dice(found[0], each.phantom.gm[..., 0].T))
        recalls.append(found[0][each.thin].mean())
    yield "specimens", float(np.mean(scores))
    yield "thin ends", float(np.mean(recalls))


def of_loss(model: Segmenter) -> Iterator[tuple[str, float]]:
    """Yield how much of a loss of 5 % at one level is measured, in %, by probability."""
    scan = Acquisition(shape=(15, 140, 140), spacing_mm=(3.0, 0.5, 0.5), snr=30.0)
    losses = []
    for person in range(PEOPLE):
        anatomy = draw_anatomy(np.random.default_rng((LOSS_SEED, person)))
        thinner = replace(anatomy, gray_share=(1 - LOST) * anatomy.gray_share)
        before = make_phantom(anatomy, scan, seed=person)
        after = with_level(before, make_phantom(thinner, scan, seed=person), LEVEL)
        sums = [model(to_axial(each)).gm[LEVEL].sum() for each in (before.volume, after)]
        losses.append(100 * (1 - sums[1] / sums[0]))
    yield "loss of 5 %", float(np.mean(losses))


def row(path: Path) -> Row:
    """Return what a model reaches; the name of its file comes first."""
    model = load_model(path, threads=1)
    cells = [path.stem]
    for part in (of_scans, of_contrasts, of_specimens, of_loss):
        cells += [f"{value:.1f}" if "%" in name else f"{value:.3f}" for name, value in part(model)]
    sys.stderr.write(f"{' | '.join(cells)}\n")
    return tuple(cells)


def header(path: Path) -> Row:
    """Return the names of the columns."""
    model = load_model(path, threads=1)
    names = [name for part in (of_scans, of_loss) for name, _ in part(model)]
    return ("model", *names[:-1], *CONTRASTS, "specimens", "thin ends", names[-1])


def main(paths: Sequence[str]) -> None:
    """Print the table."""
    models = list(map(Path, paths))
    rows = [row(path) for path in models]
    sys.stdout.write(f"{table(header(models[0]), rows)}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
