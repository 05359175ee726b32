"""Batches for the cord finder: whole coarse slices, with or without a cord."""

from dataclasses import dataclass

import torch
from torch import Tensor

from scgm.networks.preparation import ABSENT_WEIGHT, COARSE_MIN, COARSE_MM, compress
from scgm.networks.resampling import centroids, grid_mm
from scgm.synthesis.canal import fade_fluid, take_cord_out
from scgm.synthesis.deformation import Deformation, sample_at, sampling_grids
from scgm.synthesis.draw import Draw

SCENE, SCENE_MM = 192, 1.25
PEAK_MM = 2.0
VISIBLE, HIDDEN = 0.35, 0.03  # a slice shows a cord from this share in view on, none up to that
PADDED = 0.4  # share of the scenes with zeros beyond the field of view
CURVED, KNOTS = 0.2, 5  # share of the scenes whose values go through a random line; its knots
# Shares of the scenes with a cord from which it is taken out, and whose fluid becomes like it.
EMPTIED, FADED = 0.2, 0.2


@dataclass(frozen=True, slots=True, eq=False)
class Scenes:
    """Whole slices (N, 192, 192) at 1.25 mm.

    ``image`` has mean 1 within the field of view ``inside``; ``cord`` is the share of cord in a
    pixel, 0 everywhere in a scene without one. ``weight`` (N,) is how often a scene is drawn.
    ``canal_known`` (N,) is false where the canal must not be changed: ``cord`` is only a disc
    around its center, or a specimen is nothing but a cord, so that roots would look like it.
    """

    image: Tensor
    inside: Tensor
    cord: Tensor
    weight: Tensor
    canal_known: Tensor

    def to(self, device: torch.device | str) -> "Scenes":
        """Return the same scenes on another device."""
        return Scenes(*(getattr(self, name).to(device) for name in self.__slots__))


@dataclass(frozen=True, slots=True, eq=False)
class SceneBatch:
    """``images`` (n, 1, 128, 128), ``weight`` (n,), ``targets`` (n, 128 * 128 + 1) summing to 1."""

    images: Tensor
    targets: Tensor
    weight: Tensor


def scene_batch(scenes: Scenes, count: int, draw: Draw) -> SceneBatch:
    """Draw scenes, move them, cut their field of view, and give the place of the cord as target."""
    chosen = torch.multinomial(scenes.weight, count, replacement=True, generator=draw.generator)
    image, cord = scenes.image[chosen], scenes.cord[chosen]
    image, emptied = _changed_canals(image, cord, scenes.canal_known[chosen], draw)
    stacked = torch.stack([_recolored(image, draw), scenes.inside[chosen], cord], dim=1)
    how = Deformation(
        rotation=35.0, scale=(0.7, 1.4), shift_mm=0.0, elastic_mm=2.0, aspect=0.15, shear=0.1
    )
    grids = sampling_grids(count, COARSE_MIN, COARSE_MM, how, draw)
    grids = grids + _shifts(stacked[:, 2], draw)
    moved = sample_at(stacked, grids, SCENE_MM)
    image, inside, cord = moved[:, 0], (moved[:, 1] > 0.5).float(), moved[:, 2]
    kept = _field_of_view(cord, draw)
    image = _degraded(image, draw)
    # Beyond the field of view there is no image, or (in padded and masked files) zeros.
    padded = draw.chance(PADDED, count, 1, 1)
    image = torch.where(padded, image * inside * kept, image)
    inside = torch.where(padded, torch.ones_like(inside), inside * kept)
    targets, weight = _targets(cord * ~emptied[:, None, None], kept)
    return SceneBatch(compress(image, inside)[:, None], targets, weight)


def _changed_canals(
    image: Tensor, cord: Tensor, canal_known: Tensor, draw: Draw
) -> tuple[Tensor, Tensor]:
    """Take the cord out of some scenes, and let fluid fade in others; tell which (n,) are empty."""
    which = draw.uniform(0.0, 1.0, len(image))
    changeable = canal_known & (cord.amax(dim=(1, 2)) > 0.5)
    emptied, faded = changeable & (which < EMPTIED), changeable & (which > 1 - FADED)
    image = image.clone()
    if faded.any():
        image[faded] = fade_fluid(image[faded], cord[faded], draw)
    if emptied.any():
        places = torch.nonzero(emptied)[:, 0]
        image[places], emptied[places] = take_cord_out(image[places], cord[places], draw)
    return image, emptied


def _recolored(image: Tensor, draw: Draw) -> Tensor:
    """Apply a random gamma, invert some scenes, and give some a contrast that no scan has."""
    count = image.shape[0]
    image = image ** draw.log_uniform(0.6, 1.6, count, 1, 1)
    top = image.flatten(1).quantile(0.995, dim=1)[:, None, None]
    negative = draw.chance(0.15, count, 1, 1)
    image = torch.where(negative, (top - image).clamp(min=0), image)
    curved = draw.chance(CURVED, count, 1, 1)
    return torch.where(curved, top * _through_curves(image / top.clamp(min=1e-6), draw), image)


def _through_curves(image: Tensor, draw: Draw) -> Tensor:
    """Map values (n, y, x), most of them in 0..1, by a random line of straight pieces each."""
    count = image.shape[0]
    heights = draw.uniform(0.0, 1.0, count, KNOTS)
    place = image.clamp(0, 1) * (KNOTS - 1)
    before = place.floor().clamp(max=KNOTS - 2)
    low, high = (
        heights.gather(1, (before.long() + k).flatten(1)).reshape(image.shape) for k in (0, 1)
    )
    return low + (place - before) * (high - low)


def _shifts(cord: Tensor, draw: Draw) -> Tensor:
    """Return shifts (n, 1, 1, 2) in mm, after which the cord may lie anywhere, even outside."""
    count = cord.shape[0]
    axis = grid_mm(torch.zeros((), device=cord.device), SCENE, SCENE_MM)
    middle = centroids(cord, axis, axis).flip(-1)  # column, row
    reach = torch.where(draw.chance(0.5, count, 1), 85.0, 30.0)
    return (middle + reach * draw.uniform(-1.0, 1.0, count, 2))[:, None, None, :]


def _degraded(image: Tensor, draw: Draw) -> Tensor:
    """Apply a random bias field and noise."""
    count, size, _ = image.shape
    image = image * (0.35 * draw.uniform(0, 1, count, 1, 1) * draw.field(count, size, 2)).exp()
    level = image.mean(dim=(1, 2), keepdim=True)
    deviation = level * draw.uniform(0.0, 0.5, count, 1, 1) * draw.chance(0.7, count, 1, 1)
    real, imaginary = draw.normal(*image.shape), draw.normal(*image.shape)
    return ((image + deviation * real) ** 2 + (deviation * imaginary) ** 2).sqrt()


def _field_of_view(cord: Tensor, draw: Draw) -> Tensor:
    """Return 1 inside a rectangle: often the whole view, else small, usually around the cord."""
    count, size, _ = cord.shape
    cut = draw.chance(0.5, count, 1)
    around = draw.chance(0.75, count, 1)
    axis = grid_mm(torch.zeros((), device=cord.device), size, COARSE_MM)
    kept = []
    for middle in centroids(cord, axis, axis)[:, :, None].unbind(dim=1):
        length = draw.log_uniform(22.0, 190.0, count, 1)
        offset = draw.uniform(-0.5, 0.5, count, 1) * length * 0.95
        anywhere = draw.uniform(-80.0, 80.0, count, 1)
        start = torch.where(around, middle + offset, anywhere) - length / 2
        view = ((axis >= start) & (axis <= start + length)) | ~cut
        kept.append(view.float())
    return kept[0][:, :, None] * kept[1][:, None, :]


def _targets(cord: Tensor, kept: Tensor) -> tuple[Tensor, Tensor]:
    """Return a peak at the middle of the visible cord, or "no cord"; weight 0 where in doubt."""
    size = cord.shape[-1]
    axis = grid_mm(torch.zeros((), device=cord.device), size, COARSE_MM)
    visible = cord * kept
    total = visible.sum(dim=(1, 2))
    nominal = 60.0 / COARSE_MM**2  # a small cord's area in pixels
    share = total / torch.maximum(cord.sum(dim=(1, 2)), torch.full_like(total, nominal))
    middle = centroids(visible, axis, axis)[:, :, None]
    rows, columns = torch.exp(-0.5 * ((axis - middle) / PEAK_MM) ** 2).unbind(dim=1)
    peak = (rows[:, :, None] * columns[:, None, :]).flatten(1)
    peak = peak / peak.sum(dim=1, keepdim=True).clamp(min=1e-6)
    there = (share >= VISIBLE).float()[:, None]
    targets = torch.cat([peak * there, 1 - there], dim=1)
    return targets, (share >= VISIBLE).float() + ABSENT_WEIGHT * (share <= HIDDEN).float()
