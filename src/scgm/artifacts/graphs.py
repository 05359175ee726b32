"""What a model file may hold, told from its bytes before the runtime sees them.

A graph that branches or loops can run forever, and one that names other files takes weights that
no checksum covers. Both are refused. An ONNX file is a protocol buffer; only the few fields that
matter are read here, so the package needs no further library for it.
"""

from __future__ import annotations

from collections.abc import Iterator

from scgm.errors import ModelError

# Numbers of fields in onnx.proto.
_MODEL_GRAPH, _MODEL_FUNCTIONS = 7, 25
_GRAPH_NODE, _GRAPH_TENSOR, _GRAPH_SPARSE = 1, 5, 15
_NODE_OPERATOR, _NODE_ATTRIBUTE = 4, 5
_ATTRIBUTE_TENSORS, _ATTRIBUTE_SPARSE, _ATTRIBUTE_GRAPHS = (5, 10), (22, 23), (6, 11)
_SPARSE_TENSORS = (1, 2)
_TENSOR_EXTERNAL, _TENSOR_LOCATION = 13, 14

_CONTROL_FLOW = (b"Loop", b"Scan", b"If", b"SequenceMap")
_FIXED = {1: 8, 5: 4}
_MOST_VARINT = 10


def check_graph(content: bytes, source: object) -> None:
    """Make sure that a graph has an end and is all in one file.

    Parameters
    ----------
    content : bytes
        Of an ONNX file.
    source : object
        What messages call it.

    Raises
    ------
    ModelError
        If it is not an ONNX graph, loops or branches, or names other files.
    """
    try:
        found = _first_fault(memoryview(content))
    except _MalformedError as error:
        msg = f"{source}: this is not an ONNX graph that can run: {error}"
        raise ModelError(msg) from error
    if found is not None:
        msg = f"{source}: {found}; export the model without it"
        raise ModelError(msg)


class _MalformedError(Exception):
    """The bytes are not a protocol buffer, or not one of a model."""


def _first_fault(model: memoryview) -> str | None:
    graphs = []
    for field, value in _fields(model):
        if field == _MODEL_FUNCTIONS:
            return "the graph defines functions, which can call themselves without end"
        if field == _MODEL_GRAPH:
            graphs.append(_message(value))
    if not graphs:
        msg = "it holds no graph"
        raise _MalformedError(msg)
    return next((fault for graph in graphs for fault in _graph_faults(graph)), None)


def _graph_faults(graph: memoryview) -> Iterator[str]:
    for field, value in _fields(graph):
        if field == _GRAPH_NODE:
            yield from _node_faults(_message(value))
        elif field == _GRAPH_TENSOR:
            yield from _tensor_faults(_message(value))
        elif field == _GRAPH_SPARSE:
            yield from _sparse_faults(_message(value))


def _node_faults(node: memoryview) -> Iterator[str]:
    for field, value in _fields(node):
        if field == _NODE_OPERATOR and (name := bytes(_message(value))) in _CONTROL_FLOW:
            yield f"the graph uses {name.decode()}, which may never end"
        elif field == _NODE_ATTRIBUTE:
            yield from _attribute_faults(_message(value))


def _attribute_faults(attribute: memoryview) -> Iterator[str]:
    for field, value in _fields(attribute):
        if field in _ATTRIBUTE_GRAPHS:
            yield "the graph holds another graph, as loops and branches do"
        elif field in _ATTRIBUTE_TENSORS:
            yield from _tensor_faults(_message(value))
        elif field in _ATTRIBUTE_SPARSE:
            yield from _sparse_faults(_message(value))


def _sparse_faults(sparse: memoryview) -> Iterator[str]:
    for field, value in _fields(sparse):
        if field in _SPARSE_TENSORS:
            yield from _tensor_faults(_message(value))


def _tensor_faults(tensor: memoryview) -> Iterator[str]:
    for field, value in _fields(tensor):
        if field == _TENSOR_EXTERNAL or (field == _TENSOR_LOCATION and value != 0):
            yield "the graph keeps weights in another file, which its card does not vouch for"


def _fields(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Read the fields of a message: number, and value (a whole number, or bytes)."""
    place = 0
    while place < len(message):
        key, place = _varint(message, place)
        field, kind = key >> 3, key & 7
        if kind == 0:
            number, place = _varint(message, place)
            yield field, number
            continue
        if kind == 2:
            length, place = _varint(message, place)
        elif kind in _FIXED:
            length = _FIXED[kind]
        else:
            msg = f"byte {place} is of an unknown kind"
            raise _MalformedError(msg)
        if field == 0 or place + length > len(message):
            msg = "it ends too early"
            raise _MalformedError(msg)
        yield field, message[place : place + length]
        place += length


def _varint(message: memoryview, place: int) -> tuple[int, int]:
    """Read a whole number of seven bits a byte; return it and the place after it."""
    value = 0
    for step, byte in enumerate(message[place : place + _MOST_VARINT]):
        value |= (byte & 127) << (7 * step)
        if byte < 128:
            return value, place + step + 1
    msg = "it ends too early"
    raise _MalformedError(msg)


def _message(value: int | memoryview) -> memoryview:
    if isinstance(value, int):
        msg = "a number stands where a part of the graph is expected"
        raise _MalformedError(msg)
    return value
