"""Puts faults into the program and tells which ones the tests do not notice.

``python -m experiments.mutations list`` names the faults of the list (`mutation_list`);
``... run`` puts in each of them and exits with 1 if the tests pass although it is there, or if its
text is no longer in the program. ``... run --sample 60`` also tries so many small changes
(`mutation_sites`), drawn from the core packages with a fixed seed, and prints how many were
noticed in each. Some of those that were not change no behavior: read them one by one.

Everything happens in a copy of the tree in a temporary folder.
"""

import argparse
import os
import random
import runpy
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from experiments.mutation_list import FAULTS, Fault
from experiments.mutation_sites import sites

ROOT = Path(__file__).resolve().parents[1]
CORE = ("io", "image", "segmentation", "evaluation/metrics", "synthesis", "training/data")
LEFT_OUT = (".git", ".venv", "shared", "__pycache__", ".*_cache", "build", "dist")
MOST_SECONDS = 900
QUICK = "not real and not slow"


@dataclass(frozen=True, slots=True)
class Trial:
    """A fault and the whole text of its file with the fault in it."""

    name: str
    file: str
    text: bytes
    tests: tuple[str, ...]


class Copy:
    """A copy of the tree in which one file at a time is wrong."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "tree"
        shutil.copytree(ROOT, self.root, ignore=shutil.ignore_patterns(*LEFT_OUT))

    def passes(self, tests: tuple[str, ...]) -> bool:
        """Run some tests; a run that takes too long has failed."""
        paths = [str(Path("tests", each)) for each in tests]
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-qx",
            "-p",
            "no:cacheprovider",
            "-m",
            "not real",
            *paths,
        ]
        # No byte code: a change within a second, of the same length, would not be seen in it.
        there = {"PYTHONPATH": str(self.root / "src"), "PYTHONDONTWRITEBYTECODE": "1"}
        try:
            done = subprocess.run(
                command,
                cwd=self.root,
                env={**os.environ, **there},
                capture_output=True,
                timeout=MOST_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return False
        return done.returncode == 0

    def survives(self, trial: Trial) -> bool:
        """Tell whether the tests pass although the fault is there."""
        path = self.root / "src/scgm" / trial.file
        right = path.read_bytes()
        path.write_bytes(trial.text)
        try:
            return self.passes(trial.tests)
        finally:
            path.write_bytes(right)


def mirrored(file: str) -> tuple[str, ...]:
    """Return the tests of a file: those of its name, or all of the nearest folder."""
    path = Path(file)
    named = [folder / f"test_{path.stem}.py" for folder in path.parents]
    for each in (*named, *path.parents):
        if (ROOT / "tests" / each).exists():
            return (str(each),)
    return (".",)


def listed(fault: Fault) -> Trial | None:
    """Return the trial of a fault of the list; None where its text is not once in the file."""
    path = ROOT / "src/scgm" / fault.file
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    if text.count(fault.old) != 1:
        return None
    wrong = text.replace(fault.old, fault.new).encode()
    return Trial(fault.title, fault.file, wrong, fault.tests or mirrored(fault.file))


def faults(options: argparse.Namespace) -> list[Fault]:
    """Return the faults that were asked for."""
    known: tuple[Fault, ...] = FAULTS
    if options.list:
        rows = runpy.run_path(options.list)["MUTATIONS"]
        known = tuple(
            Fault("", file.removeprefix("src/scgm/"), old, new, tuple(tests))
            for file, old, new, *tests in rows
        )
    word = options.only or ""
    return [fault for fault in known if word in f"{fault.title} {fault.file}"]


def sampled(count: int, seed: int, packages: tuple[str, ...]) -> Iterator[Trial]:
    """Yield small changes, drawn from all that could be made in some packages."""
    folder = ROOT / "src/scgm"
    files = [path for package in packages for path in sorted((folder / package).rglob("*.py"))]
    known = [(path, site) for path in files for site in sites(path.read_bytes())]
    for path, site in random.Random(seed).sample(known, min(count, len(known))):
        source = path.read_bytes()
        file = str(path.relative_to(folder))
        old = source[site.start : site.end].decode()
        line = source.splitlines()[site.line - 1].decode().strip()
        name = f"{file}:{site.line}: {old!r} -> {site.new!r} in {line!r}"
        yield Trial(name, file, site.changed(source), mirrored(file))


def package_of(trial: Trial) -> str:
    """Return the package that a trial is counted for."""
    return next((each for each in CORE if trial.file.startswith(f"{each}/")), trial.file)


def survivors(trials: list[Trial]) -> list[Trial]:
    """Try every fault, print what becomes of it, and return those that were not noticed."""
    with tempfile.TemporaryDirectory() as folder:
        tree = Copy(Path(folder))
        right = cache(tree.passes)
        found = []
        for trial in trials:
            if not right(trial.tests):
                sys.exit(f"{', '.join(trial.tests)}: fails without any fault; nothing to measure")
            if tree.survives(trial):
                found.append(trial)
            print("SURVIVED" if trial in found else "killed  ", trial.name, flush=True)
    return found


def table(trials: list[Trial], alive: list[Trial]) -> str:
    """Return how many faults of each package were noticed."""
    tried, lived = (Counter(map(package_of, each)) for each in (trials, alive))
    rows = [f"{name:22}{tried[name]:8}{tried[name] - lived[name]:8}" for name in sorted(tried)]
    return "\n".join([f"{'package':22}{'tried':>8}{'killed':>8}", *rows])


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; 1 if a fault of the list survives."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("list", "run"))
    parser.add_argument("--only", metavar="WORD", help="faults whose name or file has this word")
    parser.add_argument("--list", metavar="FILE", help="Python file whose MUTATIONS to use instead")
    parser.add_argument("--sample", metavar="N", type=int, default=0, help="also N small changes")
    parser.add_argument("--seed", type=int, default=0, help="of the sample (default: 0)")
    parser.add_argument("--package", choices=CORE, help="sample from this package alone")
    options = parser.parse_args(arguments)
    asked = faults(options)
    trials = [trial for trial in map(listed, asked) if trial is not None]
    gone = [fault for fault in asked if listed(fault) is None]
    print(*(f"NOT THERE {fault.file}: {fault.title}" for fault in gone), sep="\n")
    if options.what == "list":
        print(*(f"{trial.file}: {trial.name}" for trial in trials), sep="\n")
        return 0
    alive = survivors(trials)
    print(f"{len(trials)} faults tried, {len(alive)} survived; {len(gone)} not there any more")
    if options.sample:
        packages = (options.package,) if options.package else CORE
        drawn = list(sampled(options.sample, options.seed, packages))
        print(table(drawn, survivors(drawn)))
    return int(bool(alive or gone))


if __name__ == "__main__":
    sys.exit(main())
