"""Areas along the cord, of masks that are drawn."""

from itertools import pairwise

import numpy as np
import pytest

from scgm.errors import GeometryError
from scgm.measurement.masks import structures_from_masks
from scgm.measurement.measure import measure
from scgm.measurement.options import DEFAULT_MEASURE
from scgm.measurement.profile import profile_of
from tests.helpers.drawn_shapes import CORD, GRAY, Grid
from tests.helpers.tapered_cords import profile


def test_slices_across_a_leaning_cord_are_further_apart_along_it() -> None:
    """0.75 mm to the right for each mm up: 1 mm up is 1.25 mm along the cord."""
    grid = Grid(shape=(160, 60, 4), lean=(0.75, 0))
    drawn = structures_from_masks("a", grid.volume(grid.mask(GRAY)), grid.volume(grid.mask([CORD])))
    found = profile_of(drawn, None, DEFAULT_MEASURE)

    assert found.positions_mm == pytest.approx([0, 6.25, 12.5, 18.75], rel=0.02)
    assert found.areas["SC", "area_mm2"] == pytest.approx([CORD.area] * 4, rel=0.02)
    assert ("GM", "area_soft_mm2") not in found.areas


def test_between_two_slices_the_angles_of_both_count_alike() -> None:
    """The cord bends to the right more and more, so that each slice has an angle of its own."""
    mask = np.zeros((200, 60, 6), np.uint8)
    for z in range(6):
        mask[20 + 5 * z**2 : 40 + 5 * z**2, 20:36, z] = 1
    drawn = structures_from_masks("bent", None, Grid((200, 60, 6)).volume(mask))
    steps = [5 / np.cos(np.radians(float(row["angle_deg"] or 0))) for row in measure(drawn)]
    found = profile_of(drawn, None, DEFAULT_MEASURE).positions_mm

    assert steps[-1] > 1.2 * steps[0]
    assert np.diff(found) == pytest.approx([(a + b) / 2 for a, b in pairwise(steps)])


def test_what_is_flagged_is_left_out_and_a_scan_of_that_alone_refused() -> None:
    grid = Grid(shape=(80, 60, 3))
    cord = grid.mask([CORD])
    cord[..., 1] = 0
    one = profile_of(structures_from_masks("a", None, grid.volume(cord)), None, DEFAULT_MEASURE)

    assert np.isnan(one.areas["SC", "area_mm2"]).tolist() == [False, True, False]
    cut = np.ones((80, 60, 3), np.uint8)
    with pytest.raises(GeometryError, match="a: no slice of it can be used"):
        profile_of(structures_from_masks("a", None, grid.volume(cut)), None, DEFAULT_MEASURE)


def test_a_part_is_counted_from_its_lowest_slice() -> None:
    whole = profile(np.array([0, 4.0, 8, 12, 16]), cord=lambda z: 60 + z)
    part = whole.part(1, 4)

    assert part.positions_mm == pytest.approx([0, 4, 8])
    assert part.areas["SC", "area_mm2"] == pytest.approx([64, 68, 72])
    assert part.features["SC"] == pytest.approx([64, 68, 72])


def test_between_slices_is_linear_and_beyond_half_a_slice_unknown() -> None:
    drawn = profile(np.array([0, 4.0, 8, 12]), cord=lambda z: 60 + z)
    areas = drawn.areas["SC", "area_mm2"].copy()
    areas[2] = np.nan
    found = drawn.sampled(areas, np.array([-0.5, 0, 1, 4, 6, 7, 9, 10, 12, 12.5]))

    assert found[1:5] == pytest.approx([60, 61, 64, 66])
    assert found[7:9] == pytest.approx([70, 72])
    assert np.isnan(found[[0, 5, 6, 9]]).all()
    ends = drawn.sampled(areas, np.array([-2.5, -2, 6, 7, 14, 14.5]), to_ends=True)
    assert ends[[1, 2, 4]] == pytest.approx([60, 66, 72])
    assert np.isnan(ends[[0, 3, 5]]).all()


def test_a_single_slice_stands_for_its_thickness() -> None:
    drawn = profile(np.array([0, 4.0]), cord=lambda z: 60 + z)
    areas = np.array([60.0, np.nan])
    found = drawn.sampled(areas, np.array([-2.5, -2, 0, 2, 2.5]))

    assert found[1:4] == pytest.approx([60, 60, 60])
    assert np.isnan(found[[0, 4]]).all()
