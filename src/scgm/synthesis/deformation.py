"""Random deformation of label shapes and images, in millimeters."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from scgm.networks.resampling import grid_mm
from scgm.synthesis.draw import Draw


@dataclass(frozen=True, slots=True)
class Deformation:
    """Ranges of the random deformation: angles in degrees, lengths in mm.

    ``free_rotation`` is the share of samples turned by any angle; the others turn within
    +-``rotation``. ``elastic_mm`` is the standard deviation of the smooth displacement.
    ``compressed`` is the share of cords with a simulated compression: flattened from front to
    back, by ``flattening``, and dented in front by up to ``dent_mm``, as by a disc.
    """

    rotation: float = 20.0
    free_rotation: float = 0.12
    scale: tuple[float, float] = (0.8, 1.25)
    aspect: float = 0.12
    shear: float = 0.1
    shift_mm: float = 2.5
    elastic_mm: float = 0.35
    elastic_cells: tuple[int, ...] = (3, 6)
    compressed: float = 0.0
    flattening: tuple[float, float] = (0.45, 0.95)
    dent_mm: float = 2.0


def sampling_grids(count: int, size: int, pixel_mm: float, how: Deformation, draw: Draw) -> Tensor:
    """Positions (count, size, size, 2) in mm (column, row) from the source's middle."""
    angle = draw.uniform(-how.rotation, how.rotation, count)
    free = draw.chance(how.free_rotation, count)
    angle = torch.deg2rad(torch.where(free, draw.uniform(-180.0, 180.0, count), angle))
    scale = draw.log_uniform(*how.scale, count)
    aspect = (how.aspect * draw.uniform(-1.0, 1.0, count)).exp()
    mirror = torch.where(draw.chance(0.5, count), 1.0, -1.0)
    shear = draw.uniform(-how.shear, how.shear, count)
    cosine, sine = angle.cos(), angle.sin()
    # Output position -> source position: rotate, shear, scale, mirror left-right.
    turned = torch.stack([cosine, -sine, sine, cosine], dim=-1).reshape(count, 2, 2)
    sheared = torch.stack(
        [torch.ones_like(shear), shear, torch.zeros_like(shear), torch.ones_like(shear)], dim=-1
    ).reshape(count, 2, 2)
    stretched = torch.diag_embed(torch.stack([mirror / (scale * aspect), aspect / scale], dim=-1))
    compressed = draw.chance(how.compressed, count)
    depth = torch.where(compressed, draw.log_uniform(*how.flattening, count), 1.0)
    # A compressed cord gets wider, and loses some of its area.
    flattened = torch.diag_embed(torch.stack([depth.sqrt(), 1 / depth], dim=-1))
    matrix = stretched @ sheared @ flattened @ turned
    axis = grid_mm(torch.zeros((), device=draw.device), size, pixel_mm)
    rows, columns = torch.meshgrid(axis, axis, indexing="ij")
    position = torch.stack([columns, rows], dim=-1).reshape(1, -1, 2)
    shift = draw.uniform(-how.shift_mm, how.shift_mm, count, 1, 2)
    moved = (position + shift) @ matrix.transpose(1, 2)
    moved = moved.reshape(count, size, size, 2)
    if how.compressed:
        moved = moved + _dent(moved, compressed * draw.uniform(0.0, how.dent_mm, count), draw)
    for cells in how.elastic_cells:
        strength = how.elastic_mm * draw.uniform(0.0, 2.0, count, 1, 1, 1)
        bend = torch.stack([draw.field(count, size, cells) for _ in range(2)], dim=-1)
        moved = moved + strength * bend * (3.0 / cells)
    return moved


def _dent(source_mm: Tensor, depth_mm: Tensor, draw: Draw) -> Tensor:
    """Return displacements that push the front of the cord back near its middle."""
    count = source_mm.shape[0]
    column, row = source_mm.unbind(dim=-1)
    middle, width = draw.uniform(-3.0, 3.0, count, 1, 1), draw.uniform(1.5, 5.0, count, 1, 1)
    near = torch.exp(-0.5 * ((column - middle) / width) ** 2) * torch.sigmoid(row / 1.5)
    forward = depth_mm[:, None, None] * near
    return torch.stack([torch.zeros_like(forward), forward], dim=-1)


def sample_at(images: Tensor, grids_mm: Tensor, pixel_mm: float) -> Tensor:
    """Sample images (count, channels, n, n) of square pixels at ``grids_mm``; 0 outside."""
    half = images.shape[-1] * pixel_mm / 2
    return functional.grid_sample(images, grids_mm / half, mode="bilinear", align_corners=False)
