"""Which slices show a cord, and what is left of the maps of a method in the others."""

import numpy as np
import pytest

from scgm.segmentation.postprocessing import is_present, keep_slices
from scgm.segmenters.base import Probabilities


def test_slices_without_a_cord_have_no_probabilities_and_no_center() -> None:
    maps = np.full((3, 4, 5), 0.75, np.float32)
    found = Probabilities(maps, maps, np.full((3, 2), 2, np.float32), np.ones(3, np.float32))

    kept = keep_slices(found, np.array([True, False, True]))

    assert kept.cord is not None
    for values in (kept.gm, kept.cord):
        assert values.max(axis=(1, 2)).tolist() == [0.75, 0, 0.75]
    np.testing.assert_array_equal(kept.centre_px, [[2, 2], [np.nan, np.nan], [2, 2]])


@pytest.mark.parametrize(
    ("presence", "shown"),
    [
        ([0.9, 0.25, 0.5], [True, True, True]),
        ([0.5, 0.24, 0.3, 0.49, 0.9], [True, False, True, True, True]),
        ([0.49, 0.9, 0.49], [False, True, False]),  # the ends of the cord
        ([0.3, 0.49, 0.3], [False, False, False]),
        ([0.9, 0.4, 0.4, 0.4, 0.4, 0.4, 0.9], [True] * 7),  # 30 mm apart
        ([0.9, 0.4, 0.4, 0.4, 0.4, 0.4, 0.4, 0.9], [True, *[False] * 6, True]),
        ([], []),
    ],
)
def test_a_cord_does_not_end_and_begin_again(presence: list[float], shown: list[bool]) -> None:
    assert is_present(np.array(presence, np.float32), 5.0).tolist() == shown
