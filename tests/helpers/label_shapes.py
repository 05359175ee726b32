"""Label shapes for synthesis: discs as cords, crops and whole slices that hold them."""

import torch
from torch import Tensor

from scgm.networks.preparation import LEARNED_MM, window_size
from scgm.synthesis.acquisition import Scanner
from scgm.synthesis.deformation import Deformation
from scgm.synthesis.scenes import SCENE, SCENE_MM, Scenes
from scgm.synthesis.windows import Crops, crop_size

WINDOW = window_size(LEARNED_MM)
CROP = crop_size()

STILL = Deformation(
    rotation=0, free_rotation=0, scale=(1, 1), aspect=0, shear=0, shift_mm=0, elastic_mm=0
)
PERFECT = Scanner(
    pixel_mm=(0.25, 0.25),
    zero_filling=(0.01, 0.01),
    snr=(1e6, 1e6),
    bias=0,
    ghost=0,
    cut_off=0,
    lost=0,
)


def disc(size: int, radius_px: float) -> Tensor:
    """Return a disc in the middle of a square."""
    axis = torch.arange(size) - (size - 1) / 2
    return ((axis[:, None] ** 2 + axis[None, :] ** 2).sqrt() <= radius_px).float()


def some_crops() -> Crops:
    """Return two shapes without an image and one real crop without a gray matter label."""
    cord, gm = disc(CROP, 24), disc(CROP, 10)
    flag = torch.tensor([False, False, True])
    return Crops(
        gm=torch.stack([gm, gm, 0 * gm]),
        cord=torch.stack([cord] * 3),
        image=torch.stack([0 * cord, 0 * cord, 1 + cord]),
        has_image=flag,
        knows_gm=~flag,
        knows_cord=torch.ones(3, dtype=torch.bool),
        neighbor=torch.tensor([1, 1, 2]),
        weight=torch.ones(3),
    )


def one_scene(*, cord_mm: float = 5.0, view_mm: float | None = None) -> Scenes:
    """Return one whole slice with a cord in its middle; *view_mm* limits the field of view."""
    cord = disc(SCENE, cord_mm / SCENE_MM)[None]
    body = disc(SCENE, 60.0 / SCENE_MM)[None]
    inside = torch.ones_like(body) if view_mm is None else disc(SCENE, view_mm / SCENE_MM)[None]
    return Scenes(body + cord, inside, cord, torch.ones(1), torch.ones(1, dtype=torch.bool))
