"""What a training looks at: scans, phantoms, or both."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from scgm.training.config.settings import TrainConfig
from scgm.training.config.sources import Source
from scgm.training.data.examples import LabeledStack
from scgm.training.data.materials import _scenes


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
