"""Maps of groups, where the right answer is known on paper."""

import numpy as np
import pytest

from scgm.image.volume import Geometry
from scgm.registration.group import GroupMap, t_map


def group_of(*values: float) -> GroupMap:
    """Return the map of a group on a grid of one voxel."""
    found = np.array(values, np.float32)
    count, mean, variance = (
        np.full((1, 1, 1), each, float) for each in (len(found), found.mean(), found.var(ddof=1))
    )
    return GroupMap(Geometry((1, 1, 1), np.eye(4)), count, mean, variance)


@pytest.mark.parametrize("size", [1e-3, 1, 4e4])
def test_values_that_differ_by_rounding_have_no_t(size: float) -> None:
    """A number of 32 bits is rounded to 1.2e-7 of its size."""
    t, freedom = t_map(
        group_of(size, size, size * (1 + 1.2e-7)), group_of(size * (1 - 2.4e-7), size)
    )

    assert np.isnan(t).all()
    assert np.isnan(freedom).all()


@pytest.mark.parametrize("size", [1e-3, 1, 4e4])
def test_small_differences_have_a_t(size: float) -> None:
    """Groups of 1 and 1.0002, and of 1.0004 and 1.0006: t is -4e-4 / 1.414e-4."""
    t, freedom = t_map(group_of(size, 1.0002 * size), group_of(1.0004 * size, 1.0006 * size))

    assert t == pytest.approx(-np.sqrt(8), rel=0.01)
    assert freedom == pytest.approx(2, rel=0.01)
