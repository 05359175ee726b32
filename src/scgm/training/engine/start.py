"""Weights of a model file to start a training from (fine-tuning)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx.numpy_helper
import torch
from torch import Tensor, nn

from scgm.artifacts.models import read_model
from scgm.datasets.case import site_key
from scgm.errors import ConfigError, ModelError
from scgm.networks.preparation import WINDOW_PIXEL_MM
from scgm.training.config.settings import TrainConfig
from scgm.training.config.sources import Source
from scgm.training.engine.checkpoints import require_finite

HALF = "_half"  # what the export adds to the name of weights stored in half precision


@dataclass(frozen=True, slots=True, eq=False)
class StartModel:
    """Both networks of a model file, and what the one that is taken has learned from.

    Parameters
    ----------
    name : str
        How it was named.
    weights : mapping
        Name of a weight, as ``segmenter.down.0.0.weight``, to its values.
    sites, data : tuple of str
        Sites and files that it has learned from, as the card says.
    pixel_mm : float
        Pixel of the windows of its segmentation network.
    """

    name: str
    weights: Mapping[str, Tensor]
    sites: tuple[str, ...]
    data: tuple[str, ...]
    pixel_mm: float

    def has_seen(self, source: Source) -> bool | None:
        """Whether the model has learned from an image or its site; None if its card is silent."""
        names = {Path(entry).name for entry in self.data}
        if source.image is not None and source.image.name in names:
            return True
        if not self.sites:
            return None
        return site_key(source.site) in map(site_key, self.sites)

    def require_pixel(self, pixel_mm: float) -> None:
        """Make sure that the weights fit the pixels that a segmentation network works with.

        Raises
        ------
        ConfigError
            If they were learned at another.
        """
        if self.pixel_mm != pixel_mm:
            msg = (
                f"start {self.name}: it was trained at {self.pixel_mm:g} mm, and pixel_mm is "
                f"{pixel_mm:g}; take the same, or start from nothing"
            )
            raise ConfigError(msg)

    def load_into(self, network: nn.Module, part: str) -> None:
        """Give a network the weights of *part*, "finder" or "segmenter".

        A network that is told the pixel size may start from one that is not: it has to learn what
        that means.

        Raises
        ------
        ConfigError
            If the network is laid out differently.
        """
        own = network.state_dict()
        held = {
            key: _with_pixel_channel(self.weights.get(f"{part}.{key}"), own[key]) for key in own
        }
        for key, values in held.items():
            if key.endswith("num_batches_tracked"):
                continue  # a count that inference does not need, and no model file holds
            if values is None or values.shape != own[key].shape:
                found = "nothing" if values is None else f"the shape {tuple(values.shape)}"
                msg = (
                    f"start {self.name}: its {part} has {found} at {key}, the configured network "
                    f"{tuple(own[key].shape)}; take the network and widths of its card"
                )
                raise ConfigError(msg)
        network.load_state_dict(
            {key: own[key] if values is None else values for key, values in held.items()}
        )


def read_start(name_or_path: str, root: Path, part: str = "") -> StartModel:
    """Read the weights of a model: a name listed by ``scgm models``, or an ``.onnx`` file.

    ``part`` is the network that is taken, "finder" or "segmenter". Where the card does not say
    what that one has learned from, or none is named, it is what the model has.

    Raises
    ------
    ModelError
        If there is no such model, or it is damaged.
    """
    path = root / name_or_path if name_or_path.lower().endswith(".onnx") else name_or_path
    file = read_model(path)
    try:
        model = onnx.load_model_from_string(file.graph)
        weights = _weights(model)
    except Exception as error:  # protobuf and onnx have no common class for their errors
        msg = f"{file.path}: no weights can be read from this graph; give a model of scgm export"
        raise ModelError(msg) from error
    require_finite(file.path, weights)
    training: Any = file.card.training
    own = _mapping(_mapping(training.get("learned")).get(part))
    return StartModel(
        name_or_path,
        weights,
        _texts(own.get("sites", training.get("sites"))),
        _texts(own.get("data", file.card.data)),
        _pixel_mm(training.get("segmenter")),
    )


def read_starts(config: TrainConfig, root: Path) -> dict[str, StartModel]:
    """Read the models that the networks of a configuration start from: "finder", "segmenter".

    Raises
    ------
    ModelError
        As from `read_start`.
    ConfigError
        If the segmentation network is to have other pixels than the model.
    """
    named = {"finder": config.finder.start, "segmenter": config.segmenter.start}
    starts = {part: read_start(name, root, part) for part, name in named.items() if name}
    if "segmenter" in starts:
        starts["segmenter"].require_pixel(config.segmenter.pixel_mm)
    return starts


def seen_before(starts: Mapping[str, StartModel], source: Source) -> bool | None:
    """Whether any of the models has learned from an image or its site; None if unknown."""
    found = [start.has_seen(source) for start in starts.values()]
    return True if True in found else None if None in found else False


def _with_pixel_channel(values: Tensor | None, own: Tensor) -> Tensor | None:
    """Return the weights of a first layer with zeros for a second channel, if that is to have it.

    Others are returned as they are.
    """
    if values is None or own.ndim != 4 or own.shape[1] != 2:
        return values
    whole = torch.zeros_like(own)
    if values.shape != whole[:, :1].shape:
        return values
    whole[:, :1] = values
    return whole


def _weights(model: onnx.ModelProto) -> dict[str, Tensor]:
    stored = model.graph.initializer
    weights = {tensor.name.removesuffix(HALF): _values(tensor) for tensor in stored}
    # Equal weights are stored once; the export says under whose name.
    return weights | {each.key: weights[each.value] for each in model.metadata_props}


def _values(tensor: onnx.TensorProto) -> Tensor:
    values = onnx.numpy_helper.to_array(tensor)
    single = values.astype(np.float32) if values.dtype == np.float16 else values
    return torch.from_numpy(np.array(single))


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _texts(values: object) -> tuple[str, ...]:
    """Return a list of a card as texts; nothing if it is no list."""
    is_list = isinstance(values, Sequence) and not isinstance(values, str)
    return tuple(map(str, values)) if is_list else ()  # type: ignore[call-overload]


def _pixel_mm(segmenter: object) -> float:
    """Return the pixel that a card says, or that of models whose card says none."""
    named = segmenter.get("pixel_mm") if isinstance(segmenter, dict) else None
    return float(named) if isinstance(named, int | float) else WINDOW_PIXEL_MM
