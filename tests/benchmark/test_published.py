"""The published scores, as they were printed."""

import pytest

from scgm.benchmark.published import METHODS, PUBLISHED
from scgm.evaluation.metrics import METRICS


def test_the_published_scores_fit_each_other() -> None:
    """JI = DSC / (2 - DSC) and CC = (3 DSC - 2) / DSC hold for every case, and nearly for means."""
    for method in METHODS:
        dice = PUBLISHED["dice"][method].mean

        assert PUBLISHED["jaccard"][method].mean == pytest.approx(dice / (2 - dice), abs=0.02)
        if method != "VBEM":  # its spread is so large that the mean of CC lies far below
            conformity = (3 * dice - 2) / dice
            assert PUBLISHED["conformity"][method].mean == pytest.approx(conformity, abs=0.05)


def test_the_published_scores_are_the_ten_of_the_challenge() -> None:
    ten = {metric.name for metric in METRICS if metric.challenge}

    assert set(PUBLISHED) == ten
    assert all(set(scores) == set(METHODS) for scores in PUBLISHED.values())
