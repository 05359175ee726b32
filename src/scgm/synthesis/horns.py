"""The thin ends of the posterior horns, which reach the surface of the cord.

Images with pixels of a tenth of a millimeter show them whole. In labels of coarser images, and in
templates, the horns end somewhere before the surface, always at about the same place: without ends
of other lengths a network learns that place instead of looking at the image.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from scgm.networks.resampling import centroids, grid_mm
from scgm.synthesis.draw import Draw

EDGE_MM = 0.05


@dataclass(frozen=True, slots=True)
class ThinEnds:
    """Ranges of the thin ends, which a ``share`` of the label shapes gets.

    ``reach`` is the share of the way from the horn to the surface; above 1 it is the whole way.
    """

    share: float
    width_mm: tuple[float, float]
    reach: tuple[float, float]


def with_thin_horns(labels: Tensor, pixel_mm: float, ends: ThinEnds, draw: Draw) -> Tensor:
    """Draw the thin ends of both posterior horns in some of the label shapes.

    Each goes from the rearmost gray matter on its side towards the nearest place outside of the
    cord.

    Parameters
    ----------
    labels
        (n, 2, y, x) shares of cord and gray matter; rows go from back to front.

    Returns
    -------
    Tensor
        (n, 2, y, x); the cord is as it was.
    """
    cord, gm = labels.unbind(1)
    count, size, _ = gm.shape
    axis = grid_mm(torch.zeros((), device=gm.device), size, pixel_mm)
    middle = centroids(cord, axis, axis)[:, 1, None, None]
    chosen = draw.chance(ends.share, count, 1, 1)
    for side in (-1, 1):
        own = side * (axis[None, None, :] - middle) > 0
        tip = _farthest((gm >= 0.5) & own, -axis[:, None].expand(size, size)[None])
        tip_mm = torch.stack([axis[tip // size], axis[tip % size]], dim=1)
        reach = draw.uniform(*ends.reach, count, 1).clamp(max=1)
        end_mm = tip_mm + reach * (_nearest_outside(cord, tip_mm, axis) - tip_mm)
        depth = draw.log_uniform(*ends.width_mm, count, 1, 1) / 2
        depth = depth - _distance(tip_mm, end_mm, axis)
        thin = torch.sigmoid(depth / EDGE_MM) * (chosen & _holds(gm, own))
        gm = torch.maximum(gm, torch.minimum(thin, cord))
    return torch.stack([cord, gm], dim=1)


def _holds(gm: Tensor, own: Tensor) -> Tensor:
    """Whether there is gray matter on a side: (n, 1, 1)."""
    return ((gm >= 0.5) & own).flatten(1).any(dim=1)[:, None, None]


def _farthest(where: Tensor, value: Tensor) -> Tensor:
    """Return the index (n,) of the largest value among the pixels (n, y, x) that count."""
    return torch.where(where, value, -torch.inf).flatten(1).argmax(dim=1)


def _nearest_outside(cord: Tensor, place_mm: Tensor, axis: Tensor) -> Tensor:
    """Return the place (n, 2) in mm outside of the cord that is nearest to places (n, 2)."""
    away = (axis[None, :, None] - place_mm[:, :1, None]) ** 2
    away = away + (axis[None, None, :] - place_mm[:, 1:, None]) ** 2
    found = _farthest(cord < 0.5, -away)
    return torch.stack([axis[found // len(axis)], axis[found % len(axis)]], dim=1)


def _distance(start_mm: Tensor, end_mm: Tensor, axis: Tensor) -> Tensor:
    """Return the distance (n, y, x) in mm from the line between two places (n, 2)."""
    along = end_mm - start_mm
    squared = (along**2).sum(dim=1).clamp(min=1e-6)[:, None, None]
    row = axis[None, :, None] - start_mm[:, :1, None]
    column = axis[None, None, :] - start_mm[:, 1:, None]
    share = (row * along[:, :1, None] + column * along[:, 1:, None]) / squared
    share = share.clamp(0, 1)
    away_row, away_column = row - share * along[:, :1, None], column - share * along[:, 1:, None]
    return (away_row**2 + away_column**2).sqrt()
