"""The networks: their published size, the field they see, and what they are built of."""

import pytest
import torch
from torch import nn

from scgm.networks.cord_finder import CordFinder
from scgm.networks.ddc import KERAS_EPSILON, PYRAMID_RATES, DeepDilatedNetwork, Unit
from scgm.networks.paper_unet import PaperUNet
from scgm.networks.unet import UNet


def convolution_parameters(network: nn.Module) -> int:
    layers = [layer for layer in network.modules() if isinstance(layer, nn.Conv2d)]
    return sum(parameter.numel() for layer in layers for parameter in layer.parameters())


@pytest.mark.parametrize(
    ("filters", "convolutions", "trained"), [(32, 124769, 126177), (64, 497345, 500161)]
)
def test_the_dilated_network_has_the_published_number_of_parameters(
    filters: int, convolutions: int, trained: int
) -> None:
    network = DeepDilatedNetwork(filters=filters)

    assert convolution_parameters(network) == convolutions
    assert sum(parameter.numel() for parameter in network.parameters()) == trained


def test_the_papers_unet_has_the_published_number_of_parameters() -> None:
    assert convolution_parameters(PaperUNet()) == 776321
    assert convolution_parameters(DeepDilatedNetwork()) == 124769


def test_the_papers_unet_names_its_weights_as_the_files_of_them_do() -> None:
    """Each unit is convolution (0), ReLU, normalization (2), dropout; two units are a block."""
    blocks = [f"down.{level}" for level in range(3)] + ["bottom"] + [f"up.{n}" for n in range(3)]
    statistics = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
    names = ["0.weight", "0.bias", *(f"2.{name}" for name in statistics)]
    expected = {f"{block}.{unit}.{name}" for block in blocks for unit in (0, 1) for name in names}

    assert set(PaperUNet().state_dict()) == expected | {"predict.weight", "predict.bias"}


def test_the_papers_unet_keeps_the_size() -> None:
    assert PaperUNet(outputs=2)(torch.zeros(2, 1, 24, 40)).shape == (2, 2, 24, 40)


def test_the_dilated_network_keeps_any_size() -> None:
    network = DeepDilatedNetwork(filters=4).eval()

    assert network(torch.zeros(2, 1, 31, 50)).shape == (2, 1, 31, 50)


def test_the_pyramid_sees_exactly_its_widest_branch() -> None:
    """3x3 convolutions with rates 1, 1, 2, 2, 24, 24 reach 1+1+2+2+24+24 = 54 pixels."""
    torch.manual_seed(0)
    network = DeepDilatedNetwork(filters=4).eval()
    for layer in network.modules():  # keep every ReLU open, so that no path is silent
        if isinstance(layer, nn.Conv2d):
            assert layer.bias is not None
            nn.init.constant_(layer.weight, 0.01)
            nn.init.constant_(layer.bias, 0.1)
    image = torch.zeros(1, 1, 141, 141, requires_grad=True)
    network(image)[0, 0, 70, 70].backward()
    assert image.grad is not None
    gradient = image.grad[0, 0, 70]
    everywhere = gradient[4]  # by way of the image's mean, the same for all but border pixels
    reached = (gradient - everywhere)[2:-2].abs() > everywhere.abs() * 1e-3

    assert (torch.nonzero(reached)[[0, -1], 0] + 2).tolist() == [70 - 54, 70 + 54]


def test_unet_keeps_the_size() -> None:
    assert UNet((4, 8, 8), outputs=3)(torch.zeros(2, 1, 24, 40)).shape == (2, 3, 24, 40)


def test_the_finder_answers_with_one_logit_a_pixel_and_one_for_nowhere() -> None:
    assert CordFinder((4, 4, 8))(torch.zeros(2, 1, 16, 32)).shape == (2, 16 * 32 + 1)


def test_the_pyramid_is_joined_in_the_order_of_the_published_file() -> None:
    """One 1x1 branch, rates 6, 12 and 18, the image's mean, then rate 24.

    Every unit is made to give its bias, whatever it sees: 1 for the point branch, the rate for the
    others, 100 for what the mean is taken of.
    """
    network = DeepDilatedNetwork(filters=1).eval()
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.zeros_(layer.weight)
    wanted: dict[str, float] = {"point.1": 1, "stem.1": 100}
    wanted |= {f"pyramid.{number}.1": rate for number, rate in enumerate(PYRAMID_RATES)}
    for name, value in wanted.items():
        nn.init.constant_(network.get_parameter(f"{name}.0.bias"), value)
    joined: list[torch.Tensor] = []
    network.join.register_forward_pre_hook(lambda _, inputs: joined.append(inputs[0]))

    network(torch.zeros(1, 1, 8, 8))

    shares = joined[0][0, :, 4, 4] * (1 + KERAS_EPSILON) ** 0.5
    assert shares.tolist() == pytest.approx([1, 6, 12, 18, 100, 24], rel=1e-5)


def test_a_unit_is_convolution_then_relu_then_normalization() -> None:
    """Of -3 the rectifier leaves 0; mean 1, variance 4 and weight 2 turn it into -1."""
    unit = Unit(1, 1, kernel=1, rate=1, dropout=0.4).eval()
    nn.init.constant_(unit.get_parameter("0.weight"), -3)
    nn.init.zeros_(unit.get_parameter("0.bias"))
    unit.get_buffer("2.running_mean").fill_(1)
    unit.get_buffer("2.running_var").fill_(4)
    nn.init.constant_(unit.get_parameter("2.weight"), 2)

    assert unit(torch.ones(1, 1, 1, 1)).item() == pytest.approx(-1, abs=1e-3)
