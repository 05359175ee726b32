from __future__ import annotations

from dataclasses import replace
from itertools import permutations
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from scgm.errors import GeometryError, ImageReadError
from scgm.image.orientation import axis_map, from_axial, stack_mask, to_axial
from scgm.image.volume import Geometry, Volume
from tests.helpers.strategies import ORIENTATIONS, affine_of, affines, rotation, volumes

SHAPE = (5, 6, 7)
SIZES = (0.5, 0.75, 1.5)
RAS = np.eye(3)


def volume_of(
    values: NDArray[np.float64],
    linear: NDArray[np.float64] = RAS,
    sizes: tuple[float, float, float] = SIZES,
) -> Volume:
    shape = values.shape[0], values.shape[1], values.shape[2]
    geometry = Geometry(shape, affine_of(linear, sizes, (-20, 30, 5)))
    return Volume(values.astype(np.float32), geometry, source=Path("scan.nii.gz"))


def world(linear: NDArray[np.float64]) -> list[NDArray[np.float32]]:
    """Return x, y and z in mm of every pixel of a stack of that orientation."""
    geometry = Geometry(SHAPE, affine_of(linear, SIZES, (-20, 30, 5)))
    index = np.indices(SHAPE)
    coordinates = np.einsum("wv,v...->w...", geometry.affine[:3, :3], index)
    return [
        to_axial(Volume(c.astype(np.float32), geometry)).slices for c in coordinates.astype(float)
    ]


@pytest.mark.parametrize("linear", ORIENTATIONS)
def test_x_grows_along_columns_y_along_rows_and_z_along_slices(
    linear: NDArray[np.float64],
) -> None:
    x, y, z = world(linear)
    sizes = np.abs(linear) @ SIZES  # voxel edge along x, y, z
    for coordinate, axis, size in ((x, 2, sizes[0]), (y, 1, sizes[1]), (z, 0, sizes[2])):
        for other in range(3):
            steps = np.diff(coordinate, axis=other)
            assert steps == pytest.approx(size if other == axis else 0.0, abs=1e-5)


@pytest.mark.parametrize("linear", ORIENTATIONS)
def test_spacing_is_that_of_slice_row_and_column(linear: NDArray[np.float64]) -> None:
    stack = to_axial(volume_of(np.zeros(SHAPE), linear))
    x, y, z = np.abs(linear) @ SIZES
    assert stack.spacing_mm == pytest.approx((z, y, x))


@pytest.mark.parametrize("linear", ORIENTATIONS)
def test_there_and_back_is_exact_in_every_orientation(linear: NDArray[np.float64]) -> None:
    volume = volume_of(np.arange(np.prod(SHAPE), dtype=float).reshape(SHAPE), linear)
    stack = to_axial(volume)
    assert np.array_equal(from_axial(stack, stack.slices), volume.voxels)


@settings(max_examples=100)
@given(volumes())
def test_there_and_back_is_exact_for_oblique_grids_of_any_size(volume: Volume) -> None:
    stack = to_axial(volume)
    back = from_axial(stack, stack.slices)
    assert back.tobytes() == volume.voxels.tobytes()


@pytest.mark.parametrize("dtype", [np.bool_, np.uint8, np.float32, np.float64])
def test_values_come_back_with_their_type(dtype: type[np.generic]) -> None:
    stack = to_axial(volume_of(np.zeros(SHAPE), ORIENTATIONS[-1]))
    assert from_axial(stack, np.ones(stack.slices.shape, dtype)).dtype == dtype


def test_values_of_another_shape_cannot_come_back() -> None:
    stack = to_axial(volume_of(np.zeros(SHAPE)))
    with pytest.raises(GeometryError, match=r"\(1, 2, 3\)"):
        from_axial(stack, np.zeros((1, 2, 3)))


def test_slices_cannot_be_changed() -> None:
    stack = to_axial(volume_of(np.zeros(SHAPE)))
    with pytest.raises(ValueError, match="read-only"):
        stack.slices[0, 0, 0] = 1


@settings(max_examples=100)
@given(affines(tilt=30))
def test_axes_are_those_that_nibabel_finds(affine: NDArray[np.float64]) -> None:
    # Tilted by less than 45 degrees, every voxel axis has one world axis that is closest.
    axes = axis_map(affine)
    found = nib.orientations.io_orientation(affine)  # world axis and sign of each voxel axis
    for world_axis, voxel_axis, flipped in zip((2, 1, 0), axes.order, axes.flipped, strict=True):
        assert found[voxel_axis].tolist() == [world_axis, -1 if flipped else 1]


@settings(max_examples=100)
@given(affines(tilt=180))
def test_axes_are_a_permutation_whatever_the_tilt(affine: NDArray[np.float64]) -> None:
    axes = axis_map(affine)
    assert axes.order in set(permutations(range(3)))
    cosines = np.abs(affine[2, :3]) / np.linalg.norm(affine[:3, :3], axis=0)
    assert cosines[axes.order[0]] == pytest.approx(cosines.max(), abs=2e-6)


@pytest.mark.parametrize("axis", [(1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 1)])
@pytest.mark.parametrize("noise", [-1e-9, 0, 1e-9])
def test_a_tie_keeps_the_order_of_the_file(axis: tuple[float, float, float], noise: float) -> None:
    degrees = 45.0 if axis != (1, 1, 1) else 60.0
    assert axis_map(affine_of(rotation(axis, degrees + noise))).order == (2, 1, 0)


def test_a_slice_tilted_by_less_than_45_degrees_is_axial() -> None:
    assert axis_map(affine_of(rotation((1, 0, 0), 44), (0.5, 0.5, 5))).order == (2, 1, 0)
    assert axis_map(affine_of(rotation((1, 0, 0), 46), (0.5, 0.5, 5))).order == (1, 2, 0)


def test_a_sagittal_scan_with_small_voxels_becomes_axial() -> None:
    # Axes i to the front, j up, k to the right, as in a sagittal acquisition.
    sagittal = np.array([[0.0, 0, 1], [1, 0, 0], [0, 1, 0]])
    stack = to_axial(volume_of(np.zeros((8, 9, 4)), sagittal, (0.8, 0.8, 1.2)))
    assert stack.slices.shape == (9, 8, 4)
    assert stack.spacing_mm == pytest.approx((0.8, 0.8, 1.2))
    assert stack.native_axis == 1


def test_a_sagittal_scan_with_thick_slices_is_refused_with_its_pixel_size() -> None:
    sagittal = np.array([[0.0, 0, 1], [1, 0, 0], [0, 1, 0]])
    with pytest.raises(ImageReadError) as caught:
        to_axial(volume_of(np.zeros((8, 9, 4)), sagittal, (0.5, 0.5, 3.3)))
    message = str(caught.value)
    assert message.startswith("scan.nii.gz: ")
    assert "0.5 x 3.3 mm" in message
    assert "give a scan with axial slices" in message
    assert "say --slice-axis k" in message  # the slices are thick along k, and small otherwise


@pytest.mark.parametrize("sizes", [(2.5, 0.5, 3.3), (2.5, 2.5, 4.0), (3.3, 2.5, 0.5)])
def test_no_other_axis_is_proposed_that_has_large_pixels_too(
    sizes: tuple[float, float, float],
) -> None:
    """Axial pixels have the first two sizes."""
    with pytest.raises(ImageReadError, match="cannot be seen") as caught:
        to_axial(volume_of(np.zeros(SHAPE), sizes=sizes))
    assert "--slice-axis" not in str(caught.value)


@pytest.mark.parametrize(("pixel_mm", "seen"), [(2.0, True), (2.05, False)])
def test_pixels_of_at_most_two_millimeters_are_seen(pixel_mm: float, seen: bool) -> None:
    volume = volume_of(np.zeros(SHAPE), sizes=(pixel_mm, 1.0, 9.0))
    if seen:
        assert to_axial(volume).spacing_mm == pytest.approx((9.0, 1.0, pixel_mm))
    else:
        with pytest.raises(ImageReadError, match="cannot be seen"):
            to_axial(volume)


@pytest.mark.parametrize("shape", [(1, 5, 6), (5, 1, 6)])
def test_slices_of_a_single_line_are_refused(shape: tuple[int, int, int]) -> None:
    with pytest.raises(ImageReadError, match="whole axial slices"):
        to_axial(volume_of(np.zeros(shape)))


def test_a_single_slice_is_a_stack() -> None:
    assert to_axial(volume_of(np.zeros((5, 6, 1)))).slices.shape == (1, 6, 5)


@pytest.mark.parametrize("linear", ORIENTATIONS)
def test_native_index_is_the_number_of_the_slice_in_the_file(linear: NDArray[np.float64]) -> None:
    index = np.indices(SHAPE)
    stacks = [to_axial(volume_of(index[axis], linear)) for axis in range(3)]
    numbered = stacks[stacks[0].native_axis]  # each voxel holds the number of its slice
    for z, pixels in enumerate(numbered.slices):
        assert (pixels == numbered.native_index(z)).all()


@pytest.mark.parametrize("z", [-1, 7, 100])
def test_there_is_no_native_index_of_a_slice_that_is_not_there(z: int) -> None:
    with pytest.raises(GeometryError, match="no slice"):
        to_axial(volume_of(np.zeros(SHAPE))).native_index(z)


@pytest.mark.parametrize("linear", ORIENTATIONS)
def test_a_voxel_read_off_in_a_viewer_is_found_in_the_stack(linear: NDArray[np.float64]) -> None:
    voxel = (1, 4, 2)
    values = np.zeros(SHAPE)
    values[voxel] = 1
    stack = to_axial(volume_of(values, linear))
    _, row, column = np.argwhere(stack.slices == 1)[0].tolist()
    x, y = (voxel[axis] for axis in range(3) if axis != stack.native_axis)
    assert stack.point_to_stack(x, y) == (row, column)
    assert stack.point_to_native(row, column) == (x, y)


@settings(max_examples=50)
@given(volumes(), st.floats(0, 1), st.floats(0, 1))
def test_points_go_there_and_back(volume: Volume, right: float, up: float) -> None:
    stack = to_axial(volume)
    first, second = (volume.geometry.shape[axis] for axis in range(3) if axis != stack.native_axis)
    point = (right * (first - 1), up * (second - 1))
    assert stack.point_to_native(*stack.point_to_stack(*point)) == pytest.approx(point)


@pytest.mark.parametrize("point", [(-1, 2), (5, 2), (2, 6), (float("nan"), 2)])
def test_a_point_outside_of_the_slices_is_refused(point: tuple[float, float]) -> None:
    with pytest.raises(GeometryError, match="5 x 6 voxels"):
        to_axial(volume_of(np.zeros(SHAPE))).point_to_stack(*point)


@pytest.mark.parametrize("point", [(-0.5, -0.5), (4.5, 5.5)])
def test_a_point_may_lie_half_a_voxel_beyond_the_outer_centers(point: tuple[float, float]) -> None:
    row, column = to_axial(volume_of(np.zeros(SHAPE))).point_to_stack(*point)
    assert (column, row) == point


@pytest.mark.parametrize("point", [(-0.51, 0), (4.51, 0), (0, -0.51), (0, 5.51)])
def test_a_point_farther_out_is_refused(point: tuple[float, float]) -> None:
    with pytest.raises(GeometryError, match="outside"):
        to_axial(volume_of(np.zeros(SHAPE))).point_to_stack(*point)


@pytest.mark.parametrize("linear", ORIENTATIONS)
def test_a_mask_lies_on_the_stack_as_on_the_image(linear: NDArray[np.float64]) -> None:
    values = np.random.default_rng(1).normal(size=SHAPE)
    mask = volume_of((values > 0).astype(float), linear)
    stack = to_axial(volume_of(values, linear))
    inside, _ = stack_mask(stack, mask)
    assert inside.dtype == np.bool_
    assert np.array_equal(inside, stack.slices > 0)


def test_a_mask_holds_what_is_at_least_one_half() -> None:
    values = np.zeros(SHAPE)
    values[0, 0, :5] = 0.49, 0.5, 1, 255, -3
    inside, _ = stack_mask(to_axial(volume_of(values)), volume_of(values))
    assert inside[:5, 0, 0].tolist() == [False, True, True, True, False]


def test_a_mask_that_never_reaches_one_half_is_refused() -> None:
    values = np.full(SHAPE, 0.4)
    with pytest.raises(ImageReadError, match=r"largest value is 0\.4.* at least 0\.5"):
        stack_mask(to_axial(volume_of(values)), volume_of(values))


def test_an_empty_mask_is_empty() -> None:
    values = np.zeros(SHAPE)
    assert not stack_mask(to_axial(volume_of(values)), volume_of(values))[0].any()


@pytest.mark.parametrize("linear", ORIENTATIONS)
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_slices_lie_along_the_axis_that_was_named(linear: NDArray[np.float64], axis: int) -> None:
    volume = replace(volume_of(np.random.default_rng(1).random(SHAPE), linear), slice_axis=axis)
    stack = to_axial(volume)
    assert stack.native_axis == axis
    assert stack.spacing_mm[0] == pytest.approx(SIZES[axis])
    assert np.array_equal(from_axial(stack, stack.slices), volume.voxels)
    if abs(linear[2, axis]) == 1:
        usual = to_axial(replace(volume, slice_axis=None))
        assert np.array_equal(stack.slices, usual.slices)


@pytest.mark.parametrize("linear", ORIENTATIONS)
def test_the_area_of_a_pixel_is_height_by_width(linear: NDArray[np.float64]) -> None:
    stack = to_axial(volume_of(np.zeros(SHAPE), linear))
    _, height, width = stack.spacing_mm
    assert stack.pixel_area_mm2 == pytest.approx(height * width)


def test_the_area_of_a_pixel_on_a_sheared_grid_is_that_of_the_parallelogram() -> None:
    """Edges of 0.5 and 0.75 mm at 60 degrees: 0.375 mm2 times the sine of 60 degrees."""
    affine = affine_of(RAS, SIZES)
    affine[:2, 1] = 0.75 * np.cos(np.deg2rad(60)), 0.75 * np.sin(np.deg2rad(60))
    stack = to_axial(Volume(np.zeros(SHAPE, np.float32), Geometry(SHAPE, affine)))
    assert stack.pixel_area_mm2 == pytest.approx(0.375 * np.sqrt(3) / 2)
