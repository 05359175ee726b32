"""What is kept of a method's maps: the part with the cord, and nothing else is lost."""

import numpy as np
from numpy.typing import NDArray

from scgm.segmentation.box import Box, boxed
from scgm.segmenters.registry import Probabilities


def found(gm: NDArray[np.float32], cord: NDArray[np.float32] | None) -> Probabilities:
    count = len(gm)
    return Probabilities(gm, cord, np.full((count, 2), 3, np.float32), np.ones(count, np.float32))


def test_the_box_holds_everything_that_is_not_zero() -> None:
    cord = np.zeros((2, 9, 8), np.float32)
    cord[0, 2:5, 3] = 0.5
    cord[1, 4:7, 3:6] = 1e-9

    part, box = boxed(found(np.float32(0.5) * cord, cord))

    assert (box.rows, box.columns) == ((2, 7), (3, 6))
    assert part.cord is not None
    np.testing.assert_array_equal(box.expand(part.cord), cord)
    np.testing.assert_array_equal(box.expand(part.gm), cord / 2)
    np.testing.assert_array_equal(part.centre_px, 3)


def test_the_box_holds_the_mask_of_the_user() -> None:
    nothing = np.zeros((1, 9, 8), np.float32)
    mask = np.zeros((1, 9, 8), bool)
    mask[0, 1, 7] = True

    _, box = boxed(found(nothing, nothing), mask)

    assert (box.rows, box.columns) == ((1, 2), (7, 8))
    assert box.at_border == (False, False, False, True)


def test_what_remains_does_not_hold_the_whole_maps_in_memory() -> None:
    cord = np.zeros((2, 90, 80), np.float32)
    cord[:, 40, 40] = 1

    part, _ = boxed(found(cord, cord))

    assert part.cord is not None
    assert part.cord.base is None
    assert part.gm.base is None


def test_an_empty_map_has_a_box_all_the_same() -> None:
    nothing = np.zeros((3, 5, 6), np.float32)

    part, box = boxed(found(nothing, None))

    assert part.cord is None
    assert box == Box((0, 1), (0, 1), (3, 5, 6))
    assert box.expand(part.gm).shape == (3, 5, 6)
