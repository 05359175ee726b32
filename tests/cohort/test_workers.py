"""Cohorts on several processes: killed, stopped, short of space, and begun twice."""

import csv
import json
import os
import random
import re
import resource
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.helpers.cohort_files import bids_folder, differing, tree
from tests.helpers.cohort_runs import CohortRun, children, in_tables, results, started, wait_for
from tests.helpers.standin import write_model

pytest.importorskip("distributed")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc"),
]

IMAGES = 40


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> CohortRun:
    root = tmp_path_factory.mktemp("cohort")
    names = tuple(
        f"sub-{n // 2:02d}/anat/sub-{n // 2:02d}_run-{n % 2}_T2starw" for n in range(IMAGES)
    )
    return CohortRun(bids_folder(root / "data", names), write_model(root), ("--n-procs", "2"))


@pytest.fixture(scope="module")
def whole(run: CohortRun, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Return the results of a run in one process, which nobody disturbed."""
    out = tmp_path_factory.mktemp("whole") / "out"
    CohortRun(run.data, run.model, ("--n-procs", "1")).finish(out)
    return tree(out)


def test_several_workers_give_the_same_bytes_as_one_process(
    run: CohortRun, whole: dict[str, bytes], tmp_path: Path
) -> None:
    said = run.finish(tmp_path / "out")

    assert re.search(r"2 workers; dashboard: http://127\.0\.0\.1:\d+/status", said)
    assert f"{IMAGES} images: {IMAGES} done" in said
    assert not differing(tree(tmp_path / "out"), whole)


MANY_IN_TASK = """
import sys
from scgm.cli.main import main
from scgm.cohort import schedule

if __name__ == "__main__":
    schedule.images_in_task = lambda cores: 7
    main(sys.argv[1:])
"""


def test_tasks_of_many_images_give_the_same_bytes(
    run: CohortRun, whole: dict[str, bytes], tmp_path: Path
) -> None:
    arguments = ("cohort", run.data, tmp_path / "out", "participant", "--model", run.model)
    command = [sys.executable, "-c", MANY_IN_TASK, *map(str, arguments), "--n-procs", "2"]

    subprocess.run(command, capture_output=True, timeout=300, check=True)

    assert not differing(tree(tmp_path / "out"), whole)


def test_locale_time_zone_and_folder_change_no_byte(
    run: CohortRun,
    whole: dict[str, bytes],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LC_ALL", "C")
    monkeypatch.setenv("TZ", "Asia/Kathmandu")
    monkeypatch.setenv("PYTHONHASHSEED", "7")
    monkeypatch.chdir(tmp_path)

    CohortRun(run.data, run.model, ("--n-procs", "1")).finish(Path("out"))

    assert not differing(tree(tmp_path / "out"), whole)


def test_killed_at_random_moments_it_continues_and_the_tree_is_the_same(
    run: CohortRun, whole: dict[str, bytes], tmp_path: Path
) -> None:
    chance = random.Random(1)
    killed = 0
    for done in (0, 3, 9, 16, 28, 36):
        killed += run.kill_at(
            tmp_path / "out", done, chance.random() / 2, whole_group=chance.random() < 0.5
        )
    run.finish(tmp_path / "out")

    assert killed
    assert not differing(tree(tmp_path / "out"), whole)


def test_a_worker_that_is_killed_costs_no_image(
    run: CohortRun, whole: dict[str, bytes], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    with started(run, out) as process:
        wait_for(lambda: results(out) >= 5)
        workers = [n for n in children(process.pid) if "spawn_main" in command_of(n)]
        os.kill(workers[-1], signal.SIGKILL)
        said, _ = process.communicate(timeout=120)

    assert len(workers) == 2
    assert process.returncode == 0, said
    assert not differing(tree(out), whole)


def test_sigterm_stops_in_order_with_its_status_and_tables(
    run: CohortRun, whole: dict[str, bytes], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    with started(run, out) as process:
        wait_for(lambda: in_tables(out) >= 5)
        process.send_signal(signal.SIGTERM)
        said, _ = process.communicate(timeout=60)

    assert process.returncode == 143
    assert "run the same command to go on" in said
    assert "Traceback" not in said
    with (out / "images.tsv").open(newline="") as file:
        assert len(list(csv.DictReader(file, delimiter="\t"))) >= 5
    run.finish(out)
    assert not differing(tree(out), whole)


def test_a_second_run_on_the_same_results_is_refused(
    run: CohortRun, whole: dict[str, bytes], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    with started(run, out) as first:
        wait_for(lambda: results(out) >= 1)
        with started(run, out) as second:
            said, _ = second.communicate(timeout=60)
        first.communicate(timeout=120)

    assert second.returncode == 1
    assert (
        said == f"error: {out}: another run of scgm cohort writes there; wait until it has ended\n"
    )
    assert first.returncode == 0
    assert not differing(tree(out), whole)


def test_runs_for_other_subjects_may_go_on_at_once(
    run: CohortRun, whole: dict[str, bytes], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    labels = [f"{n:02d}" for n in range(IMAGES // 2)]
    halves = [
        CohortRun(run.data, run.model, ("--n-procs", "1", "--participant-label", *half))
        for half in (labels[:10], labels[10:])
    ]
    with started(halves[0], out) as first, started(halves[1], out) as second:
        wait_for(lambda: results(out) >= 1 or first.poll() is not None)
        with started(run, out) as all_of_them:
            refused, _ = all_of_them.communicate(timeout=60)
        for process in (first, second):
            said, _ = process.communicate(timeout=120)
            assert process.returncode == 0, said

    assert "another run" in refused
    assert all_of_them.returncode == 1
    run.finish(out)
    assert not differing(tree(out), whole)


@contextmanager
def small_disk(folder: Path, kib: int) -> Iterator[Path]:
    """Mount a file system in memory that holds so much; needs root."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={kib}k", "tmpfs", str(folder)]
    if os.geteuid() or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("no small disk can be mounted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_on_a_full_disk_nothing_is_half_written_and_it_continues(
    run: CohortRun, whole: dict[str, bytes], tmp_path: Path
) -> None:
    with small_disk(tmp_path / "disk", 1200) as disk:
        out = disk / "out"
        with started(run, out) as process:
            said, _ = process.communicate(timeout=120)
        assert process.returncode == 1
        assert "No space left on device" in said
        assert "Traceback" not in said
        left = tree(out)
        named = {name for name in left if name in whole and name.startswith("sub-")}
        assert named
        assert all(left[name] == whole[name] for name in named if "/anat/" in name)
        subprocess.run(["mount", "-o", "remount,size=50m", str(disk)], check=True)
        run.finish(out)
        assert not differing(tree(out), whole)


def test_files_that_may_not_grow_are_named(
    run: CohortRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A quota that says "File too large": no mask can be written, and none is there."""
    for name in [name for name in os.environ if name.startswith("COVERAGE_PROCESS")]:
        monkeypatch.delenv(name)  # which could not write what it has measured, either
    small = CohortRun(run.data, run.model, ("--n-procs", "1"))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, before[1]))
    try:
        process = small.start(tmp_path / "out")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    said, _ = process.communicate(timeout=120)

    assert process.returncode == 1
    assert "File too large" in said
    assert "Traceback" not in said
    assert results(tmp_path / "out") == 0


def test_a_scheduler_that_is_lost_and_started_again_costs_no_image(
    run: CohortRun, whole: dict[str, bytes], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    address = f"tcp://127.0.0.1:{free_port()}"
    far = CohortRun(run.data, run.model, ("--scheduler", address))
    with (
        dask("scheduler", "--host", address, "--no-dashboard") as scheduler,
        dask("worker", address, "--nthreads", "1", "--no-dashboard", "--death-timeout", "60"),
        started(far, out) as process,
    ):
        wait_for(lambda: results(out) >= 5)
        scheduler.kill()
        scheduler.wait()
        with (
            dask("scheduler", "--host", address, "--no-dashboard"),
            dask("worker", address, "--nthreads", "1", "--no-dashboard"),
        ):
            said, _ = process.communicate(timeout=180)

    assert process.returncode == 0, said
    assert "the scheduler is lost; waiting for it" in said
    assert not differing(tree(out), whole)


def test_no_scheduler_is_one_sentence(run: CohortRun, tmp_path: Path) -> None:
    far = CohortRun(run.data, run.model, ("--scheduler", f"tcp://127.0.0.1:{free_port()}"))
    with started(far, tmp_path / "out") as process:
        said, _ = process.communicate(timeout=120)

    assert process.returncode == 2
    assert said.startswith("error: no scheduler answers")
    assert said.count("\n") == 1


HANGING = """
import sys
from pathlib import Path
from scgm.cohort.bids_images import BidsImages
from scgm.cohort.choices import CohortChoices
from scgm.cohort.clusters import local_workers
from scgm.cohort.filters import read_filters
from scgm.cohort import schedule
from scgm.segmentation.options import SegmentOptions

if __name__ == "__main__":
    data, out, model = map(Path, sys.argv[1:4])
    schedule.images_in_task = lambda cores: int(sys.argv[4])
    options = SegmentOptions(model=model, threads=1)
    choices = CohortChoices(data=data, output=out, options=options, timeout_s=0.001)
    with local_workers(1) as cluster:
        for outcome in schedule.run_on(cluster, BidsImages(data, read_filters({})), choices):
            print(outcome.state)
"""


@pytest.mark.parametrize("images_in_task", ["1", "2"])
def test_an_image_whose_worker_ends_twice_fails_with_the_cause(
    run: CohortRun, tmp_path: Path, images_in_task: str
) -> None:
    """As of want of memory, or where a library hangs: here nothing can be done in time."""
    names = ("sub-01/anat/sub-01_T2starw", "sub-02/anat/sub-02_T2starw")
    data, out = bids_folder(tmp_path / "data", names), tmp_path / "out"
    command = [sys.executable, "-c", HANGING, *map(str, (data, out, run.model)), images_in_task]

    ended = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)

    assert ended.stdout == "failed\nfailed\n"
    for name in names:
        reason = json.loads((out / f"{name}_failed.json").read_text())["reason"]
        assert "ended twice without a word, for want of memory or of time" in reason


@contextmanager
def dask(*arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "distributed.cli.dask_" + arguments[0], *arguments[1:]]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(30)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def command_of(number: int) -> str:
    try:
        return Path(f"/proc/{number}/cmdline").read_text()
    except OSError:
        return ""
