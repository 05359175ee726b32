"""A synthetic scan of the spinal cord with its truth, from parameters alone.

The anatomy is drawn from plane shapes, without a template or a data file; their sizes along the
cord are rounded from the literature (`scgm.phantom.levels`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scgm.image.volume import Geometry, Volume, read_only
from scgm.phantom.acquisition import EX_VIVO, Acquisition, draw_bias, measured, textured
from scgm.phantom.anatomy import Anatomy, draw_anatomy
from scgm.phantom.distortion import Distortion
from scgm.phantom.rendering import tissue_fractions
from scgm.phantom.tissues import CORD_TISSUES, GRAY_TISSUES, UNEVEN_TISSUES, Tissue, signals

__all__ = [
    "EX_VIVO",
    "Acquisition",
    "Anatomy",
    "Phantom",
    "Tissue",
    "draw_anatomy",
    "make_phantom",
    "tissue_fractions",
]


@dataclass(frozen=True, slots=True, eq=False)
class Phantom:
    """A synthetic scan with its truth; all arrays are (i, j, k), and read-only.

    Parameters
    ----------
    volume : Volume
        The scan: i to the right, j to the front, k up; the middle of the grid is the origin.
    gm_fraction, cord_fraction : float32
        Share of a voxel that is gray matter (with the central canal), and cord (with the anterior
        fissure), 0 to 1.
    anatomy : Anatomy
        Anatomical parameters.
    acquisition : Acquisition
        Parameters of the scan.
    seed : int
        Random seed.
    """

    volume: Volume
    gm_fraction: NDArray[np.float32]
    cord_fraction: NDArray[np.float32]
    anatomy: Anatomy
    acquisition: Acquisition
    seed: int

    def __post_init__(self) -> None:
        for name in ("gm_fraction", "cord_fraction"):
            object.__setattr__(self, name, read_only(getattr(self, name), np.float32))

    @property
    def gm(self) -> NDArray[np.bool_]:
        """Voxels of which gray matter is at least half."""
        return self.gm_fraction >= 0.5

    @property
    def cord(self) -> NDArray[np.bool_]:
        """Voxels of which the cord is at least half."""
        return self.cord_fraction >= 0.5

    @property
    def wm(self) -> NDArray[np.bool_]:
        """Voxels of the cord that are not gray matter."""
        return self.cord & ~self.gm


def make_phantom(
    anatomy: Anatomy = Anatomy(),  # noqa: B008  (frozen)
    acquisition: Acquisition = Acquisition(),  # noqa: B008  (frozen)
    *,
    seed: int = 0,
) -> Phantom:
    """Simulate a scan of an anatomy.

    Parameters
    ----------
    anatomy : Anatomy
        Anatomical parameters; `draw_anatomy` draws them at random.
    acquisition : Acquisition
        Parameters of the scan.
    seed : int
        Random seed; the same seed gives the same scan.

    Returns
    -------
    Phantom
        The scan with its truth.
    """
    rng = np.random.default_rng(seed)
    body_rng, scan_rng, distortion_rng = rng.spawn(3)
    shape, spacing = acquisition.shape, acquisition.spacing_mm
    table = signals(acquisition.contrast, acquisition.gm_wm_ratio)
    noise = float(table[Tissue.WHITE_MATTER]) / acquisition.snr
    bias = draw_bias(shape, acquisition.bias, scan_rng)
    distortion = None
    if acquisition.distortion:
        distortion = Distortion.draw(acquisition.distortion, distortion_rng)
        bias = bias * _brightness(distortion, shape, spacing)
    image, gm, cord = (np.empty(shape, np.float32) for _ in range(3))
    slices = tissue_fractions(anatomy, shape, spacing, body_rng, distortion)
    for z, shares in enumerate(slices):
        gm[z] = shares[list(GRAY_TISSUES)].sum(axis=0)
        cord[z] = shares[list(CORD_TISSUES)].sum(axis=0)
        signal = np.tensordot(table, shares, 1)
        uneven = shares[list(UNEVEN_TISSUES)].sum(axis=0)
        signal = textured(signal, uneven, acquisition.texture, scan_rng) * bias[z]
        image[z] = measured(signal, acquisition, noise, scan_rng)
    volume = Volume(image.T, _geometry(shape, spacing))
    return Phantom(volume, gm.T, cord.T, anatomy, acquisition, seed)


def _brightness(
    distortion: Distortion, shape: tuple[int, int, int], spacing_mm: tuple[float, float, float]
) -> NDArray[np.float32]:
    """Return the factor of the signal in every voxel (slices, rows, columns)."""
    z, y, x = (
        ((np.arange(n) - (n - 1) / 2) * d).astype(np.float32)
        for n, d in zip(shape, spacing_mm, strict=True)
    )
    grid_x, grid_y = np.meshgrid(x, y)
    return np.stack([distortion.brightness(grid_x, grid_y, float(height)) for height in z])


def _geometry(shape: tuple[int, int, int], spacing_mm: tuple[float, float, float]) -> Geometry:
    """Return the grid, i right, j front, k up, whose middle is the origin."""
    affine = np.diag([*spacing_mm[::-1], 1.0])
    affine[:3, 3] = [-(n - 1) / 2 * d for n, d in zip(shape[::-1], spacing_mm[::-1], strict=True)]
    return Geometry(shape[::-1], affine)
