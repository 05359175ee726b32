"""Tables and figures of a benchmark: pure functions on scores."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.collections import LineCollection

from scgm.benchmark import plots, report
from scgm.benchmark.model_selection import MAY_HAVE_SEEN
from scgm.benchmark.plan import PlannedRun
from scgm.benchmark.published import METHODS, PUBLISHED
from scgm.benchmark.runner import Outcome, Runner
from scgm.benchmark.scores import RunResult, ScoredResult, SliceArea, mask_only_methods
from scgm.benchmark.tables import cases_csv, groups, statistics_csv, summary_csv
from scgm.datasets import DataCase, Reference
from scgm.evaluation.metrics import METRICS, evaluate_case
from tests.helpers.standin import save_scan


def result(method: str, image: str = "scan", **outcome: object) -> RunResult:
    case = DataCase(image, Path(f"{image}.nii.gz"), "here", "subject", {"r1": Reference()})
    job = PlannedRun(
        label=method, method="default", model=None, case=case, threads=1, remark="", key=image
    )
    return RunResult(job, Outcome(key=image, **outcome))  # type: ignore[arg-type]


def comparison(found: RunResult, pixels: int = 1, rater: str = "r1") -> ScoredResult:
    """Compare a row of *pixels* with one of 2: Dice 2 * min / sum."""
    mask, true = np.zeros((1, 5, 5), bool), np.zeros((1, 5, 5), bool)
    mask[0, 2, :pixels] = True
    true[0, 2, :2] = True
    return ScoredResult(found, rater, evaluate_case(mask, true, (5, 1, 1)))


def area(found: RunResult, z: int, dice: float, found_mm2: float | None = 10.0) -> SliceArea:
    return SliceArea(
        result=found, rater="r1", z=z, native=z, dice=dice, found_mm2=found_mm2, reference_mm2=12.0
    )


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


def test_a_markdown_table_has_a_rule_below_its_head() -> None:
    text = report.markdown([["a", "b"], ["1", "x|y"]])

    assert text.splitlines() == ["| a | b |", "| --- | --- |", "| 1 | x\\|y |"]


def test_plain_text_is_aligned() -> None:
    assert report.aligned([["a", "bc"], ["123", "4"]]) == "  a bc\n123  4"


def test_what_is_not_known_is_an_empty_cell_and_a_formula_is_harmless() -> None:
    head, row = cases_csv([comparison(result("=method"))]).splitlines()

    cells = dict(zip(head.split(","), row.split(","), strict=True))
    assert cells["method"] == "'=method"
    assert cells["seconds"] == ""
    assert float(cells["dice"]) == pytest.approx(2 / 3, rel=1e-5)


def test_a_single_method_has_no_statistics_but_a_head() -> None:
    assert statistics_csv({("2d", "dice"): []}) == (
        "mode,score,first,second,n,mean,median,low,high,p,p_holm,informative\n"
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


def test_time_and_memory_are_of_runs_that_did_not_fail() -> None:
    done = result("a", seconds=2.0, seconds_with_start=3.0, peak_mib=100.0)
    failed = result("a", "other", reason="no cord", seconds_with_start=50.0)
    comparisons = [comparison(done), comparison(failed, 0)]

    _, row = report.main_rows(groups(comparisons), [done, failed], "2d")

    assert row[-3:] == ["2.00", "3.00", "100"]
    assert row[2] == "1"


def test_few_images_and_images_of_one_subject_are_warned_of() -> None:
    comparisons = [comparison(result("a")), comparison(result("a", "other"))]

    text = " ".join(report.notes(comparisons))

    assert "There are 2 images" in text
    assert "show 1 subjects" in text
    assert "may have seen" not in text


def test_scores_of_images_that_training_may_have_used_are_marked_by_method() -> None:
    """Of three images of one method, two have a remark that does not clear its training."""
    remarks = ("trained without site UCL", MAY_HAVE_SEEN, "its card lists site UCL as seen")
    jobs = [replace(result("a", str(n)).job, remark=text) for n, text in enumerate(remarks)]
    clear = replace(result("b").job, remark="trained without site UCL")
    untrained = result("c").job

    (sentence,) = report.training_notes([*jobs, clear, untrained])

    assert sentence.startswith("a: its training may have seen 2 of these 3 images")


def test_warnings_of_an_image_are_said_once_and_stand_in_the_table() -> None:
    odd = [result(method, warnings=("sizes differ",)) for method in ("a", "b")]

    assert report.image_warnings(odd) == ["scan: sizes differ"]
    head, row = cases_csv([comparison(odd[0])]).splitlines()
    assert dict(zip(head.split(","), row.split(","), strict=True))["warnings"] == "sizes differ"


def test_a_method_is_mask_only_if_it_never_gave_a_probability() -> None:
    results = [
        result("hard", mask_only=True),
        result("soft", mask_only=True),
        result("soft", "other", mask_only=False),
        result("failed", reason="no cord"),
    ]

    assert mask_only_methods(results) == {"hard"}


def test_the_worst_slices_come_first_and_each_once() -> None:
    found = result("a")
    areas = [area(found, 0, 0.9), area(found, 1, 0.2), area(found, 1, 0.3), area(found, 2, 0.5)]

    assert [each.z for each in plots.worst_slices(areas, 2)] == [1, 2]


def test_slices_without_area_are_counted_and_not_drawn() -> None:
    found = result("a")
    areas = [area(found, 0, 0.9), area(found, 1, 0.8, 14.0), area(found, 2, 0.0, None)]

    (panel,) = plots.area_figure({"a": areas}).axes

    points = panel.lines[1].get_xydata()
    assert np.asarray(points).tolist() == [[11.0, -2.0], [13.0, 2.0]]
    assert "2 slices, 1 more were missed" in panel.get_title()
    assert "bias +0.00" in panel.get_title()


def test_a_method_that_missed_everything_has_no_limits_of_agreement() -> None:
    (panel,) = plots.area_figure({"a": [area(result("a"), 0, 0.0, None)]}).axes

    assert "0 slices, 1 more were missed" in panel.get_title()


def test_failures_are_marked_in_the_box_plot() -> None:
    figure = plots.dice_figure({"a": {"one": 0.8, "two": 0.0}}, {"a": {"two"}})

    marks = [line.get_marker() for line in figure.axes[0].lines if np.size(line.get_xdata()) == 1]
    assert marks == ["o", "x"]


def test_worst_slices_are_drawn_with_the_reference_and_what_was_found(tmp_path: Path) -> None:
    """Gray matter of 8 x 4 pixels has 24 edges; a mask of one pixel has 4."""
    image, gm = save_scan(tmp_path / "scan.nii.gz"), np.zeros((60, 50, 5), np.float32)
    gm[34:42, 14:18] = 1
    save_scan(tmp_path / "gm.nii.gz", gm)
    case = DataCase("scan", image, None, "subject", {"r1": Reference(gm=tmp_path / "gm.nii.gz")})
    job = PlannedRun(
        label="a", method="default", model=None, case=case, threads=1, remark="", key="k"
    )
    mask = np.zeros((5, 50, 60), bool)
    mask[2, 15, 36] = True
    np.savez(tmp_path / "k.npz", mask=mask, soft=mask.astype(np.float32))
    found = RunResult(job, Outcome(key="k"))

    figure = plots.worst_figure("a", [area(found, 2, 0.06)], Runner(tmp_path, 1))

    _, marked = figure.axes
    drawn = [lines for lines in marked.collections if isinstance(lines, LineCollection)]
    reference, prediction = (len(lines.get_segments()) for lines in drawn)
    assert (reference, prediction) == (24, 4)
    assert math.isclose(marked.get_xlim()[0] - marked.get_xlim()[1], 32)
