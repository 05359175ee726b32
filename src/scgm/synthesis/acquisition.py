"""What a scanner makes of a signal: resolution, noise, ringing, ghosts, bias, pixels."""

from dataclasses import dataclass

import torch
from torch import Tensor

from scgm.networks.preparation import WINDOW_MM
from scgm.networks.resampling import grid_mm, resample, resample_inside, resampling_matrix
from scgm.synthesis.draw import Draw

FINEST_MM = 0.2


@dataclass(frozen=True, slots=True)
class Scanner:
    """Ranges of the simulated acquisition; lengths in mm."""

    pixel_mm: tuple[float, float] = (FINEST_MM, 1.0)
    zero_filling: tuple[float, float] = (1.0, 1.9)
    snr: tuple[float, float] = (7.0, 70.0)
    bias: float = 0.12
    ghost: float = 0.08
    cut_off: float = 0.08


GENTLE = Scanner(pixel_mm=(FINEST_MM, 0.7), zero_filling=(0.6, 1.2), snr=(20.0, 400.0), bias=0.1)


def acquire(signal: Tensor, scanner: Scanner, draw: Draw) -> tuple[Tensor, Tensor]:
    """Measure signals (n, y, x) at ``WINDOW_MM`` as images of random quality.

    Returns
    -------
    images, inside
        (n, y, x), resampled back to ``WINDOW_MM`` exactly as the exported graph does, and which
        pixels lie in the field of view.
    """
    count, size, _ = signal.shape
    pixel = draw.log_uniform(*scanner.pixel_mm, count)
    acquired = pixel * draw.uniform(*scanner.zero_filling, count)
    signal = signal * (scanner.bias * draw.field(count, size, 2)).exp()
    signal = _with_ghost(signal, scanner, draw)
    images = _through_k_space(signal, acquired, draw.log_uniform(*scanner.snr, count), draw)
    images, inside = _through_pixels(images, pixel, draw)
    kept = _field_of_view(count, size, scanner.cut_off, draw)
    return images * kept, inside * kept


def _with_ghost(signal: Tensor, scanner: Scanner, draw: Draw) -> Tensor:
    """Add a faint copy, shifted along the phase axis, to some of the signals."""
    count, size, _ = signal.shape
    strength = scanner.ghost * draw.uniform(0.0, 1.0, count, 1, 1) * draw.chance(0.2, count, 1, 1)
    shift = int(draw.index(size, 1))
    along = 1 if bool(draw.chance(0.5, 1)) else 2
    return signal + strength * signal.roll(shift, dims=along)


def _through_k_space(signal: Tensor, acquired_mm: Tensor, snr: Tensor, draw: Draw) -> Tensor:
    """Cut k-space at the acquired resolution and add complex noise (so, Rician) in it."""
    size = signal.shape[-1]
    frequency = torch.fft.fftfreq(size, WINDOW_MM, device=signal.device)
    limit = (0.5 / acquired_mm)[:, None]
    roll_off = draw.uniform(0.02, 0.35, signal.shape[0], 1) * limit
    gain = torch.sigmoid((limit - frequency.abs()) / roll_off.clamp(min=1e-3) * 4)
    window = gain[:, :, None] * gain[:, None, :]
    # White noise on the fine grid, scaled so that what the window passes has deviation 1 / snr.
    passed = (window**2).mean(dim=(1, 2), keepdim=True)
    deviation = 1 / (snr[:, None, None] * passed.sqrt())
    noise = torch.complex(draw.normal(*signal.shape), draw.normal(*signal.shape)) * deviation
    measured: Tensor = torch.fft.ifft2(torch.fft.fft2(signal + noise) * window)
    return measured.abs()


def _through_pixels(images: Tensor, pixel_mm: Tensor, draw: Draw) -> tuple[Tensor, Tensor]:
    """Average over the scanner's pixels at a random offset, then back to the window's grid."""
    count, size, _ = images.shape
    most = int(size * WINDOW_MM / FINEST_MM) + 1
    pixel = pixel_mm[:, None]
    fine = grid_mm(torch.zeros((), device=images.device), size, WINDOW_MM)
    down, up = [], []
    for _ in range(2):
        first = fine[0] + draw.uniform(0.0, 1.0, count, 1) * pixel
        coarse = first + torch.arange(most, device=images.device) * pixel
        weights = resampling_matrix(coarse - fine[0], pixel, size, WINDOW_MM)
        down.append(weights / weights.sum(-1, keepdim=True).clamp(min=1e-3))
        back = resampling_matrix(fine - first, WINDOW_MM, most, pixel)
        up.append(back * (weights.sum(-1) > 0.5)[:, None, :])
    return resample_inside(resample(images, *down), *up)


def _field_of_view(count: int, size: int, share: float, draw: Draw) -> Tensor:
    """1 inside a field of view that, in a ``share`` of the samples, ends within the window."""
    position = torch.linspace(-1, 1, size, device=draw.device)
    cut = draw.chance(share, count, 1)
    kept = []
    for _ in range(2):
        low = torch.where(cut, draw.uniform(-1.6, -0.2, count, 1), -2.0)
        high = torch.where(cut, draw.uniform(0.2, 1.6, count, 1), 2.0)
        kept.append(((position > low) & (position < high)).float())
    return kept[0][:, :, None] * kept[1][:, None, :]
