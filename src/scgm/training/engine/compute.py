"""How networks are computed: device, precision, and whether results are repeatable."""

import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from scgm.errors import ConfigError
from scgm.training.config.settings import Precision


@dataclass(frozen=True, slots=True)
class Compute:
    """Runs networks in mixed precision or in float32; what comes out is float32."""

    device: torch.device
    mixed: bool = False

    def __call__(self, network: nn.Module, images: Tensor) -> Tensor:
        """Run a network on images (n, channels, y, x)."""
        images = images.contiguous(memory_format=torch.channels_last)
        with torch.autocast(images.device.type, torch.bfloat16, enabled=self.mixed):
            output: Tensor = network(images)
        return output.float()


def choose(device: torch.device, precision: Precision) -> Compute:
    """Return how to compute; "auto" is bfloat16 on a GPU that has it, else float32.

    Convolutions and products are then computed in bfloat16; weights, statistics, losses and the
    optimizer stay in float32.
    """
    if precision == "auto":
        mixed = device.type == "cuda" and torch.cuda.is_bf16_supported()
        return Compute(device, mixed)
    return Compute(device, precision == "bfloat16")


def find_device(name: str) -> torch.device:
    """Return the device called "auto", "cpu" or "cuda".

    Raises
    ------
    ConfigError
        If it is not there.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if name == "cuda" and not torch.cuda.is_available():
        msg = "--device cuda: this machine has no usable GPU; use --device cpu"
        raise ConfigError(msg)
    return torch.device(name)


def device_name(device: torch.device) -> str:
    """Return what the device is, in words."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{platform.machine()} CPU, {torch.get_num_threads()} threads"


@contextmanager
def repeatable(*, wanted: bool) -> Iterator[None]:
    """Let a GPU use only algorithms that repeat their results, if wanted, else the fastest ones.

    On a CPU with the same number of threads results are the same either way.
    """
    before = torch.are_deterministic_algorithms_enabled()
    fastest = torch.backends.cudnn.benchmark
    if wanted:
        # cuBLAS reads it when it is first used, and repeats itself only with a workspace.
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(wanted)
    torch.backends.cudnn.benchmark = not wanted
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before)
        torch.backends.cudnn.benchmark = fastest
