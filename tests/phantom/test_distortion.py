"""Distorted phantoms: tissue moves along rows, its signal is kept, and the truth moves with it."""

import math
from dataclasses import replace

import numpy as np
import pytest

from scgm.errors import ConfigError
from scgm.phantom import Acquisition, Anatomy, make_phantom
from scgm.phantom.body import Body
from scgm.phantom.distortion import MOST_DISTORTED, Distortion
from scgm.phantom.scene import Scene

SCAN = Acquisition(
    shape=(2, 160, 120),
    spacing_mm=(4.0, 0.5, 0.5),
    snr=math.inf,
    texture=0,
    bias=0,
    sampled_share=1,
)
MM = np.arange(240, dtype=np.float32) - 120
GRID = np.meshgrid(MM, MM)


def drawn(amount: float, seed: int = 0) -> Distortion:
    """Return a distortion."""
    return Distortion.draw(amount, np.random.default_rng(seed))


def test_lengths_along_the_rows_change_by_the_asked_amount() -> None:
    factors = [drawn(0.2, seed).brightness(*GRID, 0.0) for seed in range(20)]

    assert np.mean(factors) == pytest.approx(1, abs=0.01)
    assert np.std(factors) == pytest.approx(0.2, rel=0.05)


def test_brightness_is_how_much_tissue_a_pixel_shows() -> None:
    """Rows of 1 mm: from one to the next the shown tissue moves on by 1 mm times the brightness."""
    distortion = drawn(0.3)
    column, row = GRID
    ahead = distortion.shift_mm(column, row + 0.5, 7.0) + 1
    behind = distortion.shift_mm(column, row - 0.5, 7.0)

    np.testing.assert_allclose(ahead - behind, distortion.brightness(column, row, 7.0), atol=2e-3)


@pytest.mark.parametrize("seed", range(30))
def test_the_strongest_distortion_folds_nothing(seed: int) -> None:
    assert drawn(MOST_DISTORTED, seed).brightness(*GRID, 3.0).min() > 0


def test_a_place_is_found_where_it_is_seen() -> None:
    distortion = drawn(MOST_DISTORTED)
    x, y = distortion.seen_at((3.0, -8.0), 10.0)

    assert x == 3.0
    assert y != pytest.approx(-8.0, abs=0.1)
    shift = distortion.shift_mm(np.full(1, x, np.float32), np.full(1, y, np.float32), 10.0)
    assert y + shift[0] == pytest.approx(-8.0, abs=0.01)


def test_the_center_of_a_scene_is_where_the_image_shows_it() -> None:
    """Around it the cord is sampled finely."""
    anatomy, distortion = Anatomy(offset_mm=(2.0, -5.0)), drawn(MOST_DISTORTED)
    scene = Scene(anatomy, Body.draw(anatomy.region, np.random.default_rng(0)), distortion)
    x, y = anatomy.center_mm(4.0)

    assert scene.center_mm(4.0) == distortion.seen_at((x, y), 4.0)
    assert scene.center_mm(4.0) != (x, y)
    assert replace(scene, distortion=None).center_mm(4.0) == (x, y)


def test_the_truth_moves_with_the_image() -> None:
    """Where the truth says that there is nothing but cord, the image is as bright as cord is."""
    straight = make_phantom(Anatomy(region="C5"), SCAN, seed=3)
    bent = make_phantom(Anatomy(region="C5"), replace(SCAN, distortion=0.3), seed=3)
    middle = [np.argwhere(each.cord[..., 0]).mean(axis=0) for each in (straight, bent)]

    assert abs(middle[1] - middle[0])[1] > 1  # rows of 0.5 mm
    assert abs(middle[1] - middle[0])[0] < 1
    for phantom in (straight, bent):
        fluid = phantom.volume.voxels.max()
        white = phantom.wm & (phantom.gm_fraction == 0) & (phantom.cord_fraction == 1)
        values = phantom.volume.voxels[white] / fluid
        assert values.std() < 0.12


def test_the_signal_of_the_cord_is_kept() -> None:
    """What is squeezed into fewer pixels is brighter there: the sum over the cord stays."""
    sums = []
    for amount in (0.0, 0.3):
        phantom = make_phantom(
            Anatomy(ex_vivo=True, medium="fomblin"), replace(SCAN, distortion=amount), seed=3
        )
        voxels = phantom.volume.voxels
        sums.append(voxels.sum(axis=(0, 1)) / voxels.shape[0])

    np.testing.assert_allclose(sums[1], sums[0], rtol=0.03)


@pytest.mark.parametrize("amount", [-0.1, 0.41, math.nan])
def test_an_impossible_distortion_is_refused(amount: float) -> None:
    with pytest.raises(ConfigError, match="distortion"):
        Acquisition(distortion=amount)
