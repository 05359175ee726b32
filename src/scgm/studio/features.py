"""What the dilated network ``ddc`` makes of a slice: maps of each branch, and what each adds.

The network of Perone et al. (Scientific Reports 8, 5966, 2018) looks at a slice by branches of
different dilation side by side, joins their maps and decides pixel by pixel. `see` gives the maps
of every branch, and the probability of gray matter where the maps of one branch are replaced by
their mean over the window: the branch then says nothing of places, and what changes is its effect.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scgm.artifacts.models import read_model
from scgm.artifacts.outputs import with_outputs
from scgm.errors import ModelError
from scgm.image.intensities import for_methods
from scgm.image.orientation import AxialStack
from scgm.segmenters.onnx import load_model
from scgm.segmenters.presence import is_present
from scgm.segmenters.runtime import start_session

Maps = NDArray[np.float32]

MODEL = "ddc"
SAMPLE_MM = 0.25
_EPSILON = 1e-3  # of batch normalization, as Keras has it
# Two 3x3 convolutions and two of dilation 2 come before all branches.
_BEFORE = 1 + 2 * 2 + 2 * 4
_JOINED = "/segmenter/Concat_output_0"
_NORM = ("weight", "bias", "running_mean", "running_var")
_WEIGHTS = (
    *(f"segmenter.join.0.{name}" for name in _NORM),
    *(f"segmenter.reduce.0.{name}" for name in ("weight", "bias")),
    *(f"segmenter.reduce.2.{name}" for name in _NORM),
    *(f"segmenter.predict.{name}" for name in ("weight", "bias")),
)


@dataclass(frozen=True, slots=True)
class Branch:
    """A branch of the network.

    Parameters
    ----------
    name : str
        What the page calls it.
    reach : int
        Width of the square that one pixel of its maps depends on, in samples of 0.25 mm; 0 where
        it is the whole window.
    """

    name: str
    reach: int

    @property
    def reach_mm(self) -> float:
        """Width of that square in mm."""
        return self.reach * SAMPLE_MM


# In the order in which the network joins them.
BRANCHES = (
    Branch("no dilation", _BEFORE + 2),
    *(Branch(f"dilation {rate}", _BEFORE + 2 * 2 * rate) for rate in (6, 12, 18)),
    Branch("mean of the window", 0),
    Branch("dilation 24", _BEFORE + 2 * 2 * 24),
)


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """What the network makes of one slice, in its window of samples of 0.25 mm.

    Parameters
    ----------
    centre_px : (float, float)
        Row and column of the middle of the window, in pixels of the slice.
    maps : (branch, filter, row, column) float32
        Maps of each branch.
    gm : (row, column) float32
        Probability of gray matter.
    without : (branch, row, column) float32
        The same, each time without one branch.
    """

    centre_px: tuple[float, float]
    maps: Maps
    gm: Maps
    without: Maps


def see(stack: AxialStack, z: int) -> Seen:
    """Look inside the network.

    Parameters
    ----------
    stack : AxialStack
        The image.
    z : int
        Which of its slices.

    Raises
    ------
    ModelError
        If the network finds no cord in the slice, or its model file is another one.
    """
    cleaned = for_methods(stack)
    found = load_model(MODEL)(cleaned)
    centre = found.centre_px[z]
    if not is_present(found.presence, stack.spacing_mm[0])[z] or not np.isfinite(centre).all():
        msg = "the network finds no cord in this slice; choose another slice"
        raise ModelError(msg)
    joined, weights = _inside(cleaned.slices[z], stack.spacing_mm, centre)
    maps = joined.reshape(len(BRANCHES), -1, *joined.shape[1:])
    tail = _Tail(weights)
    silent = np.broadcast_to(maps.mean(axis=(2, 3), keepdims=True), maps.shape)
    without = []
    for branch in range(len(BRANCHES)):
        less = maps.copy()
        less[branch] = silent[branch]
        without.append(tail(less))
    return Seen((float(centre[0]), float(centre[1])), maps, tail(maps), np.stack(without))


def _inside(
    pixels: Maps, spacing_mm: tuple[float, float, float], centre: Maps
) -> tuple[Maps, dict[str, Maps]]:
    """Return the joined maps (map, row, column) of one slice, and the weights of what follows."""
    file = read_model(MODEL)
    names = (_JOINED, *_WEIGHTS)
    session = start_session(with_outputs(file.graph, names), file.path)
    feeds = {
        "slices": np.ascontiguousarray(pixels[None], np.float32),
        "spacing": np.asarray(spacing_mm, np.float32),
        "centre": centre[None].astype(np.float32),
    }
    joined, *weights = session.run(list(names), feeds)
    return joined[0], dict(zip(_WEIGHTS, weights, strict=True))


@dataclass(frozen=True, slots=True, eq=False)
class _Tail:
    """What the network does with the joined maps: pixel by pixel, so without its runtime."""

    weights: dict[str, Maps]

    def __call__(self, maps: Maps) -> Maps:
        """Return the probability of gray matter (row, column) for maps of all branches."""
        size = maps.shape[-2:]
        values = maps.reshape(-1, size[0] * size[1])
        values = self._normalized("join.0", values)
        values = self._normalized("reduce.2", np.maximum(self._mixed("reduce.0", values), 0))
        cord, gray = 1 / (1 + np.exp(-self._mixed("predict", values)))
        found: Maps = (cord * gray).reshape(size).astype(np.float32)
        return found

    def _mixed(self, name: str, values: Maps) -> Maps:
        """Convolve by one pixel."""
        weight = self.weights[f"segmenter.{name}.weight"][:, :, 0, 0]
        mixed: Maps = weight @ values + self.weights[f"segmenter.{name}.bias"][:, None]
        return mixed

    def _normalized(self, name: str, values: Maps) -> Maps:
        """Normalize by the statistics of training."""
        weight, bias, mean, variance = (
            self.weights[f"segmenter.{name}.{part}"][:, None] for part in _NORM
        )
        normal: Maps = (values - mean) / np.sqrt(variance + np.float32(_EPSILON)) * weight + bias
        return normal
