from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from scgm.errors import GeometryError, ImageReadError
from scgm.image.volume import Geometry, Volume, clean_values
from tests.helpers.strategies import affine_of, geometries, rotation


@pytest.mark.parametrize("shape", [(), (3, 4), (3, 4, 5, 6), (3, 0, 5), (3, -4, 5), (3, 4.5, 5)])
def test_a_grid_has_three_positive_dimensions(shape: tuple[int, int, int]) -> None:
    with pytest.raises(GeometryError, match="three positive dimensions"):
        Geometry(shape, np.eye(4))


@pytest.mark.parametrize(
    ("affine", "reason"),
    [
        (np.eye(3), r"must be \(4, 4\)"),
        (np.diag([1, np.nan, 1, 1]), "NaN"),
        (np.diag([1, np.inf, 1, 1]), "infinity"),
        (np.diag([1, 1, 1, 2]), "0 0 0 1"),
        (np.diag([1, 0, 1, 1]), "singular"),
        (affine_of(np.array([[1.0, 1, 0], [0, 1e-4, 0], [0, 0, 1]])), "singular"),
    ],
)
def test_an_affine_that_places_no_volume_is_refused(
    affine: np.ndarray[tuple[int, ...], np.dtype[np.float64]], reason: str
) -> None:
    with pytest.raises(GeometryError, match=reason):
        Geometry((3, 4, 5), affine)


def test_small_voxels_are_not_mistaken_for_a_singular_affine() -> None:
    assert Geometry((1, 1, 1), affine_of(np.eye(3), (0.01, 0.01, 0.01))).shape == (1, 1, 1)


def test_voxel_size_is_the_length_of_each_column() -> None:
    turned = affine_of(rotation((1, 2, 3), 37), (0.5, 0.75, 5.0), (10, 20, 30))
    assert Geometry((2, 2, 2), turned).voxel_size_mm == pytest.approx((0.5, 0.75, 5.0))


def test_distance_of_a_shifted_grid_is_the_shift() -> None:
    here = Geometry((5, 6, 7), np.eye(4))
    there = Geometry((5, 6, 7), affine_of(np.eye(3), offset_mm=(3, 4, 0)))
    assert here.distance_mm(there) == pytest.approx(5)


def test_distance_of_a_stretched_grid_is_that_of_its_last_voxel() -> None:
    here = Geometry((11, 1, 1), np.eye(4))
    there = Geometry((11, 1, 1), affine_of(np.eye(3), (1.1, 1, 1)))
    assert here.distance_mm(there) == pytest.approx(1.0)  # ten steps of 0.1 mm


@settings(max_examples=30)
@given(geometries())
def test_no_voxel_is_farther_apart_than_the_distance_says(geometry: Geometry) -> None:
    other = Geometry(geometry.shape, geometry.affine + np.diag([0.01, -0.02, 0.03, 0]))
    index = np.indices(geometry.shape).reshape(3, -1)
    shift = (geometry.affine - other.affine)[:3, :3] @ index
    assert geometry.distance_mm(other) == pytest.approx(np.linalg.norm(shift, axis=0).max())


@pytest.mark.parametrize(("shift_mm", "same"), [(0.0, True), (0.9e-3, True), (1.1e-3, False)])
def test_grids_match_up_to_a_thousandth_of_a_millimeter(shift_mm: float, same: bool) -> None:
    here = Geometry((5, 6, 7), np.eye(4))
    there = Geometry((5, 6, 7), affine_of(np.eye(3), offset_mm=(0, 0, shift_mm)))
    assert here.matches(there) is same


def test_grids_of_other_shape_never_match() -> None:
    assert not Geometry((5, 6, 7), np.eye(4)).matches(Geometry((6, 5, 7), np.eye(4)))


def test_a_volume_cannot_be_changed_from_outside() -> None:
    values = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    affine = np.eye(4)
    volume = Volume(values, Geometry((2, 3, 4), affine))
    values[0, 0, 0] = affine[0, 3] = 99
    assert volume.voxels[0, 0, 0] == 0
    assert volume.geometry.affine[0, 3] == 0
    with pytest.raises(ValueError, match="read-only"):
        volume.voxels[0, 0, 0] = 1


def test_a_volume_made_in_memory_needs_only_values_and_geometry() -> None:
    volume = Volume(np.zeros((2, 3, 4), np.float32), Geometry((2, 3, 4), np.eye(4)))
    assert volume.native_shape == (2, 3, 4)
    assert (volume.source, volume.header, volume.warnings) == (None, None, ())
    assert volume.name == "the image"


def test_a_volume_is_called_by_its_file() -> None:
    grid = Geometry((2, 3, 4), np.eye(4))
    assert Volume(np.zeros((2, 3, 4), np.float32), grid, Path("a/b.nii")).name == str(
        Path("a/b.nii")
    )


@pytest.mark.parametrize("native_shape", [(2, 3), (3, 2, 4), (2, 3, 4, 1)])
def test_the_shape_in_the_file_must_fit(native_shape: tuple[int, ...]) -> None:
    grid = Geometry((2, 3, 4), np.eye(4))
    with pytest.raises(GeometryError, match="voxels are"):
        Volume(np.zeros((2, 3, 4), np.float32), grid, native_shape=native_shape)


def test_one_slice_may_be_2d_in_its_file() -> None:
    grid = Geometry((2, 3, 1), np.eye(4))
    volume = Volume(np.zeros((2, 3, 1), np.float32), grid, native_shape=(2, 3))
    assert volume.native_shape == (2, 3)


def test_voxels_must_have_the_shape_of_the_geometry() -> None:
    with pytest.raises(GeometryError, match="voxels are"):
        Volume(np.zeros((3, 2, 4), np.float32), Geometry((2, 3, 4), np.eye(4)))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_voxels_must_be_finite(bad: float) -> None:
    values = np.zeros((2, 3, 4), np.float32)
    values[1, 1, 1] = bad
    with pytest.raises(GeometryError, match="finite"):
        Volume(values, Geometry((2, 3, 4), np.eye(4)))


@settings(max_examples=50)
@given(arrays(np.float32, (3, 4, 5), elements=st.floats(50, 5000, width=32)))
def test_sane_values_are_left_alone(
    values: np.ndarray[tuple[int, ...], np.dtype[np.float32]],
) -> None:
    values[0, 0, 0], values[2, 3, 4] = 50, 5000  # never constant; largest / smallest = 100
    voxels, warnings = clean_values(values)
    assert np.array_equal(voxels, values)
    assert warnings == ()


def test_values_far_below_all_others_become_a_low_one_of_these() -> None:
    """A ratio map: 0 to 99 in equal numbers, and 5 of 2000 at -5000."""
    values = np.tile(np.arange(100.0), 20)
    values[:5] = -5000
    voxels, warnings = clean_values(values)

    assert voxels[:5].tolist() == [0] * 5  # what 99 % stay above, with the five below
    assert np.array_equal(voxels[5:], values[5:])
    assert warnings[0].startswith("5 voxels are far below all others (to -5e+03), set to 0")


def test_negative_values_of_the_usual_size_stay() -> None:
    """An inversion recovery with its sign: -500 to 900."""
    values = np.linspace(-500, 900, 1000)

    assert np.array_equal(clean_values(values)[0], values.astype(np.float32))


def test_nan_and_infinity_become_a_low_value() -> None:
    values = np.linspace(10, 20, 60).reshape(3, 4, 5)
    values[0, 0, :3] = np.nan, np.inf, -np.inf
    voxels, warnings = clean_values(values)
    assert np.isfinite(voxels).all()
    assert (voxels[0, 0, :3] == voxels[0, 0, 3]).all()  # values rise, so this one is the smallest
    assert len(warnings) == 1
    assert warnings[0].startswith("3 voxels are NaN or infinite")


def test_what_float32_cannot_hold_counts_as_infinite() -> None:
    values = np.linspace(10, 20, 60)
    values[7] = 1e200
    voxels, warnings = clean_values(values)
    assert voxels[7] == 10
    assert "1 voxel is NaN or infinite" in warnings[0]


@pytest.mark.parametrize("extreme", [1e30, -1e30, 1e5])
def test_a_voxel_far_beyond_all_others_is_clipped_to_their_level(extreme: float) -> None:
    values = np.linspace(10, 20, 2000)
    values[100] = extreme
    voxels, warnings = clean_values(values)
    assert 19.9 < abs(voxels[100]) <= 20
    assert np.sign(voxels[100]) == np.sign(extreme)
    assert np.array_equal(np.delete(voxels, 100), np.delete(values, 100).astype(np.float32))
    assert len(warnings) == 1
    assert warnings[0].startswith("1 voxel is far beyond all others")


def test_values_near_the_limit_of_float32_are_left_alone() -> None:
    values = np.linspace(1e37, 3e38, 2000)
    voxels, warnings = clean_values(values)
    assert np.array_equal(voxels, values.astype(np.float32))
    assert warnings == ()


def test_an_outlier_is_never_the_value_that_replaces_nan() -> None:
    values = np.linspace(10, 20, 2000)
    values[100], values[200] = -1e30, np.nan
    voxels, warnings = clean_values(values)
    assert voxels[200] > -21
    assert len(warnings) == 2


def test_a_sparse_mask_is_left_alone() -> None:
    values = np.zeros(10_000)
    values[:7] = 1
    voxels, warnings = clean_values(values)
    assert voxels.sum() == 7
    assert warnings == ()


@pytest.mark.parametrize("value", [0.0, -3.5, 1e30])
def test_an_image_of_one_value_shows_nothing(value: float) -> None:
    with pytest.raises(ImageReadError, match="nothing to see"):
        clean_values(np.full((3, 4, 5), value))


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e300])
def test_an_image_without_finite_values_is_refused(value: float) -> None:
    with pytest.raises(ImageReadError, match="finite"):
        clean_values(np.full((3, 4, 5), value))


def test_one_value_beside_nan_still_shows_nothing() -> None:
    values = np.full((3, 4, 5), 7.0)
    values[0] = np.nan
    with pytest.raises(ImageReadError, match="nothing to see"):
        clean_values(values)
