"""Masks with a box, on voxels of 0.5 x 0.25 x 5 mm."""

from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from scgm.evaluation import Evaluation
from tests.helpers.standin import turned

AFFINE = np.diag([0.5, 0.25, 5.0, 1.0])


def box(first: int, value: float = 1, slices: int = 3) -> NDArray[np.float32]:
    """Make voxels (i, j, k) with a box of 8 x 10 from index *first* along i, in every slice."""
    voxels = np.zeros((30, 40, slices), np.float32)
    voxels[first : first + 8, 15:25] = value
    return voxels


def save(path: Path, voxels: NDArray[Any], axes: str = "RAS", shift_mm: float = 0) -> Path:
    affine = AFFINE.copy()
    affine[0, 3] = shift_mm
    path.parent.mkdir(parents=True, exist_ok=True)
    turned(nib.Nifti1Image(voxels, affine), axes).to_filename(path)
    return path


def dice_of(result: Evaluation) -> list[float]:
    return [each.scores.values["dice"] for each in result.comparisons]
