"""``scgm benchmark`` from end to end, on scans whose scores are known on paper.

Two models read the gray values, with thresholds of 0.5 and 0.9. In scan "half" one half of the
gray matter has probability 1, the other 0.6: the first model finds all of it (Dice 1), the second
one half (16 of 32 pixels, Dice 2 * 16 / (16 + 32) = 2/3). Scan "none" shows no cord to any of them.
"""

import csv
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from tests.helpers.standin import cord_voxels, run_scgm, save_scan, write_model

HALF = 2 / 3


@dataclass(frozen=True)
class Ran:
    """A benchmark that was run by the program, as a user does."""

    folder: Path
    arguments: tuple[str, ...]
    ended: subprocess.CompletedProcess[str]

    def again(self, *more: str) -> subprocess.CompletedProcess[str]:
        """Call the program once more."""
        return program(*self.arguments, *more)

    def table(self, name: str) -> list[dict[str, str]]:
        """Return the rows of a table."""
        with (self.folder / "out" / name).open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))


def program(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "scgm", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


def write_data(folder: Path) -> Path:
    """Write two scans with the drawings of two raters (of the first), and a table of them."""
    voxels = cord_voxels(2)
    gm = (voxels == 2).astype(np.float32)
    voxels[38:42, 14:18] = 1.6
    save_scan(folder / "half.nii.gz", voxels)
    save_scan(folder / "none.nii.gz", 0.01 * voxels)
    save_scan(folder / "gm.nii.gz", gm)
    left = gm.copy()
    left[38:42] = 0  # the second rater sees only what is certain
    save_scan(folder / "left.nii.gz", left)
    table = folder / "data.csv"
    table.write_text(
        "image,gm,rater,site\n"
        "half.nii.gz,gm.nii.gz,r1,here\n"
        "half.nii.gz,left.nii.gz,r2,here\n"
        "none.nii.gz,gm.nii.gz,r1,there\n",
        encoding="utf-8",
    )
    return table


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    folder = tmp_path_factory.mktemp("benchmark")
    all_of_it = write_model(folder, name="all", threshold=0.5)
    certain = write_model(folder, name="certain", threshold=0.9)
    arguments = (
        *("benchmark", str(write_data(folder)), "--output", str(folder / "out"), "--verbose"),
        *("--method", f"default={all_of_it}", "--method", f"default={certain}", "--published"),
        *("--report", str(folder / "out" / "look.html")),
    )
    return Ran(folder, arguments, program(*arguments))


def dice(ran: Ran, mode: str = "2d") -> dict[tuple[str, str, str], float]:
    return {
        (row["method"], row["image"], row["rater"]): float(row["dice"])
        for row in ran.table("cases.csv")
        if row["mode"] == mode
    }


@pytest.mark.parametrize("mode", ["2d", "3d"])
def test_scores_are_those_on_paper(ran: Ran, mode: str) -> None:
    found = dice(ran, mode)

    assert found == pytest.approx(
        {
            ("default=all", "half", "r1"): 1,
            ("default=all", "half", "r2"): HALF,
            ("default=certain", "half", "r1"): HALF,
            ("default=certain", "half", "r2"): 1,
            ("default=all", "none", "r1"): 0,
            ("default=certain", "none", "r1"): 0,
        },
        abs=1e-5,
    )


def test_a_failure_is_a_miss_in_every_table_with_its_reason(ran: Ran) -> None:
    failed = [row for row in ran.table("cases.csv") if row["state"] == "failed"]

    assert {row["image"] for row in failed} == {"none"}
    assert len(failed) == 4  # two methods, two ways of scoring
    for row in failed:
        assert "no slice shows a spinal cord" in row["reason"]
        assert row["n_missed"] == row["n_slices"] == "2"
        assert row["seconds"] == ""
        # The farthest that something can be in a slice of 60 x 50 pixels of 0.5 mm, or in two
        # slices of 5 mm.
        farthest = np.hypot(30, 25) if row["mode"] == "2d" else np.hypot(np.hypot(30, 25), 10)
        assert float(row["hausdorff_mm"]) == pytest.approx(farthest, rel=1e-5)
    assert ran.ended.returncode == 1
    assert "2 of 4 runs failed" in ran.ended.stderr


def test_time_and_memory_are_told(ran: Ran) -> None:
    done = [row for row in ran.table("cases.csv") if row["state"] == "done"]

    for row in done:
        assert 0 < float(row["seconds"]) < float(row["seconds_with_start"])
        assert float(row["peak_mib"]) > 10


def test_the_summary_counts_every_comparison(ran: Ran) -> None:
    rows = {
        (row["method"], row["site"], row["rater"]): row
        for row in ran.table("summary.csv")
        if row["mode"] == "2d" and row["score"] == "dice"
    }

    everything = rows["default=all", "all", "all"]
    assert float(everything["mean"]) == pytest.approx((1 + HALF + 0) / 3, abs=1e-5)
    assert (everything["n"], everything["failures"]) == ("3", "1")
    assert float(rows["default=all", "here", "all"]["mean"]) == pytest.approx((1 + HALF) / 2)
    assert float(rows["default=all", "there", "all"]["mean"]) == 0
    assert float(rows["default=all", "all", "r1"]["mean"]) == 0.5
    assert float(rows["default=certain", "all", "r1"]["mean"]) == pytest.approx(1 / 3)
    assert float(rows["default=all", "all", "r2"]["mean"]) == pytest.approx(HALF)


def test_methods_are_compared_by_images_over_the_mean_of_raters(ran: Ran) -> None:
    """Both have (1 + 2/3) / 2 on the first image, and 0 on the second: they do not differ."""
    (row,) = [
        row for row in ran.table("statistics.csv") if row["mode"] == "2d" and row["score"] == "dice"
    ]

    assert (row["first"], row["second"]) == ("default=all", "default=certain")
    assert (row["n"], row["informative"]) == ("2", "False")
    assert float(row["mean"]) == pytest.approx(0, abs=1e-9)


def test_the_report_says_what_matters(ran: Ran) -> None:
    report = (ran.folder / "out" / "report.md").read_text(encoding="utf-8")

    for word in (
        "no slice shows a spinal cord",
        "uninformative",
        "default=all: its training may have seen 2 of these 2 images",
        "Published on other images",
        "figures/dice.png",
        "## By rater",
        "## By site",
    ):
        assert word in report


def test_the_terminal_says_that_training_may_have_seen_the_images(ran: Ran) -> None:
    assert "warning: default=all: its training may have seen 2 of these 2" in ran.ended.stderr


@pytest.mark.parametrize("seconds", ["inf", "nan"])
def test_a_timeout_without_end_is_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, seconds: str
) -> None:
    ended = run_scgm(
        *(capsys, "benchmark", write_data(tmp_path), "--method", "default", "--timeout", seconds),
        *("--output", tmp_path / "out"),
    )

    assert ended.status == 2
    assert "timeout" in ended.err
    assert not (tmp_path / "out").exists()


def test_figures_are_drawn(ran: Ran) -> None:
    names = {path.name for path in (ran.folder / "out" / "figures").iterdir()}

    assert names == {
        "areas.png",
        "dice.png",
        "reliability.png",
        "worst_default_all.png",
        "worst_default_certain.png",
    }


def test_the_published_table_is_printed_beside_it(ran: Ran) -> None:
    assert "Published on other images" in ran.ended.stdout
    assert "DEEPSEG*" in ran.ended.stdout


def test_a_page_shows_all_results_with_their_dice_and_what_failed(ran: Ran) -> None:
    page = (ran.folder / "out" / "look.html").read_text(encoding="utf-8")
    index = json.loads(page.partition('id="index">')[2].partition("</script>")[0])
    dice = {own["title"]: own["scores"]["Dice"] for own in index["images"]}

    # Of each rater one, of the other 2/3.
    assert dice == pytest.approx(
        {f"half (default, {name})": (1 + HALF) / 2 for name in ("all", "certain")}
    )
    assert all(own["drawn"] and not own["notices"] for own in index["images"])
    assert "2 results of 1 image - " in page
    assert page.count("none: none.nii.gz: no slice shows a spinal cord") == 2
    assert "out/look.html: 2 images" in ran.ended.stdout


@pytest.mark.slow
def test_what_is_finished_is_not_run_again_but_what_is_damaged_is(ran: Ran) -> None:
    before = dice(ran)
    results = sorted((ran.folder / "out" / "runs").glob("*.npz"))
    assert len(results) == 2
    results[0].write_bytes(b"")

    ended = ran.again()

    told = [line for line in ended.stderr.splitlines() if line.startswith("default=")]
    assert sum("finished before" in line for line in told) == 1
    assert sum("half" in line for line in told) == 2
    assert dice(ran) == before


def test_another_benchmark_in_the_same_folder_is_refused(
    ran: Ran, capsys: pytest.CaptureFixture[str]
) -> None:
    report = (ran.folder / "out" / "report.md").read_bytes()

    ended = run_scgm(capsys, *ran.arguments, "--threads", 2)

    assert ended.status == 1
    assert "use --overwrite, or another --output folder" in ended.err
    assert (ran.folder / "out" / "report.md").read_bytes() == report


def test_files_of_the_user_are_not_replaced(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    output = tmp_path / "out"
    output.mkdir()
    (output / "report.md").write_text("mine")
    table = write_data(tmp_path)

    ended = run_scgm(
        *(capsys, "benchmark", table, "--method", f"default={write_model(tmp_path)}"),
        *("--output", output),
    )

    assert ended.status == 1
    assert "report.md: it is there already" in ended.err
    assert [path.name for path in output.iterdir()] == ["report.md"]


def test_a_reference_on_another_grid_is_found_before_anything_is_run(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    table = write_data(tmp_path)
    save_scan(tmp_path / "gm.nii.gz", np.zeros((60, 50, 3), np.float32))

    ended = run_scgm(
        *(capsys, "benchmark", table, "--method", f"default={write_model(tmp_path)}"),
        *("--output", tmp_path / "out"),
    )

    assert ended.status == 1
    assert "gm.nii.gz" in ended.err
    assert not (tmp_path / "out").exists()


def test_data_without_labels_cannot_be_scored(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    save_scan(tmp_path / "scan.nii.gz")
    (tmp_path / "data.csv").write_text("image,gm\nscan.nii.gz,\n", encoding="utf-8")

    ended = run_scgm(capsys, "benchmark", tmp_path / "data.csv", "--method", "default")

    assert ended.status == 1
    assert "nothing can be scored" in ended.err


def test_without_a_method_it_says_which_there_are(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    ended = run_scgm(capsys, "benchmark", write_data(tmp_path))

    assert ended.status == 2
    assert "name the methods to compare with --method; known: default" in ended.err


def test_raters_are_compared_with_each_other_beside_the_methods(ran: Ran) -> None:
    """One rater drew 32 pixels a slice, the other 16 of them: Dice 2/3 both ways round."""
    rows = [row for row in ran.table("summary.csv") if row["method"] == "raters among themselves"]

    dice = {row["mode"]: float(row["mean"]) for row in rows if row["score"] == "dice"}
    assert dice == pytest.approx({"2d": HALF, "3d": HALF}, abs=1e-5)
    report = (ran.folder / "out" / "report.md").read_text(encoding="utf-8")
    assert "| raters among themselves | 2 |" in report


@pytest.mark.slow
def test_the_cord_can_be_given_beside_being_found(tmp_path: Path) -> None:
    """The cord that is given covers half of the gray matter: 2 * 16 / (16 + 32)."""
    voxels = cord_voxels(2)
    gm, cord = (voxels == 2).astype(np.float32), (voxels > 0).astype(np.float32)
    cord[38:] = 0
    for name, values in (("a", voxels), ("gm", gm), ("cord", cord), ("b", voxels * 1.01)):
        save_scan(tmp_path / f"{name}.nii.gz", values)
    table = tmp_path / "data.csv"
    table.write_text("image,gm,cord\na.nii.gz,gm.nii.gz,cord.nii.gz\nb.nii.gz,gm.nii.gz,\n")
    mine = write_model(tmp_path)

    ended = program(
        *("benchmark", str(table), "--method", f"default={mine}", "--cord", "both"),
        *("--output", str(tmp_path / "out")),
    )

    assert ended.returncode == 0, ended.stderr
    with (tmp_path / "out" / "cases.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["mode"] == "2d"]
    dice = {(row["method"], row["image"]): float(row["dice"]) for row in rows}
    assert dice == pytest.approx(
        {
            ("default=standin", "a"): 1,
            ("default=standin, cord given", "a"): HALF,
            ("default=standin", "b"): 1,  # no cord was drawn on b, so none is given
        },
        abs=1e-5,
    )


def test_the_status_of_each_slice_reaches_the_tables(ran: Ran) -> None:
    """All slices of these images are drawn, so none can be false."""
    for row in ran.table("cases.csv"):
        assert (row["n_outside"], row["n_false_ok"], row["n_false_flagged"]) == ("0", "0", "0")


def test_headline_figures_are_over_images_subjects_and_sites(ran: Ran) -> None:
    rows = {
        row["unit"]: row
        for row in ran.table("headline.csv")
        if (row["method"], row["mode"], row["score"]) == ("default=all", "2d", "dice")
    }

    mean_of_raters = (1 + HALF) / 2
    for unit in ("image", "subject", "site"):
        assert float(rows[unit]["mean"]) == pytest.approx((mean_of_raters + 0) / 2, abs=1e-5)
        assert (rows[unit]["n"], rows[unit]["low"]) == ("2", "")
