"""Simulated acquisition of a signal: resolution, noise, ringing, ghosts, bias field, pixels."""

from dataclasses import dataclass

import torch
from torch import Tensor

from scgm.networks.preparation import WINDOW_PIXEL_MM
from scgm.networks.resampling import grid_mm, resample, resample_inside, resampling_matrix
from scgm.synthesis.draw import Draw

FINEST_MM = 0.2  # for windows with pixels of WINDOW_PIXEL_MM; in proportion for finer windows


@dataclass(frozen=True, slots=True)
class Scanner:
    """Ranges of the simulated acquisition; lengths in mm.

    A share of the images, ``lost``, has lost signal in places, as echo planar images have.
    """

    pixel_mm: tuple[float, float] = (FINEST_MM, 1.2)
    zero_filling: tuple[float, float] = (1.0, 1.9)
    snr: tuple[float, float] = (7.0, 70.0)
    bias: float = 0.12
    ghost: float = 0.08
    cut_off: float = 0.08
    lost: float = 0.08


# The lowest pixel is in proportion to that of the windows: 0.1 mm in windows of 0.125 mm. An image
# with much larger pixels than its windows' does not get such windows.
FINE = Scanner(pixel_mm=(FINEST_MM, 0.16), zero_filling=(0.6, 1.6), snr=(10.0, 150.0))
GENTLE = Scanner(
    pixel_mm=(FINEST_MM, 0.7), zero_filling=(0.6, 1.2), snr=(20.0, 400.0), bias=0.1, lost=0.0
)


def acquire(
    signal: Tensor, scanner: Scanner, draw: Draw, pixel_mm: float = WINDOW_PIXEL_MM
) -> tuple[Tensor, Tensor]:
    """Measure signals (n, y, x) at ``pixel_mm`` as images of random quality.

    Returns
    -------
    images, inside
        (n, y, x), resampled back to ``pixel_mm`` exactly as the exported graph does, and which
        pixels lie in the field of view.
    """
    count, size, _ = signal.shape
    finer = min(1.0, pixel_mm / WINDOW_PIXEL_MM)
    finest, coarsest = scanner.pixel_mm
    pixel = draw.log_uniform(finest * finer, coarsest, count)
    acquired = pixel * draw.uniform(*scanner.zero_filling, count)
    signal = signal * (scanner.bias * draw.field(count, size, 2)).exp()
    if scanner.lost:
        signal = _with_signal_loss(signal, scanner.lost, draw)
    signal = _with_ghost(signal, scanner, draw)
    snr = draw.log_uniform(*scanner.snr, count)
    images = _through_k_space(signal, pixel_mm, acquired, snr, draw)
    most = int(size * pixel_mm / (FINEST_MM * finer)) + 1
    images, inside = _through_pixels(images, pixel_mm, pixel, most, draw)
    kept = _field_of_view(count, size, scanner.cut_off, draw)
    return images * kept, inside * kept


def _with_ghost(signal: Tensor, scanner: Scanner, draw: Draw) -> Tensor:
    """Add a faint copy, shifted along rows or columns, to a fifth of the signals."""
    count, size, _ = signal.shape
    strength = scanner.ghost * draw.uniform(0.0, 1.0, count, 1, 1) * draw.chance(0.2, count, 1, 1)
    shift = int(draw.whole_batch.index(size, 1))
    along = 1 if bool(draw.whole_batch.chance(0.5, 1)) else 2
    return signal + strength * signal.roll(shift, dims=along)


def _with_signal_loss(signal: Tensor, share: float, draw: Draw) -> Tensor:
    """Darken large patches of a ``share`` of the signals, by up to nine tenths."""
    count, size, _ = signal.shape
    where = torch.sigmoid(4 * (draw.field(count, size, 3) - draw.uniform(0.3, 1.5, count, 1, 1)))
    strength = draw.uniform(0.2, 0.9, count, 1, 1) * draw.chance(share, count, 1, 1)
    return signal * (1 - strength * where)


def _through_k_space(
    signal: Tensor, grid: float, acquired_mm: Tensor, snr: Tensor, draw: Draw
) -> Tensor:
    """Cut k-space at the acquired resolution and add complex noise (so, Rician) in it."""
    size = signal.shape[-1]
    frequency = torch.fft.fftfreq(size, grid, device=signal.device)
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


def _through_pixels(
    images: Tensor, grid: float, pixel_mm: Tensor, most: int, draw: Draw
) -> tuple[Tensor, Tensor]:
    """Average over the scanner's pixels, at most ``most`` along a side, and return to the grid."""
    count, size, _ = images.shape
    pixel = pixel_mm[:, None]
    fine = grid_mm(torch.zeros((), device=images.device), size, grid)
    down, up = [], []
    for _ in range(2):
        first = fine[0] + draw.uniform(0.0, 1.0, count, 1) * pixel
        coarse = first + torch.arange(most, device=images.device) * pixel
        weights = resampling_matrix(coarse - fine[0], pixel, size, grid)
        down.append(weights / weights.sum(-1, keepdim=True).clamp(min=1e-3))
        back = resampling_matrix(fine - first, grid, most, pixel)
        up.append(back * (weights.sum(-1) > 0.5)[:, None, :])
    return resample_inside(resample(images, *down), *up)


def _field_of_view(count: int, size: int, share: float, draw: Draw) -> Tensor:
    """Return 1 inside a field of view that ends within the window in a ``share`` of the samples."""
    position = torch.linspace(-1, 1, size, device=draw.device)
    cut = draw.chance(share, count, 1)
    kept = []
    for _ in range(2):
        low = torch.where(cut, draw.uniform(-1.6, -0.2, count, 1), -2.0)
        high = torch.where(cut, draw.uniform(0.2, 1.6, count, 1), 2.0)
        kept.append(((position > low) & (position < high)).float())
    return kept[0][:, :, None] * kept[1][:, None, :]
