from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from numpy.typing import NDArray

from scgm.errors import GeometryError
from scgm.image.volume import Geometry, Volume
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


def test_voxels_that_nobody_can_change_are_not_copied() -> None:
    values = np.zeros((2, 3, 4), np.float32)
    values.setflags(write=False)
    view = values[:, :, :2]
    grid, smaller = Geometry((2, 3, 4), np.eye(4)), Geometry((2, 3, 2), np.eye(4))
    assert Volume(values, grid).voxels is values
    assert Volume(view, smaller).voxels is not view  # its base could be made writable


def test_missing_voxels_must_have_the_shape_of_the_geometry() -> None:
    grid = Geometry((2, 3, 4), np.eye(4))
    with pytest.raises(GeometryError, match="missing voxels"):
        Volume(np.zeros((2, 3, 4), np.float32), grid, missing=np.zeros((2, 3, 5), bool))


def test_slices_may_lie_in_time_in_the_file() -> None:
    grid = Geometry((2, 3, 4), np.eye(4))
    volume = Volume(np.zeros((2, 3, 4), np.float32), grid, native_shape=(2, 3, 1, 4))
    assert volume.native_shape == (2, 3, 1, 4)


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


def sheared(degrees: float) -> NDArray[np.float64]:
    """Pixels of 0.5 x 0.4 mm whose second edge leans by an angle: area 0.2 mm2 * its cosine."""
    lean = np.deg2rad(degrees)
    affine = np.diag([0.5, 0.4, 5, 1])
    affine[:2, 1] = 0.4 * np.sin(lean), 0.4 * np.cos(lean)
    return affine


@pytest.mark.parametrize("degrees", [0, 10, 30])
def test_a_pixel_is_the_parallelogram_between_its_edges(degrees: float) -> None:
    geometry = Geometry((4, 4, 4), sheared(degrees))

    assert geometry.pixel_area_mm2(2) == pytest.approx(0.2 * np.cos(np.deg2rad(degrees)))


@pytest.mark.parametrize(("axis", "expected"), [(0, 2.0), (1, 2.5), (2, 0.2)])
def test_a_pixel_lies_across_the_slice_axis(axis: int, expected: float) -> None:
    geometry = Geometry((4, 4, 4), np.diag([0.5, 0.4, 5, 1]))

    assert geometry.pixel_area_mm2(axis) == pytest.approx(expected)
