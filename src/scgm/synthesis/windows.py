"""Batches for the segmentation network: painted label shapes and labeled crops of real images."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from scgm.networks.preparation import LEARNED_MM, WINDOW_PIXEL_MM, standardise, window_size
from scgm.networks.resampling import grid_mm
from scgm.synthesis.acquisition import FINE, GENTLE, Scanner, acquire
from scgm.synthesis.deformation import Deformation, sample_at, sampling_grids
from scgm.synthesis.draw import Draw
from scgm.synthesis.horns import ThinEnds, with_thin_horns
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
# Thin ends of the posterior horns: in ordinary windows, and in those of fine images.
ORDINARY_ENDS = ThinEnds(share=0.3, width_mm=(0.25, 0.8), reach=(0.2, 1.2))
FINE_ENDS = ThinEnds(share=0.85, width_mm=(0.2, 0.55), reach=(0.6, 1.8))
SMOOTHED_MM = (0.1, 0.25)
WIDER = (0.95, 1.18)  # cords, while their gray matter stays as it is
# Gray matter that is swollen as in the lumbar enlargement, where it fills half of the cord.
# Shares of ordinary windows, and of those of specimens, which come from any level.
ORDINARY_SWOLLEN, FINE_SWOLLEN = 0.15, 0.4
SWOLLEN_MM, SWOLLEN_LEVEL, RIM_MM = (0.4, 1.2), (0.12, 0.45), 0.4


@dataclass(frozen=True, slots=True, eq=False)
class Crops:
    """Label shapes, and images where there are any, around the cord.

    ``gm``, ``cord`` and ``image`` are (N, y, x), by default 40 mm, 160 x 160 at 0.25 mm; labels are
    shares from 0 to 1, images have mean 1 (0 where there is none). ``neighbor`` is the next slice
    of the same volume. ``weight`` (N,) is how often a crop is drawn.
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
    """``images`` (n, 1, y, x) as the network sees them; ``targets`` (n, 2, y, x).

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
    labels = with_other_white_matter(thick_slices(labels, following, draw), draw)
    labels = with_swollen_gray_matter(labels, pixel_mm, ORDINARY_SWOLLEN, draw)
    labels = with_thin_horns(labels, pixel_mm, ORDINARY_ENDS, draw)
    grids = sampling_grids(count, size, pixel_mm, PAINTED, draw)
    targets = sample_at(labels, grids, pixel_mm)
    signal = paint(targets[:, 1], targets[:, 0], draw, pixel_mm)
    images, inside = acquire(signal, Scanner(), draw, pixel_mm)
    known = torch.ones(count, 2, 1, 1, device=draw.device)
    images = standardise(images, inside, pixel_mm)
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
    labels = with_other_white_matter(thick_slices(labels, labels, draw), draw)
    labels = with_swollen_gray_matter(labels, pixel_mm, FINE_SWOLLEN, draw)
    labels = with_thin_horns(labels, pixel_mm, FINE_ENDS, draw)
    targets = sample_at(labels, sampling_grids(count, size, pixel_mm, SPECIMEN, draw), pixel_mm)
    signal = paint(targets[:, 1], targets[:, 0], draw, pixel_mm, IN_TUBE)
    images, inside = acquire(signal, FINE, draw, pixel_mm)
    known = torch.ones(count, 2, 1, 1, device=draw.device)
    images = standardise(images, inside, pixel_mm)
    return WindowBatch(images[:, None], targets * inside[:, None], known)


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


def _real(crops: Crops, count: int, draw: Draw, size: int, pixel_mm: float) -> WindowBatch:
    """Deform labeled crops of real images and degrade them a little."""
    chosen = _choose(crops.weight * crops.has_image, count, draw)
    stacked = torch.stack([crops.cord[chosen], crops.gm[chosen], crops.image[chosen]], dim=1)
    moved = sample_at(stacked, sampling_grids(count, size, pixel_mm, REAL, draw), pixel_mm)
    targets, signal = moved[:, :2], _recolored(moved[:, 2], draw)
    images, inside = acquire(signal, GENTLE, draw, pixel_mm)
    known = torch.stack([crops.knows_cord[chosen], crops.knows_gm[chosen]], dim=1)
    return WindowBatch(
        standardise(images, inside, pixel_mm)[:, None],
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
