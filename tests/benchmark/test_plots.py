"""The figures of a benchmark."""

import math
from pathlib import Path

import numpy as np
from matplotlib.collections import LineCollection

from scgm.benchmark import plots
from scgm.benchmark.plan import PlannedRun
from scgm.benchmark.runner import Outcome, Runner
from scgm.benchmark.scores import RunResult
from scgm.datasets import DataCase, Reference
from scgm.evaluation.metrics.calibration import Reliability
from tests.helpers.benchmark_results import area, result
from tests.helpers.standin import save_scan


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


def test_panels_of_many_methods_stand_in_rows_of_four() -> None:
    figure = plots.area_figure({str(k): [area(result("a"), 0, 0.9)] for k in range(6)})

    places = [panel.get_subplotspec() for panel in figure.axes]

    assert [(place.rowspan.start, place.colspan.start) for place in places if place] == [
        *((0, column) for column in range(4)),
        *((1, column) for column in range(2)),
    ]


def test_a_reliability_diagram_shows_the_bins_that_hold_pixels() -> None:
    count = np.array([3, 0, 1])
    predicted, observed = np.array([0.1, np.nan, 0.9]), np.array([0.2, np.nan, 1.0])

    figure = plots.reliability_figure({"a": Reliability(count, predicted, observed)})

    (panel,) = figure.axes
    points = np.asarray(panel.lines[1].get_xydata())
    np.testing.assert_allclose(points, [[0.1, 0.2], [0.9, 1.0]])
    heights = [bar.get_height() for bar in panel.patches]  # type: ignore[attr-defined]
    np.testing.assert_allclose(heights, [0.75, 0.25])
    assert "4 pixels" in panel.get_title()
