"""Displacement fields as NIfTI files, as ITK, ANTs and the Spinal Cord Toolbox read them."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from scgm.errors import ImageReadError
from scgm.image.volume import Geometry
from scgm.io.nifti.write import write_nifti

_VECTOR_INTENT = 1007
_TO_LPS = np.array([-1, -1, 1], np.float32)


def write_vectors(vectors: NDArray[np.float32], geometry: Geometry, path: Path) -> None:
    """Write vectors (i, j, k, 3) in mm, RAS+; the file holds them in LPS+, as ITK does."""
    image = nib.Nifti1Image((vectors * _TO_LPS)[:, :, :, None, :], geometry.affine)
    image.header["intent_code"] = _VECTOR_INTENT
    image.header.set_xyzt_units("mm")
    write_nifti(image, path)


def read_vectors(path: Path) -> tuple[NDArray[np.float32], Geometry]:
    """Read what `write_vectors` wrote.

    Raises
    ------
    ImageReadError
        If it is missing, damaged, or no displacement field.
    """
    try:
        image = nib.load(path)
        values = np.asarray(image.dataobj, np.float32)
    except Exception as error:
        msg = f"{path}: this displacement field is missing or damaged; register the image again"
        raise ImageReadError(msg) from error
    if values.ndim != 5 or values.shape[3:] != (1, 3) or not np.isfinite(values).all():
        msg = f"{path}: this is no displacement field of scgm; register the image again"
        raise ImageReadError(msg)
    i, j, k = values.shape[:3]
    return values[:, :, :, 0] * _TO_LPS, Geometry((i, j, k), image.affine)
