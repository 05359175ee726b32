"""What tests of training share: a scan with its labels, a tiny recipe, a tiny network."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from scgm.io.nifti.write import as_nifti, write_nifti
from scgm.phantom import make_phantom
from scgm.synthesis.draw import Draw
from scgm.training.config.settings import Stage, TrainConfig
from scgm.training.engine.compute import Compute
from scgm.training.engine.distributed import Team
from scgm.training.engine.loop import Task
from scgm.training.engine.session import Session
from scgm.training.engine.state import State

RECIPE = """
seed = 1
leave_out = ["b"]
phantoms = 2
save_every = 2
[finder]
steps = 3
batch = 2
widths = [4, 4, 4, 4, 8]
[segmenter]
steps = 3
batch = 4
widths = [4, 4, 8, 8]
real_share = 0.5
validate_every = 2
[[source]]
site = "a"
image = "scan.nii.gz"
gm = "gm.nii.gz"
cord = ["cord.nii.gz"]
[[source]]
site = "b"
image = "other.nii.gz"
gm = "other_gm.nii.gz"
cord = ["other_cord.nii.gz"]
"""

CPU = torch.device("cpu")


def write_data(folder: Path) -> Path:
    """Write a phantom scan with its labels, another one, different by one voxel, and a recipe."""
    phantom = make_phantom()
    other_gm, other_cord = phantom.gm.copy(), phantom.cord.copy()
    gray = tuple(np.argwhere(phantom.gm)[0])
    outside = tuple(np.argwhere(phantom.cord)[0] - (1, 0, 0))
    other_gm[gray], other_cord[outside] = False, True
    for name, values, dtype in (
        ("scan", phantom.volume.voxels, np.float32),
        ("other", phantom.volume.voxels + 1, np.float32),
        ("gm", phantom.gm, np.uint8),
        ("cord", phantom.cord, np.uint8),
        ("other_gm", other_gm, np.uint8),
        ("other_cord", other_cord, np.uint8),
    ):
        write_nifti(as_nifti(values, phantom.volume, dtype=dtype), folder / f"{name}.nii.gz")
    (folder / "recipe.toml").write_text(RECIPE)
    return folder


def silent(line: str) -> None:
    """Report nothing."""


@dataclass(frozen=True)
class Images:
    """A batch of images (n, 1, 8, 8)."""

    images: Tensor


def tiny_network() -> nn.Module:
    """Make a network with statistics and dropout, the same at every call."""
    torch.manual_seed(3)
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.Dropout(0.3), nn.Conv2d(4, 1, 1)
    )


def square_error(network: nn.Module, batch: Images, _: float) -> Tensor:
    """Return how far the network is from returning the square of its input."""
    error: Tensor = (network(batch.images) - batch.images**2).square().mean()
    return error


def tiny_task(
    steps: int, *, stop_after: int | None = None, limit: type[BaseException] = KeyboardInterrupt
) -> Task[Images]:
    """Make a task on random images; after ``stop_after`` batches it is interrupted."""
    draw = Draw(5)
    drawn = 0

    def batch() -> Images:
        nonlocal drawn
        if drawn == stop_after:
            raise limit
        drawn += 1
        return Images(draw.normal(2, 1, 8, 8))

    return Task("tiny", Stage(steps=steps, batch=2, learning_rate=0.01), draw, batch, square_error)


def session_in(
    folder: Path,
    earlier: State | None = None,
    *,
    report: Callable[[str], None] = silent,
    **values: object,
) -> Session:
    """Make the session of one process on the CPU, and its folder."""
    folder.mkdir(exist_ok=True)
    config = TrainConfig.model_validate({"save_every": 5, **values})
    return Session(config, folder, Team(CPU), Compute(CPU), report, earlier, 0.0)
