"""Whether a mask lies on the grid of an image, and its values in the order of the image."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scgm.errors import GeometryError
from scgm.image.volume import Geometry, Volume

# Voxels that lie closer than this share of the smallest voxel edge are the same ones: a qform, or
# an affine with four decimals, is that uncertain far from the origin.
SAME_VOXEL = 0.25

# Below this, nothing is said.
_UNNOTICED_MM = 1e-3

# How far a matrix from voxels to voxels may be from one that only permutes and flips axes.
_TURNED = 0.05


def on_grid_of(
    grid: Geometry, mask: Volume, called: str = "the image"
) -> tuple[NDArray[np.float32], tuple[str, ...]]:
    """Return the values of a mask in the order of an image's voxels.

    Parameters
    ----------
    grid : Geometry
        That of the image.
    mask : Volume
        Drawn on the same voxels, which may be stored in another order of the axes.
    called : str
        What sentences call the file that the grid is of.

    Returns
    -------
    values : (i, j, k) float32
        One value for each voxel of the image; none is interpolated.
    notes : tuple of str
        What differs, one sentence each.

    Raises
    ------
    GeometryError
        If the voxels are not the same: other shape, or farther apart than a quarter of a voxel.
    """
    values, lies = _in_order_of(grid, mask)
    if lies.shape != grid.shape:
        found = f"its grid has the shape {mask.geometry.shape}, that of {called} {grid.shape}"
        msg = f"{mask.name}: {found}; resample it to the grid of {called}"
        raise GeometryError(msg)
    shift = grid.distance_mm(lies)
    if shift > SAME_VOXEL * min(grid.voxel_size_mm):
        found = (
            f"its voxels lie up to {shift:.3g} mm from those of {called} (both have the shape "
            f"{grid.shape})"
        )
        msg = f"{mask.name}: {found}; resample it to the grid of {called}"
        raise GeometryError(msg)
    notes = []
    if values is not mask.voxels:
        notes.append(f"{mask.name}: its axes were brought into the order of those of {called}")
    if shift > _UNNOTICED_MM:
        notes.append(
            f"{mask.name}: its voxels lie up to {shift:.2g} mm from those of {called}; they were "
            "taken as the same"
        )
    return values, tuple(notes)


def missing_on_grid_of(grid: Geometry, volume: Volume) -> NDArray[np.bool_] | None:
    """Return where a volume has no value, in the order of an image's voxels; see `on_grid_of`."""
    if volume.missing is None:
        return None
    missing, _ = on_grid_of(grid, replace(volume, voxels=volume.missing.astype(np.float32)))
    return missing > 0


def _in_order_of(grid: Geometry, mask: Volume) -> tuple[NDArray[np.float32], Geometry]:
    """Permute and flip the axes of a mask as those of the image, where that is all there is."""
    to_mask = np.linalg.inv(mask.geometry.affine[:3, :3]) @ grid.affine[:3, :3]
    steps = np.round(to_mask)
    is_turn = np.array_equal(np.abs(steps).sum(axis=0), (1, 1, 1)) and np.array_equal(
        np.abs(steps).sum(axis=1), (1, 1, 1)
    )
    if not is_turn or np.abs(to_mask - steps).max() > _TURNED or np.array_equal(steps, np.eye(3)):
        return mask.voxels, mask.geometry
    order = np.abs(steps).argmax(axis=0)  # axis of the mask for each axis of the image
    flipped = tuple(axis for axis in range(3) if steps[order[axis], axis] < 0)
    values: NDArray[Any] = np.flip(mask.voxels.transpose(order), flipped)
    turn = np.eye(4)
    turn[:3, :3] = steps
    for axis in flipped:
        turn[order[axis], 3] = mask.geometry.shape[order[axis]] - 1
    i, j, k = values.shape
    return values, replace(mask.geometry, shape=(i, j, k), affine=mask.geometry.affine @ turn)
