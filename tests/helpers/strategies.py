"""Hypothesis strategies, and lists that are short enough to try in full."""

from __future__ import annotations

from itertools import permutations, product

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from scgm.image.volume import Geometry, Volume


def _signed_permutations() -> tuple[NDArray[np.float64], ...]:
    return tuple(
        np.diag(signs).astype(float) @ np.eye(3)[list(order)]
        for order in permutations(range(3))
        for signs in product((1, -1), repeat=3)
    )


# (3, 3) matrices: the 48 ways in which voxel axes can run along x, y, z; half are left-handed.
ORIENTATIONS = _signed_permutations()


def rotation(axis: tuple[float, float, float], degrees: float) -> NDArray[np.float64]:
    """Return the matrix that turns by *degrees* about *axis* (Rodrigues)."""
    x, y, z = np.array(axis) / np.linalg.norm(axis)
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    angle = np.deg2rad(degrees)
    turned: NDArray[np.float64] = (
        np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * (cross @ cross)
    )
    return turned


def affine_of(
    linear: NDArray[np.float64],
    sizes_mm: tuple[float, float, float] = (1.0, 1.0, 1.0),
    offset_mm: tuple[float, float, float] = (0.0, 0.0, 0.0),
) -> NDArray[np.float64]:
    """Put directions, voxel sizes and the place of voxel (0, 0, 0) together."""
    affine = np.eye(4)
    affine[:3, :3] = linear * sizes_mm
    affine[:3, 3] = offset_mm
    return affine


def orientations() -> st.SearchStrategy[NDArray[np.float64]]:
    """One of the 48 orientations."""
    return st.sampled_from(ORIENTATIONS)


@st.composite
def affines(draw: st.DrawFn, *, tilt: float = 30.0) -> NDArray[np.float64]:
    """Voxels of 0.25 to 2 mm in any orientation, oblique by up to *tilt* degrees."""
    unit = st.floats(-1, 1, width=32)
    axis = draw(st.tuples(unit, unit, unit).filter(lambda a: np.linalg.norm(a) > 0.1))
    sizes = draw(st.tuples(*[st.floats(0.25, 2.0, width=32)] * 3))
    offset = draw(st.tuples(*[st.floats(-300, 300, width=32)] * 3))
    turned = rotation(axis, draw(st.floats(-tilt, tilt))) @ draw(orientations())
    return affine_of(turned, sizes, offset)


@st.composite
def geometries(draw: st.DrawFn, *, tilt: float = 30.0) -> Geometry:
    """Small grids of 2 to 7 voxels a side, odd and even."""
    shape = draw(st.tuples(*[st.integers(2, 7)] * 3))
    return Geometry(shape, draw(affines(tilt=tilt)))


@st.composite
def volumes(draw: st.DrawFn, *, tilt: float = 30.0) -> Volume:
    """Volumes in which every voxel has another value."""
    geometry = draw(geometries(tilt=tilt))
    values = np.random.default_rng(draw(st.integers(0, 2**32 - 1))).permutation(
        int(np.prod(geometry.shape))
    )
    return Volume(values.reshape(geometry.shape).astype(np.float32), geometry)
