"""The folder of a benchmark: whose it is, and what a killed run has left there."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from scgm.benchmark.workflow import BenchmarkFolder, _figure_name
from scgm.errors import OutputError


def ended_process() -> int:
    """Return the id of a process that has ended."""
    done = subprocess.Popen([sys.executable, "-c", ""])
    done.wait()
    return done.pid


def test_what_a_killed_run_has_left_is_removed(tmp_path: Path) -> None:
    gone, mine = f".run-{ended_process()}-abc", f".run-{os.getpid()}-abc"
    for name in (gone, mine, ".run-mine", "other"):
        for folder in (tmp_path, tmp_path / "runs"):
            (folder / name).mkdir(parents=True)
            (folder / name / "result.npz").write_bytes(b"half")

    BenchmarkFolder(tmp_path).claim("plan")

    for folder in (tmp_path, tmp_path / "runs"):
        left = {path.name for path in folder.iterdir() if path.is_dir()} - {"runs"}
        assert left == {mine, ".run-mine", "other"}


def test_a_link_that_leads_nowhere_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "report.md").symlink_to(tmp_path / "nowhere")

    with pytest.raises(OutputError, match=r"report\.md: it is there already"):
        BenchmarkFolder(tmp_path).claim("plan")


def test_a_plan_that_is_no_text_is_that_of_another_benchmark(tmp_path: Path) -> None:
    (tmp_path / "benchmark.json").write_bytes(bytes(range(128, 256)))

    with pytest.raises(OutputError, match=r"benchmark\.json: it is there already"):
        BenchmarkFolder(tmp_path).claim("plan")


def test_tables_that_cannot_be_written_are_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "report.md").mkdir()

    with pytest.raises(OutputError, match="results cannot be written"):
        BenchmarkFolder(tmp_path).write({"report.md": "text"})


def test_a_file_in_the_way_of_the_folder_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine", encoding="utf-8")

    with pytest.raises(OutputError, match="out: results cannot be written"):
        BenchmarkFolder(tmp_path / "out").claim("plan")


def test_two_methods_have_two_figures() -> None:
    assert _figure_name("default=a b", {}) == "worst_default_a_b.png"
    assert _figure_name("default=a.b", {"worst_default_a_b.png": None}) == "worst_default_a_b_2.png"
    assert len(_figure_name("x" * 400, {})) < 100
