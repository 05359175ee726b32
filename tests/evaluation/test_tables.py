"""Scores as tables and as JSON."""

import csv
import io
import json
import math
from pathlib import Path

from scgm.evaluation import evaluate
from scgm.evaluation.metrics import METRICS
from scgm.evaluation.tables import as_json, as_table, summary_rows
from tests.helpers.box_masks import box, save


def test_warnings_about_the_files_stand_in_the_table(tmp_path: Path) -> None:
    true = save(tmp_path / "true.nii", box(10, 0.75))
    result = evaluate(save(tmp_path / "found.nii", box(10)), [true])

    (row,) = csv.DictReader(io.StringIO(as_table({"GM": [result]})))

    assert row["warnings"] == f"{true}: probabilities, cut at 0.5 to compare with"


def test_the_table_has_a_row_a_comparison_and_a_column_a_score(tmp_path: Path) -> None:
    found = save(tmp_path / "found.nii", box(10))
    raters = [save(tmp_path / f"r{first}.nii", box(first)) for first in (10, 12)]

    text = as_table({"GM": [evaluate(found, raters)]}, separator="\t")

    rows = list(csv.DictReader(io.StringIO(text), delimiter="\t"))
    assert [row["dice"] for row in rows] == ["1", "0.75"]
    assert rows[0]["psnr_slice_peak1_db"] == "inf"
    assert rows[0]["brier"] == ""
    assert rows[1]["reference"] == str(raters[1])
    assert {metric.name for metric in METRICS} < set(rows[0])


def test_json_holds_every_slice_and_stays_valid(tmp_path: Path) -> None:
    found = save(tmp_path / "found.nii", box(10))

    record = json.loads(as_json({"": [evaluate(found, [found])]}))

    (label,) = record["labels"]
    scores = label["cases"][0]["comparisons"][0]["scores"]
    assert [row["values"]["dice"] for row in scores["slices"]] == [1, 1, 1]
    assert scores["values"]["psnr_slice_peak1_db"] == "inf"
    assert label["summary"]["statistics"]["dice"]["mean"] == 1
    assert label["summary"]["statistics"]["dice"]["std"] is None
    assert label["summary_between_raters"] is None


def test_a_person_sees_every_score_and_the_agreement_of_the_raters(tmp_path: Path) -> None:
    found = save(tmp_path / "found.nii", box(10))
    raters = [save(tmp_path / f"r{first}.nii", box(first)) for first in (10, 12)]

    single = summary_rows([evaluate(found, raters[1:])])
    several = summary_rows([evaluate(found, raters)])

    assert single[0] == ["score", "unit", "SCGM", "value"]
    assert single[1] == ["Dice", "", "DSC", "0.75"]
    assert several[0] == ["score", "unit", "SCGM", "mean", "std", "median", "n", "between raters"]
    std = f"{0.25 / math.sqrt(2):.4g}"
    assert several[1] == ["Dice", "", "DSC", "0.875", std, "0.875", "2", "0.75"]
