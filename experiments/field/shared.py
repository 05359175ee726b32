"""Every scan of SCGM_DATA: what is called ok now, and what version 0.1.0 called ok."""

import json
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from experiments.evidence import DATA
from experiments.field.outcome import MOST_AREA_ERROR, Ran, segment

BASELINE = Path(__file__).with_name("version-0.1.0.json")

_NO_SCAN = re.compile(
    r"seg|mask|label|level|cent(er|re)line|warp|goldstandard|exvivo_cord", re.IGNORECASE
)
_NO_FOLDER = ("derivatives", "templates")


@dataclass(frozen=True, slots=True)
class Counts:
    """Slices of all scans.

    Parameters
    ----------
    scans, before : int
        Scans; slices that version 0.1.0 called ok.
    flagged : int
        Of these, slices that are flagged or refused now.
    changed : int
        Slices that both call ok and whose area differs by more than 15 %.
    gained : int
        Slices that are ok now and were not.
    lost : tuple of str
        The scans with slices that are flagged or refused now, with their numbers.
    """

    scans: int
    before: int
    flagged: int
    changed: int
    gained: int
    lost: tuple[str, ...]


def scans() -> Iterator[str]:
    """Give the names of all files that are scans, not labels."""
    for path in sorted(DATA.rglob("*.nii*")):
        name = path.relative_to(DATA)
        if not (_NO_SCAN.search(path.name) or set(_NO_FOLDER) & set(name.parts)):
            yield name.as_posix()


def areas_of(name: str) -> dict[str, float]:
    """Segment one scan; return the area of each slice that is called ok, by its index."""
    with tempfile.TemporaryDirectory() as folder:
        ran: Ran = segment(Path(folder), (str((DATA / name).resolve()),))
    return {str(z): round(float(ran.area_mm2[z]), 3) for z in np.flatnonzero(ran.ok).tolist()}


def record() -> None:
    """Write down what the present version calls ok, to compare with later."""
    found = {name: areas_of(name) for name in scans()}
    BASELINE.write_text(json.dumps(found, indent=0) + "\n", encoding="utf-8")


def compare() -> Counts:
    """Compare the present version with what was written down."""
    before = json.loads(BASELINE.read_text(encoding="utf-8"))
    flagged = changed = gained = 0
    lost = []
    for name, old in before.items():
        new = areas_of(name)
        gone = old.keys() - new.keys()
        if gone:
            lost.append(f"{name}: {len(gone)} of {len(old)}")
        flagged += len(gone)
        gained += len(new.keys() - old.keys())
        changed += sum(
            abs(new[z] / old[z] - 1) > MOST_AREA_ERROR for z in old.keys() & new.keys() if old[z]
        )
    count = sum(len(old) for old in before.values())
    return Counts(len(before), count, flagged, changed, gained, tuple(lost))
