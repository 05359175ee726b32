"""A network that finds the cord in an axial slice, or tells that there is none."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from scgm.networks.unet import UNet


class CordFinder(nn.Module):
    """One logit for each pixel of a coarse slice ("the cord's center is here"), one for "no cord".

    A softmax over all of them is a probability over places and "no cord".
    """

    def __init__(self, widths: Sequence[int] = (16, 24, 32, 48, 64)) -> None:
        super().__init__()
        self.unet = UNet(widths, outputs=1)
        self.absent = nn.Sequential(
            nn.Linear(2 * widths[-1], widths[-1]), nn.ReLU(), nn.Linear(widths[-1], 1)
        )

    def forward(self, images: Tensor) -> Tensor:
        """Map coarse slices (N, 1, Y, X) to logits (N, Y * X + 1), "no cord" last."""
        finest, coarsest = self.unet.features(images)
        places = self.unet.predict(finest).flatten(1)
        summary = torch.cat([coarsest.mean(dim=(2, 3)), coarsest.amax(dim=(2, 3))], dim=1)
        absent = self.absent(summary)
        return torch.cat([places, absent], dim=1)
