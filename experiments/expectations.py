"""What to expect, on what, against what: ``python -m experiments.expectations`` writes its table.

The images whose labels were drawn or corrected by hand, and on each the method of this package with
a model that never saw the image's site, the published weights of the challenge, and the published
large network. The numbers of the large network were measured by its authors' code; its weights are
not part of the public data, so they are not measured again here.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import scgm
from experiments.evidence import EVIDENCE, fold_for, read_case, source_of, three_means
from experiments.markdown import Row, table
from experiments.published import found_center_dice, load_network
from experiments.results_page import replace_section
from experiments.side_by_side import subject_of
from scgm.evaluation.metrics import dice
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


@dataclass(frozen=True, slots=True)
class Image:
    """The scores of an image: ours, the published weights' in two ways, the large network's."""

    name: str
    site: str
    subject: str
    slices: int
    flagged: int
    ours: Scores
    published: Scores
    around_found: float
    large: float

    @property
    def row(self) -> Row:
        """Cells of the table."""
        return (
            self.name,
            CONTRAST[self.name],
            str(self.slices),
            str(self.flagged),
            f"{self.ours.dice:.3f}",
            f"{self.ours.worst:.3f}",
            f"{self.ours.area_percent:+.1f} ({self.ours.slice_percent:.1f})",
            f"{self.published.dice:.3f}",
            f"{self.published.area_percent:+.1f} ({self.published.slice_percent:.1f})",
            f"{self.around_found:.3f}",
            f"{self.large:.3f}",
        )

    @property
    def dices(self) -> tuple[float, ...]:
        """Dice of ours, of the published weights in two ways, and of the large network."""
        return (self.ours.dice, self.published.dice, self.around_found, self.large)


def image_of(name: str, path: str) -> Image:
    """Score an image."""
    case = read_case(source_of(path))
    assert case.gm is not None
    fold = fold_for(case.source.site)
    result = scgm.segment(case.path, model=fold, threads=1)
    network = load_network()
    mask = published_mask(network, case.stack.slices, case.stack.spacing_mm)
    return Image(
        name=name,
        site=case.source.site,
        subject=subject_of(Path(path)),
        slices=int(case.gm.any(axis=(1, 2)).sum()),
        flagged=sum(status != "ok" for status in result.status),
        ours=scores_of(result.axial_mask("gm"), case.gm),
        published=scores_of(np.asarray(mask, np.bool_), case.gm),
        around_found=found_center_dice(network, case, fold),
        large=LARGE_DICE[name],
    )


def mean_rows(images: Sequence[Image]) -> list[Row]:
    """Return the mean Dice over images, subjects and sites."""
    people = [(image.site, image.subject) for image in images]
    columns = [
        three_means(values, people) for values in zip(*(i.dices for i in images), strict=True)
    ]
    return [
        (
            f"**mean of {kind[0].count} {kind[0].over}**",
            *[""] * 3,
            *_dice_cells([mean.value for mean in kind]),
        )
        for kind in zip(*columns, strict=True)
    ]


def _dice_cells(dices: Sequence[float]) -> Row:
    ours, published, around_found, large = (f"{value:.3f}" for value in dices)
    return (ours, "", "", published, "", around_found, large)


def expectations() -> str:
    """Return the table, with the means below it, and its notes."""
    images = [image_of(*item) for item in EVIDENCE.items()]
    head = ("image", "what it shows", "slices", "flagged")
    default = ("default: Dice", "worst slice", "area, % (by slice)")
    others = (
        "published challenge: Dice",
        "area, % (by slice)",
        "around the found cord: Dice",
        "published large: Dice*",
    )
    rows = [*(image.row for image in images), *mean_rows(images)]
    return f"{table((*head, *default, *others), rows)}\n\n{NOTES}"


NOTES = (
    "Mean 2D Dice over the slices that a rater drew on; `t2s` and `t2s_uncropped` are one scan of "
    "one person, so these are three people. Area: found less drawn in percent of drawn, over all "
    "slices; in brackets the mean of its amount slice by slice. `default` is a model that was "
    'trained without the image\'s site. "Around the found cord": the published challenge weights, '
    "with their window around the cord that this model finds. Whether the published networks were "
    "trained on these people is not known. \\*Measured with the authors' code and weights, not "
    "again by this command."
)


if __name__ == "__main__":
    content = expectations()
    sys.stdout.write(f"{content}\n")
    replace_section("expectations", content)
