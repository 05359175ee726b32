"""Training data from files: labeled slices, crops around the cord, whole slices."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from scgm.errors import ConfigError, GeometryError
from scgm.image.grid import on_grid_of
from scgm.image.orientation import AxialStack, to_axial
from scgm.image.volume import Volume
from scgm.io.read import read_labels, read_volume
from scgm.networks.graph import cut_windows
from scgm.networks.preparation import LEARNED_MM, WINDOW_PIXEL_MM
from scgm.networks.resampling import grid_mm, resample_inside, resampling_matrix
from scgm.synthesis.scenes import SCENE, SCENE_MM, Scenes
from scgm.synthesis.windows import Crops, crop_size
from scgm.training.config.sources import Source

SHARE_TOLERANCE = 0.05  # what interpolation adds to shares
CENTER_RADIUS_MM = 4.0  # of the disc that stands for the cord where its center alone is known
GM_TO_CORD_MM = 2.5  # white matter around gray matter, where only gray matter is labeled


@dataclass(frozen=True, slots=True, eq=False)
class LabeledStack:
    """Axial slices (Z, Y, X) of one source with its labels as shares; None where it has none."""

    source: Source
    image: Tensor | None
    gm: Tensor | None
    cord: Tensor | None
    spacing_mm: tuple[float, float, float]

    @property
    def pixel(self) -> Tensor:
        """Row and column spacing (2,) in mm."""
        return torch.tensor(self.spacing_mm[1:])

    @property
    def gm_drawn(self) -> Tensor:
        """In which slices (Z,) gray matter is drawn; of the others nothing is known of it."""
        if self.gm is None:
            shape = next(part for part in (self.image, self.cord) if part is not None).shape
            return torch.zeros(shape[0], dtype=torch.bool)
        return (self.gm >= 0.5).any(dim=2).any(dim=1)

    @property
    def without_cord(self) -> Tensor:
        """Which slices (Z,) are known to show no cord."""
        assert self.image is not None
        known = torch.zeros(len(self.image), dtype=torch.bool)
        for first, last in self.source.without_cord:
            known[first : last + 1] = True
        return known


def read_source(source: Source, root: Path) -> LabeledStack:
    """Read the files of a source and bring them to axial slices.

    Raises
    ------
    ConfigError
        If it has no label, or its files do not have the same voxels.
    ImageReadError
        If a file is not an image.
    """
    if not (source.gm or source.cord or source.without_cord or source.centers):
        msg = (
            f"site {source.site}: a source needs gm, cord, without_cord or centers, else there is "
            "nothing to learn from"
        )
        raise ConfigError(msg)
    image = read_volume(root / source.image) if source.image else None
    gm = _read_label(root, source.gm, source.gm_values) if source.gm else None
    cords = [_read_label(root, path, source.cord_values) for path in source.cord]
    first = next(part for part in (image, gm, *cords) if part is not None)
    stack = to_axial(first)
    cord = [_on_slices(stack, first, each) for each in cords]
    for key, named in (
        ("without_cord", [last for _, last in source.without_cord]),
        ("centers", [place[0] for place in source.centers]),
    ):
        if named and max(named) >= len(stack.slices):
            msg = (
                f"{first.name}: {key} names slice {max(named)}, and the last one is "
                f"{len(stack.slices) - 1}"
            )
            raise ConfigError(msg)
    rows, columns = stack.slices.shape[1:]
    for place, row, column in source.centers:
        if row > rows - 1 or column > columns - 1:
            msg = (
                f"{first.name}: centers names row {row:g}, column {column:g} in slice {place}, and "
                f"the last ones are {rows - 1} and {columns - 1}"
            )
            raise ConfigError(msg)
    return LabeledStack(
        source=source,
        image=None if image is None else _writable(stack.slices),
        gm=None if gm is None else _on_slices(stack, first, gm),
        cord=torch.stack(cord).sum(0).clamp(0, 1) if cord else None,
        spacing_mm=stack.spacing_mm,
    )


def _read_label(root: Path, path: Path, meant: tuple[int, ...]) -> Volume:
    """Read a label: shares of a tissue, or numbers of which some mean it."""
    labels = read_labels(root / path)
    values = labels.voxels
    if meant:
        values = np.isin(np.rint(values), meant).astype(np.float32)
    low, high = float(values.min()), float(values.max())
    if low < -SHARE_TOLERANCE or high > 1 + SHARE_TOLERANCE:
        msg = (
            f"{root / path}: its values run from {low:g} to {high:g}, and a label is 0 or 1, or a "
            "share between; name the numbers that mean the tissue (gm_values, cord_values; in a "
            "table of images the columns gm_value, wm_value, cord_value)"
        )
        raise ConfigError(msg)
    return Volume(values.clip(0, 1), labels.geometry, source=labels.source)


def _on_slices(stack: AxialStack, first: Volume, label: Volume) -> Tensor:
    """Return a label on the slices (Z, Y, X) of the first volume of its source.

    Its axes may be in another order. Other voxels are refused: the error would be learned.
    """
    try:
        values, _ = on_grid_of(stack.geometry, label)
    except GeometryError as error:
        raise ConfigError(str(error).replace("the image", first.name)) from error
    return _writable(stack.axes.to_stack(values))


def _writable(slices: NDArray[np.float32]) -> Tensor:
    """Return a copy (Z, Y, X) that may be written to."""
    return torch.from_numpy(np.array(slices, np.float32, order="C"))


def cord_region(stack: LabeledStack) -> Tensor:
    """Return the cord's share (Z, Y, X): as labeled, around gray matter or around centers."""
    if stack.cord is not None:
        return stack.cord
    if stack.gm is None:
        return _around_centers(stack)
    reach = [round(GM_TO_CORD_MM / mm) for mm in stack.spacing_mm[1:]]
    kernel = (2 * reach[0] + 1, 2 * reach[1] + 1)
    grown = functional.max_pool2d(stack.gm[:, None], kernel, 1, (reach[0], reach[1]))
    return grown[:, 0]


def _around_centers(stack: LabeledStack) -> Tensor:
    """Return a disc (Z, Y, X) in each slice from the first to the last of the named centers."""
    assert stack.image is not None
    region = torch.zeros_like(stack.image)
    if not stack.source.centers:
        return region
    named, rows, columns = np.array(stack.source.centers, np.float64).T
    rows_mm, columns_mm = (
        np.arange(count) * size
        for count, size in zip(region.shape[1:], stack.spacing_mm[1:], strict=True)
    )
    for z in range(int(named[0]), int(named[-1]) + 1):
        row_mm = np.interp(z, named, rows) * stack.spacing_mm[1]
        column_mm = np.interp(z, named, columns) * stack.spacing_mm[2]
        away = np.hypot(rows_mm[:, None] - row_mm, columns_mm[None, :] - column_mm)
        region[z] = torch.from_numpy(away <= CENTER_RADIUS_MM)
    return region


def centers_mm(region: Tensor, pixel: Tensor) -> Tensor:
    """Return centroids (Z, 2) in mm from the first pixel; NaN where a slice is empty."""
    total = region.sum(dim=(1, 2))
    rows = torch.arange(region.shape[1]) * pixel[0]
    columns = torch.arange(region.shape[2]) * pixel[1]
    row = (region.sum(2) * rows).sum(1) / total
    column = (region.sum(1) * columns).sum(1) / total
    return torch.stack([row, column], dim=1)


def make_crops(
    stacks: Sequence[LabeledStack],
    pixel_mm: float = WINDOW_PIXEL_MM,
    window_mm: float = LEARNED_MM,
) -> Crops:
    """Cut every labeled slice of the sources that teach the segmentation network.

    ``pixel_mm`` is that of the crops, ``window_mm`` the side of the windows to cut from them.

    Raises
    ------
    ConfigError
        If no source has labels of both gray matter and cord.
    """
    parts: list[Crops] = []
    start = 0
    if not any(stack.gm is not None and stack.cord is not None for stack in stacks):
        msg = "no source has both gm and cord: the segmentation network has no shape to learn from"
        raise ConfigError(msg)
    for stack in stacks:
        labeled = stack.gm is not None or stack.cord is not None
        if labeled and stack.source.teaches == "both":
            crop = _crops_of(stack, start, pixel_mm, window_mm)
            start += crop.gm.shape[0]
            parts.append(crop)
    return Crops(*(torch.cat([getattr(part, name) for part in parts]) for name in Crops.__slots__))


def _crops_of(stack: LabeledStack, start: int, pixel_mm: float, window_mm: float) -> Crops:
    region = cord_region(stack)
    drawn = stack.gm_drawn
    kept = _every(region.sum(dim=(1, 2)) > 0, drawn, stack.source.every)
    centre = centers_mm(region[kept], stack.pixel)
    count, size = len(kept), crop_size(pixel_mm, window_mm)

    def cut(volume: Tensor | None) -> Tensor:
        if volume is None:
            return torch.zeros(count, size, size)
        return cut_windows(volume[kept], stack.pixel, centre, size, pixel_mm)[0]

    image = cut(stack.image)
    mean = image.mean(dim=(1, 2), keepdim=True).clamp(min=1e-6)
    flag = torch.ones(count, dtype=torch.bool)
    return Crops(
        gm=cut(stack.gm),
        cord=cut(stack.cord),
        image=image / mean,
        has_image=flag & (stack.image is not None),
        knows_gm=drawn[kept],
        knows_cord=flag & (stack.cord is not None),
        neighbor=start + _neighbors(drawn[kept]),
        weight=torch.full((count,), stack.source.weight / count),
    )


def _every(shown: Tensor, drawn: Tensor, every: int) -> Tensor:
    """Return the slices to cut: every so many of those with gray matter, and of the others.

    ``shown`` (Z,) is whether a slice has a cord, ``drawn`` (Z,) whether it has gray matter.
    """
    parts = [torch.nonzero(part)[::every, 0] for part in (shown & drawn, shown & ~drawn)]
    return torch.cat(parts).sort().values


def _neighbors(drawn: Tensor) -> Tensor:
    """Return for each slice (n,) the next one that has gray matter, too, or has none, too.

    The last one has itself.
    """
    neighbor = torch.arange(len(drawn))
    for alike in (drawn, ~drawn):
        index = torch.nonzero(alike)[:, 0]
        neighbor[index[:-1]] = index[1:]
    return neighbor


def make_scenes(stacks: Sequence[LabeledStack]) -> Scenes:
    """Bring whole slices of the sources with an image to the coarse grid of the cord finder.

    Raises
    ------
    ConfigError
        If no source has an image.
    """
    parts = [_scenes_of(stack) for stack in stacks if stack.image is not None]
    if not parts:
        msg = "no source has an image: the cord finder has nothing to learn from; add a scan"
        raise ConfigError(msg)
    return join_scenes(parts)


def join_scenes(parts: Sequence[Scenes]) -> Scenes:
    """Put scenes of several origins into one set; weights stay as they are."""
    names = Scenes.__slots__
    return Scenes(*(torch.cat([getattr(part, name) for part in parts]) for name in names))


def _scenes_of(stack: LabeledStack) -> Scenes:
    assert stack.image is not None
    region = cord_region(stack)
    without = stack.without_cord
    kept = torch.nonzero((region.sum(dim=(1, 2)) > 0) | without)[:, 0]
    region = region * ~without[:, None, None]
    weights = []
    for axis, pixel in enumerate(stack.pixel):
        length = stack.image.shape[1 + axis]
        positions = grid_mm((length - 1) * pixel / 2, SCENE, SCENE_MM)
        weights.append(resampling_matrix(positions, SCENE_MM, length, pixel))
    image, inside = resample_inside(stack.image[kept], *weights)
    inside = inside.expand_as(image)
    cord, _ = resample_inside(region[kept], *weights)
    image = (image - image.amin(dim=(1, 2), keepdim=True)) * inside
    count = inside.sum(dim=(1, 2), keepdim=True).clamp(min=1)
    image = image / (image.sum(dim=(1, 2), keepdim=True) / count).clamp(min=1e-6)
    weight = torch.full((len(kept),), stack.source.weight / len(kept))
    canal_known = torch.full((len(kept),), not stack.source.centers)
    return Scenes(image, inside, cord, weight, canal_known)
