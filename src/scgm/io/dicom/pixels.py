"""The numbers of frames, unpacked by pydicom."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from scgm.errors import ImageReadError
from scgm.image.values import Stored
from scgm.io.dicom.frames import Frame
from scgm.io.dicom.headers import Instance
from scgm.io.dicom.packages import package, silence
from scgm.io.dicom.tags import text, value, whole
from scgm.io.dicom.unpack import Unpacker, unpacker
from scgm.io.options import VolumeChoice


def stored_values(volumes: Sequence[Sequence[Frame]], choice: VolumeChoice) -> Stored:
    """Return the numbers of a volume, or of one made of several, as voxels (i, j, k).

    Raises
    ------
    ImageReadError
        If the pixels of a file are cut short, or packed in a way that cannot be undone here.
    """
    scales = {(frame.slope, frame.intercept) for volume in volumes for frame in volume}
    shape = _shape(volumes[0])
    if len(volumes) == 1 and len(scales) == 1:
        numbers: NDArray[Any] | None = None
        for k, _, plane in _planes(volumes):
            numbers = np.zeros(shape, plane.dtype, order="F") if numbers is None else numbers
            numbers[..., k] = plane
        assert numbers is not None
        return Stored(numbers, *scales.pop())
    total = np.zeros(shape, order="F")
    power = 2 if choice == "rms" else 1
    for k, frame, plane in _planes(volumes):
        total[..., k] += (plane * frame.slope + frame.intercept) ** power
    total /= len(volumes)
    return Stored(np.sqrt(total, out=total) if power == 2 else total)


def _shape(volume: Sequence[Frame]) -> tuple[int, int, int]:
    grid = volume[0].grid
    return grid.columns, grid.rows, len(volume)


def _planes(
    volumes: Sequence[Sequence[Frame]],
) -> Iterator[tuple[int, Frame, NDArray[Any]]]:
    """Yield the slices of all volumes, file by file, each with its number and its pixels (i, j)."""
    by_file: dict[int, list[tuple[int, Frame]]] = {}
    for volume in volumes:
        for k, frame in enumerate(volume):
            by_file.setdefault(id(frame.instance), []).append((k, frame))
    with unpacker() as unpack:
        for group in by_file.values():
            pictures = _pictures(group[0][1].instance, unpack)
            for k, frame in group:
                picture = pictures[frame.index]
                picture = frame.mosaic.tile(picture, frame.tile) if frame.mosaic else picture
                yield k, frame, picture[::-1].T


def _pictures(instance: Instance, unpack: Unpacker) -> NDArray[Any]:
    """Return all frames of a file (frame, row, column)."""
    name, header = instance.part.name, instance.header
    if text(value(header, "PhotometricInterpretation")) == "MONOCHROME1":
        msg = f"the grays of {name} are inverted (MONOCHROME1); export it as MONOCHROME2"
        raise ImageReadError(msg)
    rows, columns = (whole(value(header, size)) or 0 for size in ("Rows", "Columns"))
    try:
        with instance.part.opened() as file:
            pixels = unpack.pixels(file.read()) if _is_packed(instance) else _plain_pixels(file)
        return pixels.reshape(instance.frame_count, rows, columns)
    except ImageReadError:
        raise
    except Exception as error:
        raise ImageReadError(_problem(name, instance)) from error


def _plain_pixels(file: BinaryIO) -> NDArray[Any]:
    with silence():
        read = package("pydicom").dcmread(file, force=True)
        _complete_meta(read)
        return np.asarray(read.pixel_array)


def _is_packed(instance: Instance) -> bool:
    try:
        return bool(_syntax(instance).is_encapsulated)
    except Exception:  # noqa: BLE001  it says no way of packing, or one that nobody knows
        return False


def _syntax(instance: Instance) -> Any:
    media = getattr(instance.header, "file_meta", None)
    return value(media, "TransferSyntaxUID") if media else None


def _complete_meta(read: Any) -> None:
    """Say how a file without file meta information is encoded, as it was just read."""
    if "TransferSyntaxUID" in read.file_meta:
        return
    uid = package("pydicom.uid")
    implicit, little = read.original_encoding
    explicit = uid.ExplicitVRLittleEndian if little else uid.ExplicitVRBigEndian
    read.file_meta.TransferSyntaxUID = uid.ImplicitVRLittleEndian if implicit else explicit


def _problem(name: str, instance: Instance) -> str:
    """Say why pixels cannot be had."""
    packed = _packing(_syntax(instance))
    if packed is not None:
        return (
            f"{name} is packed with {packed}, which cannot be unpacked here; run: pip install "
            "python-gdcm"
        )
    return f"the pixels of {name} are damaged or cut short; copy or export it again"


def _packing(syntax: Any) -> str | None:
    """Return the name of a way of packing that cannot be undone here; None for all others."""
    try:
        if not syntax.is_compressed or package("pydicom.pixels").get_decoder(syntax).is_available:
            return None
        return str(syntax.name).split(",", maxsplit=1)[0]
    except Exception:  # noqa: BLE001  it is none that pydicom knows
        return None
