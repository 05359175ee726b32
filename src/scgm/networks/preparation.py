"""What the two networks get to see: the same functions in training and in the exported graph."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from scgm.networks.resampling import grid_mm

COARSE_MM = 1.5
COARSE_MIN = 128
COARSE_STEP = 16  # the cord finder halves the size four times
WINDOW_PIXEL_MM = 0.25  # pixel of the windows, unless a training chooses another
STEP = 16  # windows can be halved four times
LEARNED_MM = 32.0  # side of the windows to learn from
SEGMENTED_MM = 28.0  # side in use: holds every cord with its surroundings, at a quarter less work
FOCUS_MM = 8.0
CLIP = 5.0
# What a slice without a cord counts in the training of the cord finder; the presence that a model
# gives takes it into account.
ABSENT_WEIGHT = 0.5


def window_size(side_mm: float, pixel_mm: float = WINDOW_PIXEL_MM, step: int = STEP) -> int:
    """Pixels along the side of a window of at least ``side_mm``: a multiple of ``step``."""
    return math.ceil(round(side_mm / pixel_mm / step, 6)) * step


@dataclass(frozen=True, slots=True)
class Windows:
    """How windows around the cord are sampled in use, and averaged along the cord.

    ``side_mm`` is their side, a multiple of ``multiple`` pixels of ``pixel_mm``. In images with
    finer pixels the windows have these, down to ``finest_mm``. Probabilities of a slice are
    averaged with those of its neighbors by a Gaussian of ``along_mm``; 0: they are not. Where
    ``tells_pixel`` is set, the network is told how large the pixels are (`with_pixel_size`).
    """

    pixel_mm: float = WINDOW_PIXEL_MM
    side_mm: float = SEGMENTED_MM
    multiple: int = STEP
    finest_mm: float = WINDOW_PIXEL_MM
    along_mm: float = 0.0
    tells_pixel: bool = False

    def sampled(self, pixel: Tensor) -> tuple[Tensor | float, Tensor | int]:
        """Return pixel size and pixels along a side for an image with ``pixel`` (2,) in mm."""
        if self.finest_mm >= self.pixel_mm:
            return self.pixel_mm, window_size(self.side_mm, self.pixel_mm, self.multiple)
        step = pixel.amax().clamp(self.finest_mm, self.pixel_mm)
        whole = torch.ceil(self.side_mm / step / self.multiple - 1e-4).to(torch.int64)
        return step, whole * self.multiple


def compress(images: Tensor, inside: Tensor) -> Tensor:
    """Map coarse slices (N, Y, X) to [0, 1): ``v / (v + mean)``, 0 outside the image.

    Bounded whatever the scanner's unit, and bright fat near a coil cannot drown the rest.
    """
    count = inside.sum(dim=(-2, -1), keepdim=True).clamp(min=1)
    large = torch.finfo(images.dtype).max / 4
    lowest = torch.where(inside > 0, images, large).amin(dim=(-2, -1), keepdim=True)
    above = (images - lowest) * inside
    mean = above.sum(dim=(-2, -1), keepdim=True) / count
    return above / (above + mean).clamp(min=torch.finfo(images.dtype).tiny)


def with_pixel_size(windows: Tensor, step_mm: Tensor | float) -> Tensor:
    """Give windows (N, Y, X) a second channel that says how large their pixels are: (N, 2, Y, X).

    It holds 0 for pixels of ``WINDOW_PIXEL_MM``, and -1 for those half as large. Without it a cord
    in fine pixels looks like the whole canal in larger ones.
    """
    step = torch.as_tensor(step_mm, dtype=windows.dtype, device=windows.device)
    size = torch.log2(step / WINDOW_PIXEL_MM)
    return torch.stack([windows, torch.zeros_like(windows) + size], dim=1)


def standardize(
    windows: Tensor,
    inside: Tensor,
    step_mm: Tensor | float = WINDOW_PIXEL_MM,
    focus_mm: float = FOCUS_MM,
) -> Tensor:
    """Center and scale windows (N, Y, X) by the mean and deviation near their middle.

    Pixels of ``step_mm`` count by a Gaussian of ``focus_mm``: the cord and its surroundings set
    the scale, not fat or air at the border. Clipped to +-``CLIP`` deviations; 0 outside the image.
    """
    position = grid_mm(windows.new_zeros(()), windows.shape[-1], step_mm)
    profile = torch.exp(-0.5 * (position / focus_mm) ** 2)
    weight = profile[:, None] * profile[None, :] * inside
    total = weight.sum(dim=(-2, -1), keepdim=True).clamp(min=1e-6)
    mean = (windows * weight).sum(dim=(-2, -1), keepdim=True) / total
    spread = ((windows - mean) ** 2 * weight).sum(dim=(-2, -1), keepdim=True) / total
    # Dividing first keeps the square of large units in range.
    return ((windows - mean) / (spread.sqrt() + 1e-6)).clamp(-CLIP, CLIP) * inside
