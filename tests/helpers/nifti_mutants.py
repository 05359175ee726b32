"""NIfTI files with random damage: in fields of the header, in bytes, in length, in packing."""

from __future__ import annotations

import gzip
import io
import random
import struct
from collections.abc import Callable

import nibabel as nib
import numpy as np

# Offsets and types of fields of NIfTI-1; NIfTI-2 is damaged by its bytes alone.
_SHORTS = (*range(40, 56, 2), 68, 70, 72, 74, 252, 254)
_FLOATS = (*range(56, 68, 4), *range(76, 120, 4), 124, 128, 132, 136, *range(256, 328, 4))
_WHOLE = (0, 1, -1, 2, 3, 7, 8, 255, 256, 32767, -32768, 16, 64, 128, 511, 512, 768, 1792, 2304)
_REAL = (
    *(0.0, -0.0, 1.0, -1.0, 1e-6, 1e6, 1e30, -1e30, 3.4e38, 1e-40, 0.5, 352.0, 353.0, 1e9),
    *(float("nan"), float("inf"), float("-inf")),
)


def originals() -> list[bytes]:
    """Return sound files of several kinds, not packed."""
    rng = np.random.default_rng(0)
    volume = (rng.random((12, 10, 4)) * 900).astype(np.int16)
    files = []
    for values in (
        volume,
        volume.astype(np.float32),
        volume.astype(np.uint8),
        volume[..., 0],
        volume[..., None],
        np.stack([volume, volume], -1),
        volume.astype(">i2"),
    ):
        image = nib.Nifti1Image(values, np.diag([0.5, 0.5, 5, 1]))
        image.header.set_xyzt_units("mm", "sec")
        files.append(image.to_bytes())
    scaled = nib.Nifti1Image(volume, np.diag([0.5, 0.5, 5, 1]))
    scaled.header.set_slope_inter(0.25, -10)
    return [*files, scaled.to_bytes(), nib.Nifti2Image(volume, np.eye(4)).to_bytes()]


def mutant(files: list[bytes], chance: random.Random) -> bytes:
    """Return one of the files, damaged, and packed in two of three cases."""
    content = bytearray(chance.choice(files))
    for _ in range(chance.choice((1, 1, 1, 2, 3, 6))):
        if content:
            chance.choice(_DAMAGES)(content, chance)
    if chance.random() < 1 / 3:
        return bytes(content)
    packed = bytearray(_packed(bytes(content)))
    if chance.random() < 1 / 4:
        chance.choice((_byte, _cut, _tail))(packed, chance)
    return bytes(packed)


def _packed(content: bytes) -> bytes:
    target = io.BytesIO()
    with gzip.GzipFile("", "wb", 1, target, mtime=0) as file:
        file.write(content)
    return target.getvalue()


def _short(content: bytearray, chance: random.Random) -> None:
    _put(content, chance.choice(_SHORTS), "<h", chance.choice(_WHOLE))


def _float(content: bytearray, chance: random.Random) -> None:
    _put(content, chance.choice(_FLOATS), "<f", chance.choice(_REAL))


def _put(content: bytearray, at: int, kind: str, value: float) -> None:
    if len(content) >= at + struct.calcsize(kind):
        struct.pack_into(kind, content, at, value)


def _byte(content: bytearray, chance: random.Random) -> None:
    content[chance.randrange(len(content))] = chance.randrange(256)


def _head_byte(content: bytearray, chance: random.Random) -> None:
    content[chance.randrange(min(len(content), 544))] = chance.choice((0, 1, 127, 128, 255))


def _voxels(content: bytearray, chance: random.Random) -> None:
    """Fill a part of the voxels with one byte; 0xff makes floats NaN."""
    start = chance.randrange(len(content))
    end = min(len(content), start + chance.randrange(1, 600))
    content[start:end] = bytes([chance.choice((0, 127, 255))]) * (end - start)


def _cut(content: bytearray, chance: random.Random) -> None:
    del content[chance.randrange(len(content)) :]


def _tail(content: bytearray, chance: random.Random) -> None:
    content += bytes(chance.choice((1, 64, 5000, 100_000)))


def _extension(content: bytearray, chance: random.Random) -> None:
    """Announce a header extension, of a size that may be a lie."""
    if len(content) > 360:
        content[348] = 1
        _put(content, 352, "<i", chance.choice((0, 8, 16, -16, 2**31 - 1, 1000, 17)))


_DAMAGES: tuple[Callable[[bytearray, random.Random], None], ...] = (
    *(_short, _short, _float, _float, _byte, _head_byte, _voxels, _cut, _tail, _extension),
)
