"""Two scans of one cord: known shifts and stretches along it are found."""

import numpy as np
import pytest
from numpy.typing import NDArray

from scgm.errors import GeometryError, UsageError
from scgm.measurement.levels import LevelKind, Levels
from scgm.measurement.profile_match import match
from tests.helpers.tapered_cords import cord_mm2, gray_mm2, profile

FIRST = np.arange(0, 80, 4.0)


def levels_at(
    places: NDArray[np.float64],
    source: str = "label image",
    kind: LevelKind = LevelKind.VERTEBRAL,
) -> Levels:
    """Levels of 16 mm: C7 from 0 mm on, C6 from 16 mm on, to C3."""
    return Levels(tuple(f"C{7 - int(place // 16)}" for place in places), kind, source)


@pytest.mark.parametrize("offset", [-14.0, 0.0, 10.0])
def test_a_known_shift_is_found_without_levels_on_another_grid(offset: float) -> None:
    second = np.arange(0, 66, 3.0) + 14 + offset
    found = match(profile(FIRST), profile(second))

    assert found.by == "profile"
    assert found.shift_mm == pytest.approx(14 + offset, abs=0.5)
    assert found.sure
    assert found.correlation == pytest.approx(1, abs=0.02)


def test_a_change_of_all_areas_moves_nothing() -> None:
    thinner = profile(FIRST, cord=lambda z: 0.9 * cord_mm2(z), gm=lambda z: 0.9 * gray_mm2(z))

    assert match(profile(FIRST), thinner).shift_mm == pytest.approx(0, abs=0.5)


def test_a_cord_that_is_everywhere_the_same_cannot_be_matched_without_levels() -> None:
    plain = profile(FIRST, cord=lambda _: 70, gm=lambda _: 15)

    with pytest.raises(GeometryError, match=r"cannot be matched along the cord.*give the levels"):
        match(plain, plain)


def test_a_cord_that_widens_evenly_is_matched_but_not_surely() -> None:
    """Each shift of a straight line is a straight line again."""
    even = profile(FIRST, cord=lambda z: 60 + z / 4, gm=lambda z: 12 + z / 20)

    assert not match(even, even).sure


def test_a_short_piece_of_cord_is_found_but_not_surely() -> None:
    """Seven slices of 4 mm are 28 mm long; nine are 36 mm."""
    short, longer = (match(profile(FIRST), profile(FIRST[5:end])) for end in (12, 14))

    assert (short.shift_mm, longer.shift_mm) == pytest.approx((20, 20), abs=0.5)
    assert (short.sure, longer.sure) == (False, True)


def test_levels_give_the_shift() -> None:
    second = FIRST + 8
    found = match(profile(FIRST, levels_at(FIRST)), profile(second[:-2], levels_at(second[:-2])))

    assert found.by == "levels"
    assert found.stretch == pytest.approx(1)
    assert found.shift_mm == pytest.approx(8)
    assert found.sure


def test_levels_give_the_stretch() -> None:
    """Levels of 16 mm are 17 mm long in the second scan, by whole slices of 1 mm."""
    places = np.arange(0, 76, 1.0)
    longer = np.arange(0, 80, 1.0)
    found = match(profile(places, levels_at(places)), profile(longer, levels_at(longer * 16 / 17)))

    assert found.stretch == pytest.approx(16 / 17)
    assert found.shift_mm == pytest.approx(15.5 - 16 / 17 * 16.5)
    assert found.sure


def test_approximate_levels_are_not_sure() -> None:
    one = profile(FIRST, levels_at(FIRST, source="approximate"))

    assert not match(one, one).sure


def test_a_single_common_level_without_an_end_gives_a_shift_that_is_not_sure() -> None:
    one = profile(FIRST[:4], levels_at(FIRST[:4]))
    found = match(one, one)

    assert (found.shift_mm, found.sure) == (0, False)


def test_scans_without_a_common_level_are_refused() -> None:
    low, high = FIRST[:8], FIRST[8:16]

    with pytest.raises(GeometryError, match=r"no common level \(C6:C7 and C4:C5\)"):
        match(profile(low, levels_at(low)), profile(high, levels_at(high)))


def test_levels_of_two_kinds_are_refused() -> None:
    one = profile(FIRST, levels_at(FIRST))
    other = profile(FIRST, levels_at(FIRST, kind=LevelKind.SPINAL))

    with pytest.raises(UsageError, match="give levels of one kind"):
        match(one, other)
