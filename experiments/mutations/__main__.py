"""Puts faults into the program and tells which ones the tests do not notice.

``python -m experiments.mutations list`` names the faults of the lists, each of which breaks
something that is promised; ``... run`` puts in each of them and exits with 1 if the tests pass
although it is there, or if its text is no longer in the program. ``... run --sample 20`` also tries
so many small changes (`sites`) of each core package, drawn with a fixed seed. Those that are not
noticed must change nothing that is promised: `reasons` says why. ``--record`` writes how many were
noticed to the results page, a row for each package.

Everything happens in a copy of the tree in a temporary folder.
"""

import argparse
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from experiments.markdown import Row, table
from experiments.mutations.cohorts import COHORTS
from experiments.mutations.cords import CORDS
from experiments.mutations.evaluation import EVALUATION
from experiments.mutations.fault import Fault
from experiments.mutations.files import FILES
from experiments.mutations.methods import METHODS
from experiments.mutations.reasons import REASONS
from experiments.mutations.segmentation import SEGMENTATION
from experiments.mutations.sites import sites
from experiments.mutations.synthetic import SYNTHETIC
from experiments.mutations.training import TRAINING
from experiments.mutations.trial import CORE, SOURCE, Copy, Trial, mirrored
from experiments.results_page import replace_section, section

FAULTS = FILES + COHORTS + CORDS + SEGMENTATION + METHODS + SYNTHETIC + EVALUATION + TRAINING
HEADER = ("package", "listed", "noticed", "drawn", "noticed", "not noticed, and why")


def faults(options: argparse.Namespace) -> list[Fault]:
    """Return the faults that were asked for."""
    word, package = options.only or "", options.package or ""
    return [
        fault
        for fault in FAULTS
        if word in f"{fault.name} {fault.file}" and fault.file.startswith(package)
    ]


def listed(fault: Fault) -> Trial | None:
    """Return the trial of a fault of the list; None where its text is not once in the file."""
    path = SOURCE / fault.file
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    if text.count(fault.old) != 1:
        return None
    wrong = text.replace(fault.old, fault.new).encode()
    tests = (fault.test,) if fault.test else mirrored(fault.file)[:1]
    return Trial(fault.name, fault.file, wrong, tests)


def sampled(count: int, seed: int, package: str) -> Iterator[Trial]:
    """Yield small changes, drawn from all that could be made in a package."""
    files = sorted((SOURCE / package).rglob("*.py"))
    known = [(path, site) for path in files for site in sites(path.read_bytes())]
    for path, site in random.Random(seed).sample(known, min(count, len(known))):
        source = path.read_bytes()
        file = str(path.relative_to(SOURCE))
        old = source[site.start : site.end].decode()
        line = source.splitlines()[site.line - 1].decode().strip()
        name = f"{file}:{site.line}: {old!r} -> {site.new!r} in {line!r}"
        yield Trial(name, file, site.changed(source), mirrored(file))


def survivors(trials: list[Trial]) -> list[Trial]:
    """Try every fault, print what becomes of it, and return those that were not noticed."""
    with tempfile.TemporaryDirectory() as folder:
        tree = Copy(Path(folder))
        right = cache(tree.passes)
        found = []
        for trial in trials:
            if not right(trial.tests[0]):
                sys.exit(f"{trial.tests[0]}: fails without any fault; nothing to measure")
            if tree.survives(trial):
                found.append(trial)
            print("SURVIVED" if trial in found else "noticed ", trial.name, flush=True)
    return found


def rows(trials: list[Trial], drawn: list[Trial], alive: list[Trial]) -> Iterator[Row]:
    """Yield for each package how many faults were tried and noticed, and why some were not."""
    for package in sorted({each.package for each in trials + drawn}):
        left = [each for each in alive if each.package == package]
        counts: list[int] = []
        for kind in (trials, drawn):
            tried = sum(each.package == package for each in kind)
            counts += [tried, tried - sum(each in kind for each in left)]
        told = Counter(REASONS.get(each.key, f"**unexplained** `{each.key}`") for each in left)
        reasons = "; ".join(f"{number}: {reason}" for reason, number in told.items())
        yield package, *map(str, counts), reasons or "none"


def recorded(found: list[Row]) -> str:
    """Return the table of the results page with these rows; those of other packages stay."""
    lines = section("mutations").splitlines()[2:]
    kept = {line.split(" | ")[0].removeprefix("| "): line for line in lines}
    kept |= {row[0]: table(row, ()).splitlines()[0] for row in found}
    return "\n".join([table(HEADER, ()), *(kept[package] for package in sorted(kept))])


def parsed(arguments: list[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="mutations", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("what", choices=("list", "run"))
    parser.add_argument("--only", metavar="WORD", help="faults whose name or file has this word")
    parser.add_argument("--sample", metavar="N", type=int, default=0, help="also N small changes")
    parser.add_argument("--seed", type=int, default=0, help="of the sample (default: 0)")
    parser.add_argument("--package", help="faults and sample of this package alone, as io")
    parser.add_argument("--record", action="store_true", help="write the rows to docs/results.md")
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; 1 if a fault of the list survives, or one drawn without a reason."""
    options = parsed(arguments)
    asked = faults(options)
    trials = [trial for trial in map(listed, asked) if trial is not None]
    gone = [fault for fault in asked if listed(fault) is None]
    for fault in gone:
        print(f"NOT THERE {fault.file}: {fault.name}")
    if options.what == "list":
        print(*(f"{trial.file}: {trial.name}" for trial in trials), sep="\n")
        return int(bool(gone))
    packages = [options.package] if options.package else CORE
    drawn = [trial for each in packages for trial in sampled(options.sample, options.seed, each)]
    alive = survivors(trials + drawn)
    found = list(rows(trials, drawn, alive))
    print(table(HEADER, found))
    if options.record:
        replace_section("mutations", recorded(found))
    return int(bool(gone) or any(each in trials or each.key not in REASONS for each in alive))


if __name__ == "__main__":
    sys.exit(main())
