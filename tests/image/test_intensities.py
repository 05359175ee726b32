"""Intensities as methods get them: the unit, padding and broken voxels do not matter."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from scgm.image.intensities import for_methods
from scgm.image.orientation import AxialStack, to_axial
from scgm.image.volume import Geometry, Volume


def stack_of(slices: NDArray[np.float64], missing: NDArray[np.bool_] | None = None) -> AxialStack:
    """Return slices (Z, Y, X) of 0.5 x 0.5 x 5 mm."""
    values = slices.astype(np.float32).T
    geometry = Geometry(values.shape, np.diag([0.5, 0.5, 5, 1]))
    return to_axial(Volume(values, geometry, missing=None if missing is None else missing.T))


def tissue(seed: int = 0) -> NDArray[np.float64]:
    """Values of a scan: 50 to 1000, most of them low, with 3 times as much in a corner (fat)."""
    rng = np.random.default_rng(seed)
    values = 50 + 950 * rng.random((4, 40, 50)) ** 2
    values[:, :6, :6] *= 3
    return values


def test_an_ordinary_scan_is_not_touched() -> None:
    stack = stack_of(tissue())

    assert for_methods(stack) is stack


@pytest.mark.parametrize("exponent", [-100, -60, -30, 30, 60, 100])
def test_powers_of_two_far_from_one_give_the_same_values(exponent: int) -> None:
    one, other = (for_methods(stack_of(tissue() * 2.0**k)) for k in (-40, exponent))

    np.testing.assert_array_equal(one.slices, other.slices)


def test_only_the_exponent_changes() -> None:
    slices = tissue() * 1e-20

    ratio = for_methods(stack_of(slices)).slices / slices.astype(np.float32)

    assert np.unique(ratio).size == 1
    assert np.log2(ratio.flat[0]) == int(np.log2(ratio.flat[0]))


def test_scattered_broken_voxels_get_usual_values() -> None:
    """2 percent of the voxels, half of them at each end of int16; the others stay as they are."""
    whole = tissue()
    broken = whole.copy()
    where = np.random.default_rng(1).permutation(whole.size)[: whole.size // 50]
    broken.flat[where[::2]], broken.flat[where[1::2]] = -32767, 32767

    slices = for_methods(stack_of(broken)).slices

    kept = np.ones(whole.size, bool)
    kept[where] = False
    np.testing.assert_array_equal(slices.flat[kept], whole.astype(np.float32).flat[kept])
    assert slices.min() >= -1000
    assert slices.max() <= 3000


def test_bright_tissue_in_much_air_is_not_broken() -> None:
    """Air of 1 to 10 in 97 of 100 voxels: a piece of tissue of 1000 lies far beyond nearly all."""
    rng = np.random.default_rng(0)
    slices = rng.uniform(1, 10, (4, 80, 80))
    slices[:, 30:44, 30:42] = 1000 + rng.normal(0, 10, (4, 14, 12))
    stack = stack_of(slices)

    assert for_methods(stack) is stack


def test_ratios_lose_their_depths_where_there_is_no_tissue() -> None:
    """Percent units with -10,000 in three neighboring voxels of air."""
    slices = np.random.default_rng(0).uniform(10, 60, (4, 40, 50))
    slices[:, 2, 3:6] = -1e4

    cleaned = for_methods(stack_of(slices)).slices

    assert cleaned.min() >= 0


def test_negated_scans_keep_all_their_values() -> None:
    stack = stack_of(-tissue())

    assert for_methods(stack) is stack


@pytest.mark.parametrize("padding", [-9999.0, 65535.0, 1e30])
def test_missing_voxels_do_not_depend_on_what_stands_there(padding: float) -> None:
    missing = np.zeros((4, 40, 50), bool)
    missing[:, :, 30:] = True
    whole = stack_of(np.where(missing, -32768.0, tissue()), missing)
    padded = stack_of(np.where(missing, padding, tissue()), missing)

    one, other = for_methods(whole).slices, for_methods(padded).slices

    np.testing.assert_array_equal(one, other)
    assert one[missing].max() <= np.percentile(tissue()[~missing], 10)


def test_an_even_image_stays_as_it_is() -> None:
    stack = stack_of(np.full((2, 20, 20), 7.0))

    assert for_methods(replace(stack)).slices is stack.slices
