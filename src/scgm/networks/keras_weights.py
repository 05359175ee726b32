"""The weights published with the paper of 2018 (a Keras file), loaded into our network."""

from pathlib import Path

import numpy as np
import torch
from torch import nn

from scgm.errors import ModelError
from scgm.networks.ddc import DeepDilatedNetwork, Unit


def load_published_weights(path: Path) -> DeepDilatedNetwork:
    """Rebuild the published network from its Keras file.

    Parameters
    ----------
    path
        HDF5 file as published (github.com/neuropoly/gmseg): layers ``conv2d_1``, ``rate2_1``, ...,
        ``predictions`` and ``batch_normalization_1`` to ``_16``.

    Returns
    -------
    DeepDilatedNetwork
        In evaluation mode; its numbers of maps are those of the file.

    Raises
    ------
    ModelError
        If the file cannot be read or is not that network.
    """
    import h5py  # noqa: PLC0415 - of use here alone

    try:
        with h5py.File(path) as file:
            group = file.get("model_weights", file)
            weights = {
                layer: [
                    np.asarray(group[layer][name]) for name in group[layer].attrs["weight_names"]
                ]
                for layer in group
            }
        network = DeepDilatedNetwork(
            filters=weights["conv2d_1"][1].size, reduced=weights["amort"][1].size
        )
        _fill(network, weights)
    except (OSError, KeyError, RuntimeError) as error:
        msg = f"{path}: not the published Keras weights ({error}); give challenge_model.hdf5"
        raise ModelError(msg) from error
    return network.eval()


def _fill(network: DeepDilatedNetwork, weights: dict[str, list[np.ndarray]]) -> None:
    """Copy every layer; the order of the batch normalizations is the order of creation."""
    units: list[tuple[str, nn.Module]] = [
        ("conv2d_1", network.stem[0]),
        ("conv2d_2", network.stem[1]),
        ("rate2_1", network.dilated[0]),
        ("rate2_2", network.dilated[1]),
        ("branch1x1_1", network.point[0]),
        ("branch1x1_2", network.point[1]),
    ]
    for rate, branch in zip((6, 12, 18, 24), network.pyramid, strict=True):
        assert isinstance(branch, nn.Sequential)
        units += [(f"rate{rate}_1", branch[0]), (f"rate{rate}_2", branch[1])]
    for number, (name, unit) in enumerate(units, start=1):
        assert isinstance(unit, Unit)
        _copy_convolution(unit[0], weights[name])
        _copy_normalization(unit[2], weights[f"batch_normalization_{number}"])
    _copy_normalization(network.join[0], weights["batch_normalization_15"])
    _copy_convolution(network.reduce[0], weights["amort"])
    _copy_normalization(network.reduce[2], weights["batch_normalization_16"])
    _copy_convolution(network.predict, weights["predictions"])


def _copy_convolution(layer: nn.Module, arrays: list[np.ndarray]) -> None:
    kernel, bias = arrays
    layer.load_state_dict(
        {
            # Keras stores (row, column, input, output); torch (output, input, row, column).
            "weight": torch.from_numpy(kernel.transpose(3, 2, 0, 1).copy()),
            "bias": torch.from_numpy(bias),
        }
    )


def _copy_normalization(layer: nn.Module, arrays: list[np.ndarray]) -> None:
    names = ("weight", "bias", "running_mean", "running_var")
    state = dict(zip(names, map(torch.from_numpy, arrays), strict=True))
    layer.load_state_dict(state, strict=False)
