"""One fault put into a copy of the program, and the tests that should notice it."""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src/scgm"
CORE = ("io", "image", "segmentation", "evaluation/metrics", "synthesis", "training/data")
LEFT_OUT = (".git", ".venv", "shared", "__pycache__", ".*_cache", "build", "dist")
MOST_SECONDS = 900


@dataclass(frozen=True, slots=True)
class Trial:
    """A fault and the whole text of its file with the fault in it.

    Parameters
    ----------
    name : str
        What is broken.
    file : str
        Path below ``src/scgm``.
    text : bytes
        What stands in the file.
    tests : tuple of str
        Paths below ``tests``, tried one after the other until one of them fails.
    """

    name: str
    file: str
    text: bytes
    tests: tuple[str, ...]

    @property
    def package(self) -> str:
        """The package that it is counted for."""
        inner = (each for each in CORE if self.file.startswith(f"{each}/"))
        return next(inner, self.file.partition("/")[0])

    @property
    def key(self) -> str:
        """The name without the number of the line, which changes with every edit."""
        return re.sub(r":\d+:", ":", self.name, count=1)


def mirrored(file: str) -> tuple[str, ...]:
    """Return the tests of a file, those of its name, and all of its package."""
    path, tests = Path(file), ROOT / "tests"
    name = f"test_{path.stem}.py"
    beside = [tests / folder / name for folder in path.parents]
    named = [each for each in beside if each.exists()][:1] or sorted(tests.rglob(name))
    return (*(str(each.relative_to(tests)) for each in named), path.parts[0])


class Copy:
    """A copy of the tree in which one file at a time is wrong."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "tree"
        shutil.copytree(ROOT, self.root, ignore=shutil.ignore_patterns(*LEFT_OUT))

    def passes(self, tests: str) -> bool:
        """Run the tests of a file, or the quick ones of a folder; one that takes too long fails."""
        which = "not real" if tests.endswith(".py") else "not real and not slow"
        options = ["-qx", "-p", "no:cacheprovider", "-m", which, f"tests/{tests}"]
        # No byte code: a change within a second, of the same length, would not be seen in it.
        there = {"PYTHONPATH": str(self.root / "src"), "PYTHONDONTWRITEBYTECODE": "1"}
        try:
            done = subprocess.run(
                [sys.executable, "-m", "pytest", *options],
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
            return all(map(self.passes, trial.tests))
        finally:
            path.write_bytes(right)
