"""Resampling on regular grids as products of matrices.

Every step follows one rule: an output sample is the mean of the input over a footprint as wide as
the larger of the two pixels. Where the output is finer this is linear interpolation; where it is
coarser it is averaging over the pixel's area, so nothing aliases. Products of matrices run in
torch, in ONNX Runtime and in a browser, and a matrix for each slice cuts a window at any sub-pixel
position.
"""

import torch
from torch import Tensor


def resampling_matrix(
    positions_mm: Tensor, spacing_mm: Tensor | float, count: Tensor | int, pixel_mm: Tensor | float
) -> Tensor:
    """Weights of ``count`` input pixels in each output sample.

    Parameters
    ----------
    positions_mm
        (..., n) centers of the output samples, in mm from the center of the first input pixel.
    spacing_mm
        Distance between output samples (broadcasts against ``positions_mm``).
    count, pixel_mm
        Number and size of the input pixels (the size broadcasts against ``positions_mm`` too).

    Returns
    -------
    Tensor
        (..., n, count); each row sums to the share of its footprint that lies in the image.
    """
    pixel = torch.as_tensor(pixel_mm, dtype=positions_mm.dtype, device=positions_mm.device)
    spacing = torch.as_tensor(spacing_mm, dtype=positions_mm.dtype, device=positions_mm.device)
    width = torch.maximum(spacing, pixel)[..., None]
    pixel, samples = pixel[..., None], positions_mm[..., None]
    centers = steps(count, positions_mm) * pixel
    high = torch.minimum(samples + width / 2, centers + pixel / 2)
    low = torch.maximum(samples - width / 2, centers - pixel / 2)
    return (high - low).clamp(min=0) / width


def resample(images: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """Apply row weights (..., y, Y) and column weights (..., x, X) to images (..., Y, X)."""
    return rows @ images @ columns.transpose(-1, -2)


def resample_inside(images: Tensor, rows: Tensor, columns: Tensor) -> tuple[Tensor, Tensor]:
    """Resample, and tell which samples lie in the image.

    Returns
    -------
    values, inside
        (..., y, x) each. ``inside`` is 1 where at least half of the footprint is covered; there
        the value is the mean over the covered part. Elsewhere both are 0.
    """
    row_share, column_share = rows.sum(-1), columns.sum(-1)
    share = row_share[..., :, None] * column_share[..., None, :]
    inside = ((row_share >= 0.5)[..., :, None] & (column_share >= 0.5)[..., None, :]).to(images)
    return resample(images, rows, columns) / share.clamp(min=0.25) * inside, inside


def grid_mm(center_mm: Tensor, count: Tensor | int, spacing_mm: Tensor | float) -> Tensor:
    """Positions (..., count) of samples ``spacing_mm`` apart, centered on ``center_mm`` (...)."""
    index = steps(count, center_mm)
    return center_mm[..., None] + (index - index.mean()) * spacing_mm


def steps(count: Tensor | int, like: Tensor) -> Tensor:
    """Return 0, 1, ... as many as ``count``, which may be known only when a graph runs."""
    index: Tensor = torch.arange(count, device=like.device)  # type: ignore[arg-type]
    return index.to(like.dtype)


def centroids(weights: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """Return the weighted middle (N, 2) of maps (N, y, x) whose samples lie at rows and columns.

    Positions are (y,) and (x,), or (N, y) and (N, x); the middle of a map of zeros is 0, 0.
    """
    total = weights.sum(dim=(1, 2)).clamp(min=1e-12)
    row = (weights.sum(dim=2) * rows).sum(dim=1) / total
    column = (weights.sum(dim=1) * columns).sum(dim=1) / total
    return torch.stack([row, column], dim=1)
