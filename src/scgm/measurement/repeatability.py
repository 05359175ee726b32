"""How much areas differ between two scans of one person in whom nothing changed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

# Written by ``python -m experiments.scan_rescan``.
CONSTANTS = Path(__file__).with_name("repeatability.json")

# 95 % of the differences between two measurements lie within this many SDs of a single one.
_WITHIN = 1.96 * np.sqrt(2)


class Over(StrEnum):
    """What an area is the mean over."""

    SLICE = "slice"
    LEVEL = "level"
    SCAN = "scan"


@dataclass(frozen=True, slots=True)
class Repeatability:
    """The minimal detectable change, and what it was measured on.

    Parameters
    ----------
    people : int
        How many people were scanned twice.
    command : str
        What measured it.
    conditions : str
        How they were scanned, one sentence.
    mdc_percent : mapping
        By `Over`, label and column; in percent of the area.
    """

    people: int
    command: str
    conditions: str
    mdc_percent: Mapping[str, Mapping[str, Mapping[str, float]]]

    def of(self, over: Over, label: str, column: str) -> float | None:
        """Return the minimal detectable change in percent; None where it was not measured."""
        return self.mdc_percent.get(str(over), {}).get(label, {}).get(column)


@cache
def repeatability() -> Repeatability:
    """Return the constants of this package."""
    return Repeatability(**json.loads(CONSTANTS.read_text(encoding="utf-8")))


def error_of_measurement(people: Iterable[Sequence[float] | NDArray[np.float64]]) -> float:
    """Return the standard error of measurement (SEM) from repeated measurements.

    Parameters
    ----------
    people : iterable of sequences
        For each person the differences between second and first measurement. Each person counts
        the same, however many differences there are.
    """
    squares = [float(np.mean(np.square(one))) for one in people if len(one)]
    return float(np.sqrt(np.mean(squares) / 2))


def detectable_change(error: float) -> float:
    """Return the minimal detectable change of an SEM: 1.96 times the root of 2 times SEM."""
    return float(_WITHIN * error)
