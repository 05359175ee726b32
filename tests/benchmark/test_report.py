"""The report of a benchmark: pure functions on scores."""

from dataclasses import replace

import numpy as np

from scgm.benchmark import report
from scgm.benchmark.model_selection import MAY_HAVE_SEEN
from scgm.benchmark.scores import ScoredResult
from scgm.benchmark.tables import cases_csv, groups
from scgm.evaluation.metrics import evaluate_case
from tests.helpers.benchmark_results import comparison, result


def test_a_markdown_table_has_a_rule_below_its_head() -> None:
    text = report.markdown([["a", "b"], ["1", "x|y"]])

    assert text.splitlines() == ["| a | b |", "| --- | --- |", "| 1 | x\\|y |"]


def test_plain_text_is_aligned() -> None:
    assert report.aligned([["a", "bc"], ["123", "4"]]) == "  a bc\n123  4"


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

    assert "There are 1 subjects. With 1 methods and fewer than 6" in text
    assert "The 2 images show 1 subjects" in text
    assert "One rater drew on each image" in text
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


def test_slices_drawn_outside_the_reference_stand_beside_the_main_scores_by_status() -> None:
    """Drawn is slice 0; found are three of four, and one of the two false ones is flagged."""
    true, mask = np.zeros((2, 4, 5, 5), bool)
    true[0, 2, :2] = mask[:3, 2, :2] = True
    scores = evaluate_case(mask, true, (5, 1, 1), ok=np.array([True, True, False, False]))
    done = result("a")

    head, row = report.main_rows(groups([ScoredResult(done, "r1", scores)]), [done], "2d")

    cells = dict(zip(head, row, strict=True))
    assert cells["drawn outside the reference, ok"] == "1 of 3"
    assert cells["drawn outside the reference, flagged"] == "1 of 3"
    assert cells["Dice"] == "1.000"
    assert cells["Dice of the volume"] == "0.500"


def test_where_no_status_is_known_none_is_told() -> None:
    done = result("a")

    head, row = report.main_rows(groups([comparison(done)]), [done], "2d")

    assert dict(zip(head, row, strict=True))["drawn outside the reference, ok"] == "-"
