"""First weights: drawn evenly within the limit of Glorot and Bengio, and no bias."""

import math

import pytest
import torch
from torch import nn

from scgm.networks.ddc import DeepDilatedNetwork
from scgm.networks.initialization import initialize_as_keras
from scgm.networks.paper_unet import PaperUNet


def test_weights_fill_the_range_evenly() -> None:
    """3x3 kernels from 16 to 8 maps: the limit is sqrt(6 / (144 + 72)) = 1/6."""
    torch.manual_seed(0)
    layer = nn.Conv2d(16, 8, 3)
    initialize_as_keras(layer)

    weights = layer.weight.detach()
    assert layer.bias is not None
    assert not layer.bias.any()
    assert weights.abs().max() == pytest.approx(1 / 6, rel=0.01)
    assert weights.abs().max() <= 1 / 6
    assert weights.std() == pytest.approx(1 / 6 / math.sqrt(3), rel=0.05)


@pytest.mark.parametrize("make", [DeepDilatedNetwork, PaperUNet])
def test_the_networks_of_2018_begin_so(make: type[nn.Module]) -> None:
    torch.manual_seed(0)
    for layer in make().modules():
        if isinstance(layer, nn.Conv2d):
            rows, columns = layer.kernel_size
            reach = rows * columns * (layer.in_channels + layer.out_channels)
            limit = math.sqrt(6 / reach)
            assert layer.bias is not None
            assert not layer.bias.any()
            assert 0.8 * limit <= layer.weight.abs().max() <= limit
