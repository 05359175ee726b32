"""The minimal detectable change, by hand."""

import pytest

from scgm.measurement.repeatability import (
    Over,
    detectable_change,
    error_of_measurement,
    repeatability,
)


def test_four_pairs_by_hand() -> None:
    """Differences 1, -1, 2 and -2: mean square 2.5, SEM = sqrt(2.5 / 2) = 1.118, MDC = 3.099."""
    error = error_of_measurement([[1.0], [-1.0], [2.0], [-2.0]])

    assert error == pytest.approx(1.1180340)
    assert detectable_change(error) == pytest.approx(3.0990321)


def test_each_person_counts_the_same_however_many_slices_there_are() -> None:
    assert error_of_measurement([[2.0] * 20, [0.0]]) == pytest.approx(
        error_of_measurement([[2], [0]])
    )


def test_the_constants_say_where_they_are_from_and_means_are_steadier_than_slices() -> None:
    known = repeatability()

    assert known.people == 4
    assert known.command == "python -m experiments.scan_rescan"
    for label in ("GM", "WM", "SC"):
        for column in ("area_mm2", "area_soft_mm2"):
            one, level, scan = (known.of(over, label, column) for over in Over)
            assert one is not None
            assert level is not None
            assert scan is not None
            assert 0 < scan < level < one < 30
    assert known.of(Over.SLICE, "GM", "volume_mm3") is None
