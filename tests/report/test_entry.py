"""What the page shows of one image."""

from pathlib import Path

import pytest

from scgm.artifacts.models import read_card
from scgm.report.entry import Entry, model_card
from scgm.report.records import read_record
from scgm.report.table import SliceRow
from tests.helpers.results import save_result


def row(slice_is: int, status: str, gm: float | None, confidence: float | None) -> SliceRow:
    return SliceRow(
        *(slice_is, slice_is, status), confidence=confidence, areas={"GM": gm, "SC": 80.0}
    )


def test_images_are_compared_by_their_slices_that_are_ok(tmp_path: Path) -> None:
    rows = [row(0, "ok", 8, 0.9), row(1, "low confidence", 40, 0.1), row(2, "ok", 10, 0.7)]

    entry = Entry(read_record(save_result(tmp_path)), rows, None)

    assert entry.flagged == 1
    assert entry.features() == {
        "gm_area": 9.0,
        "cord_area": 80.0,
        "gm_ratio": 9 / 80,
        "cord_shape": None,
        "gm_spread": None,
        "confidence": pytest.approx(0.8),
        "contrast": None,
    }


def test_without_a_slice_that_is_ok_nothing_is_compared(tmp_path: Path) -> None:
    entry = Entry(read_record(save_result(tmp_path)), [row(0, "cut off", None, None)], None)

    assert set(entry.features().values()) == {None}


def test_the_card_is_that_of_the_very_model() -> None:
    own = read_card("default")

    shown = model_card({"name": "default", "sha256": own.sha256})

    assert shown is not None
    assert shown["license"] == own.license
    assert model_card({"name": "default", "sha256": "0" * 64}) is None
    assert model_card({"name": "no such model", "sha256": own.sha256}) is None
    assert model_card({}) is None
