"""How far to average along the cord: ``python -m experiments.along_cord CHECKPOINT``.

Averaging a slice with its neighbors lowers the difference between two scans of a person, and
spreads a loss that is at one level. On phantoms, with exact truth: each is scanned twice with other
noise, and once more with less gray matter at one level. CHECKPOINT is the folder of a training.
"""

import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from experiments.hard_cases import with_level
from experiments.markdown import Row, table
from experiments.results_page import replace_section
from scgm.image.orientation import to_axial
from scgm.image.volume import Volume
from scgm.networks.graph import CordAndGrayMatter
from scgm.phantom import Acquisition, draw_anatomy, make_phantom
from scgm.training.engine.checkpoints import load_checkpoint

TRIED_MM = (0.0, 1.5, 3.0, 5.0)
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
def areas(model: CordAndGrayMatter, volume: Volume) -> Areas:
    """Return the areas of gray matter (Z, 2)."""
    stack = to_axial(volume)
    slices = torch.from_numpy(np.array(stack.slices, np.float32))
    spacing = torch.tensor(stack.spacing_mm, dtype=torch.float32)
    gm = model(slices, spacing, torch.full((len(slices), 2), torch.nan))[0]
    counted = torch.stack([(gm >= THRESHOLD).sum(dim=(1, 2)), gm.sum(dim=(1, 2))], dim=1)
    return (counted * spacing[1] * spacing[2]).double().numpy()


def found(model: CordAndGrayMatter, scan: Acquisition, person: int) -> Found:
    """Scan a person three times."""
    anatomy = draw_anatomy(np.random.default_rng((FIRST_SEED, person)))
    first, second = (make_phantom(anatomy, scan, seed=FIRST_SEED + seed) for seed in (0, 1))
    thinner = replace(anatomy, gray_share=(1 - LOST) * anatomy.gray_share)
    after = with_level(first, make_phantom(thinner, scan, seed=FIRST_SEED), LEVEL)
    return Found(*(areas(model, volume) for volume in (first.volume, second.volume, after)))


def row(model: CordAndGrayMatter, along_mm: float) -> Row:
    """Return the means over all scans and people."""
    model.windows = replace(model.windows, along_mm=along_mm)
    each = [found(model, scan, person) for scan in SCANS for person in range(PEOPLE)]
    by_mask, by_probability = np.mean([one.difference() for one in each], axis=0)
    loss = np.mean([one.loss() for one in each])
    return (f"{along_mm:g}", f"{by_mask:.1f}", f"{by_probability:.1f}", f"{loss:.1f}")


def main(checkpoint: Path) -> None:
    """Write the table."""
    model = load_checkpoint(checkpoint)[0].eval()
    header = (
        "Gaussian, mm",
        "two scans differ in a slice by, mask, %",
        "by probability, %",
        "loss of 5 % measured as, %",
    )
    content = table(header, [row(model, along_mm) for along_mm in TRIED_MM])
    print(content)
    replace_section("selection-along-cord", content)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
