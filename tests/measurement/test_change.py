"""Changes between two profiles, known on paper."""

import numpy as np
import pytest

from scgm.errors import GeometryError
from scgm.measurement.change import NAMES, changes
from scgm.measurement.levels import LevelKind, Levels
from tests.helpers.tapered_cords import cord_mm2, gray_mm2, profile

PLACES = np.arange(0, 80, 4.0)


def test_a_loss_of_5_percent_is_5_percent_in_every_row_and_judged_by_the_error_of_each() -> None:
    """The second scan starts 8 mm higher, on whole slices: no interpolation is in between."""
    later = profile(PLACES + 8, cord=lambda z: 0.95 * cord_mm2(z), gm=lambda z: 0.95 * gray_mm2(z))
    table = changes(profile(PLACES), later, subject="ann")
    whole = {row["label"]: row for row in table.rows if row["by"] == "whole"}

    assert table.warnings == ()
    assert tuple(table.rows[0]) == NAMES
    assert [row["change_percent"] for row in table.rows] == pytest.approx([-5] * len(table.rows))
    assert whole["SC"]["shift_mm"] == pytest.approx(8)
    assert (whole["SC"]["from_mm"], whole["SC"]["to_mm"]) == pytest.approx((8, 76))
    assert whole["SC"]["covered_mm"] == pytest.approx(68)
    judged = [row["beyond_mdc"] for row in table.rows]
    of_mean = 5 / 0.975  # the limit is a percentage of the mean of both scans
    expected = [float(row["mdc_percent"] or 0) < of_mean for row in table.rows]
    assert judged == ["yes" if beyond else "no" for beyond in expected]
    assert whole["SC"]["beyond_mdc"] == "yes"
    slices = {row["beyond_mdc"] for row in table.rows if (row["by"], row["label"]) == ("mm", "GM")}
    assert slices == {"no"}


@pytest.mark.parametrize("slice_mm", [2.7, 3.3, 4.006, 5.0])
def test_rows_begin_in_the_middle_of_the_lowest_slice(slice_mm: float) -> None:
    places = np.arange(0, 80, slice_mm)
    table = changes(profile(places), profile(places, gm=lambda z: 0.9 * gray_mm2(z)))
    first, whole = (next(row for row in table.rows if row["by"] == by) for by in ("mm", "whole"))

    assert (first["from_mm"], first["to_mm"]) == (0, 5)
    assert whole["from_mm"] == 0
    assert whole["to_mm"] == pytest.approx(places[-1], abs=0.25)
    assert whole["covered_mm"] == whole["to_mm"]


def test_a_loss_is_judged_as_the_gain_from_the_second_scan_to_the_first() -> None:
    """The limit is a percentage of the mean of both: which one is first does not matter."""
    scans = profile(PLACES), profile(PLACES, gm=lambda z: 0.795 * gray_mm2(z))
    loss, gain = (changes(*order).rows for order in (scans, scans[::-1]))

    compared = ("by", "label", "from_mm", "mdc_mm2", "beyond_mdc")
    assert [[row[name] for name in compared] for row in loss] == [
        [row[name] for name in compared] for row in gain
    ]
    slices = [row for row in loss if (row["by"], row["label"]) == ("mm", "GM")]
    for row in slices:
        mean = (float(row["first_mm2"] or 0) + float(row["second_mm2"] or 0)) / 2
        assert row["mdc_mm2"] == pytest.approx(float(row["mdc_percent"] or 0) / 100 * mean)
        change = abs(float(row["change_mm2"] or 0))
        assert row["beyond_mdc"] == ("yes" if change > float(row["mdc_mm2"] or 0) else "no")


def test_a_loss_in_one_level_is_found_in_that_level_alone() -> None:
    """Gray matter of C5, from 24 to 48 mm, is 10 % less."""
    levels = Levels(
        ("C6",) * 6 + ("C5",) * 6 + ("C4",) * 6 + (None,) * 2, LevelKind.VERTEBRAL, "discs"
    )
    later = profile(PLACES, levels, gm=lambda z: gray_mm2(z) * (0.9 if 24 <= z < 48 else 1))
    table = changes(profile(PLACES, levels), later)
    gray = {row["level"] or row["by"]: row for row in table.rows if row["label"] == "GM"}

    assert list(gray) == ["C4", "C5", "C6", "mm", "whole"]
    assert gray["C5"]["change_percent"] == pytest.approx(-10, abs=1)
    assert gray["C4"]["change_percent"] == pytest.approx(0, abs=0.5)
    assert gray["C6"]["change_percent"] == pytest.approx(0, abs=0.5)
    assert (gray["C5"]["from_mm"], gray["C5"]["to_mm"]) == pytest.approx((22, 46))
    assert gray["C5"]["level_from"] == "discs"
    assert gray["whole"]["level_kind"] is None
    with pytest.raises(GeometryError, match="no slice of both shows T3"):
        changes(profile(PLACES, levels), later, levels="T3")


def test_a_stretched_cord_is_compared_at_the_same_places() -> None:
    """All is 17/16 as long in the second scan; areas change, but not those of a place."""
    places = np.arange(0, 64, 1.0)
    longer = np.arange(0, 68, 1.0)

    def levels(of: np.ndarray[tuple[int], np.dtype[np.float64]]) -> Levels:
        return Levels(tuple(f"C{6 - int(z // 16)}" for z in of), LevelKind.VERTEBRAL, "discs")

    later = profile(
        longer,
        levels(longer * 16 / 17),
        cord=lambda z: cord_mm2((z + 0.5) * 16 / 17 - 0.5),
        gm=lambda z: gray_mm2((z + 0.5) * 16 / 17 - 0.5),
    )
    table = changes(profile(places, levels(places)), later)

    assert {row["matched_by"] for row in table.rows} == {"levels"}
    assert table.rows[0]["stretch"] == pytest.approx(16 / 17)
    assert [row["change_percent"] for row in table.rows] == pytest.approx(
        [0] * len(table.rows), abs=0.1
    )
