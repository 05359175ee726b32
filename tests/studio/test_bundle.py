"""Arrays as one block."""

import json
import struct
from typing import Any

import numpy as np
import pytest

from scgm.studio.bundle import pack


def unpacked(block: bytes) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    (length,) = struct.unpack("<I", block[:4])
    fields = json.loads(block[4 : 4 + length])
    arrays = {
        name: np.frombuffer(
            block, entry["type"], int(np.prod(entry["shape"])), entry["offset"]
        ).reshape(entry["shape"])
        for name, entry in fields.pop("arrays").items()
    }
    return fields, arrays


@pytest.mark.parametrize("padding", range(20))
def test_what_is_packed_is_found_again(padding: int) -> None:
    values = np.arange(6, dtype=np.float32).reshape(1, 2, 3)

    fields, arrays = unpacked(
        pack({"name": "x" * padding}, {"a": np.array([True, False, True]), "b": values})
    )

    assert fields == {"name": "x" * padding}
    assert arrays["a"].tolist() == [1, 0, 1]
    assert np.array_equal(arrays["b"], values)


def test_arrays_start_where_a_browser_can_read_them() -> None:
    block = pack({}, {"a": np.ones(3, np.uint8), "b": np.ones(3, np.float32)})
    (length,) = struct.unpack("<I", block[:4])

    offsets = [entry["offset"] for entry in json.loads(block[4 : 4 + length])["arrays"].values()]

    assert all(offset % 8 == 0 for offset in offsets)


def test_a_reversed_view_is_packed_in_its_own_order() -> None:
    values = np.arange(4, dtype=np.float32)[::-1]

    _, arrays = unpacked(pack({}, {"a": values}))

    assert arrays["a"].tolist() == [3, 2, 1, 0]


def test_no_nan_gets_into_the_text() -> None:
    with pytest.raises(ValueError, match="JSON"):
        pack({"confidence": float("nan")}, {})
