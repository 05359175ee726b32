"""Batches for the segmentation network: painted label shapes and labeled crops of real images."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from scgm.networks.preparation import (
    LEARNED_MM,
    WINDOW_PIXEL_MM,
    standardize,
    window_size,
    with_pixel_size,
)
from scgm.synthesis.acquisition import FINE, GENTLE, Scanner, acquire
from scgm.synthesis.deformation import Deformation, sample_at, sampling_grids
from scgm.synthesis.draw import Draw
from scgm.synthesis.people import NECK, SPECIMENS, other_people
from scgm.synthesis.tissue import blur, paint

CROP_TO_WINDOW = 1.25  # a window is moved, turned and scaled within its crop
# The finest deformations, of 2 to 3 mm, make horns thinner or thicker. A fifth of the cords is
# compressed.
PAINTED = Deformation(elastic_mm=0.45, elastic_cells=(3, 6, 12), compressed=0.2)
REAL = Deformation(scale=(0.85, 1.2), elastic_mm=0.2, elastic_cells=(3, 6, 12), compressed=0.2)
# Windows of fine images are smaller, and specimens lie at any angle.
SPECIMEN = Deformation(
    free_rotation=0.5,
    scale=(0.75, 1.1),
    shift_mm=1.5,
    elastic_mm=0.2,
    elastic_cells=(3, 6),
    compressed=0.1,
)
IN_TUBE = 0.5  # share of them
SMOOTHED_MM = (0.1, 0.25)


@dataclass(frozen=True, slots=True, eq=False)
class Crops:
    """Label shapes, and images where there are any, around the cord.

    ``gm``, ``cord`` and ``image`` are (N, y, x), by default 40 mm, 160 x 160 at 0.25 mm; labels are
    shares from 0 to 1, images have mean 1 (0 where there is none). ``knows_gm`` and ``knows_cord``
    (N,) are whether somebody drew the tissue in the slice. ``neighbor`` is the next slice of the
    same volume for which ``knows_gm`` is the same. ``weight`` (N,) is how often a crop is drawn.
    """

    gm: Tensor
    cord: Tensor
    image: Tensor
    has_image: Tensor
    knows_gm: Tensor
    knows_cord: Tensor
    neighbor: Tensor
    weight: Tensor

    def to(self, device: torch.device | str) -> "Crops":
        """Return the same crops on another device."""
        return Crops(*(getattr(self, name).to(device) for name in self.__slots__))


@dataclass(frozen=True, slots=True, eq=False)
class WindowBatch:
    """``images`` (n, 1 or 2, y, x) as the network sees them; ``targets`` (n, 2, y, x).

    Channel 0 is the share of cord, channel 1 of gray matter; ``known`` (n, 2, 1, 1) is 0 where a
    real image has no label of that tissue.
    """

    images: Tensor
    targets: Tensor
    known: Tensor


def crop_size(pixel_mm: float = WINDOW_PIXEL_MM, window_mm: float = LEARNED_MM) -> int:
    """Pixels along a side of a crop, from which windows of ``window_mm`` are cut."""
    return round(CROP_TO_WINDOW * window_mm / pixel_mm)


def window_batch(
    crops: Crops,
    count: int,
    real_share: float,
    draw: Draw,
    pixel_mm: float = WINDOW_PIXEL_MM,
    size: int | None = None,
) -> WindowBatch:
    """Make a batch: the first ``real_share`` of it from real crops, the others painted.

    ``pixel_mm`` is that of the crops, and of the windows; ``size`` is the number of pixels along
    a side of the windows, by default 32 mm.
    """
    size = window_size(LEARNED_MM, pixel_mm) if size is None else size
    real = round(count * real_share) if bool(crops.has_image.any()) else 0
    parts = [_painted(crops, count - real, draw, size, pixel_mm)]
    if real:
        parts.insert(0, _real(crops, real, draw, size, pixel_mm))
    return joined(parts)


def told_pixel_size(batch: WindowBatch, pixel_mm: float) -> WindowBatch:
    """Return a batch whose images have the size of their pixels as a second channel."""
    return replace(batch, images=with_pixel_size(batch.images[:, 0], pixel_mm))


def joined(parts: Sequence[WindowBatch]) -> WindowBatch:
    """Return one batch of all windows, which have the same number of pixels."""
    return WindowBatch(
        *(torch.cat([getattr(part, name) for part in parts]) for name in WindowBatch.__slots__)
    )


def _painted(crops: Crops, count: int, draw: Draw, size: int, pixel_mm: float) -> WindowBatch:
    """Deform label shapes, give them a contrast, and measure them."""
    whole = crops.knows_gm & crops.knows_cord
    chosen = _choose(crops.weight * whole, count, draw)
    labels = torch.stack([crops.cord[chosen], crops.gm[chosen]], dim=1)
    beside = crops.neighbor[chosen]
    following = torch.stack([crops.cord[beside], crops.gm[beside]], dim=1)
    labels = other_people(labels, following, NECK, draw, pixel_mm)
    grids = sampling_grids(count, size, pixel_mm, PAINTED, draw)
    targets = sample_at(labels, grids, pixel_mm)
    signal = paint(targets[:, 1], targets[:, 0], draw, pixel_mm)
    images, inside = acquire(signal, Scanner(), draw, pixel_mm)
    known = torch.ones(count, 2, 1, 1, device=draw.device)
    images = standardize(images, inside, pixel_mm)
    return WindowBatch(images[:, None], targets * inside[:, None], known)


def fine_batch(crops: Crops, count: int, draw: Draw, pixel_mm: float, size: int) -> WindowBatch:
    """Make a batch of painted windows with fine pixels, as specimens are scanned.

    ``pixel_mm`` is that of the crops, and of the windows; ``size`` the pixels along a side.
    """
    chosen = _choose(crops.weight * (crops.knows_gm & crops.knows_cord), count, draw)
    labels = torch.stack([crops.cord[chosen], crops.gm[chosen]], dim=1)
    # Labels were drawn on coarser pixels, whose corners would be learned.
    smooth = blur(labels.flatten(0, 1), draw.uniform(*SMOOTHED_MM, 2 * count), pixel_mm)
    labels = smooth.clamp(0, 1).reshape(labels.shape)
    labels = other_people(labels, labels, SPECIMENS, draw, pixel_mm)
    targets = sample_at(labels, sampling_grids(count, size, pixel_mm, SPECIMEN, draw), pixel_mm)
    signal = paint(targets[:, 1], targets[:, 0], draw, pixel_mm, IN_TUBE)
    images, inside = acquire(signal, FINE, draw, pixel_mm)
    known = torch.ones(count, 2, 1, 1, device=draw.device)
    images = standardize(images, inside, pixel_mm)
    return WindowBatch(images[:, None], targets * inside[:, None], known)


def _real(crops: Crops, count: int, draw: Draw, size: int, pixel_mm: float) -> WindowBatch:
    """Deform labeled crops of real images and degrade them a little."""
    chosen = _choose(crops.weight * crops.has_image, count, draw)
    stacked = torch.stack([crops.cord[chosen], crops.gm[chosen], crops.image[chosen]], dim=1)
    moved = sample_at(stacked, sampling_grids(count, size, pixel_mm, REAL, draw), pixel_mm)
    targets, signal = moved[:, :2], _recolored(moved[:, 2], draw)
    images, inside = acquire(signal, GENTLE, draw, pixel_mm)
    known = torch.stack([crops.knows_cord[chosen], crops.knows_gm[chosen]], dim=1)
    return WindowBatch(
        standardize(images, inside, pixel_mm)[:, None],
        targets * inside[:, None],
        known.float()[:, :, None, None],
    )


def _recolored(images: Tensor, draw: Draw) -> Tensor:
    """Apply a random gamma to images, and invert some of them."""
    count = images.shape[0]
    top = images.amax(dim=(1, 2), keepdim=True).clamp(min=1e-6)
    unit = (images / top).clamp(min=0)
    unit = unit ** draw.log_uniform(0.6, 1.6, count, 1, 1)
    negative = draw.chance(0.1, count, 1, 1)
    shown = (images > 0).float()
    return torch.where(negative, (1.05 - unit) * shown, unit) * top


def _choose(weight: Tensor, count: int, draw: Draw) -> Tensor:
    return torch.multinomial(weight, count, replacement=True, generator=draw.generator)
