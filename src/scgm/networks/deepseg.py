"""The cascade of two convolutional encoder networks with shortcuts of Porisky et al. (2017).

One network finds the cord in a box of 64 mm, a second one gray matter in a crop of 32 mm around
that cord. Encoders use convolution and average pooling, decoders un-pooling and deconvolution;
kernels cover three neighboring slices, and nothing is pooled along the cord.

A kernel of three slices is written as a two-dimensional kernel on the maps of a slice and of the
two beside it, which is the same sum and runs where three-dimensional convolutions do not.

References
----------
Porisky A. et al. Grey matter segmentation in spinal cord MRIs via 3D convolutional encoder
networks with shortcut connections. DLMIA 2017, LNCS 10553:330-337.
Brosch T. et al. Deep 3D convolutional encoder networks with shortcuts for multiscale feature
integration applied to multiple sclerosis lesion segmentation. IEEE Trans Med Imaging 35, 2016.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from scgm.networks.graph import CordAndGrayMatter, back_matrix, cut_windows, middle_of
from scgm.networks.preparation import standardize
from scgm.networks.resampling import resample

PIXEL_MM = 0.5
CORD_BOX, GRAY_BOX = 128, 64
REACH_MM = 16.0  # half of the widest cord, and the largest error of the cord finder
KERNELS = (9, 5, 5)  # pixels along a side, finest level first; all reach over SLICES
SLICES = 3
REACH_SLICES = 12  # to either side: six layers with kernels, in two networks


def neighbors(maps: Tensor, stacks: int) -> Tensor:
    """Put the maps of the slice below, of a slice and of the one above it side by side.

    ``maps`` (n * Z, c, y, x) become (n * Z, 3 * c, y, x). The first and the
    last slice of a stack are repeated, so a single slice has itself on both sides.
    """
    piled = maps.reshape(stacks, -1, *maps.shape[1:])
    below = torch.cat([piled[:, :1], piled[:, :-1]], dim=1)
    above = torch.cat([piled[:, 1:], piled[:, -1:]], dim=1)
    return torch.cat([below, piled, above], dim=2).flatten(0, 1)


def flipped(kernel: Tensor) -> Tensor:
    """Turn kernels of a convolution (b, 3 * a, k, k) into those of its transpose (a, 3 * b, k, k).

    Inputs and outputs change places, and each kernel is mirrored along all three axes.
    """
    outputs, _, *pixels = kernel.shape
    whole = kernel.reshape(outputs, SLICES, -1, *pixels).transpose(0, 2)
    return whole.flip(1, 3, 4).flatten(1, 2)


class SliceConv(nn.Conv2d):
    """A convolution over three slices and k x k pixels that keeps the size.

    ``weight`` is (outputs, 3 * inputs, k, k): the kernels for the slice below, for the slice
    itself and for the one above.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int, *, bias: bool = True) -> None:
        super().__init__(SLICES * inputs, outputs, kernel, padding=kernel // 2, bias=bias)

    def forward(self, maps: Tensor, stacks: int) -> Tensor:  # type: ignore[override]
        """Convolve maps (n * Z, inputs, y, x) of ``stacks`` = n stacks."""
        return super().forward(neighbors(maps, stacks))


def unpool(maps: Tensor) -> Tensor:
    """Repeat each pixel of maps (n, c, y, x) twice along rows and columns."""
    return functional.interpolate(maps, scale_factor=2.0, mode="nearest")


class EncoderNetwork(nn.Module):
    """Eleven layers: input, three convolutions, two poolings, and their mirror images.

    ``conv[k]`` has its mirror in ``deconv[k]``. In the decoder, a layer takes the sum of
    ``deconv[k]`` of the un-pooled deeper maps and of ``shortcut[k]`` of the maps of ``conv[k]``.

    Parameters
    ----------
    filters
        Maps of each layer.
    kernels
        Pixels along a side of the kernels of each level, finest first.

    Attributes
    ----------
    level
        Subtracted from the logits, so that the threshold chosen after training is 0.5.
    """

    level: Tensor

    def __init__(self, filters: int, kernels: Sequence[int] = KERNELS) -> None:
        super().__init__()
        maps = [1] + [filters] * len(kernels)
        sizes = list(zip(maps[:-1], maps[1:], kernels, strict=True))
        self.conv = nn.ModuleList(SliceConv(fine, deep, k) for fine, deep, k in sizes)
        self.deconv = nn.ModuleList(SliceConv(deep, fine, k) for fine, deep, k in sizes)
        self.shortcut = nn.ModuleList(
            SliceConv(deep, fine, k, bias=False) for fine, deep, k in sizes[:-1]
        )
        self.register_buffer("level", torch.zeros(()))

    def forward(self, images: Tensor) -> Tensor:
        """Map stacks (n, Z, Y, X) to logits (n, Z, Y, X); Y and X divisible by 4."""
        stacks = images.shape[0]
        maps = images.flatten(0, 1)[:, None]
        kept: list[Tensor] = []
        for conv in self.conv:
            maps = conv(functional.avg_pool2d(maps, 2) if kept else maps, stacks).relu()
            kept.append(maps)
        maps = self.deconv[-1](kept.pop(), stacks).relu()
        for deconv, shortcut in zip(self.deconv[-2::-1], self.shortcut[::-1], strict=True):
            maps = deconv(unpool(maps), stacks) + shortcut(kept.pop(), stacks)
            maps = maps.relu() if kept else maps  # the last layer's unit is the sigmoid
        logits: Tensor = maps.reshape(images.shape) - self.level
        return logits


class Cascade(nn.Module):
    """The two networks: ``cord`` first, then ``gray`` matter around it."""

    def __init__(self, cord_filters: int, gray_filters: int) -> None:
        super().__init__()
        self.cord = EncoderNetwork(cord_filters)
        self.gray = EncoderNetwork(gray_filters)


class CascadeGraph(CordAndGrayMatter):
    """Cord finder and cascade joined: the graph that is exported.

    Parameters
    ----------
    finder
        Coarse slices (N, 1, y, x) -> logits (N, y * x + 1), "no cord" last: the box of the first
        network is put on what it finds.
    segmenter
        The two networks.
    """

    segmenter: Cascade

    def __init__(self, finder: nn.Module, segmenter: Cascade) -> None:
        super().__init__(finder, segmenter)

    def segment(
        self, slices: Tensor, spacing: Tensor, center_mm: Tensor, given: Tensor, presence: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Run one network after the other; parameters and results as of the parent's.

        The crop for gray matter lies around the middle of the cord that the first network found,
        or around the center where one is given.
        """
        del presence  # the networks see neighboring slices themselves
        pixel = spacing[1:]
        cord, found_mm = self._part(self.segmenter.cord, CORD_BOX, slices, pixel, center_mm)
        middle_mm = torch.where(given, center_mm, found_mm)
        gm, _ = self._part(self.segmenter.gray, GRAY_BOX, slices, pixel, middle_mm)
        return torch.minimum(gm, cord), cord, middle_mm

    def _part(
        self, network: nn.Module, size: int, slices: Tensor, pixel: Tensor, center_mm: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Run one network; its map (Z, Y, X) and the map's middle (Z, 2) in mm.

        What it finds further than ``REACH_MM`` from the box's middle is not the cord.
        """
        boxes, inside, at_mm = cut_windows(slices, pixel, center_mm, size, PIXEL_MM)
        rows_away, columns_away = (at_mm[axis] - center_mm[:, axis : axis + 1] for axis in (0, 1))
        near = rows_away[:, :, None] ** 2 + columns_away[:, None, :] ** 2 <= REACH_MM**2
        found = torch.sigmoid(network(standard_boxes(boxes, inside)[None])[0]) * inside * near
        middle_mm = middle_of(found, *at_mm, center_mm, PIXEL_MM)
        back = [
            back_matrix(at_mm[axis], slices.shape[1 + axis], pixel[axis], PIXEL_MM)
            for axis in (0, 1)
        ]
        return resample(found, *back), middle_mm


def standard_boxes(boxes: Tensor, inside: Tensor) -> Tensor:
    """Center and scale boxes (N, Y, X) as windows are, by a middle as wide as a quarter of them."""
    return standardize(boxes, inside, PIXEL_MM, boxes.shape[-1] * PIXEL_MM / 4)
