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

from experiments.field.situation import (
    GRAY_MATTER,
    SCAN,
    Build,
    Situation,
    copy_scan,
    gray_matter_of,
    image_of,
)
from scgm.image.confidence import ENOUGH_DICE

# A slice that is called ok is wrong below this Dice, which is what "ok" promises, or beyond this
# difference of area.
MOST_AREA_ERROR = 0.15
# By the stricter rule, against the untransformed result alone.
STRICT_DICE = 0.8

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
    slices, ok, wrong, strict : int
        How many there are, are called ok, are so though their gray matter is wrong, and though it
        is wrong by the stricter rule.
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
    strict: int
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
def untransformed(scan: str | Build) -> Ran:
    """Return the result of an image as it should be."""
    with tempfile.TemporaryDirectory() as folder:
        if isinstance(scan, str):
            copy_scan(Path(folder), scan)
        else:
            scan(Path(folder))
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

    A slice that is called ok is wrong if there is nothing to be found, if its cord differs in area
    by more than 15 % from that of the untransformed result, or if its gray matter agrees neither
    with that result nor with the rater's drawing, where there is one: a Dice of at least 0.7 and an
    area within 15 %. Slices that are flagged in the untransformed image are not judged.
    """
    slices, ok = len(ran.ok), int(ran.ok.sum())
    near = _against_untransformed(situation, ran)
    judged_ok = ran.ok & near.trusted
    cord = np.abs(near.cord_ratio - 1) <= MOST_AREA_ERROR
    agree = cord & (near.agrees(ENOUGH_DICE) | _against_rater(situation, ran).agrees(ENOUGH_DICE))
    shown = ran.mask is not None
    wanted = situation.wanted == "result" and situation.scan is not None
    wrong = int((judged_ok & ~agree).sum()) if shown else 0
    right = _right_slices(situation) if wanted else 0
    kept = int((judged_ok & agree).sum()) if wanted else 0
    named = bool(re.search(situation.says, _troubles(ran.said))) and "UserWarning" not in ran.said
    return Outcome(
        verdict=_verdict(situation, ran, wrong, (right, kept), named),
        slices=slices,
        ok=ok,
        wrong=wrong,
        strict=int((judged_ok & ~(cord & near.agrees(STRICT_DICE))).sum()) if shown else 0,
        right=right,
        kept=kept,
        dice=_mean(near.dice[judged_ok]),
        area_ratio=_mean(near.area_ratio[judged_ok]),
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


@dataclass(frozen=True, slots=True, eq=False)
class Agreement:
    """How each slice (k,) agrees with a reference, and which slices can be judged by it."""

    dice: NDArray[np.float64]
    area_ratio: NDArray[np.float64]
    cord_ratio: NDArray[np.float64]
    trusted: NDArray[np.bool_]

    def agrees(self, least_dice: float) -> NDArray[np.bool_]:
        """Tell which gray matter agrees in place and area."""
        near = np.abs(self.area_ratio - 1) <= MOST_AREA_ERROR
        return np.asarray((self.dice >= least_dice) & near)


def _against_untransformed(situation: Situation, ran: Ran) -> Agreement:
    if ran.mask is None or situation.scan is None:
        return _none(len(ran.ok))
    source = untransformed(situation.scan)
    assert source.mask is not None
    truth = situation.align(source.mask)
    if truth.shape != ran.mask.shape:
        return _none(len(ran.ok))
    gray, cord, ok = (
        _by_slice(situation, source, values)
        for values in (source.area_mm2, source.cord_mm2, source.ok)
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = ran.area_mm2 / gray, ran.cord_mm2 / cord
    return Agreement(_dice(truth, ran.mask), *ratios, ok & (gray > 0))


def _against_rater(situation: Situation, ran: Ran) -> Agreement:
    """Compare with what was drawn by hand; the cord is not."""
    none = _none(len(ran.ok))
    if ran.mask is None or situation.scan not in GRAY_MATTER:
        return none
    drawn = gray_matter_of(situation.scan)
    truth = situation.align(drawn)
    if truth.shape != ran.mask.shape:
        return none
    pixel_mm2 = float(np.prod(image_of(situation.scan).header.get_zooms()[:2]))
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = ran.area_mm2 / (truth.sum(axis=(0, 1)) * pixel_mm2)
    return Agreement(_dice(truth, ran.mask), ratio, none.cord_ratio, none.trusted)


def _none(count: int) -> Agreement:
    """Return that nothing agrees."""
    return Agreement(np.zeros(count), np.zeros(count), np.zeros(count), np.ones(count, bool))


def _dice(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Dice of each slice (k,); 0 where neither has any."""
    total = first.sum(axis=(0, 1)) + second.sum(axis=(0, 1))
    return np.asarray(2 * (first & second).sum(axis=(0, 1)) / np.maximum(total, 1))


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
