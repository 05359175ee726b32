"""The pictures of a result: small, as sprites of all slices, and what is drawn over them.

All tiles are as viewers show them: anterior up, the patient's left on the right. The gray values
are WebP pictures. What was found is packed without loss, one byte for each pixel of the window.
"""

from __future__ import annotations

import base64
import io
import math
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from scgm.image.centroid import centroids
from scgm.image.orientation import AxialStack
from scgm.report.masks import Masks

Bytes = NDArray[np.uint8]

SHOWN_MM = 32.0
MOST_SLICES = 200
# Windows and slices of more pixels are shown with every second one, or fewer.
MOST_WINDOW, MOST_WHOLE = 160, 160
WINDOW_QUALITY, WHOLE_QUALITY, THUMBNAIL_QUALITY = 80, 60, 70
THUMBNAIL = 44
# In the byte of a pixel: probability from 0 to 15, then one bit each.
LEVELS, GM_BIT, CORD_BIT = 15, 16, 32


def pictures(stack: AxialStack, masks: Masks) -> dict[str, Any]:
    """Return everything that the page draws of an image, ready for JSON.

    Parameters
    ----------
    stack : AxialStack
        Z slices of the image.
    masks : Masks
        What was found in them.

    Returns
    -------
    dict
        ``slices`` are those that are drawn (all, or 200 evenly spaced); ``window`` the tiles
        around the cord and ``labels`` their bytes; ``whole`` the tiles of whole slices, with
        ``boxes`` as shares of their width and height.
    """
    shown = np.unique(np.linspace(0, len(stack.slices) - 1, MOST_SLICES).round().astype(int))
    corners = _corners(stack, masks)[shown]
    size, step = _window_size(stack)
    image = _windows(stack.slices[shown], corners, size, step)
    codes = _windows(_codes(masks)[shown], corners, size, step)
    rows, columns = stack.slices.shape[1:]
    ratio = math.ceil(max(rows, columns) / MOST_WHOLE)
    whole = _reduced(stack.slices[shown], ratio)
    return {
        "slices": shown.tolist(),
        "window": _sprite(image, WINDOW_QUALITY, _pixel_mm(stack, step)),
        "step": step,
        "labels": base64.b64encode(zlib.compress(codes.tobytes(), 9)).decode("ascii"),
        "whole": _sprite(whole, WHOLE_QUALITY, _pixel_mm(stack, ratio)),
        "boxes": [_box(corner, size, (rows, columns)) for corner in corners.tolist()],
    }


def _pixel_mm(stack: AxialStack, step: int) -> tuple[float, float]:
    _, height, width = stack.spacing_mm
    return height * step, width * step


def _window_size(stack: AxialStack) -> tuple[tuple[int, int], int]:
    """Return rows and columns of the window, and how many pixels one of the picture stands for."""
    height, width = (max(2, round(SHOWN_MM / mm)) for mm in stack.spacing_mm[1:])
    return (height, width), math.ceil(max(height, width) / MOST_WINDOW)


def _corners(stack: AxialStack, masks: Masks) -> NDArray[np.int_]:
    """Return the first row and column (Z, 2) of each window; they may lie outside of the image."""
    centers = centroids((masks.gm if masks.cord is None else masks.cord).astype(np.float32))
    known = np.isfinite(centers).all(axis=1)
    places = np.arange(len(centers))
    size, _ = _window_size(stack)
    corners = np.empty(centers.shape, int)
    for axis in range(2):
        middle = (stack.slices.shape[axis + 1] - 1) / 2
        center = (
            np.interp(places, places[known], centers[known, axis])
            if known.any()
            else np.full(len(centers), middle)
        )
        corners[:, axis] = np.round(center - (size[axis] - 1) / 2)
    return corners


def _windows(
    values: NDArray[Any], corners: NDArray[np.int_], size: tuple[int, int], step: int
) -> NDArray[Any]:
    """Cut a window out of each slice (Z, Y, X); zero outside of the image."""
    height, width = size
    padded = np.pad(values, ((0, 0), (height, height), (width, width)))
    cut = np.stack(
        [
            slice_[row + height : row + 2 * height, column + width : column + 2 * width]
            for slice_, (row, column) in zip(
                padded, _inside(corners, values.shape, size), strict=True
            )
        ]
    )
    return cut[:, ::step, ::step]


def _inside(
    corners: NDArray[np.int_], shape: tuple[int, ...], size: tuple[int, int]
) -> NDArray[np.int_]:
    return np.clip(corners, [-size[0], -size[1]], [shape[1], shape[2]])


def _codes(masks: Masks) -> Bytes:
    codes = masks.gm.astype(np.uint8) * GM_BIT
    if masks.cord is not None:
        codes += masks.cord.astype(np.uint8) * CORD_BIT
    if masks.probability is not None:
        codes += np.round(masks.probability * LEVELS).astype(np.uint8)
    return codes


def _reduced(slices: NDArray[np.float32], ratio: int) -> NDArray[np.float32]:
    """Average over squares of *ratio* pixels; what is left over at two sides is repeated."""
    if ratio == 1:
        return slices
    count, rows, columns = slices.shape
    padded = np.pad(slices, ((0, 0), (0, -rows % ratio), (0, -columns % ratio)), mode="edge")
    blocks = padded.reshape(count, padded.shape[1] // ratio, ratio, -1, ratio)
    mean: NDArray[np.float32] = blocks.mean(axis=(2, 4), dtype=np.float32)
    return mean


def _sprite(
    tiles: NDArray[np.float32], quality: int, pixel_mm: tuple[float, float]
) -> dict[str, Any]:
    """Put tiles (Z, Y, X) into one WebP picture, as many in a row as there are rows."""
    count, height, width = tiles.shape
    across = math.ceil(math.sqrt(count))
    sheet = np.zeros((-(-count // across) * height, across * width), np.uint8)
    for place, tile in enumerate(tiles):
        row, column = divmod(place, across)
        sheet[row * height : (row + 1) * height, column * width : (column + 1) * width] = _gray(
            tile[::-1, ::-1]
        )
    return {
        "src": _webp(Image.fromarray(sheet), quality),
        "across": across,
        "width": width,
        "height": height,
        "mm": [round(height * pixel_mm[0], 4), round(width * pixel_mm[1], 4)],
    }


def thumbnail(stack: AxialStack, masks: Masks) -> str:
    """Return the window of the slice in the middle, small, as the address of a picture."""
    size, step = _window_size(stack)
    place = [len(stack.slices) // 2]
    (tile,) = _windows(stack.slices[place], _corners(stack, masks)[place], size, step)
    small = Image.fromarray(_gray(tile[::-1, ::-1])).resize((THUMBNAIL, THUMBNAIL))
    return _webp(small, THUMBNAIL_QUALITY)


def _webp(image: Image.Image, quality: int) -> str:
    content = io.BytesIO()
    image.save(content, "WEBP", quality=quality, method=1)
    return "data:image/webp;base64," + base64.b64encode(content.getvalue()).decode("ascii")


def _gray(values: NDArray[np.float32]) -> Bytes:
    """Spread the gray values between the 1st and the 99.5th percentile over 0 to 255."""
    low, high = np.percentile(values, (1, 99.5))
    scaled = (values - low) / max(float(high - low), 1e-6) * 255
    gray: Bytes = np.clip(np.round(scaled), 0, 255).astype(np.uint8)
    return gray


def _box(corner: list[int], size: tuple[int, int], shape: tuple[int, int]) -> list[float]:
    """Return left, top, width and height of a window on the slice, as shares of it, as drawn."""
    (row, column), (height, width), (rows, columns) = corner, size, shape
    return [
        round((columns - column - width) / columns, 4),
        round((rows - row - height) / rows, 4),
        round(width / columns, 4),
        round(height / rows, 4),
    ]
