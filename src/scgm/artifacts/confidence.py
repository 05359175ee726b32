"""Coefficients of confidence of the methods that have no card of their own to hold them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path

TABLE = Path(__file__).parent / "shipped" / "confidence.json"


@cache
def method_coefficients() -> Mapping[str, Mapping[str, float]]:
    """Return the coefficients of each method that the table names."""
    table: dict[str, dict[str, float]] = json.loads(TABLE.read_text(encoding="utf-8"))
    return table
