"""What is left of the maps of a method in slices that show no cord."""

import numpy as np

from scgm.segmentation.postprocessing import keep_slices
from scgm.segmenters.base import Probabilities


def test_slices_without_a_cord_have_no_probabilities_and_no_center() -> None:
    maps = np.full((3, 4, 5), 0.75, np.float32)
    found = Probabilities(maps, maps, np.full((3, 2), 2, np.float32), np.ones(3, np.float32))

    kept = keep_slices(found, np.array([True, False, True]))

    assert kept.cord is not None
    for values in (kept.gm, kept.cord):
        assert values.max(axis=(1, 2)).tolist() == [0.75, 0, 0.75]
    np.testing.assert_array_equal(kept.centre_px, [[2, 2], [np.nan, np.nan], [2, 2]])
