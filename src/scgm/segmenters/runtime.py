"""The one place that imports ONNX Runtime: its telemetry is switched off before it is loaded.

Without that variable the library writes a device identifier and an event database into the home
and opens connections. The call below is too late for it and only covers a library that somebody
else has loaded before.
"""

from __future__ import annotations

import os
from typing import Any, Literal, get_args

os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import onnxruntime as ort

from scgm.errors import ModelError, UsageError

ort.disable_telemetry_events()

VERSION: str = ort.__version__
Device = Literal["auto", "cpu", "cuda"]

NO_CUDA = (
    "device cuda was asked for, but ONNX Runtime finds no usable CUDA on this machine; "
    "install onnxruntime-gpu with its CUDA libraries, or use --device cpu"
)
_MEMORY_WORDS = ("allocate", "bad_alloc", "bad allocation", "out of memory")


def start_session(
    graph: bytes, source: object, *, device: Device = "auto", threads: int | None = None
) -> Any:
    """Start the runtime with a graph.

    Parameters
    ----------
    graph : bytes
        The content of an ONNX file.
    source : object
        What messages call the graph.
    device : {"auto", "cpu", "cuda"}
        Where it runs; "auto" takes CUDA where it is at hand.
    threads : int, optional
        As in `thread_count`.

    Raises
    ------
    ModelError
        If it is not a graph that can run, the memory is too small, or the device is not there.
    UsageError
        If there is no such device, or the number of threads is not a whole number above zero.
    """
    if device not in get_args(Device):
        msg = f"there is no device {device!r}; known: {', '.join(get_args(Device))}"
        raise UsageError(msg)
    options = ort.SessionOptions()
    options.intra_op_num_threads = thread_count(threads)
    options.inter_op_num_threads = 1
    options.enable_mem_pattern = False  # plans memory for a fixed shape: ours vary, and it costs
    options.log_severity_level = 4  # what fails is raised; nothing else goes to the terminal
    options.add_session_config_entry("session.load_model_format", "ONNX")
    providers = _providers(device)
    try:
        session = ort.InferenceSession(graph, options, providers=providers)
    except Exception as error:  # the runtime has no common class for its errors
        if is_out_of_memory(error):
            msg = f"{source}: there is not enough memory to start it; close other programs"
        else:
            msg = f"{source}: this is not an ONNX graph that can run: {one_line(error)}"
        raise ModelError(msg) from error
    if device == "cuda" and session.get_providers()[0] != "CUDAExecutionProvider":
        raise ModelError(NO_CUDA)
    return session


def thread_count(asked: int | None = None) -> int:
    """Return how many threads to use: never more than this process has processors.

    Parameters
    ----------
    asked : int, optional
        By default the variable SCGM_THREADS, else all processors.

    Raises
    ------
    UsageError
        If it is not a whole number above zero.
    """
    text = os.environ.get("SCGM_THREADS", "") if asked is None else str(asked)
    if not text:
        return processors()
    digits = text.lstrip("0")
    if not (text.isascii() and text.isdecimal() and digits):
        msg = f"the number of threads (SCGM_THREADS) is {text[:20]!r}; give a whole number above 0"
        raise UsageError(msg)
    return processors() if len(digits) > 9 else min(int(digits), processors())


def processors() -> int:
    """Return how many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def is_out_of_memory(error: Exception) -> bool:
    """Tell whether an error of the runtime means that the memory is too small."""
    text = str(error).lower()
    return isinstance(error, MemoryError) or any(word in text for word in _MEMORY_WORDS)


def one_line(error: Exception) -> str:
    """Return the start of an error's message in one line."""
    return " ".join(str(error).split())[:200]


def _providers(device: Device) -> list[tuple[str, dict[str, str]]]:
    # Memory once taken is kept for the next call, which halves the time of a slice: but no more of
    # it than is asked for, where the runtime would take twice as much each time.
    processor = ("CPUExecutionProvider", {"arena_extend_strategy": "kSameAsRequested"})
    at_hand = "CUDAExecutionProvider" in ort.get_available_providers()
    if device == "cpu" or not at_hand:
        return [processor]
    return [("CUDAExecutionProvider", {}), processor]
