"""Scores of what methods found."""

import numpy as np
import pytest

from scgm.benchmark.scores import CaseData, Found, _compare, mask_only_methods
from scgm.image.orientation import to_axial
from scgm.image.volume import Geometry, Volume
from tests.helpers.benchmark_results import result


def test_a_method_is_mask_only_if_it_never_gave_a_probability() -> None:
    results = [
        result("hard", mask_only=True),
        result("soft", mask_only=True),
        result("soft", "other", mask_only=False),
        result("failed", reason="no cord"),
    ]

    assert mask_only_methods(results) == {"hard"}


def test_calibration_is_looked_at_in_one_region_with_and_without_a_drawn_cord() -> None:
    """One pixel of 2 mm is drawn, with p = 0.5: the region is it and the 8 around."""
    geometry = Geometry((9, 9, 1), np.diag([2.0, 2.0, 5.0, 1.0]))
    stack = to_axial(Volume(np.zeros((9, 9, 1), np.float32), geometry))
    gm = np.zeros((1, 9, 9), bool)
    gm[0, 4, 4] = True
    cord = np.ones_like(gm)
    data = CaseData(stack, {"r1": (gm, cord), "r2": (gm, None)})
    found = Found(gm, (gm * 0.5).astype(np.float32), None)

    scores = [
        each.scores.values["brier"]
        for rater in data.references
        for each in _compare(result("a"), data, rater, found)
    ]

    assert scores == pytest.approx([0.25 / 9] * 4)
