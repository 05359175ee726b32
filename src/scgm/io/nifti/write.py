"""Writing NIfTI files: labels and probabilities on the grid of an image."""

from __future__ import annotations

import gzip
import io
import os
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from scgm.errors import GeometryError, OutputError
from scgm.image.volume import Volume
from scgm.io.atomic import write_bytes
from scgm.io.nifti.header import FORM_FIELDS, new_header
from scgm.version import __version__

_LABEL_INTENT = 1002
_WRITER = b"scgm "
_GRID_FIELDS = (*FORM_FIELDS["sform"], *FORM_FIELDS["qform"], "pixdim", "xyzt_units")


def as_nifti(
    values: NDArray[Any], volume: Volume, *, dtype: type[np.uint8 | np.float32]
) -> nib.Nifti1Image:
    """Make an image of values on the voxels of a volume.

    Parameters
    ----------
    values : (i, j, k) array
        Labels, or probabilities.
    volume : Volume
        Where they lie. Its sform, qform, codes, voxel sizes and units are taken over unchanged
        (but for a form that makes no sense, which is left out), and so is its shape in the file.
    dtype : numpy.uint8 or numpy.float32
        Type to store: uint8 for labels, float32 for probabilities; never scaled.

    Returns
    -------
    nibabel.Nifti1Image or nibabel.Nifti2Image
        NIfTI-2 where the input was NIfTI-2. It carries nothing else of the input's header.

    Raises
    ------
    GeometryError
        If the shape of *values* is not that of *volume*.
    ValueError
        If *values* are not whole numbers from 0 to 255 where *dtype* is uint8.
    """
    if values.shape != volume.geometry.shape:
        msg = f"{volume.name}: values are {values.shape}, the volume {volume.geometry.shape}"
        raise GeometryError(msg)
    with np.errstate(invalid="ignore"):
        stored = values.astype(dtype, copy=False)
    if dtype is np.uint8 and not np.array_equal(stored, values):
        msg = "labels must be whole numbers from 0 to 255"
        raise ValueError(msg)
    grid: Any = new_header(volume.geometry) if volume.header is None else volume.header
    kind = nib.Nifti2Image if isinstance(grid, nib.Nifti2Header) else nib.Nifti1Image
    image = kind(stored.reshape(volume.native_shape), None)
    header = image.header
    # Only now, because making an image "repairs" the header that it is given.
    for field in _GRID_FIELDS:
        header[field] = grid[field]
    header["descrip"] = (_WRITER + __version__.encode())[:79]
    header["cal_max"] = stored.max() if dtype is np.uint8 else 1
    header["intent_code"] = _LABEL_INTENT if dtype is np.uint8 else 0
    # Sets the code that is there already, but lets nibabel take its affine from the header.
    image.set_qform(None, int(header["qform_code"]))
    return image


def grid_fields(volume: Volume) -> dict[str, Any]:
    """Return the header's fields that place the voxels of a volume, as plain numbers.

    They are those that `as_nifti` takes over; ``version`` is 1 or 2, that of the format.
    """
    grid: Any = new_header(volume.geometry) if volume.header is None else volume.header
    fields = {field: np.nan_to_num(np.asarray(grid[field])).tolist() for field in _GRID_FIELDS}
    return {**fields, "version": 2 if isinstance(grid, nib.Nifti2Header) else 1}


def is_own_label(path: Path) -> bool:
    """Tell whether a file holds labels that this package wrote; False if it cannot be read."""
    try:
        if not path.is_file():  # opening a pipe would wait for its other end
            return False
        opened = gzip.open if path.suffix.lower() == ".gz" else open
        with opened(path, "rb") as file:
            start = file.read(nib.Nifti2Header.sizeof_hdr)
        kind = nib.Nifti2Header if start[4:7] == b"n+2" else nib.Nifti1Header
        header = kind(start[: kind.sizeof_hdr], check=False)
        written_by = bytes(header["descrip"])
        return written_by.startswith(_WRITER) and int(header["intent_code"]) == _LABEL_INTENT
    except Exception:  # noqa: BLE001  whatever is wrong with it is told when it is read as an image
        return False


def write_nifti(image: nib.Nifti1Image, path: str | Path, *, overwrite: bool = False) -> None:
    """Write an image to a file, which appears whole or not at all.

    The same image gives the same bytes at any time and under any name.

    Parameters
    ----------
    image : nibabel.Nifti1Image
        What to write, as from `as_nifti`.
    path : str or Path
        A name that ends with .nii.gz (packed) or .nii, in a folder that exists.
    overwrite : bool
        Replace a file that exists.

    Raises
    ------
    OutputError
        If the name has another ending, the file exists, or it cannot be written.
    """
    file = Path(path)
    if not file.name.lower().endswith((".nii", ".nii.gz")):
        msg = f"{file}: an image needs another name; give one that ends with .nii.gz or .nii"
        raise OutputError(msg)
    if file.is_dir() or (os.path.lexists(file) and not overwrite):
        msg = f"{file}: it exists already; give another name, or overwrite it if it is a file"
        raise OutputError(msg)
    content = image.to_bytes()
    if file.suffix.lower() == ".gz":
        packed = io.BytesIO()
        # Neither time nor name, so that the same image gives the same bytes.
        with gzip.GzipFile("", "wb", 6, packed, mtime=0) as out:
            out.write(content)
        content = packed.getvalue()
    write_bytes(file, content)
