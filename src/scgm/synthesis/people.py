"""Shapes as other people have them: the labels that there are come from few."""

from dataclasses import dataclass

import torch
from torch import Tensor

from scgm.networks.preparation import WINDOW_PIXEL_MM
from scgm.networks.resampling import grid_mm
from scgm.synthesis.deformation import sample_at
from scgm.synthesis.draw import Draw
from scgm.synthesis.horns import ThinEnds, with_thin_horns
from scgm.synthesis.tissue import blur

WIDER = (0.95, 1.18)  # cords, while their gray matter stays as it is
SWOLLEN_MM, SWOLLEN_LEVEL, RIM_MM = (0.4, 1.2), (0.12, 0.45), 0.4


@dataclass(frozen=True, slots=True)
class People:
    """How shapes vary: the share with swollen gray matter, and thin ends of horns.

    Swollen gray matter is that of the lumbar enlargement, where it fills half of the cord.
    """

    swollen: float
    ends: ThinEnds


NECK = People(0.15, ThinEnds(share=0.3, width_mm=(0.25, 0.8), reach=(0.2, 1.2)))
# Specimens come from any level, and their images show the thin ends.
SPECIMENS = People(0.4, ThinEnds(share=0.85, width_mm=(0.2, 0.55), reach=(0.6, 1.8)))


def other_people(
    labels: Tensor,
    following: Tensor,
    people: People,
    draw: Draw,
    pixel_mm: float = WINDOW_PIXEL_MM,
) -> Tensor:
    """Return shares (n, 2, y, x) of cord and gray matter of other people.

    ``following`` are those of the next slice; rows go from back to front.
    """
    labels = with_other_white_matter(thick_slices(labels, following, draw), draw)
    labels = with_swollen_gray_matter(labels, pixel_mm, people.swollen, draw)
    return with_thin_horns(labels, pixel_mm, people.ends, draw)


def thick_slices(labels: Tensor, following: Tensor, draw: Draw) -> Tensor:
    """Return shares (n, 2, y, x) of cord and gray matter as slices of some thickness show them.

    The blurred shares of a template get a border of about a pixel, at a random level: at high ones
    gray matter is thin, as in some people. A thick slice shows the mean over its thickness: half of
    the slices are mixed with the ``following`` shares.
    """
    count = labels.shape[0]
    levels = [draw.uniform(0.4, 0.6, count), draw.uniform(0.42, 0.8, count)]
    level = torch.stack(levels, dim=1)[:, :, None, None]
    share = draw.uniform(0.0, 0.5, count, 1, 1, 1) * draw.chance(0.5, count, 1, 1, 1)
    labels, following = (torch.sigmoid((part - level) / 0.08) for part in (labels, following))
    return (1 - share) * labels + share * following


def with_other_white_matter(labels: Tensor, draw: Draw) -> Tensor:
    """Make cords wider or narrower around their gray matter, which is cut at the cord's edge.

    The labels come from few people, whose gray matter takes up similar shares of the cord.
    ``labels`` (n, 2, y, x) are shares of cord and gray matter.
    """
    count, size = labels.shape[0], labels.shape[-1]
    axis = grid_mm(torch.zeros((), device=draw.device), size, 1.0)
    rows, columns = torch.meshgrid(axis, axis, indexing="ij")
    wider = draw.log_uniform(*WIDER, count, 1, 1, 1)
    cord = sample_at(labels[:, :1], torch.stack([columns, rows], dim=-1) / wider, 1.0)
    return torch.cat([cord, torch.minimum(labels[:, 1:], cord)], dim=1)


def with_swollen_gray_matter(labels: Tensor, pixel_mm: float, share: float, draw: Draw) -> Tensor:
    """Swell gray matter in a ``share`` of the shapes, up to a rim of white matter.

    Labels come from the neck and the chest for the most part. ``labels`` (n, 2, y, x) are shares of
    cord and gray matter.
    """
    cord, gm = labels.unbind(1)
    count = len(cord)
    spread = blur(gm, draw.uniform(*SWOLLEN_MM, count), pixel_mm)
    level = draw.log_uniform(*SWOLLEN_LEVEL, count, 1, 1)
    rim = draw.uniform(0.0, RIM_MM, count)
    within = torch.sigmoid((blur(cord, rim, pixel_mm) - 0.8) / 0.05)
    swollen = torch.maximum(gm, torch.sigmoid((spread - level) / 0.04) * within)
    chosen = draw.chance(share, count, 1, 1)
    return torch.stack([cord, torch.minimum(torch.where(chosen, swollen, gm), cord)], dim=1)
