"""Methods side by side on the real images: ``python -m experiments.side_by_side``.

Runs ``scgm benchmark`` on the images whose labels are evidence, and apart from them on those whose
labels reproduce a published model, and puts its tables into ``docs/results.md``.
"""

import csv
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from experiments.evidence import DATA, EVIDENCE, FOLDS, sources
from experiments.published import WEIGHTS
from experiments.results_page import replace_section
from scgm.cli.console import EXIT_FAILED
from scgm.training.config.sources import Source

OUTPUT = Path("runs/side-by-side")
NETWORKS = ("default", "ddc", "unet", "ddc-published", "ddc-published-found")
METHODS = (*NETWORKS, "deepseg", "vbem", "jcscs", "mgac", "gsbme", "sct")
EVIDENCE_TABLES = ("2D (", "3D (", "All scores, 2D")


def write_table(path: Path, chosen: list[Source]) -> None:
    """Write the images and labels of some sources as a table that ``scgm benchmark`` reads."""
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(("image", "gm", "cord", "site", "subject"))
        for source in chosen:
            assert source.image is not None
            assert source.gm is not None
            cord = str((DATA / source.cord[0]).resolve()) if source.cord else ""
            image, gm = (DATA / source.image).resolve(), (DATA / source.gm).resolve()
            table.writerow((image, gm, cord, source.site, source.image.name.split(".")[0]))


def report_of(
    name: str, chosen: list[Source], cord: str = "found", asked: Sequence[str] = METHODS
) -> str:
    """Run the benchmark on some sources, with the cord found or given, and return its report."""
    OUTPUT.mkdir(parents=True, exist_ok=True)
    table = OUTPUT / f"{name}.csv"
    write_table(table, chosen)
    methods = [word for method in asked for word in ("--method", method)]
    scgm = str(Path(sys.executable).with_name("scgm"))
    arguments = [*methods, "--models", str(FOLDS), "--weights", str(DATA / WEIGHTS)]
    folder = OUTPUT / name
    arguments += [
        "--cord",
        cord,
        "--threads",
        "2",
        "--output",
        str(folder),
        "--overwrite",
        "--quiet",
    ]
    done = subprocess.run([scgm, "benchmark", str(table), *arguments], check=False)
    if done.returncode not in (0, EXIT_FAILED):  # a failure of a method is part of the result
        msg = f"the benchmark {name} ended with status {done.returncode}"
        raise RuntimeError(msg)
    return (folder / "report.md").read_text(encoding="utf-8")


def tables_of(report: str, wanted: tuple[str, ...]) -> str:
    """Return the wanted sections of a report, one heading level lower."""
    sections = report.split("\n## ")[1:]
    kept = [section.strip() for section in sections if section.startswith(wanted)]
    return "\n\n".join(f"#### {section}" for section in kept)


def main() -> None:
    """Run both, and put the tables between their marks in the results page."""
    labeled = [source for source in sources() if source.gm is not None]
    evidence = [source for source in labeled if str(source.image) in EVIDENCE.values()]
    pseudo = [source for source in labeled if source not in evidence]
    replace_section("side-by-side", tables_of(report_of("evidence", evidence), EVIDENCE_TABLES))
    given = report_of("evidence-cord-given", evidence, cord="given")
    replace_section("side-by-side-given", tables_of(given, ("2D (", "All scores, 2D")))
    of_pseudo = report_of("pseudo", pseudo, asked=NETWORKS)
    replace_section("side-by-side-pseudo", tables_of(of_pseudo, ("2D (",)))


if __name__ == "__main__":
    main()
