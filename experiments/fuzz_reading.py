"""Damaged NIfTI files: ``python -m experiments.fuzz_reading [--files 100000] [--seed 0]``.

Each file is damaged at random: in its header or its voxels, in its length or its packing. Right is
an image, or one sentence. The command prints how often reading ended in which way, and ends with
status 1 after any other exception, a warning, a crash, more than 5 s or more than 1 GB for a file.
"""

from __future__ import annotations

import argparse
import sys

from experiments.markdown import table
from experiments.results_page import replace_section
from tests.helpers.fuzzing import LIMIT_S, faults_of, fuzz


def main() -> int:
    """Read, count, and write the numbers; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    ends = fuzz(given.files, given.seed)
    faults = faults_of(ends)
    for end, count in faults.items():
        print(f"{count} times: {end}")
    rows = [
        ("damaged files", str(given.files)),
        ("read as images", str(ends["read"])),
        ("refused with one sentence", str(ends["refused"])),
        (
            f"anything else: a crash, a traceback, over {LIMIT_S} s, over 1 GB",
            str(sum(faults.values())),
        ),
    ]
    replace_section("fuzzing", table(("what", "number"), rows))
    return int(bool(faults))


if __name__ == "__main__":
    sys.exit(main())
