"""Which place of one cord corresponds to which of another."""

import numpy as np
import pytest

from scgm.errors import GeometryError
from scgm.measurement.levels import LevelKind, Levels
from scgm.registration.along_cord import Cord, by_levels


def cord(name: str, *levels: str | None) -> Cord:
    there = np.ones(len(levels), np.bool_)
    return Cord(name, there, 5.0, Levels(levels, LevelKind.VERTEBRAL, "text file"))


def test_levels_with_a_gap_between_them_are_laid_on_each_other_by_their_middles() -> None:
    """Their middles are slices 2.5 and 9.5 here, 1.5 and 8.5 there."""
    native = cord("scan", *["C5"] * 6, None, None, *["C3"] * 4)
    template = cord("template", *["C5"] * 4, *["C4"] * 3, *["C3"] * 4)

    found = by_levels(native, template)

    assert (found.native.tolist(), found.template.tolist()) == ([2.5, 9.5], [1.5, 8.5])
    assert found.warnings == (
        "scan: only the middles of C3 and C5 say where along the cord it lies",
    )


def test_a_single_common_level_is_named() -> None:
    found = by_levels(cord("scan", "C4", "C4"), cord("template", "C5", "C4", "C4", "C3"))

    assert (found.native.tolist(), found.template.tolist()) == ([0.5], [1.5])
    assert found.warnings == ("scan: only the middle of C4 says where along the cord it lies",)


def test_levels_that_run_against_each_other_are_refused() -> None:
    with pytest.raises(GeometryError, match="scan: its levels are not in order"):
        by_levels(cord("scan", "C3", None, "C5"), cord("template", "C5", "C4", "C3"))
