"""What to expect, on what, against what: ``python -m experiments.expectations`` writes its table.

The images whose labels were drawn or corrected by hand, and on each the method of this package with
a model that never saw the image's site, the published weights of the challenge, and the published
large network. The numbers of the large network were measured by its authors' code; its weights are
not part of the public data, so they are not measured again here.
"""

import sys
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

import scgm
from experiments.evidence import DATA, EVIDENCE, Case, fold_for, read_case, source_of
from experiments.markdown import Row, table
from experiments.published import WEIGHTS
from experiments.results_page import replace_section
from scgm.evaluation.metrics import dice
from scgm.networks.keras_weights import load_published_weights
from scgm.networks.published import published_mask

# What an image shows; and the Dice of the large network, which was measured with other code.
CONTRAST = {
    "sub-9418": "T2*w 0.5 x 3 mm, cervical",
    "t2s_uncropped": "T2*w 0.5 x 7.5 mm, cervical",
    "t2s": "the same scan, cropped",
    "mt1": "MT 0.84 x 17 mm, cervical",
}
LARGE_DICE = {"sub-9418": 0.906, "t2s_uncropped": 0.897, "t2s": 0.912, "mt1": 0.739}


@dataclass(frozen=True, slots=True)
class Scores:
    """Of one method on one image: means over the slices that have gray matter drawn on them.

    Parameters
    ----------
    dice, worst : float
        Mean and lowest Dice.
    area_percent : float
        Area found less area drawn, in percent of the area drawn, all slices together.
    slice_percent : float
        Mean of the same without sign, slice by slice.
    """

    dice: float
    worst: float
    area_percent: float
    slice_percent: float


def scores_of(found: NDArray[np.bool_], drawn: NDArray[np.bool_]) -> Scores:
    """Score the slices (Z, Y, X) on which gray matter was drawn."""
    labeled = np.flatnonzero(drawn.any(axis=(1, 2)))
    dices = [dice(found[z], drawn[z]) for z in labeled]
    area, true = (mask[labeled].sum(axis=(1, 2)) for mask in (found, drawn))
    return Scores(
        dice=float(np.mean(dices)),
        worst=float(np.min(dices)),
        area_percent=float(100 * (area.sum() / true.sum() - 1)),
        slice_percent=float(np.mean(100 * np.abs(area / true - 1))),
    )


def row_of(name: str, case: Case) -> tuple[Row, Scores, Scores]:
    """Return the cells of one image, and the scores of the two methods that are measured."""
    assert case.gm is not None
    result = scgm.segment(case.path, model=fold_for(case.source.site), threads=1)
    ours = scores_of(result.axial_mask("gm"), case.gm)
    network = load_published_weights(DATA / WEIGHTS)
    mask = published_mask(network, case.stack.slices, case.stack.spacing_mm)
    published = scores_of(np.asarray(mask, np.bool_), case.gm)
    flagged = sum(status != "ok" for status in result.status)
    counts = (CONTRAST[name], str(int(case.gm.any(axis=(1, 2)).sum())), str(flagged))
    return (name, *counts, *_cells(ours, published, LARGE_DICE[name])), ours, published


def _cells(ours: Scores, published: Scores, large: float) -> Row:
    return (
        f"{ours.dice:.3f}",
        f"{ours.worst:.3f}",
        f"{ours.area_percent:+.1f} ({ours.slice_percent:.1f})",
        f"{published.dice:.3f}",
        f"{published.area_percent:+.1f} ({published.slice_percent:.1f})",
        f"{large:.3f}",
    )


def expectations() -> str:
    """Return the table, with the mean of each method below it, and its notes."""
    found = [row_of(name, read_case(source_of(image))) for name, image in EVIDENCE.items()]
    rows = [row for row, _, _ in found]
    means = (_mean([scores for _, scores, _ in found]), _mean([each for *_, each in found]))
    large = float(np.mean(list(LARGE_DICE.values())))
    rows.append(("**mean**", "", "", "", *_cells(*means, large)))
    head = ("image", "what it shows", "slices", "flagged")
    default = ("default: Dice", "worst slice", "area, % (by slice)")
    others = ("published challenge: Dice", "area, % (by slice)", "published large: Dice*")
    return f"{table((*head, *default, *others), rows)}\n\n{NOTES}"


def _mean(scores: list[Scores]) -> Scores:
    return Scores(
        dice=float(np.mean([each.dice for each in scores])),
        worst=min(each.worst for each in scores),
        area_percent=float(np.mean([each.area_percent for each in scores])),
        slice_percent=float(np.mean([each.slice_percent for each in scores])),
    )


NOTES = (
    "Mean 2D Dice over the slices that a rater drew on; `t2s` and `t2s_uncropped` are one scan of "
    "one person, so these are three people. Area: found less drawn in percent of drawn, over all "
    "slices; in brackets the mean of its amount slice by slice. `default` is a model that was "
    "trained without the image's site; whether the published networks were trained on these people "
    "is not known. \\*Measured with the authors' code and weights, not again by this command."
)


if __name__ == "__main__":
    content = expectations()
    sys.stdout.write(f"{content}\n")
    replace_section("expectations", content)
