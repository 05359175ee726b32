"""What is said of each slice: which status, and which areas count."""

import numpy as np
import pytest
from numpy.typing import NDArray

from scgm.image.orientation import AxialStack, to_axial
from scgm.image.volume import Geometry, Volume
from scgm.segmentation.cut_off import ALL
from scgm.segmentation.status import SliceStatus, slice_faults, slice_statuses
from scgm.segmenters.base import Probabilities

NO_SIDE = (False, False, False, False)


def stack_of(slices: NDArray[np.float32], missing: NDArray[np.bool_] | None = None) -> AxialStack:
    """Return slices (Z, Y, X) of 0.5 mm pixels."""
    voxels = np.ascontiguousarray(slices.transpose(2, 1, 0))
    grid = Geometry(voxels.shape, np.diag([0.5, 0.5, 5, 1]))
    gone = None if missing is None else np.ascontiguousarray(missing.transpose(2, 1, 0))
    return to_axial(Volume(voxels, grid, missing=gone))


def cord_of_100() -> NDArray[np.float32]:
    """Return two slices of 40 x 40 pixels with a cord of 10 x 10."""
    cord = np.zeros((2, 40, 40), np.float32)
    cord[:, 15:25, 15:25] = 1
    return cord


def test_a_cord_may_lack_a_fiftieth_of_its_pixels() -> None:
    """Two of 100 pixels are 2 %, three are more."""
    cord, missing = cord_of_100(), np.zeros((2, 40, 40), bool)
    missing[0, 15, 15:17] = missing[1, 15, 15:18] = True
    stack = stack_of(cord, missing)
    shown = np.where(stack.slices >= 0.5, np.float32(1), np.float32(0))

    faults = slice_faults(shown, shown, stack, 0.5, ALL)

    assert faults[SliceStatus.MISSING_VALUES].tolist() == [False, True]
    assert faults[SliceStatus.CUT_OFF].tolist() == [False, False]


def test_a_cord_is_cut_by_the_image_or_by_the_window() -> None:
    """The network's cord of 14 rows (7 mm) ends where its map of 50 x 60 pixels ends."""
    own = np.zeros((2, 80, 80), np.float32)
    own[:, 10:60, 10:70] = 0.1
    own[0, 30:44, 56:70] = 1
    own[1, 30:44, 40:54] = 1
    given = np.zeros_like(own)
    given[:, 30:44, 40:54] = 1
    stack = stack_of(own)

    own_alone = slice_faults(own, own, stack, 0.5, NO_SIDE)
    assert own_alone[SliceStatus.CUT_OFF].tolist() == [True, False]
    by_window = slice_faults(given, own, stack, 0.5, ALL)
    assert by_window[SliceStatus.CUT_OFF].tolist() == [True, False]
    at_edge = np.roll(given, 26, axis=2)  # to the last column
    by_image = slice_faults(at_edge, given, stack, 0.5, ALL)
    assert by_image[SliceStatus.CUT_OFF].tolist() == [True, True]


def test_a_method_without_a_cord_has_no_faults() -> None:
    stack = stack_of(cord_of_100())

    assert slice_faults(None, None, stack, 0.5, ALL) == {}


@pytest.mark.parametrize(
    ("worse", "other"),
    [
        (SliceStatus.NO_CORD, SliceStatus.CUT_OFF),
        (SliceStatus.CUT_OFF, SliceStatus.MISSING_VALUES),
        (SliceStatus.MISSING_VALUES, SliceStatus.CORD_IN_DOUBT),
    ],
)
def test_of_two_faults_the_worse_is_said(worse: SliceStatus, other: SliceStatus) -> None:
    cord = cord_of_100()
    found = Probabilities(cord, cord, np.full((2, 2), 19.5, np.float32), np.ones(2, np.float32))
    both, one = np.array([True, False]), np.array([True, True])

    statuses = slice_statuses(found, (0.9, 0.9), 0.5, {worse: both, other: one})

    assert statuses == (worse, other)


def test_confidence_below_a_half_is_low() -> None:
    cord = cord_of_100()
    cord = np.concatenate([cord, cord])
    found = Probabilities(cord, cord, np.full((4, 2), 19.5, np.float32), np.ones(4, np.float32))
    found.gm[3] = 0.49

    statuses = slice_statuses(found, (0.5, 0.49, None, 0.1), 0.5, {})
    doubted = {SliceStatus.CORD_IN_DOUBT: np.array([False, True, False, True])}

    assert statuses == ("ok", "low confidence", "ok", "no gray matter")
    worse = slice_statuses(found, (0.5, 0.49, None, 0.1), 0.5, doubted)
    assert worse == ("ok", "cord mask in doubt", "ok", "cord mask in doubt")


def test_areas_of_what_is_not_wholly_seen_do_not_count() -> None:
    assert {each for each in SliceStatus if not each.has_cord_area} == {"no cord", "cut off"}
    without = {each for each in SliceStatus if not each.has_gray_matter_area}
    assert without == {"no cord", "cut off", "no gray matter"}
