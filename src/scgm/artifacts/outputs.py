"""More outputs for a graph: any tensor in it by name, so that one can look inside a network.

Where a field of a protocol buffer occurs twice, a reader joins both: a graph with nothing but
outputs, written behind a model, adds them to it. No further library is needed.
"""

from __future__ import annotations

from collections.abc import Sequence

# Numbers of fields in onnx.proto; all of them hold bytes.
_MODEL_GRAPH, _GRAPH_OUTPUT, _VALUE_NAME = 7, 12, 1
_BYTES = 2


def with_outputs(graph: bytes, names: Sequence[str]) -> bytes:
    """Return a graph that also gives the tensors of these names.

    Parameters
    ----------
    graph : bytes
        Content of an ONNX file.
    names : sequence of str
        Tensors or weights in it. One that is not there makes the runtime refuse the graph.
    """
    outputs = (_field(_GRAPH_OUTPUT, _field(_VALUE_NAME, name.encode())) for name in names)
    return graph + _field(_MODEL_GRAPH, b"".join(outputs))


def _field(number: int, content: bytes) -> bytes:
    return _varint(number << 3 | _BYTES) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    """Write a whole number in pieces of seven bits, the least significant first."""
    written = bytearray()
    while value > 127:
        written.append(value & 127 | 128)
        value >>= 7
    return bytes([*written, value])
