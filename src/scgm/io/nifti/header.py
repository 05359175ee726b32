"""What a NIfTI header says of its voxels: how many, where in the file, and how scaled.

A header is anything that gives a field by its name in the NIfTI standard; its values may be
nonsense.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import nibabel as nib
import numpy as np

from scgm.errors import ImageReadError
from scgm.image.volume import Geometry

# Eight times an ex vivo cord at 0.08 mm. Reading takes at most 13 bytes a voxel, all of
# `scgm segment` at most 16 and a constant of some 0.8 GB: 9 GB (``python -m experiments.memory``).
MAX_VOXELS = 1 << 29

# Intents of values that are no measurement in time or at several echoes: matrices and vectors.
_VECTOR_INTENTS = (1004, 1005, 1006, 1007)

FORM_FIELDS: Mapping[str, tuple[str, ...]] = {
    "sform": ("sform_code", "srow_x", "srow_y", "srow_z"),
    "qform": (
        *("qform_code", "quatern_b", "quatern_c", "quatern_d"),
        *("qoffset_x", "qoffset_y", "qoffset_z"),
    ),
}


@dataclass(frozen=True, slots=True)
class Layout:
    """How the voxels of an image are arranged.

    Parameters
    ----------
    native_shape : tuple of int
        Shape of one volume in the file: (i, j), (i, j, k), or (i, j, 1, k) for slices in time.
    count : int
        Number of volumes.
    dimension : int
        Dimension along which the volumes follow one another: 4 for a series in time.
    warnings : tuple of str
        What is odd about it, one sentence each.
    """

    native_shape: tuple[int, ...]
    count: int
    dimension: int = 4
    warnings: tuple[str, ...] = ()

    @property
    def may_be_slices(self) -> bool:
        """Whether the volumes may be the slices of one volume."""
        return self.count > 1 and self.dimension == 4 and self.grid[2] == 1

    @property
    def grid(self) -> tuple[int, int, int]:
        """Shape (i, j, k) of one volume; a 2D image is one slice."""
        i, j, *rest = self.native_shape
        return i, j, math.prod(rest)

    @property
    def voxel_count(self) -> int:
        """Number of voxels in one volume."""
        return math.prod(self.native_shape)


def header_layout(header: Mapping[str, Any], *, slices_in_time: bool = False) -> Layout:
    """Return the arrangement of voxels by the field `dim`.

    Raises
    ------
    ImageReadError
        If a dimension is not positive, or they are not those of one or several volumes.
    """
    dim = [int(n) for n in header["dim"]]
    if not 1 <= dim[0] <= 7:
        msg = f"its header gives it {dim[0]} dimensions; export the image again from its source"
        raise ImageReadError(msg)
    sizes = dim[1 : dim[0] + 1]
    zeros = [axis + 1 for axis in range(3, dim[0]) if sizes[axis] == 0]
    if zeros:
        sizes = [*sizes[:3], *(size or 1 for size in sizes[3:])]
    vectors = int(header["intent_code"]) in _VECTOR_INTENTS
    layout = layout_of(sizes, slices_in_time=slices_in_time, vectors=vectors)
    warnings = tuple(f"dim[{axis}] is 0 in the header; it was read as 1" for axis in zeros)
    return replace(layout, warnings=warnings)


def layout_of(
    sizes: Sequence[int], *, slices_in_time: bool = False, vectors: bool = False
) -> Layout:
    """Return the arrangement of an image with these sizes; ones at the end do not count.

    Parameters
    ----------
    sizes : sequence of int
        Number of voxels along each dimension.
    slices_in_time : bool
        Take the fourth dimension for the third, which is 1.
    vectors : bool
        The header says that the fifth dimension holds the components of vectors.

    Raises
    ------
    ImageReadError
        If a size is not positive, there are fewer than two, more than one beyond the third is not
        1, or there are too many voxels.
    """
    text = " x ".join(str(n) for n in sizes)
    if min(sizes, default=0) < 1:
        msg = f"its header gives it {text or 'no'} voxels; export the image again from its source"
        raise ImageReadError(msg)
    if len(sizes) < 2:
        msg = f"it holds a single row of {text} values; give a 2D or 3D image"
        raise ImageReadError(msg)
    series = [n for n in sizes[3:] if n > 1]
    if vectors and series:
        msg = f"it holds vectors, not gray values ({text}); give a 3D image"
        raise ImageReadError(msg)
    if len(series) > 1:
        msg = f"it has more than four dimensions ({text}); give a 3D or 4D image"
        raise ImageReadError(msg)
    layout = _in_time(sizes, text) if slices_in_time else _in_space(sizes)
    if layout.voxel_count > MAX_VOXELS:
        msg = (
            f"it has {text} voxels; more than {MAX_VOXELS:,}, which take some 9 GB of memory, are "
            "not supported: crop it"
        )
        raise ImageReadError(msg)
    return layout


def _in_space(sizes: Sequence[int]) -> Layout:
    count = math.prod(sizes[3:])
    dimension = next((axis + 1 for axis, n in enumerate(sizes) if axis > 2 and n > 1), 4)
    return Layout(tuple(sizes[:3]), count, dimension)


def _in_time(sizes: Sequence[int], text: str) -> Layout:
    if not _in_space(sizes).may_be_slices:
        msg = f"it holds no slices in the fourth dimension ({text}); omit --slices-in-time"
        raise ImageReadError(msg)
    return Layout(tuple(sizes[:4]), 1)


def voxel_offset(header: Mapping[str, Any]) -> int:
    """Return where in the file the voxels start.

    Raises
    ------
    ImageReadError
        If they would start within the header.
    """
    least, value = int(header["sizeof_hdr"]) + 4, float(header["vox_offset"])
    if not least <= value < 2**53:
        msg = f"its header puts the voxels at byte {value:g}, which is impossible; export it again"
        raise ImageReadError(msg)
    return int(value)


def scaling(header: Mapping[str, Any]) -> tuple[float, float]:
    """Return slope and intercept; as in the standard, a slope of 0 means that there is none."""
    slope, inter = float(header["scl_slope"]), float(header["scl_inter"])
    if slope == 0 or not np.isfinite(slope):
        return 1.0, 0.0
    return slope, inter if np.isfinite(inter) else 0.0


def new_header(geometry: Geometry) -> nib.Nifti1Header:
    """Describe a volume that never was in a file."""
    header = nib.Nifti1Header()
    header.set_data_shape(geometry.shape)
    header.set_xyzt_units("mm")
    header.set_sform(geometry.affine, code="scanner")
    header.set_qform(geometry.affine, code="scanner")
    if not geometry.matches(Geometry(geometry.shape, header.get_qform())):
        header["qform_code"] = 0  # a qform holds no shear, and half turns only coarsely
    return header
