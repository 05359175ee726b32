"""Atlases and models that are damaged, wrong or made to do harm, each with a card that fits them.

Everything is small and made in memory. `hostile_atlases` and `hostile_models` write them one by one
to a folder; what is written has a name that says what is wrong.
"""

from __future__ import annotations

import io
import json
import struct
import zipfile
from collections.abc import Callable, Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from scgm.artifacts.atlases import read_atlas
from scgm.segmenters.methods import METHODS
from tests.helpers.standin import standin_graph

Arrays = dict[str, NDArray[Any]]

ATLAS_METHODS = tuple(name for name, method in METHODS.items() if method.build)
CARD: dict[str, Any] = {
    "name": "hostile",
    "version": "1",
    "description": "made to do harm",
    "license": "MIT",
    "created": "2026-11-25",
}
GRAPH_CARD: dict[str, Any] = {
    **CARD,
    "method": "default",
    "opset": 17,
    "inputs": ["slices", "spacing", "centre"],
    "outputs": ["gm", "cord", "found_centre", "presence"],
}


def write_pair(folder: Path, name: str, content: bytes, card: object | bytes) -> Path:
    """Write a file with its card; a card that is a mapping gets the right checksum."""
    suffix = ".npz" if isinstance(card, dict) and "opset" not in card else ".onnx"
    path = folder / f"{name}{suffix}"
    path.write_bytes(content)
    if isinstance(card, dict):
        card = json.dumps({"sha256": sha256(content).hexdigest(), **card}).encode()
    assert isinstance(card, bytes)
    path.with_suffix(".json").write_bytes(card)
    return path


# Atlases


def hostile_atlases(folder: Path, method: str) -> Iterator[tuple[str, Path]]:
    """Write hostile atlases for a method; return what is wrong, and the file."""
    # A few slices of the many, where there are many.
    good = {
        name: values[:3] if _is_of_slices(method, name, values) else values
        for name, values in read_atlas(method, method).arrays.items()
    }
    card = {**CARD, "method": method}
    for name, arrays in _wrong_arrays(good):
        yield name, write_pair(folder, f"{method}-{name}", packed(arrays), card)
    for name, content in _wrong_archives(packed(good)):
        yield name, write_pair(folder, f"{method}-{name}", content, card)


def _is_of_slices(method: str, name: str, values: NDArray[Any]) -> bool:
    return method in ("jcscs", "sct") and (values.ndim == 3 or name == "level")


def packed(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """Return arrays as the content of an ``.npz`` file."""
    content = io.BytesIO()
    np.savez(content, **dict(arrays))  # type: ignore[arg-type]
    return content.getvalue()


def _wrong_arrays(good: Arrays) -> Iterator[tuple[str, Arrays]]:
    yield "none", {}
    for key, values in good.items():
        yield f"without-{key}", {name: each for name, each in good.items() if name != key}
        for what, change in _CHANGES.items():
            yield f"{key}-{what}", {**good, key: change(values)}


_CHANGES: dict[str, Callable[[NDArray[Any]], NDArray[Any]]] = {
    "empty": lambda values: values[..., :0] if values.ndim else np.zeros(0, values.dtype),
    "one-axis-more": lambda values: values[None],
    "text": lambda values: np.full(values.shape, "x"),
    "objects": lambda values: np.full(values.shape, None, object),
    "complex": lambda values: values.astype(complex),
    "nan": lambda values: np.full(values.shape, np.nan),
    "inf": lambda values: np.full(values.shape, np.inf, np.float32),
    "zeros": np.zeros_like,
    "huge": lambda values: np.full(values.shape, 1e300),
    "negative": lambda values: -np.abs(values.astype(np.float64)) - 1,
    "column": lambda values: values.reshape(-1, 1, 1, 1),
    "other-length": lambda values: np.resize(values, tuple(n + 1 for n in values.shape) or (2,)),
}


def _wrong_archives(good: bytes) -> Iterator[tuple[str, bytes]]:
    yield "no-bytes", b""
    yield "no-archive", b"this is not an archive" * 10
    yield "half", good[: len(good) // 2]
    yield "end-only", good[-22:]
    yield "encrypted", _flagged(good, 1)
    yield "bad-deflate", _broken_data(good)
    yield "unknown-compression", _method_of(good, 99)
    yield "no-array-inside", _archive({"image.npy": b"\x93NUMPY"})
    yield "empty-member", _archive({"image.npy": b""})
    yield "deep-header", _archive({"image.npy": _header("(" * 9000)})
    yield "header-of-code", _archive({"image.npy": _header("__import__('os').abort()")})
    yield "declares-more", _archive({"image.npy": _declares((2**40,))})
    yield "declares-negative", _archive({"image.npy": _declares((-1,))})
    yield "declares-overflow", _archive({"image.npy": _declares((2**62, 2**62))})
    yield "many-members", _archive({f"{k}.npy": b"" for k in range(1000)})
    yield "bomb", _declares_size(_archive({"image.npy": bytes(2**20)}), 2**31)
    yield "pickle", _archive({"image.npy": b"cos\nsystem\n(S'false'\ntR."})


def _archive(members: Mapping[str, bytes]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return content.getvalue()


def _declares_size(content: bytes, size: int) -> bytes:
    """Let the only member of an archive say that it is larger than it is."""
    changed = bytearray(content)
    place = changed.find(b"PK\x01\x02") + 24
    changed[place : place + 4] = struct.pack("<I", size)
    return bytes(changed)


def _flagged(content: bytes, flag: int) -> bytes:
    """Set a flag of every member, as that of encryption."""
    changed = bytearray(content)
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = changed.find(mark)
        while place >= 0:
            changed[place + offset] |= flag
            place = changed.find(mark, place + 4)
    return bytes(changed)


def _method_of(content: bytes, method: int) -> bytes:
    changed = bytearray(content)
    for mark, offset in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        place = changed.find(mark)
        while place >= 0:
            changed[place + offset : place + offset + 2] = struct.pack("<H", method)
            place = changed.find(mark, place + 4)
    return bytes(changed)


def _broken_data(content: bytes) -> bytes:
    changed = bytearray(content)
    start = 30 + int.from_bytes(changed[26:28], "little") + int.from_bytes(changed[28:30], "little")
    changed[start : start + 64] = b"\xff" * 64
    return bytes(changed)


def _header(text: str) -> bytes:
    data = text.encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(data)) + data


def _declares(shape: tuple[int, ...]) -> bytes:
    return _header(f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}\n") + bytes(64)


# Models


def hostile_models(folder: Path) -> Iterator[tuple[str, Path]]:
    """Write hostile models; return what is wrong, and the file."""
    graph = standin_graph()
    for name, content in _wrong_graphs(graph):
        yield name, write_pair(folder, name, content, GRAPH_CARD)
    for name, card in _wrong_cards(graph):
        yield name, write_pair(folder, name, graph, card)


def _wrong_graphs(good: bytes) -> Iterator[tuple[str, bytes]]:
    yield "no-bytes", b""
    yield "text", b"this is not a graph"
    yield "zeros", bytes(4096)
    yield "ort-format", b"\x20\x00\x00\x00ORTM" + bytes(256)
    rng = np.random.default_rng(0)
    for cut in (1, 10, 100, len(good) // 2, len(good) - 1):
        yield f"first-{cut}", good[:cut]
    for k in range(30):
        changed = bytearray(good)
        for place in rng.integers(0, len(good), 1 + 3 * k):
            changed[place] = rng.integers(0, 256)
        yield f"bytes-{k}", bytes(changed)
    for name, change in _GRAPH_CHANGES.items():
        model = onnx.load_from_string(good)
        change(model.graph)
        yield name, model.SerializeToString()
    model = onnx.load_from_string(good)
    model.functions.add(name="f", domain="own")
    yield "functions", model.SerializeToString()
    yield "zeros-after-it", good + bytes(2**22)


def _becomes(output: str, *nodes: onnx.NodeProto) -> Callable[[onnx.GraphProto], None]:
    """Return what lets other nodes make an output of the graph."""

    def change(graph: onnx.GraphProto) -> None:
        for node in graph.node:
            node.output[:] = [f"{name}_before" if name == output else name for name in node.output]
            node.input[:] = [f"{name}_before" if name == output else name for name in node.input]
        graph.node.extend(nodes)

    return change


def _node(operator: str, inputs: list[str], output: str, **attributes: Any) -> onnx.NodeProto:
    return onnx.helper.make_node(operator, inputs, [output], **attributes)


def _endless() -> onnx.NodeProto:
    """Return a loop that ends after 2^62 rounds."""
    kind = onnx.TensorProto
    body = onnx.helper.make_graph(
        [_node("Identity", ["go"], "go_on"), _node("Identity", ["value"], "next")],
        "body",
        [
            onnx.helper.make_tensor_value_info("round", kind.INT64, []),
            onnx.helper.make_tensor_value_info("go", kind.BOOL, []),
            onnx.helper.make_tensor_value_info("value", kind.FLOAT, None),
        ],
        [
            onnx.helper.make_tensor_value_info("go_on", kind.BOOL, []),
            onnx.helper.make_tensor_value_info("next", kind.FLOAT, None),
        ],
    )
    return _node("Loop", ["rounds", "", "gm_before"], "gm", body=body)


def _number(name: str, value: int) -> onnx.TensorProto:
    return onnx.numpy_helper.from_array(np.array(value, np.int64), name)


def _loop(graph: onnx.GraphProto) -> None:
    _becomes("gm", _endless())(graph)
    graph.initializer.append(_number("rounds", 2**62))


def _branch(graph: onnx.GraphProto) -> None:
    kind = onnx.TensorProto
    same = onnx.helper.make_graph(
        [_node("Identity", ["gm_before"], "same")],
        "branch",
        [],
        [onnx.helper.make_tensor_value_info("same", kind.FLOAT, None)],
    )
    yes = onnx.numpy_helper.from_array(np.array(True), "yes")
    _becomes("gm", _node("If", ["yes"], "gm", then_branch=same, else_branch=same))(graph)
    graph.initializer.append(yes)


def _elsewhere(graph: onnx.GraphProto) -> None:
    tensor = graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.ClearField("float_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="weights.bin")


def _elsewhere_in_node(graph: onnx.GraphProto) -> None:
    tensor = onnx.numpy_helper.from_array(np.zeros(4, np.float32), "away")
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="/etc/hostname")
    graph.node.insert(0, _node("Constant", [], "unused", value=tensor))


def _more_slices(graph: onnx.GraphProto) -> None:
    both = _node("Concat", ["gm_before", "gm_before"], "gm", axis=0)
    _becomes("gm", both)(graph)


def _scalar_presence(graph: onnx.GraphProto) -> None:
    _becomes("presence", _node("ReduceMax", ["presence_before"], "presence", keepdims=0))(graph)
    value = next(each for each in graph.output if each.name == "presence")
    value.type.tensor_type.shape.ClearField("dim")


def _rank_unknown(graph: onnx.GraphProto) -> None:
    _scalar_presence(graph)
    value = next(each for each in graph.output if each.name == "presence")
    value.type.tensor_type.ClearField("shape")


def _scaled(output: str, value: float) -> Callable[[onnx.GraphProto], None]:
    def change(graph: onnx.GraphProto) -> None:
        factor = onnx.numpy_helper.from_array(np.array(value, np.float32), "factor")
        _becomes(output, _node("Mul", [f"{output}_before", "factor"], output))(graph)
        graph.initializer.append(factor)

    return change


def _as_double(graph: onnx.GraphProto) -> None:
    _becomes("gm", _node("Cast", ["gm_before"], "gm", to=onnx.TensorProto.DOUBLE))(graph)
    value = next(each for each in graph.output if each.name == "gm")
    value.type.tensor_type.elem_type = onnx.TensorProto.DOUBLE


def _large(graph: onnx.GraphProto) -> None:
    """Ask for 4 TB at run time."""
    shape = onnx.numpy_helper.from_array(np.array([2**20, 2**10, 2**10], np.int64), "shape_asked")
    _becomes("gm", _node("Expand", ["factor_one", "shape_asked"], "gm"))(graph)
    graph.initializer.append(shape)
    graph.node.insert(0, _node("ReduceMax", ["spacing"], "factor_one", keepdims=1))


def _unnamed(graph: onnx.GraphProto) -> None:
    graph.output[0].name = "other"


def _without_output(graph: onnx.GraphProto) -> None:
    del graph.output[1]


def _unknown_operator(graph: onnx.GraphProto) -> None:
    graph.node[0].op_type = "NoSuchThing"


def _foreign_operator(graph: onnx.GraphProto) -> None:
    graph.node[0].domain = "com.example"


def _circle(graph: onnx.GraphProto) -> None:
    graph.node[0].input[0] = graph.node[-1].output[0]


_GRAPH_CHANGES: dict[str, Callable[[onnx.GraphProto], None]] = {
    "loop": _loop,
    "branch": _branch,
    "weights-elsewhere": _elsewhere,
    "constant-elsewhere": _elsewhere_in_node,
    "more-slices": _more_slices,
    "scalar-presence": _scalar_presence,
    "scalar-presence-undeclared": _rank_unknown,
    "gm-nan": _scaled("gm", float("nan")),
    "cord-inf": _scaled("cord", float("inf")),
    "presence-nan": _scaled("presence", float("nan")),
    "gm-huge": _scaled("gm", 1e30),
    "gm-negative": _scaled("gm", -1e30),
    "center-huge": _scaled("found_centre", 1e30),
    "center-nan": _scaled("found_centre", float("nan")),
    "double": _as_double,
    "large": _large,
    "unnamed": _unnamed,
    "without-output": _without_output,
    "unknown-operator": _unknown_operator,
    "foreign-operator": _foreign_operator,
    "circle": _circle,
}


def _wrong_cards(graph: bytes) -> Iterator[tuple[str, Any]]:
    right = {**GRAPH_CARD, "sha256": sha256(graph).hexdigest()}
    yield "card-empty", b""
    yield "card-not-utf8", b"\xff\xfe" + json.dumps(right).encode()
    yield "card-deep", b"[" * 100_000
    yield "card-deep-inside", _with(right, "training", b'{"a":' * 5000 + b"1" + b"}" * 5000)
    yield "card-large", b" " * (2**24 + 1)
    yield "card-list", b"[]"
    yield "card-digits", _with(right, "opset", b"9" * 5000)
    yield "card-surrogate", _with(right, "name", b'"\\ud800"')
    for key, values in _CARD_CHANGES.items():
        for k, value in enumerate(values):
            yield f"card-{key}-{k}", {**GRAPH_CARD, key: value}


def _with(card: Mapping[str, Any], key: str, value: bytes) -> bytes:
    """Return a card as JSON with one value as it stands."""
    return json.dumps({**card, key: "HERE"}).encode().replace(b'"HERE"', value)


_CARD_CHANGES: dict[str, tuple[Any, ...]] = {
    "threshold": (float("nan"), float("inf"), 0, 1, -1, "0.5x", None, [], 1e400),
    "slices_at_once": (0, -1, 1.5, 10**30, "x", None),
    "reach_slices": (-1, 10**30, "x", None),
    "finest_mm": (0, -1, float("nan"), 1e300, "x", None),
    "confidence": ({"intercept": float("nan")}, {"intercept": "x"}, [], {"a": 1}),
    "name": ("a\x1b[31mb", "x" * 10_000, None, 1, ["a"]),
    "method": ("ddc", "sct", "no such method", "", None),
    "sha256": ("0" * 64, "", None, "g" * 64),
    "training": (None, [], "x"),
    "scores": (None, "x", [1]),
    "inputs": (None, [1]),
    "surprise": (1,),
}
