"""A NIfTI image of an array in memory."""

from __future__ import annotations

from typing import Any

import nibabel as nib
import numpy as np
from numpy.typing import NDArray


def image_of(values: NDArray[Any], affine: NDArray[np.float64]) -> nib.Nifti1Image:
    """Return an image of an array of numbers, in a type that NIfTI has.

    It has neither bool nor float16, and nibabel refuses 64-bit integers.
    """
    small = values.dtype.kind == "b" or values.dtype == np.float16
    wide = np.float32 if small else np.float64
    return nib.Nifti1Image(values.astype(wide) if small or values.itemsize > 4 else values, affine)
