"""Batches of painted stacks: neighboring slices of one scan, for networks that look along it."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from scgm.networks.deepseg import PIXEL_MM, standard_boxes
from scgm.networks.preparation import WINDOW_PIXEL_MM
from scgm.synthesis.acquisition import Scanner, acquire
from scgm.synthesis.deformation import Deformation, sample_at, sampling_grids
from scgm.synthesis.draw import Draw
from scgm.synthesis.people import NECK, other_people
from scgm.synthesis.tissue import paint
from scgm.synthesis.windows import Crops

FINER = round(PIXEL_MM / WINDOW_PIXEL_MM)  # painted pixels along a pixel of the network
JITTER_MM = 0.5  # SD of the error of the cord's middle, which differs from slice to slice
MOST_APART = 4  # label slices from one slice of a stack to the next, at most
ALIKE = (0.3, 0.98)  # correlation of the textures of slices of one stack


class StackDraw(Draw):
    """Draws for slices that come in stacks: the first dimension is ``stacks * depth``.

    Uniform values, integers and `spread` are the same for all slices of a stack, smooth fields are
    correlated within a stack, and noise (`normal`) differs from slice to slice.

    Parameters
    ----------
    draw
        The draws whose generator is used.
    stacks, depth
        Number of stacks, and of neighboring slices in each.
    """

    def __init__(self, draw: Draw, stacks: int, depth: int) -> None:
        self.device, self.generator = draw.device, draw.generator
        self.plain, self.stacks, self.depth = draw, stacks, depth
        alike = draw.uniform(*ALIKE, stacks, 1, 1)
        self.alike = alike.repeat_interleave(depth, dim=0)

    @property
    def whole_batch(self) -> Draw:
        """Draws for a batch as a whole."""
        return self.plain

    def uniform(self, low: float, high: float, *shape: int) -> Tensor:
        """Return values in [low, high), the same for all slices of a stack."""
        self._check(*shape[:1])
        each = self.plain.uniform(low, high, self.stacks, *shape[1:])
        return each.repeat_interleave(self.depth, dim=0)

    def spread(self, count: int, values: int) -> Tensor:
        """Return standard normal values (count, values), the same for all slices of a stack."""
        self._check(count)
        return self.plain.normal(self.stacks, values).repeat_interleave(self.depth, dim=0)

    def index(self, count: int, *shape: int) -> Tensor:
        """Return integers in [0, count), the same for all slices of a stack."""
        self._check(*shape[:1])
        each = self.plain.index(count, self.stacks, *shape[1:])
        return each.repeat_interleave(self.depth, dim=0)

    def field(self, count: int, size: int, cells: int) -> Tensor:
        """Return smooth fields (count, size, size), correlated by `alike` within a stack."""
        self._check(count)
        own = self.plain.field(count, size, cells)
        common = self.plain.field(self.stacks, size, cells).repeat_interleave(self.depth, dim=0)
        return self.alike.sqrt() * common + (1 - self.alike).sqrt() * own

    def _check(self, *count: int) -> None:
        if count != (self.stacks * self.depth,):
            msg = f"draws are for {self.stacks * self.depth} slices, not for {count}"
            raise ValueError(msg)


@dataclass(frozen=True, slots=True, eq=False)
class StackBatch:
    """``images`` as a network sees them, shares of ``cord`` and ``gm``; all (n, Z, Y, X)."""

    images: Tensor
    cord: Tensor
    gm: Tensor


def stack_batch(
    crops: Crops, stacks: int, depth: int, size: int, how: Deformation, draw: Draw
) -> StackBatch:
    """Paint stacks of neighboring label shapes.

    Parameters
    ----------
    crops
        Label shapes; those with both labels are used, their images are not.
    stacks, depth, size
        Stacks, slices in each, and pixels of ``PIXEL_MM`` along a side.
    how
        How far shapes are deformed.
    """
    together = StackDraw(draw, stacks, depth)
    labels = _labels(crops, stacks, depth, together)
    count, fine = stacks * depth, size * FINER
    grids = sampling_grids(count, fine, WINDOW_PIXEL_MM, how, together)
    grids = grids + JITTER_MM * draw.normal(count, 1, 1, 2)
    shares = sample_at(labels, grids, WINDOW_PIXEL_MM)
    images, inside = acquire(paint(shares[:, 1], shares[:, 0], together), Scanner(), together)
    shares = shares * inside[:, None]
    parts = torch.stack([images * inside, inside, shares[:, 0], shares[:, 1]], dim=1)
    image, share, cord, gm = functional.avg_pool2d(parts, FINER).unbind(dim=1)
    kept = (share >= 0.5).to(image)
    image = standard_boxes(image / share.clamp(min=0.5) * kept, kept)
    shape = (stacks, depth, size, size)
    return StackBatch(image.reshape(shape), cord.reshape(shape), gm.reshape(shape))


def _labels(crops: Crops, stacks: int, depth: int, together: StackDraw) -> Tensor:
    """Return shares (slices, 2, y, x) of cord and gray matter, in stacks of random spacing."""
    draw = together.plain
    weight = crops.weight * (crops.knows_gm & crops.knows_cord)
    first = torch.multinomial(weight, stacks, replacement=True, generator=draw.generator)
    apart = 1 + draw.index(MOST_APART, stacks)
    chosen = [first]
    for _ in range(depth - 1):
        chosen.append(_further(crops.neighbor, chosen[-1], apart))
    order = torch.stack(chosen, dim=1)
    downwards = draw.chance(0.5, stacks, 1)
    index = torch.where(downwards, order.flip(1), order).flatten()
    labels = torch.stack([crops.cord[index], crops.gm[index]], dim=1)
    beside = crops.neighbor[index]
    following = torch.stack([crops.cord[beside], crops.gm[beside]], dim=1)
    return other_people(labels, following, NECK, together)


def _further(neighbor: Tensor, index: Tensor, steps: Tensor) -> Tensor:
    """Return the slices ``steps`` (n,) neighbors after ``index`` (n,)."""
    for step in range(MOST_APART):
        index = torch.where(steps > step, neighbor[index], index)
    return index
