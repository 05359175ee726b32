"""Convolutional restricted Boltzmann machines: the pre-training of an encoder network.

Three machines are trained one on another, each on what the one below makes of images without
labels. Their kernels are then where the training of the network starts from.

References
----------
Hinton G.E. Training products of experts by minimizing contrastive divergence. Neural Computation
14, 2002. Nair V., Hinton G.E. Rectified linear units improve restricted Boltzmann machines. ICML
2010. Lee H. et al. Convolutional deep belief networks. ICML 2009.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from scgm.errors import ScgmError
from scgm.networks.deepseg import SLICES, EncoderNetwork, SliceConv, flipped, neighbors
from scgm.synthesis.draw import Draw

EARLY = 0.2  # share of the steps with the first momentum
MOMENTUM = (0.5, 0.9)
START = 0.5  # root of the gain with which the first kernels, all together, reconstruct


class ConvolutionalRBM(nn.Module):
    """Gaussian visible units, noisy rectified hidden ones, and kernels over three slices.

    The energy of maps v (visible) and h (hidden) is
    ``sum (v - b)^2 / 2 - sum over k of h_k (W_k * v + c_k)``.

    Parameters
    ----------
    layer
        Whose shape the kernels have; its weights are not used.
    draw
        Of the first kernels, and of the noise of the hidden units.
    """

    def __init__(self, layer: SliceConv, draw: Draw) -> None:
        super().__init__()
        shape = layer.weight.shape
        reached = shape[0] * SLICES * shape[2] * shape[3]  # weights that one visible unit has
        kernel = draw.normal(*shape) * START / reached**0.5
        self.kernel = nn.Parameter(kernel)
        self.hidden_bias = nn.Parameter(kernel.new_zeros(len(kernel)))
        self.visible_bias = nn.Parameter(kernel.new_zeros(len(flipped(kernel))))
        self.draw = draw

    def drive(self, visible: Tensor, stacks: int) -> Tensor:
        """Return what drives the hidden units, W * v + c: (n * Z, hidden, y, x)."""
        return _convolve(visible, stacks, self.kernel, self.hidden_bias)

    def hidden(self, visible: Tensor, stacks: int) -> Tensor:
        """Draw hidden units: ``max(0, x + noise)``, the noise of variance sigmoid(x)."""
        drive = self.drive(visible, stacks)
        noise = self.draw.normal(*drive.shape) * torch.sigmoid(drive).sqrt()
        return (drive + noise).relu()

    def visible(self, hidden: Tensor, stacks: int) -> Tensor:
        """Return the mean of the visible units given the hidden ones."""
        return _convolve(hidden, stacks, flipped(self.kernel), self.visible_bias)

    def energy(self, visible: Tensor, hidden: Tensor, stacks: int) -> Tensor:
        """Return the energy of maps, summed over all units."""
        apart = visible - self.visible_bias[:, None, None]
        return (apart**2).sum() / 2 - (hidden * self.drive(visible, stacks)).sum()

    def divergence(self, data: Tensor, stacks: int) -> tuple[Tensor, Tensor]:
        """Return a value whose gradient is that of CD-1, and the error of the reconstruction.

        The gradient of ``E(v0, h0) - E(v1, h1)``, the maps held fixed, is minus
        ``corr(v0, h0) - corr(v1, h1)`` for the kernels. Here it is a mean over the pixels.
        """
        with torch.no_grad():
            first = self.hidden(data, stacks)
            again = self.visible(first, stacks)
            second = self.hidden(again, stacks)
            error = ((again - data) ** 2).mean()
        apart = self.energy(data, first, stacks) - self.energy(again, second, stacks)
        return apart / (data.numel() / data.shape[1]), error


def _convolve(maps: Tensor, stacks: int, kernel: Tensor, bias: Tensor) -> Tensor:
    return functional.conv2d(neighbors(maps, stacks), kernel, bias, padding=kernel.shape[-1] // 2)


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """A machine, what its data were divided by, and its errors (of variance 1) step by step."""

    machine: ConvolutionalRBM
    scale: float
    errors: Sequence[float]


@dataclass(frozen=True, slots=True)
class Schedule:
    """How often each machine sees the images, how fast it learns, and whether in bfloat16."""

    epochs: int = 6
    learning_rate: float = 3e-4
    mixed: bool = False


def pretrain(
    network: EncoderNetwork, images: Sequence[Tensor], schedule: Schedule, draw: Draw
) -> list[Trained]:
    """Train a machine for each convolution of a network, finest first, and start it from them.

    Parameters
    ----------
    images
        Batches of stacks (n, Z, Y, X) as the network sees them.

    Raises
    ------
    ScgmError
        If a machine gets worse as it learns.
    """
    stack: list[Trained] = []
    for layer in network.conv:
        assert isinstance(layer, SliceConv)
        machine = ConvolutionalRBM(layer, draw).to(draw.device)
        stack.append(_train(machine, images, stack, schedule))
    start_from(network, stack)
    return stack


def _train(
    machine: ConvolutionalRBM,
    images: Sequence[Tensor],
    below: Sequence[Trained],
    schedule: Schedule,
) -> Trained:
    optimizer = torch.optim.SGD(machine.parameters(), lr=schedule.learning_rate)
    scale, errors = 0.0, []
    steps = schedule.epochs * len(images)
    for step in range(steps):
        batch = images[step % len(images)]
        with torch.autocast(batch.device.type, torch.bfloat16, enabled=schedule.mixed):
            data = climb(batch, below)
            scale = scale or float(data.std())
            value, error = machine.divergence(data / scale, len(batch))
        for group in optimizer.param_groups:
            group["momentum"] = MOMENTUM[step >= EARLY * steps]
        optimizer.zero_grad()
        value.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        errors.append(float(error))
    if not errors[-1] <= 2 * errors[0]:
        msg = (
            f"pre-training: the error of machine {len(below) + 1} went from {errors[0]:.3g} to "
            f"{errors[-1]:.3g}; lower pretraining_rate"
        )
        raise ScgmError(msg)
    return Trained(machine, scale, errors)


@torch.no_grad()
def climb(images: Tensor, below: Sequence[Trained]) -> Tensor:
    """Return what the machines below make of stacks (n, Z, Y, X): means, rectified and pooled."""
    stacks, maps = len(images), images.flatten(0, 1)[:, None]
    for trained in below:
        drive = trained.machine.drive(maps / trained.scale, stacks)
        maps = functional.avg_pool2d(drive.relu(), 2)
    return maps


@torch.no_grad()
def start_from(network: EncoderNetwork, machines: Sequence[Trained]) -> None:
    """Put kernel k into convolution k and, flipped, into deconvolution k.

    The scale of a machine's data goes into the kernels. Where a layer on the way up sums two
    inputs, each gets half of the kernel, so that the sum is what the machine reconstructs.
    """
    for index, trained in enumerate(machines):
        machine, scale = trained.machine, trained.scale
        back = flipped(machine.kernel) * scale
        has_shortcut = index < len(network.shortcut)
        _put(network.conv[index], machine.kernel / scale, machine.hidden_bias)
        _put(
            network.deconv[index],
            back / 2 if has_shortcut else back,
            machine.visible_bias * scale,
        )
        if has_shortcut:
            _put(network.shortcut[index], back / 2, None)


def _put(layer: nn.Module, kernel: Tensor, bias: Tensor | None) -> None:
    assert isinstance(layer, SliceConv)
    layer.weight.copy_(kernel)
    if bias is not None and layer.bias is not None:
        layer.bias.copy_(bias)
