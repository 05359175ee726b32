"""Methods side by side on the real images: ``python -m experiments.side_by_side [SECTION ...]``.

Runs ``scgm benchmark`` on the images whose labels are evidence, and apart from them on those whose
labels reproduce a published model, and puts its tables into ``docs/results``. The section ``costs``
runs every method on one image, with one thread and with two: for a machine that does nothing else.
"""

import argparse
import csv
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from experiments.evidence import DATA, EVIDENCE, FOLDS, source_of, sources
from experiments.markdown import Row, table
from experiments.published import WEIGHTS
from experiments.results_page import replace_section
from scgm.cli.console import EXIT_FAILED
from scgm.training.config.sources import Source

OUTPUT = Path("runs/side-by-side")
NETWORKS = ("default", "ddc", "unet", "ddc-published", "ddc-published-found")
METHODS = (*NETWORKS, "deepseg", "vbem", "jcscs", "mgac", "gsbme", "sct")
PUBLISHED = ("ddc-published", "ddc-published-found")
EVIDENCE_TABLES = (
    "2D (",
    "3D (",
    "Headline",
    "Dice of each image",
    "All scores, 2D",
    "All scores, 3D",
)
COSTS_OF = "sub-9418"
THREADS = (1, 2)
# A subject's name may end with the session, as sub-9709Ses1.
_SUBJECT = re.compile(r"(sub-[A-Za-z0-9]+?)(?:Ses[\d-]+)?")


def subject_of(image: Path) -> str:
    """Return whom an image shows: the entity sub- of BIDS, else the folder it lies in.

    `sct-testing/t2s` holds one scan twice, whole and cropped.
    """
    named = filter(None, map(_SUBJECT.fullmatch, image.parts[:-1]))
    subject = next(named, None)
    return subject[1] if subject else "-".join(image.parts[:-1])


def write_table(path: Path, chosen: list[Source]) -> None:
    """Write the images and labels of some sources as a table that ``scgm benchmark`` reads."""
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("image", "gm", "cord", "site", "subject"))
        for source in chosen:
            assert source.image is not None
            assert source.gm is not None
            cord = str((DATA / source.cord[0]).resolve()) if source.cord else ""
            image, gm = (DATA / source.image).resolve(), (DATA / source.gm).resolve()
            rows.writerow((image, gm, cord, source.site, subject_of(source.image)))


def report_of(
    name: str,
    chosen: list[Source],
    cord: str = "found",
    asked: Sequence[str] = METHODS,
    threads: int = 2,
) -> str:
    """Run the benchmark on some sources, with the cord found or given, and return its report."""
    OUTPUT.mkdir(parents=True, exist_ok=True)
    listed = OUTPUT / f"{name}.csv"
    write_table(listed, chosen)
    methods = [word for method in asked for word in ("--method", method)]
    scgm = str(Path(sys.executable).with_name("scgm"))
    arguments = [*methods, "--models", str(FOLDS)]
    if any(method.startswith("ddc-published") for method in asked):
        arguments += ["--weights", str(DATA / WEIGHTS)]
    folder = OUTPUT / name
    # A benchmark takes over what was done before, also by other code of the same version.
    shutil.rmtree(folder, ignore_errors=True)
    arguments += ["--cord", cord, "--threads", str(threads), "--output", str(folder)]
    arguments.append("--quiet")
    done = subprocess.run([scgm, "benchmark", str(listed), *arguments], check=False)
    if done.returncode not in (0, EXIT_FAILED):  # a failure of a method is part of the result
        msg = f"the benchmark {name} ended with status {done.returncode}"
        raise RuntimeError(msg)
    return (folder / "report.md").read_text(encoding="utf-8")


def tables_of(report: str, wanted: tuple[str, ...]) -> str:
    """Return the wanted sections of a report, one heading level lower."""
    sections = report.split("\n## ")[1:]
    kept = [section.strip() for section in sections if section.startswith(wanted)]
    return "\n\n".join(f"#### {section}" for section in kept)


def evidence_and_pseudo() -> tuple[list[Source], list[Source]]:
    """Return the sources whose labels are evidence, and the other labeled ones."""
    labeled = [source for source in sources() if source.gm is not None]
    evidence = [source for source in labeled if str(source.image) in EVIDENCE.values()]
    return evidence, [source for source in labeled if source not in evidence]


def found() -> None:
    """Compare on the evidence, each method finding the cord."""
    report = report_of("evidence", evidence_and_pseudo()[0])
    replace_section("side-by-side", tables_of(report, EVIDENCE_TABLES))
    with (OUTPUT / "evidence" / "statistics.csv").open(encoding="utf-8", newline="") as file:
        replace_section("side-by-side-published", against_published(list(csv.DictReader(file))))


def against_published(rows: Sequence[Mapping[str, str]]) -> str:
    """Return a table of every method less the published weights, of the rows of statistics.csv."""
    pairs: dict[tuple[str, str], tuple[float, float]] = {}
    for row in rows:
        if (row["mode"], row["score"]) == ("2d", "dice"):
            first, second = row["first"], row["second"]
            means = round(float(row["mean"]), 3) + 0.0, round(float(row["site_mean"]), 3) + 0.0
            pairs[first, second] = means
            pairs[second, first] = 0.0 - means[0], 0.0 - means[1]
    methods = list(dict.fromkeys(first for first, _ in pairs))
    head = [
        title
        for name in PUBLISHED
        for title in (f"less `{name}`, mean over subjects", "mean over sites")
    ]
    body: list[Row] = []
    for method in methods:
        found = [pairs.get((method, name)) for name in PUBLISHED]
        cells = (
            ("-", "-") if each is None else (f"{each[0]:+.3f}", f"{each[1]:+.3f}") for each in found
        )
        body.append((method, *(cell for pair in cells for cell in pair)))
    return table(("method", *head), body)


def given() -> None:
    """Compare on the evidence with the cord given."""
    report = report_of("evidence-cord-given", evidence_and_pseudo()[0], cord="given")
    replace_section("side-by-side-given", tables_of(report, ("2D (", "All scores, 2D")))


def pseudo() -> None:
    """Compare on labels that reproduce a published model."""
    report = report_of("pseudo", evidence_and_pseudo()[1], asked=NETWORKS)
    replace_section("side-by-side-pseudo", tables_of(report, ("2D (",)))


def costs(asked: Sequence[str] = METHODS) -> None:
    """Write time and memory of each method on one image, with one thread and with two."""
    rows = {}
    for threads in THREADS:
        name = f"costs-{threads}"
        report_of(name, [source_of(EVIDENCE[COSTS_OF])], asked=asked, threads=threads)
        with (OUTPUT / name / "cases.csv").open(encoding="utf-8", newline="") as file:
            rows[threads] = list(csv.DictReader(file))
    content = costs_table(rows)
    sys.stdout.write(f"{content}\n")
    if list(asked) == list(METHODS):
        replace_section("costs", content)


def costs_table(rows: Mapping[int, Sequence[Mapping[str, str]]]) -> str:
    """Return the table of costs, of the rows of cases.csv by number of threads."""
    measured = {(threads, row["method"]): row for threads, some in rows.items() for row in some}
    columns = [(cost, threads) for cost in _COSTS for threads in rows]
    titles = (f"{cost.title}, {n} thread{'s' * (n > 1)}" for cost, n in columns)
    body: list[Row] = [
        (method, *(cost.cell(measured.get((n, method), {})) for cost, n in columns))
        for method in dict.fromkeys(method for _, method in measured)
    ]
    return table(("method", *titles), body)


@dataclass(frozen=True)
class _Cost:
    """A column of cases.csv, what the table calls it, and its digits."""

    column: str
    title: str
    digits: int

    def cell(self, row: Mapping[str, str]) -> str:
        value = row.get(self.column)
        return f"{float(value):.{self.digits}f}" if value else "-"


_COSTS = (
    _Cost("seconds", "s", 2),
    _Cost("seconds_with_start", "s with start", 2),
    _Cost("peak_mib", "peak MiB", 0),
)


SECTIONS: dict[str, Callable[[], None]] = {
    "found": found,
    "given": given,
    "pseudo": pseudo,
    "costs": costs,
}


def main() -> None:
    """Run what is asked for, or everything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sections", nargs="*", metavar="SECTION", help=f"of {', '.join(SECTIONS)}")
    parser.add_argument(
        "--method", action="append", help="a method whose costs are measured; all if left out"
    )
    arguments = parser.parse_args()
    for name in arguments.sections or list(SECTIONS):
        if name == "costs":
            costs(arguments.method or METHODS)
        else:
            SECTIONS[name]()


if __name__ == "__main__":
    main()
