"""NIfTI files as the world has them: sound ones, odd ones and damaged ones."""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from numpy.typing import NDArray

from scgm.errors import ImageReadError
from scgm.io.read import ReadOptions, read_volume

SHAPE = (6, 7, 5)
AFFINE = np.array([[-0.5, 0, 0, 30], [0, 0.5, 0, -40], [0, 0, 3.0, 15], [0, 0, 0, 1]])

NO_SFORM: dict[str, Any] = {"sform_code": 0}
NO_QFORM: dict[str, Any] = {"qform_code": 0}
NO_FORMS: dict[str, Any] = {**NO_SFORM, **NO_QFORM}


def scan(shape: tuple[int, ...] = SHAPE) -> NDArray[np.int16]:
    """Return an image in which every voxel has another value."""
    return np.arange(1, 1 + np.prod(shape), dtype=np.int16).reshape(shape)


def content(
    values: NDArray[Any] | None = None,
    fields: Mapping[str, Any] | None = None,
    *,
    kind: type[nib.Nifti1Image] = nib.Nifti1Image,
    order: str = "<",
) -> bytes:
    """Return the bytes of a NIfTI file: sform and qform by AFFINE, then *fields* set by force.

    Parameters
    ----------
    values : array, optional
        Voxels, stored with their own type; by default `scan()`.
    fields : mapping, optional
        Fields of the header, set without any check.
    kind : nibabel.Nifti1Image or nibabel.Nifti2Image
        Version of the format.
    order : "<" or ">"
        Order of the bytes.
    """
    stored = scan() if values is None else values
    header = kind.header_class(endianness=order)
    header.set_data_dtype(stored.dtype)
    header.set_xyzt_units("mm", "sec")
    image = kind(stored, None, header, dtype=stored.dtype)
    image.set_sform(AFFINE, 1)
    image.set_qform(AFFINE, 1)
    whole = image.to_bytes()
    length = image.header.structarr.dtype.itemsize
    start = np.frombuffer(whole[:length], image.header.structarr.dtype)[0].copy()
    for name, value in (fields or {}).items():
        start[name] = value
    return bytes(start.tobytes() + whole[length:])


def write(path: Path, data: bytes) -> Path:
    """Write *data*, packed if the name ends with .gz."""
    path.write_bytes(gzip.compress(data, 1) if path.suffix == ".gz" else data)
    return path


def write_scan(
    path: Path,
    values: NDArray[Any] | None = None,
    fields: Mapping[str, Any] | None = None,
) -> Path:
    """Write `content` to *path*."""
    return write(path, content(values, fields))


def refusal(path: Path, **options: Any) -> str:
    """Return why a file is refused, after checking that it is one line that names the file."""
    with pytest.raises(ImageReadError) as caught:
        read_volume(path, ReadOptions(**options))
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    return message.removeprefix(f"{path}: ")


def pixdim(i: float, j: float, k: float) -> list[float]:
    """Return the field of that name for these voxel sizes and a left-handed qform."""
    return [-1, i, j, k, 1, 1, 1, 1]
