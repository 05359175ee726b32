from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from scgm.errors import ImageReadError
from scgm.image.values import Stored, gray_values, label_values, map_values


def cleaned(values: NDArray[np.floating]) -> tuple[NDArray[np.float32], tuple[str, ...]]:
    """Return the voxels, which keep their unit, and the warnings."""
    found = gray_values(Stored(values))
    assert found.unit == 1
    return found.voxels, found.warnings


@settings(max_examples=50)
@given(arrays(np.float32, (3, 4, 5), elements=st.floats(50, 5000, width=32)))
def test_sane_values_are_left_alone(
    values: np.ndarray[tuple[int, ...], np.dtype[np.float32]],
) -> None:
    values[0, 0, 0], values[2, 3, 4] = 50, 5000  # never constant; largest / smallest = 100
    voxels, warnings = cleaned(values)
    assert np.array_equal(voxels, values)
    assert warnings == ()


@settings(max_examples=60)
@given(
    arrays(np.int16, (12, 11, 10), elements=st.integers(-30_000, 30_000)),
    st.sampled_from((1.0, 0.25, -0.5, 1e-3, -2.0)),
    st.sampled_from((0.0, -10.0, 700.0)),
)
def test_short_integers_give_what_their_values_give(
    numbers: NDArray[np.int16], slope: float, inter: float
) -> None:
    """They are sorted as integers; a negative slope turns their order round."""
    numbers[0, 0, :2] = 0, 30_000  # never constant
    short = Stored(numbers // 4, slope, inter)
    found, expected = gray_values(short), gray_values(Stored(short.numbers * slope + inter))

    assert np.array_equal(found.voxels, expected.voxels)
    assert (found.unit, found.warnings) == (expected.unit, expected.warnings)


def test_values_far_below_all_others_become_a_low_one_of_these() -> None:
    """A map of differences: -50 to 49 in equal numbers, and 5 of 2000 at -5000."""
    values = np.tile(np.arange(-50.0, 50), 20)
    values[:5] = -5000
    voxels, warnings = cleaned(values)

    assert voxels[:5].tolist() == [-49] * 5  # 1 % of 1995 lie below: 19 times -50
    assert np.array_equal(voxels[5:], values[5:])
    assert warnings[0].startswith("5 voxels are far below all others (to -5e+03), set to -49")


@pytest.mark.parametrize("unit", [0.01, 1.0])
def test_a_map_of_ratios_has_no_negative_values(unit: float) -> None:
    """Magnetization transfer: 30 to 50 % in tissue, and noise divided by noise in the air."""
    rng = np.random.default_rng(4)
    values = rng.uniform(30, 50, 20_000)
    air = rng.random(20_000) < 0.3
    first, second = rng.rayleigh(size=(2, 20_000))
    values[air] = 100 * (1 - first / second)[air]
    values[:3] = -np.inf, -1e4, np.nan
    found = gray_values(Stored(values * unit))
    assert 0 <= found.voxels.min() < unit
    kept = values >= 0
    assert np.array_equal(found.voxels[kept], (values * unit).astype(np.float32)[kept])
    assert found.missing is not None
    assert np.flatnonzero(found.missing).tolist() == [0, 2]


@pytest.mark.parametrize("noise", [0, 5])
def test_an_inverted_image_is_left_alone(noise: float) -> None:
    values = np.random.default_rng(7).normal(0, noise, 20_000) - signal()
    assert np.array_equal(cleaned(values)[0], values.astype(np.float32))


def test_integers_that_passed_the_largest_number_are_refused() -> None:
    values = (signal() * 50).astype(np.int64)
    assert 32767 < values.max() < 98304
    with pytest.raises(ImageReadError, match="brightest voxels are negative: values above 32767"):
        gray_values(Stored(values.astype(np.int16)))
    gray_values(Stored(values.astype(np.uint16)))


@pytest.mark.parametrize("kind", ["clipped", "negative", "spread", "spikes"])
def test_full_ranges_of_integers_are_no_mistake(kind: str) -> None:
    values = signal() * 50
    rng = np.random.default_rng(3)
    if kind == "negative":
        values *= rng.choice([-1, 1], values.size)
    if kind == "spread":
        values = rng.uniform(-32768, 32767, values.size)
    values = np.clip(values, -32768, 32767)
    if kind == "spikes":
        values[::100], values[50::100] = -32768, 32767
    gray_values(Stored(values.astype(np.int16)))


def test_negative_values_of_the_usual_size_stay() -> None:
    """An inversion recovery with its sign: -500 to 900."""
    values = np.linspace(-500, 900, 1000)

    assert np.array_equal(cleaned(values)[0], values.astype(np.float32))


def test_nan_and_infinity_become_a_low_value() -> None:
    values = np.linspace(10, 20, 60).reshape(3, 4, 5)
    values[0, 0, :3] = np.nan, np.inf, -np.inf
    voxels, warnings = cleaned(values)
    assert np.isfinite(voxels).all()
    assert (voxels[0, 0, :3] == voxels[0, 0, 3]).all()  # values rise, so this one is the smallest
    assert len(warnings) == 1
    assert warnings[0].startswith("3 voxels are NaN or infinite")


def test_a_value_that_float32_cannot_hold_is_clipped_as_any_outlier() -> None:
    values = np.linspace(10, 20, 60)
    values[7] = 1e200
    voxels, warnings = cleaned(values)
    assert 19 < voxels[7] <= 20
    assert warnings[0].startswith("1 voxel is far beyond all others (up to 1e+200)")


@pytest.mark.parametrize("extreme", [1e30, -1e30, 1e5, 1e200])
def test_a_voxel_far_beyond_all_others_is_set_to_their_usual_end(extreme: float) -> None:
    values = np.linspace(10, 20, 2000)
    values[100] = extreme
    voxels, warnings = cleaned(values)
    assert voxels[100] == pytest.approx(19.9 if extreme > 0 else 10.1, abs=0.02)
    assert np.array_equal(np.delete(voxels, 100), np.delete(values, 100).astype(np.float32))
    assert len(warnings) == 1
    assert warnings[0].startswith("1 voxel is far be")


def signal(count: int = 20_000, seed: int = 3) -> NDArray[np.float64]:
    """Return values as those of a scan: many dark voxels, few bright ones, from 0 to some 1500."""
    return np.random.default_rng(seed).gamma(2.0, 100.0, count).round()


@pytest.mark.parametrize("exponent", [-1060, -149, -126, -60, -25, 41, 100, 127, 1000])
def test_relative_values_survive_whatever_the_range(exponent: int) -> None:
    """What float32 cannot hold, or holds coarsely, is counted in another power of two."""
    values = signal() * 2.0**exponent
    found = gray_values(Stored(values))
    assert found.unit == 2.0 ** round(np.log2(found.unit))
    assert 256 <= np.percentile(found.voxels, 99.9) < 1024
    assert np.array_equal(found.voxels.astype(np.float64) * found.unit, values)
    assert found.warnings[0].startswith("its values are stored in units of ")


@pytest.mark.parametrize("factor", [1e-2, 1.0, 1e9])
def test_values_of_usual_size_keep_their_unit(factor: float) -> None:
    values = signal() * factor
    voxels, warnings = cleaned(values)
    assert np.array_equal(voxels, values.astype(np.float32))
    assert warnings == ()


def blocks(padding: float, share: float = 0.25) -> NDArray[np.float64]:
    """Return a scan of which the first part, side by side, has one value."""
    values = signal()
    values[: int(share * values.size)] = padding
    return values


@pytest.mark.parametrize("padding", [-32768, -9999, -2000, 65535, 1e6, -1e30])
@pytest.mark.parametrize("share", [0.01, 0.25, 0.9])
def test_padding_of_any_constant_is_missing(padding: float, share: float) -> None:
    values = blocks(padding, share)
    found = gray_values(Stored(values))
    inside = values != padding
    assert found.missing is not None
    assert np.array_equal(found.missing, ~inside)
    assert np.array_equal(found.voxels[inside], values[inside])
    low = np.percentile(values[inside], 1, method="lower")
    assert (found.voxels[~inside] == low).all()
    assert f"padding ({padding:.6g})" in found.warnings[0]


@pytest.mark.parametrize("padding", [-100, -1, 0, 1500])
def test_a_background_near_the_others_is_no_padding(padding: float) -> None:
    values = blocks(padding)
    found = gray_values(Stored(values))
    assert found.missing is None
    assert np.array_equal(found.voxels, values)


def test_padding_at_both_ends_is_missing() -> None:
    values = blocks(-32768)
    values[-1000:] = 65535
    found = gray_values(Stored(values))
    assert found.missing is not None
    assert np.count_nonzero(found.missing) == 6000


@pytest.mark.parametrize("share", [0.0001, 0.01, 0.02])
def test_spikes_at_both_ends_become_usual_values(share: float) -> None:
    values = signal()
    places = np.random.default_rng(5).permutation(values.size)[: int(2 * share * values.size)]
    low, high = np.array_split(places, 2)
    values[low], values[high] = -32767, 32516
    voxels, warnings = cleaned(values)
    others = np.delete(values, places)
    assert (voxels[low] == np.percentile(others, 1, method="lower")).all()
    assert (voxels[high] == np.percentile(others, 99, method="lower")).all()
    assert np.array_equal(np.delete(voxels, places), others)
    assert [warning.split()[0] for warning in warnings] == [str(len(high)), str(len(low))]


def test_a_small_bright_object_is_not_mistaken_for_spikes() -> None:
    """A cord of 2 % of the voxels, side by side, a hundred times as bright as the noise."""
    values = np.random.default_rng(2).uniform(0, 5, 10_000)
    values[5000:5200] = np.linspace(400, 500, 200)
    voxels, warnings = cleaned(values)
    assert np.array_equal(voxels, values.astype(np.float32))
    assert warnings == ()


@pytest.mark.parametrize("value", [0.0, 40.0, -3.0])
def test_a_map_may_be_constant(value: float) -> None:
    found = map_values(Stored(np.full(5000, value)))
    assert (found.voxels == value).all()
    assert (found.missing, found.unit, found.warnings) == (None, 1, ())


def test_zeros_of_a_map_are_values_and_no_padding() -> None:
    """High values in some of the voxels: in an image, the others would be padding."""
    values = np.zeros(20_000)
    values[5000:7000] = np.linspace(0.8, 0.9, 2000)
    found = map_values(Stored(values))
    assert gray_values(Stored(values)).missing is not None
    assert np.array_equal(found.voxels, values.astype(np.float32))
    assert (found.missing, found.warnings) == (None, ())


def test_negative_values_of_a_map_that_is_mostly_zero_are_kept() -> None:
    values = np.zeros(20_000)
    values[5000:5100] = np.linspace(-3, 3, 100)
    assert np.array_equal(map_values(Stored(values)).voxels, values.astype(np.float32))


def test_gaps_and_outliers_of_a_map_are_found() -> None:
    values = np.full(5000, 40.0)
    values[:100] = 0
    values[200:203] = np.nan, np.inf, 1e9
    found = map_values(Stored(values))
    assert found.missing is not None
    assert np.flatnonzero(found.missing).tolist() == [200, 201]
    assert found.voxels[202] == 40
    assert (found.voxels[:100] == 0).all()
    assert len(found.warnings) == 2


def test_labels_are_kept_and_nan_is_outside() -> None:
    values = np.zeros(5000)
    values[:3] = 2, 1e6, np.nan
    found = label_values(Stored(values))
    assert found.voxels[:4].tolist() == [2, 1e6, 0, 0]
    assert found.missing is not None
    assert np.flatnonzero(found.missing).tolist() == [2]
    assert found.warnings == ("1 voxel is NaN or infinite, taken as outside the image",)


@pytest.mark.parametrize("value", [np.inf, -np.inf, 1e200])
def test_infinite_labels_are_refused(value: float) -> None:
    values = np.zeros(50)
    values[7] = value
    with pytest.raises(ImageReadError, match="infinite"):
        label_values(Stored(values))


def test_a_large_image_is_judged_by_a_part_and_cleaned_as_a_whole() -> None:
    """More voxels than are looked at for the limits: a single extreme is found all the same."""
    values = np.tile(signal(1 << 16), 80).astype(np.float32)
    values[1] = 1e9
    found = gray_values(Stored(values))
    assert found.voxels[1] == pytest.approx(np.percentile(values, 99), rel=0.02)
    assert np.array_equal(found.voxels[2:], values[2:])
    assert found.warnings[0].startswith("1 voxel is far beyond")


def test_an_outlier_is_never_the_value_that_replaces_nan() -> None:
    values = np.linspace(10, 20, 2000)
    values[100], values[200] = -1e30, np.nan
    voxels, warnings = cleaned(values)
    assert voxels[200] > -21
    assert len(warnings) == 2


def test_a_sparse_mask_is_left_alone() -> None:
    values = np.zeros(10_000)
    values[:7] = 1
    voxels, warnings = cleaned(values)
    assert voxels.sum() == 7
    assert warnings == ()


@pytest.mark.parametrize("value", [0.0, -3.5, 1e30, 1e300])
def test_an_image_of_one_value_shows_nothing(value: float) -> None:
    with pytest.raises(ImageReadError, match="nothing to see"):
        cleaned(np.full((3, 4, 5), value))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_an_image_without_finite_values_is_refused(value: float) -> None:
    with pytest.raises(ImageReadError, match="finite"):
        cleaned(np.full((3, 4, 5), value))


def test_one_value_beside_nan_still_shows_nothing() -> None:
    values = np.full((3, 4, 5), 7.0)
    values[0] = np.nan
    with pytest.raises(ImageReadError, match="nothing to see"):
        cleaned(values)
