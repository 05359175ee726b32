"""Weights to start from: those of a model file or of a checkpoint, for fine-tuning."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx.numpy_helper
import torch
from torch import Tensor, nn

from scgm.artifacts.models import read_model
from scgm.errors import ConfigError, ModelError
from scgm.networks.preparation import WINDOW_PIXEL_MM

HALF = "_half"  # what the export adds to the name of weights stored in half precision


@dataclass(frozen=True, slots=True, eq=False)
class Start:
    """What a model file holds of both networks.

    Parameters
    ----------
    name : str
        How it was named.
    weights : mapping
        Name of a weight, as ``segmenter.down.0.0.weight``, to its values.
    sites, data : tuple of str
        What the model has seen, which a model that starts from it has seen, too.
    pixel_mm : float
        Pixel of the windows of its segmentation network.
    """

    name: str
    weights: Mapping[str, Tensor]
    sites: tuple[str, ...]
    data: tuple[str, ...]
    pixel_mm: float

    def require_pixel(self, pixel_mm: float) -> None:
        """Make sure that a segmentation network can go on with the weights at a resolution.

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

        Raises
        ------
        ConfigError
            If the network is laid out differently.
        """
        own = network.state_dict()
        held = {key: self.weights.get(f"{part}.{key}") for key in own}
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


def read_start(name_or_path: str, root: Path) -> Start:
    """Read the weights of a model: a name out of ``scgm models``, or an ``.onnx`` file.

    Raises
    ------
    ModelError
        If there is no such model, or it is damaged.
    """
    path = root / name_or_path if name_or_path.lower().endswith(".onnx") else name_or_path
    file = read_model(path)
    try:
        model = onnx.load_model_from_string(file.graph)
    except Exception as error:  # protobuf has no common class for its errors
        msg = f"{file.path}: this is not an ONNX graph"
        raise ModelError(msg) from error
    stored = model.graph.initializer
    weights = {tensor.name.removesuffix(HALF): _values(tensor) for tensor in stored}
    # Equal weights are stored once; the export says under whose name.
    weights |= {each.key: weights[each.value] for each in model.metadata_props}
    training: Any = file.card.training
    sites = tuple(map(str, training.get("sites", ())))
    pixel_mm = training.get("segmenter", {}).get("pixel_mm", WINDOW_PIXEL_MM)
    return Start(name_or_path, weights, sites, tuple(map(str, file.card.data)), pixel_mm)


def _values(tensor: onnx.TensorProto) -> Tensor:
    values = onnx.numpy_helper.to_array(tensor)
    single = values.astype(np.float32) if values.dtype == np.float16 else values
    return torch.from_numpy(np.array(single))
