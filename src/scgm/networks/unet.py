"""A small U-Net, used by the shipped model and by the cord finder.

References
----------
Ronneberger O., Fischer P., Brox T. U-Net: convolutional networks for biomedical image
segmentation. MICCAI 2015.
"""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional


class Block(nn.Sequential):
    """Twice: 3x3 convolution, batch normalization, ReLU."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(
            nn.Conv2d(inputs, outputs, 3, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
            nn.Conv2d(outputs, outputs, 3, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
        )


class UNet(nn.Module):
    """Encoder and decoder joined by shortcuts; logits at the input's resolution.

    Parameters
    ----------
    widths
        Channels of each level, finest first. Each level halves the size, so rows and columns
        must be divisible by ``2 ** (len(widths) - 1)``.
    outputs
        Channels of logits.
    inputs
        Channels of images.
    """

    def __init__(
        self, widths: Sequence[int] = (24, 48, 96, 128), *, outputs: int = 2, inputs: int = 1
    ) -> None:
        super().__init__()
        self.down = nn.ModuleList(Block(a, b) for a, b in pairwise([inputs, *widths]))
        self.up = nn.ModuleList(
            Block(coarse + fine, fine) for fine, coarse in reversed(list(pairwise(widths)))
        )
        self.predict = nn.Conv2d(widths[0], outputs, 1)

    def features(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Return the finest maps (N, widths[0], Y, X) and the coarsest (N, widths[-1], y, x)."""
        shortcuts: list[Tensor] = []
        maps = images
        for level, block in enumerate(self.down):
            maps = block(maps if level == 0 else functional.max_pool2d(maps, 2))
            shortcuts.append(maps)
        coarsest = shortcuts.pop()
        for block in self.up:
            maps = functional.interpolate(maps, scale_factor=2.0, mode="nearest")
            maps = block(torch.cat([maps, shortcuts.pop()], dim=1))
        return maps, coarsest

    def forward(self, images: Tensor) -> Tensor:
        """Map images (N, 1, Y, X) to logits (N, outputs, Y, X)."""
        logits: Tensor = self.predict(self.features(images)[0])
        return logits
