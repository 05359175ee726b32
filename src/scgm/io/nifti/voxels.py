"""The voxels of a NIfTI file: one volume, or one made of several, as the numbers that it stores.

Numbers are read piece by piece into an array of their own type. Zeros are not written to it, so an
image that is nearly empty takes nearly no memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from scgm.errors import ImageReadError
from scgm.image.values import Stored
from scgm.io.nifti.header import Layout, scaling, voxel_offset
from scgm.io.nifti.stream import CHUNK, Stream
from scgm.io.options import VolumeChoice

Pieces = Iterator[tuple[slice, NDArray[Any]]]


def read_voxels(
    stream: Stream, header: nib.Nifti1Header, layout: Layout, choice: VolumeChoice
) -> Stored:
    """Read the chosen volume, or one made of all, once the file is known to be large enough."""
    wanted = wanted_volumes(layout, choice)
    dtype = _stored_type(header)
    offset = voxel_offset(header)
    stream.require(offset + layout.voxel_count * layout.count * dtype.itemsize)
    stream.skip(offset - int(header["sizeof_hdr"]))
    volumes = _volumes(stream, layout, dtype, wanted)
    slope, inter = scaling(header)
    if len(wanted) == 1:
        numbers = np.zeros(layout.voxel_count, dtype.newbyteorder("="))
        for where, piece in volumes:
            if piece.any():
                numbers[where] = piece
        return Stored(_in_shape(numbers, layout), slope, inter)
    if choice == "rms":
        square = _mean_square(volumes, layout, len(wanted), (slope, inter))
        return Stored(_in_shape(square, layout))
    return Stored(_in_shape(_mean(volumes, layout, len(wanted)), layout), slope, inter)


def combined(volumes: NDArray[Any], layout: Layout, choice: VolumeChoice) -> Stored:
    """Take the chosen volume, or one made of all, from an array in memory (i, j, k, volume)."""
    wanted = wanted_volumes(layout, choice)
    require_real(volumes.dtype)
    if len(wanted) == 1:
        return Stored(volumes[..., wanted[0]])

    def pieces() -> Pieces:
        for index in wanted:
            yield slice(None), volumes[..., index].ravel(order="F")

    if choice == "rms":
        return Stored(_in_shape(_mean_square(pieces(), layout, len(wanted), (1.0, 0.0)), layout))
    return Stored(_in_shape(_mean(pieces(), layout, len(wanted)), layout))


def wanted_volumes(layout: Layout, choice: VolumeChoice) -> range:
    """Return the indices of the volumes to take.

    Raises
    ------
    ImageReadError
        If the choice is missing or impossible, or would mix slices.
    """
    count = layout.count
    if count == 1:
        if choice in (None, "mean", "rms", 0):
            return range(1)
        msg = f"it holds a single volume, so there is no volume {_short(choice)}; omit --volume"
        raise ImageReadError(msg)
    if choice in ("mean", "rms") and not layout.may_be_slices:
        return range(count)
    if isinstance(choice, int) and 0 <= choice < count:
        return range(choice, choice + 1)
    raise ImageReadError(_choices(layout, choice))


def _choices(layout: Layout, choice: VolumeChoice) -> str:
    count = layout.count
    if layout.may_be_slices:
        return (
            f"it holds {count} volumes of a single slice each; if they are the slices of one scan, "
            f"use --slices-in-time; if they repeat one slice, choose with --volume N (0 to "
            f"{count - 1})"
        )
    found = f"{count} volumes" if choice is None else f"{count} volumes, but not {_short(choice)}"
    where = "" if layout.dimension == 4 else f" along dimension {layout.dimension}, as echoes are"
    return (
        f"it holds {found}{where}; choose with --volume N (0 to {count - 1}), --volume mean or "
        "--volume rms, or save one of them as a file of its own"
    )


def _short(choice: VolumeChoice) -> str:
    """Return a number as a text that fits into a sentence."""
    if isinstance(choice, int) and abs(choice) >= 10**9:
        return "of so large a number"
    return str(choice)


def _stored_type(header: nib.Nifti1Header) -> np.dtype[Any]:
    try:
        dtype: np.dtype[Any] = header.get_data_dtype()
    except KeyError as error:
        msg = f"its voxels are of the unknown type {int(header['datatype'])}; export it again"
        raise ImageReadError(msg) from error
    require_real(dtype)
    return dtype


def require_real(dtype: np.dtype[Any]) -> None:
    """Refuse values that are not plain numbers."""
    if dtype.kind == "c":
        msg = "its voxels are complex numbers; give the magnitude image"
    elif dtype.kind not in "iufb":
        msg = "its voxels are colors or other compounds, not gray values; give a gray-value image"
    else:
        return
    raise ImageReadError(msg)


def _volumes(stream: Stream, layout: Layout, dtype: np.dtype[Any], wanted: range) -> Pieces:
    """Read all volumes one after the other, and return the wanted ones in pieces."""
    size = layout.voxel_count * dtype.itemsize
    found = 0
    for index in range(layout.count):
        if index not in wanted:
            found += stream.skip(size)
            continue
        for start in range(0, size, CHUNK):
            block = stream.read(min(CHUNK, size - start))
            found += len(block)
            piece = np.frombuffer(block, dtype, len(block) // dtype.itemsize)
            first = start // dtype.itemsize
            yield slice(first, first + len(piece)), piece
            if found < size * index + min(start + CHUNK, size):
                break
        if found < size * (index + 1):
            break
    if found < size * layout.count:
        msg = (
            f"it is cut short: its header promises {size * layout.count} bytes of voxels, it has "
            f"{found}; copy or download it again"
        )
        raise ImageReadError(msg)


def _mean(volumes: Pieces, layout: Layout, count: int) -> NDArray[np.float64]:
    """Return the mean of volumes, of which only one piece is held at a time."""
    total = np.zeros(layout.voxel_count)
    for where, piece in volumes:
        total[where] += piece
    total /= count
    return total


def _mean_square(
    volumes: Pieces, layout: Layout, count: int, scale: tuple[float, float]
) -> NDArray[np.float64]:
    """Return the root of the mean of the squares of the scaled values."""
    slope, inter = scale
    total = np.zeros(layout.voxel_count)
    for where, piece in volumes:
        total[where] += np.square(piece.astype(np.float64) * slope + inter)
    total /= count
    return np.sqrt(total, out=total)


def _in_shape(numbers: NDArray[Any], layout: Layout) -> NDArray[Any]:
    return numbers.reshape(layout.grid, order="F")
