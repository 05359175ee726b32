"""Parameters of a scan, and its simulation: texture, bias field, noise, ringing, ghost."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scgm.errors import ConfigError
from scgm.phantom.distortion import MOST_DISTORTED
from scgm.phantom.tissues import CONTRASTS

Image = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Acquisition:
    """A scan; by default axial T2*w slices of a cord in vivo at 3 T.

    Parameters
    ----------
    shape : (slices, rows, columns)
        Number of voxels; rows go from back to front, columns from left to right.
    spacing_mm : (slice, row, column)
        Size of a voxel; slices touch each other.
    contrast : str
        "t2star", "mt", "psir", "t1", "t2", "exvivo", "mp2rage" or "spgr"; their signals stand in
        `scgm.phantom.tissues`.
    gm_wm_ratio : float, optional
        Signal of gray over that of white matter, below 1 for dark gray matter; by default that of
        the contrast.
    snr : float
        Signal of white matter over the standard deviation of the noise in each of the two channels
        whose magnitude is the image (Rician noise); infinite for none. At the middle of a bias.
    texture : float
        Standard deviation of slow signal changes within muscle, fat, marrow and disc, as a share.
    bias : float
        Coil sensitivity: the signal changes smoothly by up to about this share; 0 for none.
    sampled_share : float
        Share of k-space along rows and columns that is measured, the rest is filled with zeros:
        below 1 edges ring (Gibbs) and blur.
    ghosting : float
        Share by which every other line of k-space is too weak: half of it appears as a second
        image, half a field of view away along the rows' direction; 0 for none.
    distortion : float
        Standard deviation of the stretching along the rows' direction, as a share, as in echo
        planar images; what is squeezed together gets brighter. The truth moves with the image; 0
        for none.

    Raises
    ------
    ConfigError
        If a value is out of range.
    """

    shape: tuple[int, int, int] = (10, 160, 160)
    spacing_mm: tuple[float, float, float] = (5.0, 0.5, 0.5)
    contrast: str = "t2star"
    gm_wm_ratio: float | None = None
    snr: float = 20.0
    texture: float = 0.06
    bias: float = 0.4
    sampled_share: float = 0.9
    ghosting: float = 0.0
    distortion: float = 0.0

    def __post_init__(self) -> None:
        if len(self.shape) != 3 or any(int(n) != n or n < 1 for n in self.shape):
            msg = f"shape is {self.shape}; give the number of slices, rows and columns"
            raise ConfigError(msg)
        limits_mm = (50, 5, 5)
        sizes = zip(self.spacing_mm, limits_mm, strict=False)
        if len(self.spacing_mm) != 3 or not all(0.01 <= size <= most for size, most in sizes):
            msg = f"spacing is {self.spacing_mm}; give 0.01 to 50 mm for slices, to 5 mm for pixels"
            raise ConfigError(msg)
        if self.contrast not in CONTRASTS:
            msg = f"contrast {self.contrast!r} is unknown; choose one of {', '.join(CONTRASTS)}"
            raise ConfigError(msg)
        for name, low, high in (
            ("gm_wm_ratio", 0.1, 10.0),
            ("snr", 0.1, math.inf),
            ("texture", 0.0, 1.0),
            ("bias", 0.0, 1.0),
            ("sampled_share", 0.2, 1.0),
            ("ghosting", 0.0, 1.0),
            ("distortion", 0.0, MOST_DISTORTED),
        ):
            value = getattr(self, name)
            if value is not None and not low <= value <= high:
                msg = f"{name} is {value}; give a value from {low} to {high}"
                raise ConfigError(msg)


EX_VIVO = Acquisition(
    shape=(10, 200, 200), spacing_mm=(1.0, 0.08, 0.08), contrast="exvivo", snr=30.0, bias=0.1
)
"""A fixed cord in a tube on a small-bore scanner."""


def textured(signal: Image, uneven: Image, amount: float, rng: np.random.Generator) -> Image:
    """Change the signal (rows, columns) slowly, in proportion to the share of *uneven* tissue."""
    if amount == 0:
        return signal
    # Changes over about 5 pixels: tissue between muscle fibers and in marrow.
    noise = np.fft.rfft2(rng.standard_normal(signal.shape, np.float32))
    distance = np.hypot(
        np.fft.fftfreq(signal.shape[0])[:, None], np.fft.rfftfreq(signal.shape[1])[None]
    )
    slow = np.fft.irfft2(noise * np.exp(-((distance / 0.12) ** 2)), signal.shape)
    slow /= max(float(slow.std()), 1e-6)
    return np.asarray(signal * (1 + amount * uneven * slow), np.float32)


def draw_bias(shape: tuple[int, int, int], amount: float, rng: np.random.Generator) -> Image:
    """Draw a smooth field (slices, rows, columns) around 1, usually brighter at the back."""
    tilt = rng.uniform(-0.5, 0.5, 5)
    z, y, x = (np.linspace(-1, 1, n) if n > 1 else np.zeros(1) for n in shape)
    z, y, x = z[:, None, None], y[None, :, None], x[None, None, :]
    slope = -(0.7 + tilt[0]) * y + tilt[1] * x + 0.5 * tilt[2] * z
    field = slope + tilt[3] * (x**2 - y**2) + tilt[4] * x * y
    return np.asarray(np.exp(amount * field), np.float32)


def measured(
    signal: Image, acquisition: Acquisition, noise_level: float, rng: np.random.Generator
) -> Image:
    """Return the measured magnitude image of a true signal (rows, columns), float32.

    *noise_level* is the standard deviation of the noise in each channel of the result.
    """
    rows, columns = (_sampled(count, acquisition.sampled_share) for count in signal.shape)
    kept = rows[:, None] & columns[None, :]
    lines = np.fft.fft2(signal) * kept
    lines[1::2] *= 1 - acquisition.ghosting
    image = np.fft.ifft2(lines)
    if noise_level > 0:
        both = rng.standard_normal((2, *signal.shape))
        noise = np.fft.ifft2(np.fft.fft2(both[0] + 1j * both[1]) * kept)
        image += noise * noise_level / math.sqrt(kept.mean())
    return np.asarray(np.abs(image), np.float32)


def _sampled(count: int, share: float) -> NDArray[np.bool_]:
    """Tell which frequencies, in the order of the FFT, are measured."""
    frequency = np.abs(np.fft.fftfreq(count))
    return np.asarray(frequency <= 0.5 * share)
