"""Worse versions of a scan, on its own grid, so that its labels stay valid."""

import math
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from scgm.image.orientation import AxialStack, from_axial
from scgm.image.volume import Volume

Slices = NDArray[np.float32]
# Slices (Z, Y, X), size of a pixel (row, column) in mm, strength, chance.
Degradation = Callable[[Slices, tuple[float, float], float, np.random.Generator], Slices]


def degraded(
    volume: Volume, stack: AxialStack, cord: NDArray[np.bool_], *, seed: int
) -> Iterator[tuple[str, Volume]]:
    """Give the scan with each fault in each strength, and what the fault is called.

    Parameters
    ----------
    volume, stack
        The scan, and its axial slices.
    cord
        Mask (Z, Y, X) of where the signal is that noise is measured against.
    seed
        Random seed: the same seed gives the same scans.
    """
    unit = float(np.median(stack.slices[cord]))
    for number, (name, (fault, strengths)) in enumerate(FAULTS.items()):
        for step, strength in enumerate(strengths):
            rng = np.random.default_rng((seed, number, step))
            worse = fault(stack.slices / unit, stack.spacing_mm[1:], strength, rng) * unit
            voxels = from_axial(stack, worse.astype(np.float32))
            yield f"{name} {strength:g}", replace(volume, voxels=voxels)


def noisy(
    slices: Slices, pixel_mm: tuple[float, float], level: float, rng: np.random.Generator
) -> Slices:
    """Add noise in two channels of standard deviation *level*, where cord has 1; magnitude."""
    real, imaginary = rng.normal(0, level, (2, *slices.shape))
    return np.asarray(np.hypot(slices + real, imaginary), np.float32)


def blurred(
    slices: Slices, pixel_mm: tuple[float, float], width_mm: float, rng: np.random.Generator
) -> Slices:
    """Blur within slices by a Gaussian of full width at half maximum *width_mm*."""
    deviation = width_mm / math.sqrt(8 * math.log(2))
    return np.asarray(gaussian_filter(slices, (0, *(deviation / size for size in pixel_mm))))


def uneven(
    slices: Slices, pixel_mm: tuple[float, float], amount: float, rng: np.random.Generator
) -> Slices:
    """Multiply by a smooth field that goes up and down by e to the *amount* in 25 mm."""
    y, x = (np.arange(n) * size for n, size in zip(slices.shape[1:], pixel_mm, strict=True))
    angle, *phases = rng.uniform(0, 2 * np.pi, 3)
    along = y[:, None] * np.sin(angle) + x[None] * np.cos(angle)
    across = y[:, None] * np.cos(angle) - x[None] * np.sin(angle)
    field = np.sin(np.pi * along / 50 + phases[0]) + 0.5 * np.sin(np.pi * across / 50 + phases[1])
    return np.asarray(slices * np.exp(amount * field), np.float32)


def coarse(
    slices: Slices, pixel_mm: tuple[float, float], size_mm: float, rng: np.random.Generator
) -> Slices:
    """Keep of k-space what a scan with pixels of *size_mm* measures; the rest becomes zero."""
    rows, columns = (
        np.abs(np.fft.fftfreq(count, size)) <= 0.5 / size_mm
        for count, size in zip(slices.shape[1:], pixel_mm, strict=True)
    )
    kept = rows[:, None] & columns[None, :]
    return np.asarray(np.abs(np.fft.ifft2(np.fft.fft2(slices) * kept)), np.float32)


def moved(
    slices: Slices, pixel_mm: tuple[float, float], amount_mm: float, rng: np.random.Generator
) -> Slices:
    """Move the body along the rows' direction, as breathing does, while k-space is measured.

    Lines are measured one after the other; the displacement is a wave of 6 to 12 periods a slice
    with the standard deviation *amount_mm*, a third of it at random from line to line.
    """
    count, rows = slices.shape[:2]
    frequency = np.fft.fftfreq(rows, pixel_mm[0])
    order = np.argsort(np.argsort(frequency)) / rows
    periods, phases = rng.uniform(6, 12, (count, 1)), rng.uniform(0, 2 * np.pi, (count, 1))
    wave = math.sqrt(2) * np.sin(2 * np.pi * periods * order + phases)
    way_mm = amount_mm * (wave + rng.standard_normal((count, rows)) / 3)
    turn = np.exp(-2j * np.pi * frequency * way_mm)[:, :, None]
    return np.asarray(np.abs(np.fft.ifft2(np.fft.fft2(slices) * turn)), np.float32)


FAULTS: dict[str, tuple[Degradation, tuple[float, ...]]] = {
    "noise": (noisy, (0.1, 0.2, 0.35)),
    "blur, mm": (blurred, (1.0, 1.75, 2.5)),
    "bias": (uneven, (0.5, 1.0, 2.0)),
    "pixels, mm": (coarse, (1.0, 1.5, 2.0)),
    "motion, mm": (moved, (0.3, 0.6, 1.2)),
}
