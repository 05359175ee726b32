"""Whether the cord is found, wherever it lies in the field of view.

Every labeled slice of an image, as it is and shifted, rotated, padded and cropped.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from scgm.image.orientation import AxialStack
from scgm.segmenters.presence import is_present
from scgm.segmenters.registry import Segmenter

FOUND_MM = 3.0
SHARE_IN_VIEW = 0.5  # slices that lose more of the cord than this show no cord to be found

Move = Callable[[NDArray[Any]], NDArray[Any]]


@dataclass(frozen=True)
class Found:
    """Slices of one image under one change of view."""

    change: str
    slices: int
    found: int
    worst_mm: float
    cut_off: int


def find_everywhere(
    segmenter: Segmenter, stack: AxialStack, cord: NDArray[np.bool_]
) -> list[Found]:
    """Measure every change of view; ``cord`` is (Z, Y, X)."""
    return [_measure(segmenter, stack, cord, name, move) for name, move in changes(cord)]


def changes(cord: NDArray[np.bool_]) -> Iterator[tuple[str, Move]]:
    """Name each change of view, with the function that does it to slices or labels."""
    yield "as it is", lambda values: values
    for rows, columns in ((0.4, 0), (-0.4, 0), (0, 0.4), (0, -0.4), (0.2, 0.2), (-0.2, 0.3)):
        name = f"shifted {rows:+.0%}, {columns:+.0%}"
        yield name, partial(shift, rows=rows, columns=columns)
    for angle in (-30, -15, 15, 30):
        yield f"rotated {angle:+d} degrees", partial(rotate, angle=angle)
    yield "padded by half", pad
    middle = np.argwhere(cord).mean(axis=0)[1:]
    for name, where in (("cropped, cord central", 0.5), ("cropped, cord off center", 0.25)):
        yield name, partial(crop, middle=middle, where=where)


def shift(values: NDArray[Any], *, rows: float, columns: float) -> NDArray[Any]:
    """Move the content by a share of the field of view; what comes in is 0."""
    result = np.zeros_like(values)
    steps = [round(rows * values.shape[1]), round(columns * values.shape[2])]
    source, target = [slice(None)], [slice(None)]
    for step, size in zip(steps, values.shape[1:], strict=True):
        source.append(slice(max(-step, 0), size - max(step, 0)))
        target.append(slice(max(step, 0), size - max(-step, 0)))
    result[tuple(target)] = values[tuple(source)]
    return result


def rotate(values: NDArray[Any], *, angle: float) -> NDArray[Any]:
    """Turn the content in plane about the middle; what comes in is 0."""
    order = 0 if values.dtype == bool else 1
    turned: NDArray[Any] = ndimage.rotate(values, angle, axes=(1, 2), reshape=False, order=order)
    return turned


def pad(values: NDArray[Any]) -> NDArray[Any]:
    """Add half of the size on every side, filled with 0."""
    rows, columns = values.shape[1] // 2, values.shape[2] // 2
    return np.pad(values, ((0, 0), (rows, rows), (columns, columns)))


def crop(values: NDArray[Any], *, middle: NDArray[Any], where: float) -> NDArray[Any]:
    """Keep 60 % of rows and columns, the cord at the share ``where`` of them."""
    keep = [slice(None)]
    for size, place in zip(values.shape[1:], middle, strict=True):
        length = int(0.6 * size)
        start = int(np.clip(place - where * length, 0, size - length))
        keep.append(slice(start, start + length))
    return values[tuple(keep)]


def view(
    stack: AxialStack, cord: NDArray[np.bool_], move: Move
) -> tuple[AxialStack, NDArray[np.bool_], NDArray[np.bool_]]:
    """Return the changed slices and cord, and which slices (Z,) still show most of their cord."""
    label = move(cord)
    area, seen = cord.sum(axis=(1, 2)), label.sum(axis=(1, 2))
    counted = (seen > SHARE_IN_VIEW * area) & (area > 0)
    moved = replace(stack, slices=np.ascontiguousarray(move(stack.slices), np.float32))
    return moved, label, counted


def _measure(
    segmenter: Segmenter, stack: AxialStack, cord: NDArray[np.bool_], name: str, move: Move
) -> Found:
    moved, label, counted = view(stack, cord, move)
    result = segmenter(moved)
    pixel = np.asarray(stack.spacing_mm[1:])
    present = is_present(result.presence, stack.spacing_mm[0])
    distances = [
        float(np.linalg.norm((result.centre_px[z] - np.argwhere(label[z]).mean(axis=0)) * pixel))
        if present[z]
        else np.inf
        for z in np.flatnonzero(counted)
    ]
    return Found(
        change=name,
        slices=len(distances),
        found=sum(distance <= FOUND_MM for distance in distances),
        worst_mm=max(distances, default=0.0),
        cut_off=int((cord.any(axis=(1, 2)) & ~counted).sum()),
    )
