"""How far to average along the cord: ``python -m experiments.along_cord RUNS``.

Averaging a slice with its neighbors lowers the difference between two scans of a person, and
spreads a loss that is at one level. On phantoms, with exact truth: each is scanned twice with other
noise, and once more with less gray matter at one level. Also on the labeled scans that are no
evidence, whose anatomy changes from slice to slice as that of phantoms does not; their labels are
the output of a published model. RUNS holds the trainings of `experiments.train_models`.
"""

import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from experiments.evidence import Case
from experiments.hard_cases import with_level
from experiments.markdown import Row, table
from experiments.results_page import replace_section
from experiments.selection import labeled_scans
from scgm.evaluation.metrics import dice
from scgm.image.orientation import AxialStack, to_axial
from scgm.image.volume import Volume
from scgm.networks.graph import CordAndGrayMatter
from scgm.phantom import Acquisition, draw_anatomy, make_phantom
from scgm.training.engine.checkpoints import load_checkpoint, read_record

TRIED_MM = (0.0, 1.0, 1.5, 2.0, 3.0)
SCANS = (
    Acquisition(shape=(15, 140, 140), spacing_mm=(3.0, 0.5, 0.5), snr=15.0),
    Acquisition(shape=(15, 100, 100), spacing_mm=(3.0, 0.7, 0.7), snr=15.0),
    Acquisition(shape=(12, 140, 140), spacing_mm=(5.0, 0.5, 0.5), snr=15.0),
)
PEOPLE, FIRST_SEED = 4, 920
LEVEL = slice(5, 9)
LOST, THRESHOLD = 0.05, 0.5
Areas = NDArray[np.float64]


@dataclass(frozen=True)
class Found:
    """Areas (Z, 2) in mm2, by mask and by probability, of two scans and of one after a loss."""

    first: Areas
    second: Areas
    after: Areas

    def difference(self) -> Areas:
        """Differences of slices between the scans in % of their mean, by mask and probability."""
        mean = (self.first + self.second) / 2
        percent: Areas = 100 * np.abs(self.first - self.second).mean(axis=0) / mean.mean(axis=0)
        return percent

    def loss(self) -> float:
        """Loss at the level in %, by probability."""
        return float(100 * (1 - self.after[LEVEL, 1].mean() / self.first[LEVEL, 1].mean()))


@torch.no_grad()
def gray_matter(model: CordAndGrayMatter, stack: AxialStack, along_mm: float) -> Tensor:
    """Return the probability of gray matter (Z, Y, X), averaged as far as that."""
    model.windows = replace(model.windows, along_mm=along_mm)
    slices = torch.from_numpy(np.array(stack.slices, np.float32))
    spacing = torch.tensor(stack.spacing_mm, dtype=torch.float32)
    gm: Tensor = model(slices, spacing, torch.full((len(slices), 2), torch.nan))[0]
    return gm


def areas(model: CordAndGrayMatter, volume: Volume, along_mm: float) -> Areas:
    """Return the areas of gray matter (Z, 2)."""
    stack = to_axial(volume)
    gm = gray_matter(model, stack, along_mm)
    counted = torch.stack([(gm >= THRESHOLD).sum(dim=(1, 2)), gm.sum(dim=(1, 2))], dim=1)
    return counted.double().numpy() * stack.pixel_area_mm2


def found(model: CordAndGrayMatter, scan: Acquisition, person: int, along_mm: float) -> Found:
    """Scan a person three times."""
    anatomy = draw_anatomy(np.random.default_rng((FIRST_SEED, person)))
    first, second = (make_phantom(anatomy, scan, seed=FIRST_SEED + seed) for seed in (0, 1))
    thinner = replace(anatomy, gray_share=(1 - LOST) * anatomy.gray_share)
    after = with_level(first, make_phantom(thinner, scan, seed=FIRST_SEED), LEVEL)
    volumes = (first.volume, second.volume, after)
    return Found(*(areas(model, volume, along_mm) for volume in volumes))


def without(site: str, runs: Path) -> CordAndGrayMatter:
    """Return the training that left a site out.

    Raises
    ------
    LookupError
        If there is none.
    """
    for folder in sorted(runs.glob("without-*")):
        if site not in read_record(folder)[1]["sites"]:
            return load_checkpoint(folder)[0]
    msg = f"{runs}: no training left out {site}"
    raise LookupError(msg)


def agreement(model: CordAndGrayMatter, case: Case, along_mm: float) -> float:
    """Return the mean Dice with the label of a scan."""
    assert case.gm is not None
    mask = gray_matter(model, case.stack, along_mm).numpy() >= THRESHOLD
    labeled = np.flatnonzero(case.gm.any(axis=(1, 2)))
    return float(np.mean([dice(mask[z], case.gm[z]) for z in labeled]))


def main(runs: Path) -> None:
    """Write the table."""
    model = load_checkpoint(runs / "default")[0]
    scans = [(without(case.source.site, runs), case) for case in labeled_scans()]
    rows: list[Row] = []
    for along_mm in TRIED_MM:
        each = [found(model, scan, one, along_mm) for scan in SCANS for one in range(PEOPLE)]
        by_mask, by_probability = np.mean([one.difference() for one in each], axis=0)
        loss = np.mean([one.loss() for one in each])
        on_scans = [f"{agreement(own, case, along_mm):.3f}" for own, case in scans]
        measured = (f"{by_mask:.1f}", f"{by_probability:.1f}", f"{loss:.1f}")
        rows.append((f"{along_mm:g}", *measured, *on_scans))
    header = (
        "Gaussian, mm",
        "two scans differ in a slice by, mask, %",
        "by probability, %",
        "loss of 5 % measured as, %",
        *(f"Dice, {case.path.name.split('_')[0]}" for _, case in scans),
    )
    content = table(header, rows)
    print(content)
    replace_section("selection-along-cord", content)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
