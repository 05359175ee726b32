"""A method that is one ONNX graph: slices and spacing in, probabilities out."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scgm.artifacts.models import DEFAULT_MODEL, ModelCard, ModelFile, read_model
from scgm.errors import ModelError
from scgm.image.orientation import AxialStack
from scgm.segmenters.base import CordHint, Probabilities
from scgm.segmenters.runtime import (
    VERSION,
    Device,
    is_out_of_memory,
    one_line,
    processors,
    start_session,
)

# Names with their axes: number of the slice, row, column; spacing holds 3 numbers.
INPUTS = {"slices": "ZYX", "spacing": "3", "centre": "Z2"}
# The center that is used cannot be called like the one that is given: in an ONNX graph every name
# is one value.
OUTPUTS = {"gm": "ZYX", "cord": "ZYX", "found_centre": "Z2", "presence": "Z"}

# Pixels of all slices of a call; `ModelCard.slices_at_once` limits their number, too.
CHUNK_PIXELS = 2**23
# The graph smooths the cord's center along the cord by a Gaussian of 5 mm. A chunk sees two
# deviations of its neighbors, so that its own slices come out all but as if given at once.
CONTEXT_MM = 10.0


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class OnnxModel:
    """A model file, ready to run; make one with `load_model`."""

    file: ModelFile
    session: Any

    def __repr__(self) -> str:
        """Name it in one line, without its graph."""
        card = self.file.card
        runtime = self.provenance["runtime"]
        return f"<OnnxModel {card.name!r} {card.version}: {self.file.path}, {runtime}>"

    @property
    def name(self) -> str:
        """Name of the model, from its card."""
        return self.file.card.name

    @property
    def method_name(self) -> str:
        """The method that the model is for, from its card."""
        return self.file.card.method

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
        """Version and checksum of the model, and what it runs on."""
        card = self.file.card
        provider: str = self.session.get_providers()[0]
        threads = self.session.get_session_options().intra_op_num_threads
        return {
            "version": card.version,
            "sha256": card.sha256,
            "runtime": f"onnxruntime {VERSION} {provider}",
            "threads": f"{threads} of {processors()} processors",
        }

    def __call__(self, stack: AxialStack, hint: CordHint | None = None) -> Probabilities:
        """Find cord and gray matter in every slice of *stack*.

        Raises
        ------
        ModelError
            If the graph fails, or gives values that are not numbers or not of the right shape.
        """
        slices = stack.slices
        centre = np.full((len(slices), 2), np.nan, np.float32)
        if hint is not None and hint.centre_px is not None:
            centre = hint.centre_px.astype(np.float32)
        shapes = (slices.shape, slices.shape, (len(slices), 2), (len(slices),))
        found = [np.empty(shape, np.float32) for shape in shapes]
        start = 0
        for seen, own in _chunks(slices.shape, stack.spacing_mm, self.file.card):
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
            what = f"model {self.name}: {len(slices)} slices of {slices.shape[1:]} pixels"
            if is_out_of_memory(error):
                msg = f"{what} need more memory than there is; close other programs"
            else:
                msg = f"{what} make it fail: {one_line(error)}"
            raise ModelError(msg) from error
        self._check_shapes(results, slices.shape)
        results[2] = _within(results[2], slices.shape)
        return results

    def _check_shapes(self, results: list[NDArray[np.float32]], shape: tuple[int, ...]) -> None:
        lengths = {**dict(zip("ZYX", shape, strict=True)), "2": 2}
        for (name, axes), values in zip(OUTPUTS.items(), results, strict=True):
            expected = tuple(lengths[axis] for axis in axes)
            if values.shape != expected:
                msg = (
                    f"model {self.name}: it gives {name} of shape {values.shape} for slices of "
                    f"{shape}, not {expected}; use another --model"
                )
                raise ModelError(msg)


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
        A name that ``scgm models`` lists, or an ``.onnx`` file with its card beside it; by default
        the shipped model.
    device : {"auto", "cpu", "cuda"}
        Where it runs; "auto" takes CUDA where it is at hand.
    threads : int, optional
        Processor threads; by default the variable SCGM_THREADS, else all; never more than there
        are processors.

    Returns
    -------
    OnnxModel
        To be given to `scgm.segment` as *segmenter*, for many images.

    Raises
    ------
    ModelError
        If the model is unknown, damaged, of another interface, or the device is not there.
    UsageError
        If the number of threads is not a whole number above zero, or the device has another name.
    """
    file = read_model(name_or_path)
    session = start_session(file.graph, file.path, device=device, threads=threads)
    _check_interface(file, session)
    return OnnxModel(file, session)


def _check_interface(file: ModelFile, session: Any) -> None:
    inputs = {value.name: _form(value) for value in session.get_inputs()}
    outputs = {value.name: _form(value) for value in session.get_outputs()}
    if set(inputs) != set(INPUTS) or not set(outputs).issuperset(OUTPUTS):
        msg = (
            f"{file.path}: the graph has inputs {sorted(inputs)} and outputs {sorted(outputs)}; "
            f"a model for scgm has inputs {list(INPUTS)} and outputs {list(OUTPUTS)}"
        )
        raise ModelError(msg)
    forms = inputs | outputs
    for name, axes in (INPUTS | OUTPUTS).items():
        if forms[name] not in (("tensor(float)", len(axes)), ("tensor(float)", None)):
            kind, rank = forms[name]
            msg = (
                f"{file.path}: {name} is {kind} with {rank} axes; a model for scgm has "
                f"tensor(float) with {len(axes)} ({', '.join(axes)})"
            )
            raise ModelError(msg)


def _form(value: Any) -> tuple[str, int | None]:
    """Return type and number of axes of an input or output; None where the graph leaves it open."""
    return value.type, len(value.shape) if value.shape else None


def _chunks(
    shape: tuple[int, ...], spacing_mm: tuple[float, float, float], card: ModelCard
) -> Iterator[tuple[slice, slice]]:
    """Cut Z slices into chunks: what the graph sees, and which part of that is kept."""
    count, pixels = shape[0], math.prod(shape[1:])
    finer = min(1.0, max(*spacing_mm[1:], card.finest_mm) / card.finer_below_mm)
    most = max(1, min(int(card.slices_at_once * finer**2), CHUNK_PIXELS // pixels))
    if count <= most:
        yield slice(0, count), slice(0, count)
        return
    # Very thin slices would be all context and no progress: a third on either side is the most.
    wanted = max(math.ceil(CONTEXT_MM / spacing_mm[0]), card.reach_slices)
    context = min(wanted, (most - 1) // 3)
    step = most - 2 * context
    for start in range(0, count, step):
        stop = min(start + step, count)
        first = max(0, start - context)
        yield slice(first, min(count, stop + context)), slice(start - first, stop - first)


def _within(centre_px: NDArray[np.float32], shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Return the centers (Z, 2); NaN where one lies outside of its slice."""
    size = np.array(shape[1:], np.float32)
    inside = np.all((centre_px >= -1) & (centre_px <= size), axis=1)
    return np.where(inside[:, None], centre_px, np.float32(np.nan))
