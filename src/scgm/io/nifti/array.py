"""A volume from an array in memory."""

from __future__ import annotations

from typing import Any

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from scgm.image.volume import Volume
from scgm.io.nifti.read import volume_from_nibabel


def volume_from_array(values: NDArray[Any], affine: NDArray[np.float64]) -> Volume:
    """Take an array (i, j, k) or (i, j) through the same checks as an image that is read.

    Parameters
    ----------
    values : array of numbers
        It is not changed.
    affine : (4, 4) float64
        Voxels to millimeters, RAS+.

    Raises
    ------
    ImageReadError
        If the array shows nothing, or the affine gives no place.
    """
    # NIfTI has neither bool nor float16, and nibabel refuses 64-bit integers.
    small = values.dtype.kind == "b" or values.dtype == np.float16
    kept = (
        values.astype(np.float32 if small else np.float64)
        if small or values.itemsize > 4
        else values
    )
    return volume_from_nibabel(nib.Nifti1Image(kept, affine))
