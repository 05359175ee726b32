"""Runs in processes of their own: failures, and results that are kept."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from scgm.benchmark.plan import PlannedRun
from scgm.benchmark.runner import Runner
from scgm.benchmark.worker import main, peak_mib
from scgm.datasets import DataCase, Reference
from scgm.errors import ModelError, OutputError
from tests.helpers.standin import cord_voxels, save_scan, write_model

# A worker that counts how often it was called, and finds gray matter in the first pixel.
FINDS = """
import sys, numpy as np
from pathlib import Path
with open(COUNT, "a") as file:
    file.write("x")
mask = np.zeros((2, 3, 4), bool)
mask[0, 0, 0] = True
np.savez(sys.argv[2], mask=mask, soft=mask * np.float32(0.75), seconds=1.5, peak_mib=64.0)
"""


def job(folder: Path, model: str | None = None) -> PlannedRun:
    image = folder / "scan.nii.gz"
    if not image.exists():
        save_scan(image)
    case = DataCase("scan", image, None, "subject", {"r1": Reference(gm=image)})
    return PlannedRun(
        label="method",
        method="default",
        model=model,
        case=case,
        threads=1,
        remark="",
        key="0" * 64,
    )


def runner(folder: Path, program: str, timeout_s: float = 60) -> Runner:
    path = folder / "worker.py"
    path.write_text(program.replace("COUNT", repr(str(folder / "count"))), encoding="utf-8")
    runs = folder / "runs"
    runs.mkdir(exist_ok=True)
    return Runner(runs, timeout_s, (sys.executable, str(path)))


def calls(folder: Path) -> int:
    return len((folder / "count").read_text(encoding="utf-8"))


def test_a_result_is_kept_and_found_again(tmp_path: Path) -> None:
    run = runner(tmp_path, FINDS)

    outcome = run.run(job(tmp_path))
    again = run.finished(job(tmp_path))

    assert again == outcome
    assert (outcome.seconds, outcome.peak_mib, outcome.failed) == (1.5, 64.0, False)
    assert outcome.seconds_with_start > 0
    mask, soft = run.masks(outcome)
    assert mask.sum() == 1
    assert soft.max() == 0.75
    assert not outcome.mask_only


def test_nothing_is_finished_before_it_was_run(tmp_path: Path) -> None:
    assert runner(tmp_path, FINDS).finished(job(tmp_path)) is None


@pytest.mark.parametrize("ending", ["npz", "json"])
@pytest.mark.parametrize("damage", ["cut", "gone", "changed"])
def test_a_damaged_result_is_not_finished(tmp_path: Path, ending: str, damage: str) -> None:
    run = runner(tmp_path, FINDS)
    run.run(job(tmp_path))
    path = run.folder / f"{'0' * 64}.{ending}"
    content = path.read_bytes()
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(content[:-9] if damage == "cut" else b"\0" + content[1:])

    assert run.finished(job(tmp_path)) is None


def test_a_failure_is_kept_with_its_reason_but_tried_again(tmp_path: Path) -> None:
    run = runner(tmp_path, "import sys; sys.exit('scan.nii.gz: no cord')")

    outcome = run.run(job(tmp_path))

    assert outcome.failed
    assert outcome.reason == "scan.nii.gz: no cord"
    assert json.loads((run.folder / f"{'0' * 64}.json").read_text())["reason"] == outcome.reason
    assert run.finished(job(tmp_path)) is None


@pytest.mark.parametrize(
    ("program", "reason"),
    [
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "ended by SIGKILL"),
        ("raise ValueError('deep inside')", "ValueError: deep inside"),
        ("import sys; sys.exit(7)", "ended with status 7"),
        ("pass", "without a result"),
        ("import sys; open(sys.argv[2], 'w').write('rubbish')", "without a result"),
    ],
)
def test_however_a_worker_ends_there_is_a_reason(tmp_path: Path, program: str, reason: str) -> None:
    outcome = runner(tmp_path, program).run(job(tmp_path))

    assert reason in outcome.reason
    assert np.isnan(outcome.seconds)


def test_a_worker_that_takes_too_long_has_failed(tmp_path: Path) -> None:
    outcome = runner(tmp_path, "import time; time.sleep(60)", timeout_s=0.3).run(job(tmp_path))

    assert outcome.reason == "not done after 0.3 s"


def test_a_result_that_cannot_be_kept_is_one_sentence(tmp_path: Path) -> None:
    run = runner(tmp_path, FINDS)
    (run.folder / f"{'0' * 64}.npz").mkdir()

    with pytest.raises(OutputError, match="runs: results cannot be written"):
        run.run(job(tmp_path))


def test_warnings_of_the_image_are_kept(tmp_path: Path) -> None:
    program = FINDS.replace("peak_mib=64.0", "peak_mib=64.0, warnings=np.array(['sizes differ'])")
    run = runner(tmp_path, program)

    assert run.run(job(tmp_path)).warnings == ("sizes differ",)
    again = run.finished(job(tmp_path))
    assert again is not None
    assert again.warnings == ("sizes differ",)


def test_a_failed_run_leaves_nothing_else_behind(tmp_path: Path) -> None:
    run = runner(tmp_path, "raise ValueError")
    run.run(job(tmp_path))

    assert [path.name for path in run.folder.iterdir()] == [f"{'0' * 64}.json"]


def test_a_method_that_cannot_start_is_refused(tmp_path: Path) -> None:
    run = runner(tmp_path, "import sys; sys.exit('torch is not installed')")

    with pytest.raises(ModelError, match="method method cannot start: torch is not installed"):
        run.check_start(job(tmp_path))


def test_a_crash_at_the_start_is_left_to_be_scored(tmp_path: Path) -> None:
    runner(tmp_path, "import os; os.abort()").check_start(job(tmp_path))


def test_the_worker_writes_what_the_method_finds(tmp_path: Path) -> None:
    """In its own process: 8 mm2 of gray matter in each of five slices, 32 pixels.

    The image is not packed, unlike its name says, which is a warning that must arrive.
    """
    save_scan(tmp_path / "plain.nii").rename(tmp_path / "scan.nii.gz")
    runs = tmp_path / "runs"
    runs.mkdir()
    run = Runner(runs, 60)

    outcome = run.run(job(tmp_path, str(write_model(tmp_path))))

    assert not outcome.failed, outcome.reason
    mask, soft = run.masks(outcome)
    assert mask.shape == (5, 50, 60)
    assert mask.sum(axis=(1, 2)).tolist() == [32] * 5
    assert np.array_equal(soft > 0.5, mask)
    assert outcome.mask_only  # the gray values of this scan say 0 or 1
    assert 0 < outcome.seconds < outcome.seconds_with_start
    (warning,) = outcome.warnings
    assert "gzip" in warning


def test_the_worker_says_in_one_sentence_what_is_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save_scan(tmp_path / "scan.nii.gz", np.maximum(cord_voxels() * 0, 0.01 * cord_voxels()))
    description = tmp_path / "job.json"
    fields = {
        "image": str(tmp_path / "scan.nii.gz"),
        "method": "default",
        "model": str(write_model(tmp_path)),
        "cord_model": None,
        "cord": None,
        "threads": 1,
    }
    description.write_text(json.dumps(fields), encoding="utf-8")

    status = main([str(description), str(tmp_path / "result.npz")])

    assert status == 1
    assert "no slice shows a spinal cord" in capsys.readouterr().err
    assert not (tmp_path / "result.npz").exists()


def test_memory_is_that_of_the_worker_and_not_of_who_started_it(tmp_path: Path) -> None:
    """What this process holds must not be counted: the worker loads far less than 300 MiB."""
    held = np.ones(300 * 2**17)
    program = """
import sys, numpy as np
sys.path[:0] = PATH
from scgm.benchmark.worker import peak_mib
mask = np.zeros((1, 1, 1), bool)
np.savez(sys.argv[2], mask=mask, soft=mask, seconds=0.0, peak_mib=peak_mib())
"""

    outcome = runner(tmp_path, program.replace("PATH", repr(sys.path))).run(job(tmp_path))

    assert held.sum() > 0
    assert peak_mib() > 300
    assert 0 < outcome.peak_mib < 300


@pytest.mark.parametrize("earlier", [False, True])
def test_files_of_a_result_are_kept_where_they_are_wanted(tmp_path: Path, *, earlier: bool) -> None:
    saves = (
        FINDS
        + """
import json
saved = Path(json.loads(Path(sys.argv[1]).read_text())["save"])
saved.mkdir()
(saved / "scan_seg.json").write_text("new")
"""
    )
    plain, work = runner(tmp_path, FINDS), job(tmp_path)
    plain.run(work)
    keeps = replace(runner(tmp_path, saves), keep_results=True)
    if earlier:
        (keeps.folder / work.key).mkdir()
        (keeps.folder / work.key / "old_seg.json").write_text("old")
    else:
        assert keeps.finished(work) is None

    outcome = keeps.run(work)

    assert [path.name for path in (keeps.folder / work.key).iterdir()] == ["scan_seg.json"]
    assert keeps.record(outcome) == keeps.folder / work.key / "scan_seg.json"
    assert keeps.finished(work) == outcome
