"""The tables of a benchmark; every column that is written is explained in docs/tables.md."""

import csv
import re
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from scgm.benchmark import report
from scgm.benchmark.headline import headline_csv, headlines
from scgm.benchmark.plan import PlannedRun
from scgm.benchmark.runner import Outcome
from scgm.benchmark.scores import RunResult, ScoredResult
from scgm.benchmark.tables import cases_csv, groups, statistics_csv, summary_csv
from scgm.datasets import DataCase, Reference
from scgm.evaluation.compare import Evaluation, FileComparison
from scgm.evaluation.metrics import evaluate_case
from scgm.evaluation.tables import as_table
from scgm.segmentation.measurements import SliceMeasurement
from scgm.training.cross_validation import COLUMNS
from tests.helpers.benchmark_results import comparison, result

PAGE = Path(__file__).parents[2] / "docs" / "tables.md"


def explained() -> dict[str, set[str]]:
    """Return the names in the first column of each section's table, by the section's title."""
    sections = PAGE.read_text(encoding="utf-8").split("\n## ")[1:]
    return {
        section.partition("\n")[0]: {
            name
            for row in re.findall(r"^\| (`[^|]*)\|", section, re.MULTILINE)
            for name in re.findall(r"`(\w+)`", row)
        }
        for section in sections
    }


def head(text: str) -> set[str]:
    return set(next(csv.reader(text.splitlines())))


def written() -> dict[str, set[str]]:
    """Return the columns of every table, by the start of its section's title."""
    mask = np.ones((1, 4, 4), bool)
    scores = evaluate_case(mask, mask, (5, 1, 1), soft=mask.astype(float))
    case = DataCase("a", Path("a.nii"), None, "a", {"r1": Reference()})
    run = PlannedRun(
        label="m", method="default", model=None, case=case, threads=1, remark="", key="k"
    )
    scored = [ScoredResult(RunResult(run, Outcome(key="k")), "r1", scores)]
    evaluation = Evaluation(
        comparisons=(FileComparison("a", "b", scores),),
        between_raters=(),
        tie_share=None,
        warnings=(),
    )
    return {
        "NAME_measurements.csv": {field.name for field in fields(SliceMeasurement)},
        "The table of `scgm evaluate": head(as_table({"GM": [evaluation]})),
        "cases.csv": head(cases_csv(scored)),
        "summary.csv": head(summary_csv(groups(scored))),
        "statistics.csv": head(statistics_csv({("2d", "dice"): []})),
        "headline.csv": head(headline_csv(headlines(scored))),
        "cross_validation.csv": set(COLUMNS),
    }


@pytest.mark.parametrize("table", list(written()))
def test_every_column_is_explained(table: str) -> None:
    by_section = explained()
    (own,) = [names for title, names in by_section.items() if title.startswith(table)]

    # `center_x` was called `centre_x`; its explanation says so in the second cell.
    columns = {name.replace("centre_", "center_") for name in written()[table]}
    assert columns - own - by_section["Counts"] - by_section["Scores"] == set()


def test_what_is_not_known_is_an_empty_cell_and_a_formula_is_harmless() -> None:
    head, row = cases_csv([comparison(result("=method"))]).splitlines()

    cells = dict(zip(head.split(","), row.split(","), strict=True))
    assert cells["method"] == "'=method"
    assert cells["seconds"] == ""
    assert float(cells["dice"]) == pytest.approx(2 / 3, rel=1e-5)


def test_a_single_method_has_no_statistics_but_a_head() -> None:
    assert statistics_csv({("2d", "dice"): []}) == (
        "mode,score,first,second,n,unequal,mean,median,low,high,p,p_holm,fewest,sites,site_mean,informative\n"
    )


def test_one_site_and_one_rater_are_summarized_once() -> None:
    found = groups([comparison(result("a")), comparison(result("a", "other"), 2)])

    (group,) = found
    assert (group.site, group.rater, group.failures) == ("all", "all", 0)
    assert group.summary.statistics["dice"].mean == pytest.approx((2 / 3 + 1) / 2)
    assert report.by_site(found) == report.by_rater(found) == ""
    assert "a,all,all,2d,dice,0.833333" in summary_csv(found)


def test_a_failed_image_counts_once_however_many_raters_it_has() -> None:
    failed = result("a", reason="no cord")

    found = groups([comparison(failed, 0, "r1"), comparison(failed, 0, "r2")])

    assert found[0].failures == 1
    assert found[0].summary.n == 2
    assert report.failures_table([failed]).splitlines()[-1] == "| a | scan | no cord |"
