"""Speed of cohorts, and their time and memory against the number of images.

``python -m experiments.cohort_scale speed`` segments real images (of the folder that SCGM_DATA
names) with one and with two processes, and compares the time of an image with that of the network
alone. ``python -m experiments.cohort_scale size`` segments 10, 100, 1,000 and 10,000 tiny images
with a stand-in for a model. ``program`` measures what an image costs the program that hands them
out, with one and with many images in a task; ``study`` calculates a large study from all of these.
Processor times are counted beside wall times, since others may use the machine.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from experiments.markdown import table, verdict
from experiments.results_page import replace_section
from scgm.cohort.bids_images import BidsImages
from scgm.cohort.choices import CohortChoices
from scgm.cohort.filters import read_filters
from scgm.cohort.image_task import process
from scgm.cohort.schedule import images_in_task
from scgm.segmentation.options import SegmentOptions
from scgm.segmentation.pipeline import open_segmenter, segment
from scgm.segmenters.base import CordHint, Probabilities, Segmenter
from tests.helpers.cohort_files import bids_folder
from tests.helpers.cohort_runs import children, results
from tests.helpers.standin import write_model

SIZES = (10, 100, 1000, 10_000)
MOST_OVERHEAD = 0.35
PARTS = ("network", "pipeline", "cohort")
NUMBERS = Path("build/cohort-scale.json")
_TICKS = os.sysconf("SC_CLK_TCK")
_MIB = 1024
_SCANS, _CORES = 100_000, 500
_FEW, _MANY = 30, 1000
# So that the start of the processes does not count for more than the images.
_TIMES = 5
_ROUNDS = 3
_IN_TASK = """
import sys
from scgm.cli.main import main
from scgm.cohort import schedule

if __name__ == "__main__":
    schedule.images_in_task = lambda cores: {}
    main(sys.argv[1:])
"""


@dataclass(slots=True)
class Watched:
    """What a run used: seconds, images, and for the program and its workers time and memory."""

    images: int
    wall_s: float = 0.0
    first_s: float = 0.0
    program_cpu_s: float = 0.0
    program_mib: float = 0.0
    worker_mib: float = 0.0
    all_cpu_s: float = 0.0


def main() -> None:
    """Measure what the command line names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("speed", "size", "program", "study"))
    parser.add_argument("--most", type=int, default=SIZES[-1])
    given = parser.parse_args()
    if given.what == "speed":
        speed()
    elif given.what == "size":
        size(given.most)
    elif given.what == "program":
        program()
    else:
        study()


def speed() -> None:
    """Measure images a minute, and what an image takes beside the network."""
    with tempfile.TemporaryDirectory() as name:
        data = _repeated(Path(os.environ["SCGM_DATA"]) / "gm-challenge", Path(name) / "data")
        parts = _parts(data, Path(name) / "parts")
        runs = [_watched(data, Path(name) / str(n), ("--n-procs", str(n))) for n in (1, 2)]
    count = runs[0].images // _TIMES
    network, pipeline, whole = (parts[part] / count for part in ("network", "pipeline", "cohort"))
    rows = [
        ("network alone, s of processor an image", f"{network:.2f}", "", ""),
        ("`scgm.segment` in memory", f"{pipeline:.2f}", "", ""),
        ("an image of a cohort, with its files and tables", f"{whole:.2f}", "", ""),
        *(
            (
                f"overhead of a cohort over {what}",
                f"{100 * (whole / base - 1):.0f} %",
                f"<= {100 * MOST_OVERHEAD:.0f} %",
                verdict(whole / base - 1 <= MOST_OVERHEAD),
            )
            for what, base in (("`scgm.segment`", pipeline), ("the network alone", network))
        ),
    ]
    rows += [
        (
            f"images a minute, {number} process{'es' if number > 1 else ''}, start included",
            f"{60 * run.images / run.wall_s:.1f}",
            "",
            "",
        )
        for number, run in zip((1, 2), runs, strict=True)
    ]
    rows += [
        ("seconds of processor of all, 1 and 2 processes", _both(runs, "all_cpu_s"), "", ""),
        ("first result after, s, 1 and 2 processes", _both(runs, "first_s"), "", ""),
    ]
    _keep("speed", {"network": network, "pipeline": pipeline, "cohort": whole})
    content = table(("what", "number", "limit", "met"), rows)
    replace_section("cohort-speed", f"{content}\n\n{_load()}")


def size(most: int) -> None:
    """Measure time and memory against the number of images."""
    watched = []
    with tempfile.TemporaryDirectory() as name:
        model = write_model(Path(name))
        for count in (number for number in SIZES if number <= most):
            data = Path(name) / f"data-{count}"
            names = tuple(f"sub-{n:05d}/anat/sub-{n:05d}_T2starw" for n in range(count))
            bids_folder(data, names, slices=1)
            options = ("--n-procs", "2", "--model", str(model))
            watched.append(_watched(data, Path(name) / f"out-{count}", options))
            print(watched[-1], flush=True)
            _keep("size", [_fields(one) for one in watched])
            _write_size(watched)


def program() -> None:
    """Measure the processor time of the program for an image that is done already."""
    found = {}
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        options = ("--n-procs", "2", "--model", str(write_model(root)))
        for count in (_FEW, _MANY):
            names = tuple(f"sub-{n:05d}/anat/sub-{n:05d}_T2starw" for n in range(count))
            bids_folder(root / f"data-{count}", names, slices=1)
            one = (*options[2:], "--n-procs", "1")
            _watched(root / f"data-{count}", root / f"out-{count}", one)
        for in_task in (1, images_in_task(_CORES)):
            few, many = (
                _watched(root / f"data-{count}", root / f"out-{count}", options, in_task)
                for count in (_FEW, _MANY)
            )
            found[in_task] = (many.program_cpu_s - few.program_cpu_s) / (_MANY - _FEW)
    _keep("program", list(found.items()))
    rows = [(str(in_task), f"{1e3 * seconds:.2f}") for in_task, seconds in found.items()]
    head = ("images in a task", "processor of the program, ms an image")
    replace_section("cohort-program", f"{table(head, rows)}\n\n{_load()}")


def study() -> None:
    """Calculate a study of many scans on many cores from what was measured."""
    numbers = json.loads(NUMBERS.read_text(encoding="utf-8"))
    image_s = numbers["speed"]["cohort"]
    in_task, program_s = numbers["program"][-1]
    worker_rate, program_rate = _CORES / image_s, 1 / program_s
    rate = min(worker_rate, program_rate)
    slowest = "the program that hands out the images (one core)"
    if worker_rate <= program_rate:
        slowest = f"the {_CORES} cores that segment"
    rows = [
        ("seconds of processor of a scan, on one core", f"{image_s:.2f}"),
        ("scans a second, 500 cores", f"{worker_rate:.0f}"),
        (
            f"milliseconds of processor of the program, a scan ({in_task} in a task)",
            f"{1e3 * program_s:.2f}",
        ),
        ("scans a second that these can hand out", f"{program_rate:.0f}"),
        ("bottleneck", slowest),
        (f"hours for {_SCANS:,} scans", f"{_SCANS / rate / 3600:.2f}"),
        ("cores that one program keeps busy", f"{program_rate * image_s:.0f}"),
    ]
    replace_section("cohort-study", table(("what", "number"), rows))


class Timed:
    """A method that counts the processor time of its calls."""

    def __init__(self, inner: Segmenter) -> None:
        self.inner = inner
        self.seconds = 0.0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def __call__(self, stack: Any, hint: CordHint | None = None) -> Probabilities:
        """Call the method."""
        started = time.process_time()
        found = self.inner(stack, hint)
        self.seconds += time.process_time() - started
        return found


def _repeated(data: Path, target: Path) -> Path:
    """Make a folder with links to the images, each of them several times."""
    for scan in BidsImages(data, read_filters({})):
        for number in range(_TIMES):
            subject = f"sub-{scan.subject}x{number}"
            name = scan.image.name.replace(f"sub-{scan.subject}", subject, 1)
            link = target / subject / "anat" / name
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(scan.image)
    return target


def _parts(data: Path, out: Path) -> dict[str, float]:
    """Return the processor time of all images: network, pipeline, and all that a cohort does.

    Of each image and part the least of several rounds, as others may use the machine.
    """
    options = SegmentOptions(threads=1)
    scans = list(BidsImages(data, read_filters({})))[::_TIMES]
    timed: Any = Timed(open_segmenter(options))
    least: dict[tuple[str, str], float] = {}
    for number in range(_ROUNDS + 1):
        folder = out / str(number)
        folder.mkdir(parents=True)
        choices = CohortChoices(data=data, output=folder, options=options)
        for scan in scans:
            timed.seconds, started = 0.0, time.process_time()
            segment(scan.image, options, segmenter=timed)
            middle = time.process_time()
            process(scan, choices)
            ended = time.process_time()
            if not number:  # what only the first images pay
                continue
            found = (timed.seconds, middle - started, ended - middle)
            for part, seconds in zip(PARTS, found, strict=True):
                key = (part, scan.name)
                least[key] = min(seconds, least.get(key, seconds))
    return {part: sum(least[part, scan.name] for scan in scans) for part in PARTS}


def _watched(
    data: Path, out: Path, options: tuple[str, ...], in_task: int | None = None
) -> Watched:
    """Run a cohort, with so many images in a task, and look at its processes while it runs."""
    start = ["-m", "scgm"] if in_task is None else ["-c", _IN_TASK.format(in_task)]
    command = [sys.executable, *start, "cohort", data, out, "participant", *options]
    before = os.times()
    started = time.monotonic()
    run = subprocess.Popen([*map(str, command)], stdout=subprocess.DEVNULL)
    seen = Watched(0)
    while run.poll() is None:
        now = time.monotonic() - started
        if not seen.first_s and any(out.glob("sub-*/anat/*_seg.json")):
            seen.first_s = now
        _look(run.pid, seen)
        time.sleep(0.1 if now < 60 else 2)
    seen.wall_s = time.monotonic() - started
    after = os.times()
    seen.all_cpu_s = sum(after[2:4]) - sum(before[2:4])
    seen.images = results(out)
    return seen


def _look(pid: int, seen: Watched) -> None:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        seen.program_cpu_s = (int(fields[11]) + int(fields[12])) / _TICKS
        seen.program_mib = _peak_mib(pid)
        workers = [_peak_mib(child) for child in children(pid)]
    except (OSError, ValueError, StopIteration):  # it is about to end
        return
    seen.worker_mib = max([seen.worker_mib, *workers])


def _peak_mib(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("VmHWM"))) / _MIB


def _write_size(watched: list[Watched]) -> None:
    head = (
        *("images", "wall, min", "images a minute", "processor, ms an image"),
        *("of it the program, ms", "first result, s", "program, MiB", "largest worker, MiB"),
    )
    rows = [
        (
            f"{one.images:,}",
            f"{one.wall_s / 60:.1f}",
            f"{60 * one.images / one.wall_s:.0f}",
            f"{1e3 * one.all_cpu_s / one.images:.0f}",
            f"{1e3 * one.program_cpu_s / one.images:.0f}",
            f"{one.first_s:.1f}",
            f"{one.program_mib:.0f}",
            f"{one.worker_mib:.0f}",
        )
        for one in watched
    ]
    replace_section("cohort-size", f"{table(head, rows)}\n\n{_load()}")


def _both(runs: list[Watched], field: str) -> str:
    return " and ".join(f"{getattr(run, field):.1f}" for run in runs)


def _fields(one: Watched) -> dict[str, float]:
    return {name: getattr(one, name) for name in Watched.__slots__}


def _keep(name: str, numbers: Any) -> None:
    """Keep numbers that are not rounded for `study`."""
    NUMBERS.parent.mkdir(exist_ok=True)
    kept = json.loads(NUMBERS.read_text(encoding="utf-8")) if NUMBERS.exists() else {}
    NUMBERS.write_text(json.dumps({**kept, name: numbers}, indent=1), encoding="utf-8")


def _load() -> str:
    load = os.getloadavg()[0]
    cores = os.cpu_count()
    return f"{cores} cores; load of the machine at the end {load:.1f} (alone, it would be 1 or 2)."


if __name__ == "__main__":
    main()
