"""The atlases of the classical methods: ``python -m experiments.atlases [METHOD ...]``.

Builds the shipped ones from all labeled scans, and for measuring one for each fold that left sites
out, with ``scgm atlas build``. The scans are CC0 (gm-challenge-data) and MIT (sct_testing_data).
"""

import subprocess
import sys
from pathlib import Path

import scgm
from experiments.evidence import FOLDS, sources
from experiments.side_by_side import OUTPUT, write_table
from scgm.segmenters.classical.building import LEARNING

SHIPPED = Path(scgm.__file__).parent / "artifacts" / "shipped"
LEFT_OUT = (("ucl", "juntendo"), ("montreal",), ("milan", "ceitec"))


def build(table: Path, method: str, output: Path, leave_out: tuple[str, ...]) -> None:
    """Build one atlas, as a user does."""
    program = str(Path(sys.executable).with_name("scgm"))
    without = f" with {' and '.join(leave_out)} left out: for measuring alone" if leave_out else ""
    arguments = ["--method", method, "--output", str(output), "--overwrite", "--quiet"]
    arguments += ["--description", f"Labeled axial scans of healthy cords{without}"]
    arguments += ["--license", "MIT"]
    arguments += [word for site in leave_out for word in ("--leave-out", site)]
    subprocess.run([program, "atlas", "build", str(table), *arguments], check=True)


def main(methods: list[str]) -> None:
    """Build all, or those that are named."""
    OUTPUT.mkdir(parents=True, exist_ok=True)
    table = OUTPUT / "labeled.csv"
    write_table(table, [source for source in sources() if source.gm and source.cord])
    for method in methods or LEARNING:
        build(table, method, SHIPPED / f"{method}.npz", ())
        for sites in LEFT_OUT:
            build(table, method, FOLDS / f"{method}-without-{'-'.join(sites)}.npz", sites)


if __name__ == "__main__":
    main(sys.argv[1:])
