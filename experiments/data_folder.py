"""Lays out public data sets as the experiments and the tests of real images read them.

``python -m experiments.data_folder FETCHED FOLDER`` links the files that ``scgm data get NAME
--output FETCHED`` has fetched to their places in FOLDER, which the variable SCGM_DATA is to name.
"""

import argparse
from pathlib import Path

from scgm.training.config.read import DEFAULT_RECIPE, read_config

# Beside what the shipped recipe reads: place in FOLDER, place in FETCHED.
MORE = {
    "published-ddc": "gmseg/models",
    "scad/pilot8": "scad/data/gre/d_sp_pain_pilot8_rescan",
}


def lay_out(fetched: Path, folder: Path) -> int:
    """Link the files to their places, and return how many links were made."""
    made = 0
    for place, origin in (read_config(DEFAULT_RECIPE).downloads | MORE).items():
        start = (fetched / origin).resolve()
        for file in [start] if start.is_file() else sorted(start.rglob("*")):
            link = folder / place / file.relative_to(start)
            if file.is_file() and not link.exists():
                link.parent.mkdir(parents=True, exist_ok=True)
                link.symlink_to(file)
                made += 1
    return made


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("fetched", type=Path, help="--output of scgm data get")
    parser.add_argument("folder", type=Path, help="what SCGM_DATA is to name")
    options = parser.parse_args()
    print(f"{options.folder}: {lay_out(options.fetched, options.folder)} files linked")


if __name__ == "__main__":
    main()
