"""A Keras file in the layout of the published weights."""

from collections.abc import Mapping
from pathlib import Path

import h5py
import numpy as np
import torch
from torch import nn

from scgm.networks.ddc import DeepDilatedNetwork


def random_network(filters: int = 2, reduced: int | None = None) -> DeepDilatedNetwork:
    """Make a network whose weights and statistics all differ."""
    torch.manual_seed(filters)
    network = DeepDilatedNetwork(filters=filters, reduced=reduced).eval()
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            for values in (layer.weight, layer.bias, layer.running_mean, layer.running_var):
                assert values is not None
                nn.init.uniform_(values, 0.5, 1.5)
    return network


def write_weights(path: Path, network: DeepDilatedNetwork | None = None) -> Path:
    """Write a network as ``challenge_model.hdf5`` is written."""
    network = network or random_network()
    # Each convolution with its normalization, in the order in which Keras numbers them.
    units = {
        "conv2d_1": network.stem[0],
        "conv2d_2": network.stem[1],
        "rate2_1": network.dilated[0],
        "rate2_2": network.dilated[1],
        "branch1x1_1": network.point[0],
        "branch1x1_2": network.point[1],
    }
    for rate, branch in zip((6, 12, 18, 24), network.pyramid, strict=True):
        assert isinstance(branch, nn.Sequential)
        units |= {f"rate{rate}_1": branch[0], f"rate{rate}_2": branch[1]}
    norms: list[nn.Module] = []
    with h5py.File(path, "w") as file:
        for name, unit in units.items():
            assert isinstance(unit, nn.Sequential)
            _add_convolution(file, name, unit[0])
            norms.append(unit[2])
        _add_convolution(file, "amort", network.reduce[0])
        _add_convolution(file, "predictions", network.predict)
        for number, layer in enumerate((*norms, network.join[0], network.reduce[2]), start=1):
            _add_normalization(file, f"batch_normalization_{number}", layer)
    return path


def _add_convolution(file: h5py.File, name: str, layer: nn.Module) -> None:
    assert isinstance(layer, nn.Conv2d)
    assert layer.bias is not None
    kernel = layer.weight.detach().numpy()
    # Keras: rows, columns, maps in, maps out; torch: out, in, rows, columns.
    _add(
        file,
        name,
        {"kernel:0": np.moveaxis(kernel, (2, 3, 1, 0), (0, 1, 2, 3)), "bias:0": layer.bias},
    )


def _add_normalization(file: h5py.File, name: str, layer: nn.Module) -> None:
    assert isinstance(layer, nn.BatchNorm2d)
    values = {
        "gamma:0": layer.weight,
        "beta:0": layer.bias,
        "moving_mean:0": layer.running_mean,
        "moving_variance:0": layer.running_var,
    }
    _add(file, name, values)


def _add(file: h5py.File, layer: str, values: Mapping[str, object]) -> None:
    group = file.create_group(layer)
    for name, value in values.items():
        array = value.detach().numpy() if isinstance(value, torch.Tensor) else value
        group.create_dataset(f"{layer}/{name}", data=array)
    group.attrs["weight_names"] = [f"{layer}/{name}".encode() for name in values]
