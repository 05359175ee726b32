from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from scgm.errors import GeometryError
from scgm.image.grid import on_grid_of
from scgm.image.orientation import stack_mask, to_axial
from scgm.image.volume import Geometry, Volume
from tests.helpers.strategies import ORIENTATIONS, affine_of, geometries, rotation

SHAPE = (5, 6, 7)
SIZES = (0.5, 0.75, 1.5)


def grid_of(linear: NDArray[np.float64], offset_mm: tuple[float, float, float]) -> Geometry:
    return Geometry(SHAPE, affine_of(linear, SIZES, offset_mm))


def mask_on(grid: Geometry, values: NDArray[np.float64]) -> Volume:
    return Volume(values.astype(np.float32), grid, source=Path("mask.nii.gz"))


def reordered(grid: Geometry, values: NDArray[np.float64], linear: NDArray[np.float64]) -> Volume:
    """Store a mask with axes that are permuted and flipped by *linear*, voxel by voxel."""
    shape = tuple(int(n) for n in np.abs(linear).T @ grid.shape)
    i, j, k = shape
    to_grid = np.eye(4)
    to_grid[:3, :3] = linear
    lowest = linear @ (np.array(shape) - 1)
    to_grid[:3, 3] = np.where(lowest < 0, -lowest, 0)
    stored = np.zeros(shape)
    for place in np.ndindex(shape):
        x, y, z = (to_grid @ (*place, 1))[:3].astype(int)
        stored[place] = values[x, y, z]
    return mask_on(Geometry((i, j, k), grid.affine @ to_grid), stored)


@pytest.mark.parametrize("linear", ORIENTATIONS)
def test_permuted_and_flipped_axes_are_undone(linear: NDArray[np.float64]) -> None:
    grid = grid_of(rotation((1, 2, 3), 20), (-20, 30, 5))
    values = np.arange(np.prod(SHAPE), dtype=float).reshape(SHAPE)
    found, notes = on_grid_of(grid, reordered(grid, values, linear))
    assert np.array_equal(found, values)
    assert len(notes) == (not np.array_equal(linear, np.eye(3)))
    assert all("order of those of the image" in note for note in notes)


@settings(max_examples=50)
@given(geometries(), st.sampled_from(ORIENTATIONS))
def test_order_is_undone_on_any_grid(grid: Geometry, linear: NDArray[np.float64]) -> None:
    values = np.random.default_rng(1).integers(0, 9, grid.shape).astype(float)
    found, _ = on_grid_of(grid, reordered(grid, values, linear))
    assert np.array_equal(found, values)


def moved(grid: Geometry, shift_mm: float) -> Geometry:
    affine = grid.affine.copy()
    affine[1, 3] += shift_mm
    return Geometry(grid.shape, affine)


@pytest.mark.parametrize(("shift_mm", "notes"), [(0, 0), (0.9e-3, 0), (2e-3, 1), (0.124, 1)])
def test_voxels_less_than_a_quarter_of_a_voxel_apart_are_the_same(
    shift_mm: float, notes: int
) -> None:
    """The smallest edge is 0.5 mm, a quarter of it 0.125 mm."""
    grid, values = grid_of(np.eye(3), (0, 0, 0)), np.ones(SHAPE)
    found, said = on_grid_of(grid, mask_on(moved(grid, shift_mm), values))
    assert np.array_equal(found, values)
    assert len(said) == notes
    assert all(f"up to {shift_mm:.2g} mm" in note for note in said)


@pytest.mark.parametrize("shift_mm", [0.126, 0.5, 20])
def test_voxels_farther_apart_are_not_the_same(shift_mm: float) -> None:
    grid = grid_of(np.eye(3), (0, 0, 0))
    with pytest.raises(GeometryError, match=f"mask.nii.gz: .* up to {shift_mm:.3g} mm"):
        on_grid_of(grid, mask_on(moved(grid, shift_mm), np.ones(SHAPE)))


def test_an_affine_of_four_decimals_is_the_same_grid() -> None:
    linear = rotation((1, 2, 3), 17)
    grid = Geometry((384, 384, 17), affine_of(linear, (0.5, 0.5, 5.0), (-91.12345, 71.98765, 3)))
    mask = Volume(np.zeros(grid.shape, np.float32), Geometry(grid.shape, grid.affine.round(4)))
    _, notes = on_grid_of(grid, mask)
    assert len(notes) == 1


def test_a_grid_rotated_by_more_than_rounding_is_another() -> None:
    grid = grid_of(np.eye(3), (0, 0, 0))
    other = Geometry(SHAPE, affine_of(rotation((0, 0, 1), 2), SIZES))
    with pytest.raises(GeometryError, match="voxels lie up to"):
        on_grid_of(grid, mask_on(other, np.ones(SHAPE)))


def test_a_mask_of_another_shape_is_refused_with_both_shapes() -> None:
    grid = grid_of(np.eye(3), (0, 0, 0))
    other = Geometry((5, 6, 8), grid.affine)
    with pytest.raises(GeometryError, match=r"\(5, 6, 8\), that of the image \(5, 6, 7\)"):
        on_grid_of(grid, mask_on(other, np.ones((5, 6, 8))))


def test_a_mask_in_another_order_lies_on_the_stack_as_on_the_image() -> None:
    grid = grid_of(np.eye(3), (0, 0, 0))
    values = np.random.default_rng(1).normal(size=SHAPE)
    stack = to_axial(Volume(values.astype(np.float32), grid))
    mask = reordered(grid, (values > 0).astype(float), ORIENTATIONS[-1])
    assert np.array_equal(stack_mask(stack, mask)[0], stack.slices > 0)
