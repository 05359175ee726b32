"""What a training looks at: scans, phantoms, or both."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from scgm.io.nifti.write import as_nifti, write_nifti
from scgm.phantom import make_phantom
from scgm.training.config.read import read_config
from scgm.training.config.settings import TrainConfig
from scgm.training.config.sources import Source
from scgm.training.data.examples import LabeledStack
from scgm.training.data.materials import _scenes, prepare
from tests.helpers.training_files import write_data


def stack() -> LabeledStack:
    """Return a scan of two slices."""
    cord = torch.zeros(2, 40, 40)
    cord[:, 10:30, 10:30] = 1
    source = Source(site="a", gm=Path("gm"), cord=(Path("cord"),))
    return LabeledStack(source, 1 + cord, cord, cord, (5.0, 0.5, 0.5))


@pytest.mark.parametrize(
    ("phantoms", "with_image", "count"), [(3, True, 5), (3, False, 3), (0, True, 2)]
)
def test_scenes_are_those_of_scans_and_of_phantoms(
    phantoms: int, with_image: bool, count: int
) -> None:
    given = stack() if with_image else replace(stack(), image=None)
    config = TrainConfig(source=(given.source,), phantoms=phantoms)

    scenes = _scenes(config, [given], lambda _: None)

    assert len(scenes.image) == len(scenes.weight) == count


def test_it_is_reported_how_many_slices_have_a_cord_but_no_gray_matter(tmp_path: Path) -> None:
    write_data(tmp_path)
    phantom = make_phantom()
    gm = np.array(phantom.gm, np.uint8)
    gm[:, :, 1:] = 0
    (tmp_path / "gm.nii.gz").unlink()
    write_nifti(as_nifti(gm, phantom.volume, dtype=np.uint8), tmp_path / "gm.nii.gz")
    lines: list[str] = []

    prepare(read_config(tmp_path / "recipe.toml"), tmp_path, lines.append)

    assert "volumes to learn from: 1 (1 with gray matter)" in lines[0]
    count = gm.shape[2]
    (said,) = [line for line in lines if "with a cord but no gray matter" in line]
    assert f": {count}; with gray matter: 1; with a cord but no gray matter: {count - 1} " in said
