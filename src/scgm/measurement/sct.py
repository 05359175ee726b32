"""The table with the columns that scripts for `sct_process_segmentation` expect."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np

from scgm.measurement.levels import LevelKind, level_number, parsed_range
from scgm.measurement.slices import Values
from scgm.version import __version__

if TYPE_CHECKING:
    from scgm.measurement.rows import Cell, Row

# Name there -> column here.
METRICS = {
    "area": "area_mm2",
    "angle_AP": "angle_ap_deg",
    "angle_RL": "angle_rl_deg",
    "diameter_AP": "diameter_ap_mm",
    "diameter_RL": "diameter_rl_mm",
    "eccentricity": "eccentricity",
    "orientation": "orientation_deg",
    "solidity": "solidity",
    "area_quadrant_anterior_left": "anterior_left_mm2",
    "area_quadrant_anterior_right": "anterior_right_mm2",
    "area_quadrant_posterior_left": "posterior_left_mm2",
    "area_quadrant_posterior_right": "posterior_right_mm2",
}
SCT_NAMES = (
    *("Timestamp", "SCT Version", "Filename", "Slice (I->S)", "VertLevel", "DistancePMJ"),
    *(f"{function}({name})" for name in METRICS for function in ("MEAN", "STD")),
    "SUM(length)",
)


def sct_rows(rows: Iterable[Row]) -> list[dict[str, Cell]]:
    """Return rows with those names. The mask that a row is about is in `Filename`."""
    now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S")
    return [_row(row, now) for row in rows]


def _row(row: Row, now: str) -> dict[str, Cell]:
    slices = [one.z for one in row.used]
    values = [one.values for one in row.used]
    found: dict[str, Cell] = {
        "Timestamp": now,
        "SCT Version": f"scgm {__version__}",
        "Filename": f"{row.values['file']} label-{row.values['label']}",
        "Slice (I->S)": _number_ranges(slices),
        "VertLevel": _level_numbers(row),
        "DistancePMJ": None,
    }
    for name, column in METRICS.items():
        numbers = _numbers(values, column)
        found[f"MEAN({name})"] = float(np.mean(numbers)) if numbers else None
        found[f"STD({name})"] = float(np.std(numbers)) if numbers else None
    found["SUM(length)"] = _length(row, values)
    return found


def _numbers(values: Sequence[Values], column: str) -> list[float]:
    found = [value for one in values if (value := one.get(column)) is not None]
    if column == "angle_ap_deg":  # positive there if the cord leans to the left
        return [-value for value in found]
    return [abs(value) for value in found] if column == "orientation_deg" else found


def _length(row: Row, values: Sequence[Values]) -> float | None:
    """Return how long the cord is in these slices, along itself."""
    slice_mm = row.values["slice_mm"]
    angles = [one.get("angle_deg") or 0.0 for one in values if one]
    if not angles or not isinstance(slice_mm, float):
        return None
    return sum(slice_mm / math.cos(math.radians(angle)) for angle in angles)


def _level_numbers(row: Row) -> str | None:
    level, kind = row.values["level"], row.values["level_kind"]
    if not isinstance(level, str) or not isinstance(kind, str):
        return None
    known = LevelKind(kind)
    return _number_ranges([level_number(name, known) for name in parsed_range(level, known)])


def _number_ranges(numbers: Sequence[int]) -> str | None:
    """Write numbers as there: "1:3;5"."""
    runs: list[list[int]] = []
    for number in sorted(numbers):
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    parts = [str(run[0]) if len(run) == 1 else f"{run[0]}:{run[-1]}" for run in runs]
    return ";".join(parts) or None
