"""The U-Net that the paper of the dilated network was compared with.

The paper gives the number of its weights but not its layers. This is the simplest layout with
exactly that number: 776,321 in the convolutions.

References
----------
Perone C.S., Calabrese E., Cohen-Adad J. Spinal cord gray matter segmentation using deep dilated
convolutions. Scientific Reports 8, 5966 (2018).
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from scgm.networks.ddc import Unit
from scgm.networks.initialization import initialize_as_keras

LEVELS = 3
WIDTH, BOTTOM = 64, 128


class PaperUNet(nn.Module):
    """Encoder and decoder of three levels with two 3x3 convolutions each, and two at the bottom.

    Parameters
    ----------
    outputs
        Channels of logits; the paper has one, gray matter.
    dropout
        Share of elements set to zero in training; 0.4 in the paper.
    """

    def __init__(self, *, outputs: int = 1, dropout: float = 0.4) -> None:
        super().__init__()

        def block(inputs: int, maps: int) -> nn.Sequential:
            pairs = ((inputs, maps), (maps, maps))
            return nn.Sequential(*(Unit(a, b, kernel=3, rate=1, dropout=dropout) for a, b in pairs))

        self.down = nn.ModuleList(
            block(1 if level == 0 else WIDTH, WIDTH) for level in range(LEVELS)
        )
        self.bottom = block(WIDTH, BOTTOM)
        self.up = nn.ModuleList(
            block((BOTTOM if level == 0 else WIDTH) + WIDTH, WIDTH) for level in range(LEVELS)
        )
        self.predict = nn.Conv2d(WIDTH, outputs, 3, padding=1)
        initialize_as_keras(self)

    def forward(self, images: Tensor) -> Tensor:
        """Map images (N, 1, Y, X) to logits (N, outputs, Y, X); Y and X divisible by 8."""
        shortcuts: list[Tensor] = []
        maps = images
        for block in self.down:
            maps = block(maps)
            shortcuts.append(maps)
            maps = functional.max_pool2d(maps, 2)
        maps = self.bottom(maps)
        for block in self.up:
            maps = functional.interpolate(maps, scale_factor=2.0, mode="nearest")
            maps = block(torch.cat([maps, shortcuts.pop()], dim=1))
        logits: Tensor = self.predict(maps)
        return logits
