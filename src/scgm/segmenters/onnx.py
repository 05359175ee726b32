"""A method that is one ONNX graph: slices and spacing in, probabilities out."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from scgm.artifacts.models import DEFAULT_MODEL, ModelCard, ModelFile, read_model
from scgm.errors import ModelError, UsageError
from scgm.image.orientation import AxialStack
from scgm.segmenters.base import CordHint, Probabilities

INPUTS = ("slices", "spacing", "centre")
# The center that is used cannot be called like the one that is given: in an ONNX graph every name
# is one value.
OUTPUTS = ("gm", "cord", "found_centre", "presence")

# Pixels of all slices of a call; `ModelCard.slices_at_once` limits their number, too.
CHUNK_PIXELS = 2**23
# The graph smooths the cord's center along the cord by a Gaussian of 5 mm. A chunk sees two
# deviations of its neighbors, so that its own slices come out all but as if given at once.
CONTEXT_MM = 10.0

Device = Literal["auto", "cpu", "cuda"]


@dataclass(frozen=True, slots=True, eq=False)
class OnnxModel:
    """A model file, ready to run; make one with `load_model`."""

    file: ModelFile
    session: Any

    @property
    def name(self) -> str:
        """Name of the model, from its card."""
        return self.file.card.name

    @property
    def threshold(self) -> float:
        """Threshold of the model, from its card."""
        return self.file.card.threshold

    @property
    def confidence(self) -> Mapping[str, float] | None:
        """Coefficients of the model's confidence, from its card."""
        return self.file.card.confidence

    @property
    def provenance(self) -> Mapping[str, str | None]:
        """Version and checksum of the model, and what it ran on."""
        card = self.file.card
        provider: str = self.session.get_providers()[0]
        return {
            "version": card.version,
            "sha256": card.graph_sha256,
            "runtime": f"onnxruntime {ort.__version__} {provider}",
        }

    def __call__(self, stack: AxialStack, hint: CordHint | None = None) -> Probabilities:
        """Find cord and gray matter in every slice of *stack*.

        Raises
        ------
        ModelError
            If the graph fails, or gives values that are not numbers.
        """
        slices = stack.slices
        centre = np.full((len(slices), 2), np.nan, np.float32)
        if hint is not None and hint.centre_px is not None:
            centre = hint.centre_px.astype(np.float32)
        shapes = (slices.shape, slices.shape, (len(slices), 2), (len(slices),))
        found = [np.empty(shape, np.float32) for shape in shapes]
        start = 0
        for seen, own in _chunks(slices.shape, stack.spacing_mm[0], self.file.card):
            results = self._run(slices[seen], stack.spacing_mm, centre[seen])
            stop = start + own.stop - own.start
            for values, part in zip(found, results, strict=True):
                values[start:stop] = part[own]
            start = stop
        return Probabilities(*found)

    def _run(
        self,
        slices: NDArray[np.float32],
        spacing_mm: tuple[float, float, float],
        centre_px: NDArray[np.float32],
    ) -> list[NDArray[np.float32]]:
        feeds = {
            "slices": np.ascontiguousarray(slices, np.float32),
            "spacing": np.asarray(spacing_mm, np.float32),
            "centre": centre_px,
        }
        try:
            results: list[NDArray[np.float32]] = self.session.run(list(OUTPUTS), feeds)
        except Exception as error:  # the runtime has no common class for its errors
            msg = (
                f"model {self.name}: it failed on slices of {slices.shape} pixels: "
                f"{_one_line(error)}"
            )
            raise ModelError(msg) from error
        return results


def load_model(
    name_or_path: str | Path = DEFAULT_MODEL,
    *,
    device: Device = "auto",
    threads: int | None = None,
) -> OnnxModel:
    """Read, check and start a model.

    Parameters
    ----------
    name_or_path : str or Path
        A name out of `scgm.artifacts.models.model_names`, or an ``.onnx`` file with its card
        beside it.
    device : {"auto", "cpu", "cuda"}
        Where it runs; "auto" takes CUDA where it is at hand.
    threads : int, optional
        Processor threads; by default the variable SCGM_THREADS, else all.

    Raises
    ------
    ModelError
        If the model is unknown, damaged, of another interface, or the device is not there.
    UsageError
        If the number of threads is not a whole number above zero.
    """
    file = read_model(name_or_path)
    options = ort.SessionOptions()
    options.intra_op_num_threads = _thread_count(threads)
    options.inter_op_num_threads = 1
    options.enable_mem_pattern = False  # plans memory for a fixed shape: ours vary, and it costs
    options.log_severity_level = 4  # what fails is raised; nothing else goes to the terminal
    try:
        session = ort.InferenceSession(file.graph, options, providers=_providers(device))
    except ModelError:
        raise
    except Exception as error:  # the runtime has no common class for its errors
        msg = f"{file.path}: this is not an ONNX graph that can run: {_one_line(error)}"
        raise ModelError(msg) from error
    _check_interface(file, session)
    if device == "cuda" and session.get_providers()[0] != "CUDAExecutionProvider":
        raise ModelError(_NO_CUDA)
    return OnnxModel(file, session)


_NO_CUDA = (
    "device cuda was asked for, but ONNX Runtime finds no usable CUDA on this machine; "
    "install onnxruntime-gpu with its CUDA libraries, or use --device cpu"
)


def _providers(device: Device) -> list[tuple[str, dict[str, str]]]:
    # Memory once taken is kept for the next call, which halves the time of a slice: but no more of
    # it than is asked for, where the runtime would take twice as much each time.
    processor = ("CPUExecutionProvider", {"arena_extend_strategy": "kSameAsRequested"})
    at_hand = "CUDAExecutionProvider" in ort.get_available_providers()
    if device == "cuda" and not at_hand:
        raise ModelError(_NO_CUDA)
    if device == "cpu" or not at_hand:
        return [processor]
    return [("CUDAExecutionProvider", {}), processor]


def _thread_count(threads: int | None) -> int:
    asked = os.environ.get("SCGM_THREADS") if threads is None else str(threads)
    if not asked:
        # Named, not left to the runtime, which counts the machine's cores and not ours.
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 0
    if not asked.isdecimal() or int(asked) < 1:
        msg = f"the number of threads (SCGM_THREADS) is {asked!r}; give a whole number above 0"
        raise UsageError(msg)
    return int(asked)


def _check_interface(file: ModelFile, session: Any) -> None:
    inputs = {value.name for value in session.get_inputs()}
    outputs = {value.name for value in session.get_outputs()}
    if inputs != set(INPUTS) or not outputs.issuperset(OUTPUTS):
        msg = (
            f"{file.path}: the graph has inputs {sorted(inputs)} and outputs {sorted(outputs)}; "
            f"a model for scgm has inputs {list(INPUTS)} and outputs {list(OUTPUTS)}"
        )
        raise ModelError(msg)


def _chunks(
    shape: tuple[int, ...], distance_mm: float, card: ModelCard
) -> Iterator[tuple[slice, slice]]:
    """Cut Z slices into chunks: what the graph sees, and which part of that is kept."""
    count, pixels = shape[0], math.prod(shape[1:])
    most = max(1, min(card.slices_at_once, CHUNK_PIXELS // pixels))
    if count <= most:
        yield slice(0, count), slice(0, count)
        return
    # Very thin slices would be all context and no progress: a third on either side is the most.
    wanted = max(math.ceil(CONTEXT_MM / distance_mm), card.reach_slices)
    context = min(wanted, (most - 1) // 3)
    step = most - 2 * context
    for start in range(0, count, step):
        stop = min(start + step, count)
        first = max(0, start - context)
        yield slice(first, min(count, stop + context)), slice(start - first, stop - first)


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
