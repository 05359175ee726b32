"""Arrays and what is known of them as one block of bytes, which a page reads without copying.

Four bytes (little-endian) give the length of a JSON text, which follows; it holds the fields of
the sender, and under ``arrays`` the type, shape and offset of each array. The arrays follow, each
at a multiple of eight bytes; offsets count from the start of the block.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

_ALIGNMENT = 8
_TYPES = {"float32": "<f4", "uint8": "u1"}


def pack(fields: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """Return fields and arrays as one block.

    Parameters
    ----------
    fields : mapping
        Values that JSON knows; no NaN.
    arrays : mapping
        Arrays of float32 or uint8 by name, any shape; bool becomes uint8.

    Raises
    ------
    ValueError
        If a field is no JSON value.
    """
    plain = {name: _plain(values) for name, values in arrays.items()}
    head_size = 0
    while True:  # offsets are part of the text whose length they depend on
        listed, offset = _listed(plain, _aligned(4 + head_size))
        head = json.dumps({**fields, "arrays": listed}, allow_nan=False).encode()
        if _aligned(4 + len(head)) == _aligned(4 + head_size):
            break
        head_size = len(head)
    block = bytearray(offset)
    block[:4] = struct.pack("<I", len(head))
    block[4 : 4 + len(head)] = head
    for name, values in plain.items():
        start = listed[name]["offset"]
        block[start : start + values.nbytes] = values.tobytes()
    return bytes(block)


def _plain(values: NDArray[Any]) -> NDArray[Any]:
    if values.dtype == bool:
        return values.astype(np.uint8)
    return values.astype(_TYPES[values.dtype.name], copy=False)


def _listed(
    arrays: Mapping[str, NDArray[Any]], offset: int
) -> tuple[dict[str, dict[str, Any]], int]:
    """Return the entry of each array, the first at *offset*, and the end of the last."""
    listed = {}
    for name, values in arrays.items():
        listed[name] = {"type": values.dtype.name, "shape": values.shape, "offset": offset}
        offset = _aligned(offset + values.nbytes)
    return listed, offset


def _aligned(size: int) -> int:
    return -(-size // _ALIGNMENT) * _ALIGNMENT
