"""The whole model as one module: native slices and their spacing in, probabilities out.

Find the cord on a coarse grid, smooth along the cord, cut a window around it at the working
resolution, segment it, and resample the probabilities to the native grid. All of it is exported as
one ONNX graph, which Python, a browser and other programs run alike.
"""

import torch
from torch import Tensor, nn

from scgm.networks.neighbors import averaged_along_cord
from scgm.networks.one_cord import without_other_pieces
from scgm.networks.preparation import (
    ABSENT_WEIGHT,
    COARSE_MIN,
    COARSE_MM,
    COARSE_STEP,
    WINDOW_PIXEL_MM,
    Windows,
    compress,
    standardize,
    with_pixel_size,
)
from scgm.networks.resampling import (
    centroids,
    grid_mm,
    resample,
    resample_inside,
    resampling_matrix,
    steps,
)

ALONG_CORD_MM = 5.0
REFINE_MM = 4.5
LEAST_CORD_MM2 = 5.0


class CordAndGrayMatter(nn.Module):
    """Cord finder and segmentation network joined.

    Parameters
    ----------
    finder
        Coarse slices (N, 1, y, x) -> logits (N, y * x + 1), "no cord" last.
    segmenter
        Windows (N, 1, y, x), or (N, 2, y, x) if it is told the pixel size, -> logits
        (N, 2, y, x): the cord, and gray matter given the cord.
    windows
        How the windows are sampled; by default 28 mm wide, 112 pixels of 0.25 mm.
    """

    def __init__(
        self,
        finder: nn.Module,
        segmenter: nn.Module,
        windows: Windows = Windows(),  # noqa: B008 - frozen
    ) -> None:
        super().__init__()
        self.finder = finder
        self.segmenter = segmenter
        self.windows = windows

    def forward(
        self, slices: Tensor, spacing: Tensor, centre: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Segment a stack.

        Parameters
        ----------
        slices
            (Z, Y, X) intensities, inferior to superior, posterior to anterior, left to right.
        spacing
            (3,) mm between slices, rows and columns.
        centre
            (Z, 2) row and column of the cord's center in pixels; NaN where it is to be found.

        Returns
        -------
        gm, cord
            (Z, Y, X) probabilities; ``gm <= cord``.
        centre
            (Z, 2) row and column of the middle of the cord's map in pixels; where it was given, or
            where the map is all but empty, the middle of the window.
        presence
            (Z,) probability that the slice shows a cord; 1 where the center was given.
        """
        pixel = spacing[1:]
        found_mm, presence = self.find(slices, spacing)
        given = ~torch.isnan(centre)
        center_mm = torch.where(given, centre * pixel, found_mm)
        presence = torch.where(given[:, 0], torch.ones_like(presence), presence)
        gm, cord, middle_mm = self.segment(slices, spacing, center_mm, given, presence)
        return gm, cord, middle_mm / pixel, presence

    def find(self, slices: Tensor, spacing: Tensor) -> tuple[Tensor, Tensor]:
        """Return the cord's center (Z, 2) in mm from the first pixel, and its presence (Z,)."""
        coarse, positions = coarse_slices(slices, spacing[1:])
        probability = torch.softmax(self.finder(coarse[:, None]), dim=-1)
        probability = along_cord(probability, spacing[0])
        places, absent = probability[:, :-1], probability[:, -1]
        return refined_center(places, *positions), presence_of(absent)

    def segment(
        self, slices: Tensor, spacing: Tensor, center_mm: Tensor, given: Tensor, presence: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return gray matter and cord (Z, Y, X), and the cord's middle (Z, 2) in mm.

        The middle is ``center_mm`` where that was ``given`` (Z, 2), else that of what was found.
        ``presence`` (Z,) is how much a slice counts for its neighbors.
        """
        pixel = spacing[1:]
        step, size = self.windows.sampled(pixel)
        windows, inside, at_mm = cut_windows(slices, pixel, center_mm, size, step)
        windows = standardize(windows, inside, step)
        tells = self.windows.tells_pixel
        logits = self.segmenter(with_pixel_size(windows, step) if tells else windows[:, None])
        cord = torch.sigmoid(logits[:, 0])
        cord = cord * without_other_pieces(cord, step)
        gm = cord * torch.sigmoid(logits[:, 1])
        found_mm = middle_of(cord * inside, *at_mm, center_mm, step)
        if self.windows.along_mm:
            apart = spacing[0] / self.windows.along_mm
            maps = torch.stack([gm, cord], dim=1)
            maps = averaged_along_cord(maps, found_mm - center_mm, step, apart, presence)
            gm, cord = maps[:, 0], maps[:, 1]
        back = [
            back_matrix(at_mm[axis], slices.shape[1 + axis], pixel[axis], step) for axis in (0, 1)
        ]
        middle_mm = torch.where(given, center_mm, found_mm)
        return resample(gm, *back), resample(cord, *back), middle_mm


def coarse_slices(slices: Tensor, pixel: Tensor) -> tuple[Tensor, tuple[Tensor, Tensor]]:
    """Resample whole slices to ``COARSE_MM``; also the row and column positions in mm."""
    weights, positions = [], []
    for axis in (0, 1):
        length = slices.shape[1 + axis]
        extent = torch.as_tensor(length, dtype=pixel.dtype, device=pixel.device) * pixel[axis]
        whole = torch.ceil(extent / COARSE_MM / COARSE_STEP).to(torch.int64) * COARSE_STEP
        count = torch.clamp(whole, min=COARSE_MIN)
        position = grid_mm((extent - pixel[axis]) / 2, count, COARSE_MM)
        positions.append(position)
        weights.append(resampling_matrix(position, COARSE_MM, length, pixel[axis]))
    return compress(*resample_inside(slices, *weights)), (positions[0], positions[1])


def along_cord(probability: Tensor, slice_mm: Tensor) -> Tensor:
    """Average maps (Z, places) over neighboring slices by a Gaussian of ``ALONG_CORD_MM``."""
    index = steps(probability.shape[0], probability)
    distance = (index[:, None] - index[None, :]) * slice_mm
    weight = torch.exp(-0.5 * (distance / ALONG_CORD_MM) ** 2)
    return (weight / weight.sum(dim=1, keepdim=True)) @ probability


def presence_of(absent: Tensor) -> Tensor:
    """Return the probability of a cord, given the share of "no cord" in what the finder finds.

    In its training a slice without a cord counts `ABSENT_WEIGHT` of one with a cord, so that the
    finder itself gives them too small a probability.
    """
    present = 1 - absent
    return present / (present + absent / ABSENT_WEIGHT)


def refined_center(places: Tensor, rows_mm: Tensor, columns_mm: Tensor) -> Tensor:
    """Return the mean position (Z, 2) in mm of the probability within ``REFINE_MM`` of its peak."""
    columns = columns_mm.shape[0]
    peak = places.argmax(dim=1)
    row = rows_mm[torch.div(peak, columns, rounding_mode="floor")]
    column = columns_mm[peak % columns]
    away_row = rows_mm[None, :] - row[:, None]
    away_column = columns_mm[None, :] - column[:, None]
    away = (away_row**2)[:, :, None] + (away_column**2)[:, None, :]
    near = places.reshape(away.shape) * (away <= REFINE_MM**2).to(places.dtype)
    return torch.stack([row, column], dim=1) + centroids(near, away_row, away_column)


def middle_of(
    cord: Tensor,
    rows_mm: Tensor,
    columns_mm: Tensor,
    otherwise_mm: Tensor,
    step_mm: Tensor | float = WINDOW_PIXEL_MM,
) -> Tensor:
    """Centroids (Z, 2) in mm of cord maps (Z, y, x); ``otherwise_mm`` where there is no cord."""
    weight = cord * cord  # leaves out the faint values that are spread over a whole window
    enough = weight.sum(dim=(1, 2)) * step_mm**2 >= LEAST_CORD_MM2
    return torch.where(enough[:, None], centroids(weight, rows_mm, columns_mm), otherwise_mm)


def cut_windows(
    slices: Tensor,
    pixel: Tensor,
    center_mm: Tensor,
    size: Tensor | int,
    step_mm: Tensor | float = WINDOW_PIXEL_MM,
) -> tuple[Tensor, Tensor, tuple[Tensor, Tensor]]:
    """Return windows (Z, size, size), which samples lie in the image, and their positions in mm."""
    rows_mm = grid_mm(center_mm[:, 0], size, step_mm)
    columns_mm = grid_mm(center_mm[:, 1], size, step_mm)
    rows = resampling_matrix(rows_mm, step_mm, slices.shape[1], pixel[0])
    columns = resampling_matrix(columns_mm, step_mm, slices.shape[2], pixel[1])
    windows, inside = resample_inside(slices, rows, columns)
    return windows, inside, (rows_mm, columns_mm)


def back_matrix(
    window_mm: Tensor,
    count: Tensor | int,
    pixel: Tensor,
    step_mm: Tensor | float = WINDOW_PIXEL_MM,
) -> Tensor:
    """Return weights (Z, count, size) of a window's samples (Z, size) in each native pixel."""
    positions = (steps(count, window_mm) * pixel)[None, :] - window_mm[:, :1]
    return resampling_matrix(positions, pixel, window_mm.shape[1], step_mm)
