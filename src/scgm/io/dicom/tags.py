"""Values of a header as plain numbers and texts; None where a value is missing or damaged."""

from __future__ import annotations

import math
from typing import Any


def value(header: Any, keyword: str) -> Any:
    """Return a value of a data set, or None: pydicom reads values late, and damaged ones raise."""
    try:
        return header.get(keyword)
    except Exception:  # noqa: BLE001  whatever is wrong with it, the value is not there
        return None


def text(found: Any) -> str:
    """Return a value as text, without spaces and zeros around it; "" for None."""
    try:
        return "" if found is None else str(found).strip(" \0")
    except Exception:  # noqa: BLE001  bytes that are no text in any character set
        return ""


def number(found: Any) -> float | None:
    """Return a value as a finite number."""
    try:
        read = float(found)
    except (TypeError, ValueError, OverflowError):
        return None
    return read if math.isfinite(read) else None


def numbers(found: Any, count: int) -> tuple[float, ...] | None:
    """Return a value of *count* finite numbers."""
    try:
        read = [number(one) for one in found]
    except (TypeError, ValueError):
        return None
    finite = tuple(one for one in read if one is not None)
    return finite if len(finite) == len(read) == count else None


def whole(found: Any) -> int | None:
    """Return a value as a whole number."""
    read = number(found)
    return int(read) if read is not None and read == int(read) else None


def words(header: Any, keyword: str) -> tuple[str, ...]:
    """Return a value of several texts, as the image type has them."""
    found = value(header, keyword)
    if found is None:
        return ()
    if isinstance(found, str):
        return (text(found),)
    try:
        return tuple(text(one) for one in found)
    except TypeError:
        return ()


def private(header: Any, creator: str, element: int, group: int) -> Any:
    """Return a value out of a vendor's own block, or None."""
    try:
        return header.private_block(group, creator)[element].value
    except Exception:  # noqa: BLE001  there is no such block, or it is damaged
        return None


def first_item(header: Any, keyword: str) -> Any:
    """Return the first item of a sequence, or None."""
    found = value(header, keyword)
    try:
        return found[0] if found else None
    except (TypeError, IndexError, KeyError):
        return None
