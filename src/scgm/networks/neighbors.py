"""A slice's maps averaged with those of its neighbors, cord on cord.

Noise differs from slice to slice, and anatomy hardly does within a few millimeters of cord. A
single slice stays as it is, and so do slices that lie far apart.
"""

import torch
from torch import Tensor

from scgm.networks.resampling import resample, resampling_matrix, steps


def averaged_along_cord(
    maps: Tensor, middle_mm: Tensor, step_mm: Tensor | float, apart: Tensor, presence: Tensor
) -> Tensor:
    """Average maps along the cord by a Gaussian.

    Parameters
    ----------
    maps
        (Z, channels, y, x), one window for each slice, inferior to superior.
    middle_mm
        (Z, 2) row and column of the cord's middle from that of its window, in mm: the cords of
        neighbors are laid upon each other.
    step_mm
        Pixel of the windows.
    apart
        Distance of neighbors in standard deviations of the Gaussian.
    presence
        (Z,) probability that a slice shows a cord: one without counts for no other.

    Returns
    -------
    Tensor
        (Z, channels, y, x).
    """
    index = steps(maps.shape[0], maps)
    away = (index[:, None] - index[None, :]) * apart
    other = (index[:, None] != index[None, :]).to(maps)
    weight = torch.exp(-0.5 * away**2) * presence * other
    total = weight.sum(dim=1, keepdim=True)
    # Maps of neighbors are moved and back again, which blurs them a little; the own ones are not.
    centered = _moved(maps, middle_mm, step_mm).flatten(1)
    mean = (weight / total.clamp(min=1e-6) @ centered).reshape(maps.shape)
    share = (total / (1 + total))[:, :, None, None]
    return (1 - share) * maps + share * _moved(mean, -middle_mm, step_mm)


def _moved(maps: Tensor, by_mm: Tensor, step_mm: Tensor | float) -> Tensor:
    """Return maps (Z, channels, y, x) whose content lies ``by_mm`` (Z, 2) further down and left."""
    matrices = []
    for axis in (0, 1):
        count = maps.shape[2 + axis]
        at_mm = steps(count, maps)[None, :] * step_mm + by_mm[:, axis : axis + 1]
        matrices.append(resampling_matrix(at_mm, step_mm, count, step_mm)[:, None])
    return resample(maps, *matrices)
