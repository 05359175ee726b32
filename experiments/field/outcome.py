"""What ``scgm segment`` made of an input, and the verdict on it by rule."""

import csv
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from experiments.field.situation import SCAN, Situation, copy_scan

# A slice that is called ok is wrong below this Dice with the untransformed result, or beyond this
# difference of area.
LEAST_DICE = 0.8
MOST_AREA_ERROR = 0.15

_FAULT = 3


class Verdict(StrEnum):
    """What an outcome is worth, from the worst to the best."""

    SILENT = "silently wrong"
    CRASH = "crash"
    REFUSED_RIGHT = "wrongly refused"
    LOST = "right slices flagged"
    UNCLEAR = "cause not named"
    WARNED = "wrong, cause named"
    DOUBTED = "refused or flagged"
    RIGHT = "right"


@dataclass(frozen=True, slots=True, eq=False)
class Ran:
    """How one call ended.

    Parameters
    ----------
    status : int
        Exit status.
    said : str
        Everything that was printed.
    ok : (k,) bool
        For each slice of the image whether its gray matter was called ok; empty without results.
    area_mm2, cord_mm2 : (k,) float
        Its area, and that of the cord, as the table says; NaN where there is none.
    mask : (i, j, k) bool or None
        Gray matter.
    """

    status: int
    said: str
    ok: NDArray[np.bool_]
    area_mm2: NDArray[np.float64]
    cord_mm2: NDArray[np.float64]
    mask: NDArray[np.bool_] | None = None

    @property
    def crashed(self) -> bool:
        """Whether the program took the blame or printed a traceback."""
        return self.status == _FAULT or "Traceback" in self.said


@dataclass(frozen=True, slots=True)
class Outcome:
    """One input, judged.

    Parameters
    ----------
    verdict : Verdict
        By rule.
    slices, ok, wrong : int
        How many there are, are called ok, and are so though their gray matter is wrong.
    right : int
        Slices that are right in the untransformed image, where that result is wanted.
    kept : int
        Of these, how many are called ok and are right here.
    dice, area_ratio : float
        Mean gray-matter Dice, and area, against the untransformed result in slices called ok; NaN
        without any.
    said : str
        The first warning or error.
    """

    verdict: Verdict
    slices: int
    ok: int
    wrong: int
    right: int
    kept: int
    dice: float
    area_ratio: float
    said: str


def segment(folder: Path, arguments: Sequence[str]) -> Ran:
    """Run ``scgm segment`` in a folder, results in a folder of their own."""
    results = folder / "results"
    results.mkdir()
    command = [sys.executable, "-m", "scgm", "segment", *arguments, "--output", str(results)]
    source = str(Path(__file__).parents[2] / "src")
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": source, "COLUMNS": "400"},
        capture_output=True,
        check=False,
        timeout=900,
    )
    said = (done.stdout + b"\n" + done.stderr).decode("utf-8", "replace")
    none = np.zeros(0)
    tables = sorted(results.glob("*_measurements.csv"))
    if not tables:
        return Ran(done.returncode, said, none.astype(bool), none, none)
    with tables[0].open(encoding="utf-8", errors="surrogateescape", newline="") as file:
        rows = sorted(csv.DictReader(file), key=lambda row: int(row["slice"]))
    image = nib.load(next(results.glob("*_label-GM_seg.nii.gz")))
    mask = np.asarray(image.dataobj) > 0
    return Ran(
        status=done.returncode,
        said=said,
        ok=np.array([row["status"] == "ok" for row in rows if row["label"] == "GM"]),
        area_mm2=_areas(rows, "GM"),
        cord_mm2=_areas(rows, "SC"),
        mask=mask.reshape((*mask.shape, 1)[:3]),
    )


def _areas(rows: Sequence[dict[str, str]], label: str) -> NDArray[np.float64]:
    chosen = (row["area_mm2"] for row in rows if row["label"] == label)
    return np.array([float(area or "nan") for area in chosen])


@cache
def untransformed(key: str) -> Ran:
    """Return the result of an image as it is."""
    with tempfile.TemporaryDirectory() as folder:
        copy_scan(Path(folder), key)
        return segment(Path(folder), (SCAN,))


def outcome_of(situation: Situation) -> Outcome:
    """Build an input, run it, and judge."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        situation.build(folder)
        ran = segment(folder, situation.arguments)
    return judged(situation, ran)


def judged(situation: Situation, ran: Ran) -> Outcome:
    """Judge what came of an input.

    A slice that is called ok is wrong if its Dice with the untransformed result is below 0.8, if
    its area, or that of its cord, differs by more than 15 %, or if there is nothing to be found.
    Slices that are flagged in the untransformed image are not judged.
    """
    slices, ok = len(ran.ok), int(ran.ok.sum())
    dice, ratio, cord_ratio, trusted = _against_untransformed(situation, ran)
    agree = dice >= LEAST_DICE
    for each in (ratio, cord_ratio):
        agree &= np.abs(each - 1) <= MOST_AREA_ERROR
    judged_ok = ran.ok & trusted
    wrong = int((judged_ok & ~agree).sum()) if ran.mask is not None else 0
    wanted = situation.wanted == "result" and situation.scan is not None
    right = _right_slices(situation) if wanted else 0
    kept = int((judged_ok & agree).sum()) if wanted else 0
    named = bool(re.search(situation.says, _troubles(ran.said))) and "UserWarning" not in ran.said
    return Outcome(
        verdict=_verdict(situation, ran, wrong, (right, kept), named),
        slices=slices,
        ok=ok,
        wrong=wrong,
        right=right,
        kept=kept,
        dice=_mean(dice[judged_ok]),
        area_ratio=_mean(ratio[judged_ok]),
        said=_troubles(ran.said).partition("\n")[0],
    )


def _verdict(
    situation: Situation, ran: Ran, wrong: int, counts: tuple[int, int], named: bool
) -> Verdict:
    right, kept = counts
    if ran.crashed:
        return Verdict.CRASH
    if wrong:
        return Verdict.WARNED if situation.says and named else Verdict.SILENT
    if situation.wanted == "result":
        if ran.mask is None:
            return Verdict.REFUSED_RIGHT
        if kept < right:
            return Verdict.LOST
        return Verdict.RIGHT if named else Verdict.UNCLEAR
    if not named and (ran.mask is None or not ran.ok.any()):
        return Verdict.UNCLEAR
    return Verdict.RIGHT if ran.ok.any() and ran.ok.all() else Verdict.DOUBTED


def _against_untransformed(situation: Situation, ran: Ran) -> tuple[NDArray[Any], ...]:
    """Return for each slice Dice, ratios of gray matter and cord, and whether it can be judged."""
    count = len(ran.ok)
    nothing = (np.zeros(count), np.zeros(count), np.zeros(count), np.ones(count, bool))
    if ran.mask is None or situation.scan is None:
        return nothing
    source = untransformed(situation.scan)
    assert source.mask is not None
    truth = situation.align(source.mask)
    if truth.shape != ran.mask.shape:
        return nothing
    both = 2 * (truth & ran.mask).sum(axis=(0, 1))
    total = truth.sum(axis=(0, 1)) + ran.mask.sum(axis=(0, 1))
    gray, cord, ok = (
        _by_slice(situation, source, values)
        for values in (source.area_mm2, source.cord_mm2, source.ok)
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        return both / total, ran.area_mm2 / gray, ran.cord_mm2 / cord, ok & (gray > 0)


def _by_slice(situation: Situation, source: Ran, values: NDArray[Any]) -> NDArray[Any]:
    """Return values of the slices of the untransformed image in the order of this input."""
    assert source.mask is not None
    return np.asarray(situation.align(np.broadcast_to(values, source.mask.shape))[0, 0])


def _right_slices(situation: Situation) -> int:
    assert situation.scan is not None
    source = untransformed(situation.scan)
    return int(_by_slice(situation, source, source.ok).sum())


def _mean(values: NDArray[np.float64]) -> float:
    return float(np.mean(values)) if values.size else float("nan")


def _troubles(said: str) -> str:
    """Return the lines that warn or tell of an error, without that word."""
    found = re.findall(r"^(?:error|warning|note): (.*)$", said, re.MULTILINE)
    return "\n".join(found)
