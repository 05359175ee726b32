"""Cohorts killed at random moments: ``python -m experiments.cohort_kills [--trials 50]``.

Each trial segments the same small images into a new folder, is killed (SIGKILL; the program alone,
or the program with all its workers) at a random moment, that is a moment after a random number of
images was done, is started again and left to end. Its folder is compared, byte by byte, with that
of a run that nobody disturbed. A stand-in for a model keeps it short. Ends with status 1 if any
tree differs.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
from pathlib import Path

from experiments.markdown import table
from experiments.results_page import replace_section
from tests.helpers.cohort_files import bids_folder, tree
from tests.helpers.cohort_runs import CohortRun
from tests.helpers.standin import write_model

# Two processes take longer to start than these images to segment.
_EVERY = 5


def main() -> int:
    """Kill, continue, compare, and write what came of it; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=50)
    parser.add_argument("--images", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        names = tuple(f"sub-{n:03d}/anat/sub-{n:03d}_T2starw" for n in range(given.images))
        data = bids_folder(root / "data", names, slices=1)
        model = write_model(root)
        one, two = (CohortRun(data, model, ("--n-procs", number)) for number in ("1", "2"))
        one.finish(root / "whole")
        whole = tree(root / "whole")
        chance = random.Random(given.seed)
        rows = [
            trial(run, root / f"{number}", whole, chance.randrange(given.images), chance)
            for number in range(given.trials)
            for run in [two if number % _EVERY == 0 else one]
        ]
    write(given.images, rows)
    return int(any(not equal for *_, equal in rows))


Trial = tuple[bool, int, int, bool]


def trial(
    run: CohortRun, out: Path, whole: dict[str, bytes], done: int, chance: random.Random
) -> Trial:
    """Kill and continue a run; return whether it was killed, what was left, and if all is well."""
    later_s = chance.random() * (3 if done == 0 else 0.3)
    killed = run.kill_at(out, done, later_s, whole_group=chance.random() < 0.5)
    left = tree(out) if out.exists() else {}
    done = sum(name.endswith("_seg.json") and "/.scgm" not in name for name in left)
    hidden = sum("/.scgm-" in f"/{name}" for name in left)
    run.finish(out)
    equal = tree(out) == whole
    print(f"killed {killed}, {done} done, {hidden} hidden files, equal: {equal}", flush=True)
    return killed, done, hidden, equal


def write(images: int, rows: list[Trial]) -> None:
    """Write the numbers of all trials to the page of results."""
    killed = [row for row in rows if row[0]]
    done = sorted(row[1] for row in killed)
    middle = done[len(done) // 2] if done else 0
    content = table(
        ("what", "number"),
        [
            ("images", str(images)),
            ("trials", f"{len(rows)}, every fifth with two processes, the others with one"),
            ("killed before the end", str(len(killed))),
            (
                "images done when killed: least, median, most",
                f"{min(done, default=0)}, {middle}, {max(done, default=0)}",
            ),
            ("trials that left unfinished files", str(sum(row[2] > 0 for row in rows))),
            ("final trees equal, byte by byte", f"{sum(row[3] for row in rows)} of {len(rows)}"),
        ],
    )
    load = os.getloadavg()[0]
    note = f"{os.cpu_count()} cores; load of the machine at the end {load:.1f}."
    replace_section("cohort-kills", f"{content}\n\n{note}")


if __name__ == "__main__":
    sys.exit(main())
