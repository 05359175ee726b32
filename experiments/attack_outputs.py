"""Attack the writing of results: real signals on real processes, and races of two of them.

Run ``python experiments/attack_outputs.py [--kills N] [--races N]``. It makes a small scan, and

- ends ``scgm segment`` by SIGINT, SIGTERM or SIGKILL at chance times, fresh and with --overwrite,
  then runs the same command again with --skip-existing, and looks at what is found;
- lets two processes write different results to one folder, their moves aligned.

It prints how often anything but a whole old or a whole new set was found; all must be 0.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import nibabel as nib
import numpy as np

from scgm.errors import OutputError
from scgm.io.hashing import sha256_of_file
from scgm.io.transaction import file_set

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGKILL)
FILES = 5


def main() -> None:
    """Run the attacks that the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--races", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="scgm-attack-") as folder:
        print("kills:", dict(kills(Path(folder), arguments.kills, arguments.seed)))
        print("races:", dict(races(Path(folder), arguments.races)))


def kills(folder: Path, count: int, seed: int) -> Counter[str]:
    """End runs at chance times; count what is found after each, and after the next run."""
    chance = random.Random(seed)
    found: Counter[str] = Counter()
    scan = _phantom(folder / "scan")
    took = _time(scan, folder / "whole")
    for number in range(count):
        out = folder / f"kill-{number}"
        overwrite = number % 2 == 1
        if overwrite:
            _segment(scan, out, "--threshold", "0.4").wait()
        extra = ("--overwrite",) if overwrite else ()
        run = _segment(scan, out, *extra)
        # Mostly near the end, where files are written.
        time.sleep(took * chance.uniform(0.5, 1.05))
        chosen = SIGNALS[number % len(SIGNALS)]
        run.send_signal(chosen)
        run.wait()
        found[f"{chosen.name} sent"] += 1
        again = _segment(scan, out, "--skip-existing", "--overwrite").wait()
        found["the next run failed"] += again != 0
        found["not a whole set after the next run"] += not _is_whole(out)
        found["hidden files after the next run"] += any(out.glob(".*"))
    return found


def races(folder: Path, count: int) -> Counter[str]:
    """Let two processes write at once; count mixed sets, and both having succeeded unasked."""
    found: Counter[str] = Counter()
    names = [f"file-{n}" for n in range(FILES)]
    for number in range(count):
        out = folder / f"race-{number}"
        overwrite = number % 2 == 1
        ended = _race(out, names, overwrite=overwrite)
        values = {(out / name).read_bytes() for name in names}
        found["races"] += 1
        found["mixed sets"] += len(values) != 1
        found["both succeeded without --overwrite"] += not overwrite and ended.count(0) != 1
        found["failed with --overwrite"] += overwrite and ended.count(0) != len(ended)
        found["files left"] += len(list(out.iterdir())) != FILES
    return found


def _race(out: Path, names: list[str], *, overwrite: bool) -> list[int]:
    """Stage in two processes; both move when the pipe is closed."""
    gate, opened = os.pipe()
    children = []
    for content in (b"one", b"two"):
        child = os.fork()
        if child == 0:
            status = 2
            try:
                os.close(opened)
                with file_set(out, names, overwrite=overwrite) as staging:
                    for name in names:
                        (staging / name).write_bytes(content)
                    os.read(gate, 1)
                status = 0
            except OutputError:
                status = 1
            finally:
                os._exit(status)
        children.append(child)
    os.close(gate)
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline and len(list(out.glob(f".scgm-set-*/new/{names[-1]}"))) < 2:
        time.sleep(0.001)
    os.close(opened)
    return [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]


def _phantom(folder: Path) -> Path:
    arguments = ("phantom", "-o", str(folder), "--slices", "3", "--size", "96", "-q")
    subprocess.run([sys.executable, "-m", "scgm", *arguments], check=True)
    return folder / "sub-phantom_T2starw.nii.gz"


def _segment(scan: Path, out: Path, *options: str) -> subprocess.Popen[bytes]:
    arguments = ("segment", str(scan), "-o", str(out), "-q", "--keep-doubtful", *options)
    return subprocess.Popen([sys.executable, "-m", "scgm", *arguments], stderr=subprocess.DEVNULL)


def _time(scan: Path, out: Path) -> float:
    started = time.monotonic()
    if _segment(scan, out).wait() != 0:
        sys.exit("the scan cannot be segmented")
    return time.monotonic() - started


def _is_whole(out: Path) -> bool:
    """Tell whether all files of the record are there, unchanged, and nothing else is."""
    records = list(out.glob("*_seg.json"))
    if len(records) != 1:
        return False
    files = json.loads(records[0].read_text("utf-8"))["files"]
    present = {path.name for path in out.iterdir() if not path.name.startswith(".")}
    masks = [nib.load(path) for path in out.glob("*_seg.nii.gz")]
    gm, white, cord = sorted(int(np.asarray(m.dataobj).sum()) for m in masks)
    return (
        present == {*files, records[0].name}
        and all(sha256_of_file(out / name) == digest for name, digest in files.items())
        and gm + white == cord
    )


if __name__ == "__main__":
    main()
