"""Square windows around the cord, cut out of slices and put back, without torch.

They are resampled as for the networks (`scgm.networks.resampling`): a sample is the mean over a
footprint as wide as the larger of the two pixels, so that nothing aliases and finer samples are
interpolated.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class CordWindows:
    """The slices that show a cord, as windows of n by n samples with the cord in the middle.

    Rows run from posterior to anterior, columns from left to right, as in an `AxialStack`.

    Parameters
    ----------
    image : (N, n, n) float32
        Intensities in the scanner's unit; 0 outside the image.
    inside : (N, n, n) bool
        Which samples lie in the image.
    cord : (N, n, n) float32
        Share of cord in each sample, 0 to 1.
    index : (N,) int
        Numbers of the slices in their stack, ascending; neighbors need not be in a row.
    pixel_mm, slice_mm : float
        Distance of samples, and of neighboring slices of the stack.
    cord_given : bool
        Whether the cord mask was supplied by the user.
    levels : (N,) float32, optional
        Numbers of the vertebral levels, NaN where they are not known.
    """

    image: Floats
    inside: NDArray[np.bool_]
    cord: Floats
    index: NDArray[np.intp]
    pixel_mm: float
    slice_mm: float
    cord_given: bool = False
    levels: NDArray[np.float32] | None = None


class Found(NamedTuple):
    """Result of a method on windows, (N, n, n) float32 from 0 to 1.

    ``cord`` is None where the method takes the cord as it was given.
    """

    gm: NDArray[np.float32]
    cord: NDArray[np.float32] | None = None


class WindowMethod(Protocol):
    """A method on windows: the windows that it needs, and the call."""

    @property
    def name(self) -> str:
        """Name in results."""

    @property
    def size(self) -> int:
        """Samples along each side of a window."""

    @property
    def pixel_mm(self) -> float:
        """Distance between samples."""

    @property
    def order(self) -> int:
        """Interpolation of the image: 1 linear, 3 cubic splines."""

    @property
    def provenance(self) -> Mapping[str, str | None]:
        """Version and checksums that identify the method."""

    def __call__(self, windows: CordWindows) -> Found:
        """Mark gray matter in all windows of a stack."""


def cut_windows(
    slices: Floats,
    pixel_mm: tuple[float, float],
    centre_px: Floats,
    *,
    size: int,
    window_mm: float,
    order: int = 1,
) -> tuple[Floats, NDArray[np.bool_]]:
    """Cut a window out of each slice.

    Parameters
    ----------
    slices : (Z, Y, X) float32
        Intensities, or shares of a tissue.
    pixel_mm : (row, column)
        Height and width of a pixel.
    centre_px : (Z, 2) float32
        Row and column of the middle of each window; no NaN.
    size : int
        Samples along each side.
    window_mm : float
        Distance between samples.
    order : 1 or 3
        Linear interpolation, or cubic splines where the window is finer than the image.

    Returns
    -------
    values : (Z, size, size) float32
        0 outside the image.
    inside : (Z, size, size) bool
        Where at least half of the footprint lies in the image.
    """
    axes = []
    for axis in (0, 1):
        middle_mm = centre_px[:, axis] * pixel_mm[axis]
        positions = middle_mm[:, None] + _offsets_mm(size, window_mm)
        axes.append(_weights(positions, window_mm, slices.shape[1 + axis], pixel_mm[axis]))
    rows, columns = axes
    row_share, column_share = rows.sum(axis=2), columns.sum(axis=2)
    inside = (row_share >= 0.5)[:, :, None] & (column_share >= 0.5)[:, None, :]
    if order > 1 and window_mm < min(pixel_mm):
        values = _spline(slices, pixel_mm, centre_px, (size, window_mm, order))
    else:
        share = row_share[:, :, None] * column_share[:, None, :]
        values = rows @ slices @ columns.transpose(0, 2, 1) / np.maximum(share, 0.25)
    return (values * inside).astype(np.float32), inside


def put_back(
    windows: Floats,
    centre_px: Floats,
    window_mm: float,
    *,
    shape: tuple[int, int],
    pixel_mm: tuple[float, float],
) -> Floats:
    """Resample windows (Z, n, n) to slices (Z, Y, X); 0 outside of the windows.

    The other parameters are those of `cut_windows`; *shape* is (Y, X).
    """
    size = windows.shape[1]
    axes = []
    for axis in (0, 1):
        first_mm = centre_px[:, axis] * pixel_mm[axis] + _offsets_mm(size, window_mm)[0]
        positions = np.arange(shape[axis]) * pixel_mm[axis] - first_mm[:, None]
        axes.append(_weights(positions, pixel_mm[axis], size, window_mm))
    rows, columns = axes
    return np.asarray(rows @ windows @ columns.transpose(0, 2, 1), np.float32)


def _offsets_mm(size: int, window_mm: float) -> NDArray[np.float64]:
    return np.asarray((np.arange(size) - (size - 1) / 2) * window_mm, np.float64)


def _weights(
    positions_mm: NDArray[np.float64], spacing_mm: float, count: int, pixel_mm: float
) -> Floats:
    """Weights (Z, n, count) of pixels in samples at positions (Z, n) from the first pixel."""
    width = max(spacing_mm, pixel_mm)
    samples, centers = positions_mm[:, :, None], np.arange(count) * pixel_mm
    high = np.minimum(samples + width / 2, centers + pixel_mm / 2)
    low = np.maximum(samples - width / 2, centers - pixel_mm / 2)
    return np.asarray(np.maximum(high - low, 0) / width, np.float32)


def _spline(
    slices: Floats,
    pixel_mm: tuple[float, float],
    centre_px: Floats,
    grid: tuple[int, float, int],
) -> Floats:
    from scipy import ndimage  # noqa: PLC0415  (the shipped model starts without it)

    size, window_mm, order = grid
    step = np.array(pixel_mm)
    values = np.empty((len(slices), size, size), np.float32)
    for slice_, center, out in zip(slices, centre_px, values, strict=True):
        first = center + _offsets_mm(size, window_mm)[0] / step
        ndimage.affine_transform(
            slice_, window_mm / step, first, out.shape, out, order=order, mode="nearest"
        )
    return values
