"""What a NIfTI header says: how many voxels of which size, and where they lie.

A header is anything that gives a field by its name in the NIfTI standard; its values may be
nonsense.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from scgm.errors import GeometryError, ImageReadError
from scgm.image.volume import Geometry

VOXEL_RANGE_MM = (0.01, 50.0)

# Eight times an ex vivo cord at 0.08 mm; with what is made of them, some 10 GB.
MAX_VOXELS = 1 << 29

# Forms that differ by less than this part of the smallest voxel edge agree. The qform's float32
# quaternion alone is uncertain by some tenths of a millimeter near half a turn.
_FORM_TOLERANCE = 0.5

_MM_PER_UNIT = {1: ("meters", 1e3), 3: ("microns", 1e-3)}

_KNOWN_CODES = range(6)

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
        Shape of one volume, (i, j) or (i, j, k).
    count : int
        Number of volumes.
    """

    native_shape: tuple[int, ...]
    count: int

    @property
    def grid(self) -> tuple[int, int, int]:
        """Shape (i, j, k) of one volume; a 2D image is one slice."""
        i, j, k = (*self.native_shape, 1)[:3]
        return i, j, k

    @property
    def voxel_count(self) -> int:
        """Number of voxels in one volume."""
        return math.prod(self.native_shape)


@dataclass(frozen=True, slots=True, eq=False)
class Placement:
    """Where the voxels lie.

    Parameters
    ----------
    affine : (4, 4) float64
        Voxels to millimeters, RAS+.
    unusable : tuple of str
        The forms ("sform", "qform") that the header has but that make no sense.
    warnings : tuple of str
        What is odd about it, one sentence each.
    """

    affine: NDArray[np.float64]
    unusable: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def header_layout(header: Mapping[str, Any]) -> Layout:
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
    return layout_of(dim[1 : dim[0] + 1])


def layout_of(sizes: Sequence[int]) -> Layout:
    """Return the arrangement of an image with these sizes; ones at the end do not count.

    Raises
    ------
    ImageReadError
        If a size is not positive, there are fewer than two or more than four, or too many voxels.
    """
    text = " x ".join(str(n) for n in sizes)
    if min(sizes, default=0) < 1:
        msg = f"its header gives it {text or 'no'} voxels; export the image again from its source"
        raise ImageReadError(msg)
    while len(sizes) > 3 and sizes[-1] == 1:
        sizes = sizes[:-1]
    if len(sizes) > 4:
        msg = f"it holds vectors, not gray values ({text}); give a 3D image"
        raise ImageReadError(msg)
    if len(sizes) < 2:
        msg = f"it holds a single row of {text} values; give a 2D or 3D image"
        raise ImageReadError(msg)
    layout = Layout(tuple(sizes[:3]), sizes[3] if len(sizes) == 4 else 1)
    if layout.voxel_count > MAX_VOXELS:
        msg = f"it has {text} voxels, and more than {MAX_VOXELS} do not fit into memory; crop it"
        raise ImageReadError(msg)
    return layout


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


def placement(header: Mapping[str, Any], layout: Layout) -> Placement:
    """Choose where the voxels lie: by the sform, else by the qform, else by their size alone.

    Parameters
    ----------
    header : mapping
        Fields of the header.
    layout : Layout
        Arrangement of the voxels.

    Returns
    -------
    Placement
        Affine in mm, and what was odd.

    Raises
    ------
    ImageReadError
        If the header has no form that can be used, or its voxels have no possible size.
    """
    unit, scale = _MM_PER_UNIT.get(int(header["xyzt_units"]) & 7, ("mm", 1.0))
    warnings = [] if scale == 1 else [f"the header is in {unit}; its lengths were turned into mm"]
    sizes = np.array(header["pixdim"][1:4], np.float64)
    if len(layout.native_shape) == 2 and not sizes[2] > 0:
        sizes[2] = 1 / scale
        warnings.append("the thickness of the slice is not in the header; 1 mm is assumed")
    forms = {
        name: _in_mm(form, scale)
        for name, form in (("sform", _sform(header)), ("qform", _qform(header, sizes)))
        if header[f"{name}_code"] != 0
    }
    if not forms:
        return _unplaced(np.diag([*(sizes * scale), 1.0]), warnings)
    problems = {
        name: _code_problem(header, name) or _size_problem(form) for name, form in forms.items()
    }
    unusable = tuple(name for name in forms if problems[name])
    usable = [name for name in forms if not problems[name]]
    if not usable:
        found = " and ".join(f"its {name} {problems[name]}" for name in unusable)
        msg = f"{found}, so nobody knows where its voxels lie; export the image again"
        raise ImageReadError(msg)
    warnings += [f"the {name} {problems[name]}; the {usable[0]} is used" for name in unusable]
    if len(usable) == 2:
        warnings += _difference(layout, forms["sform"], forms["qform"])
    return Placement(forms[usable[0]], unusable, tuple(warnings))


def _unplaced(affine: NDArray[np.float64], warnings: list[str]) -> Placement:
    """Place voxels of which only the size is known, as the standard does: x, y, z along i, j, k."""
    problem = _size_problem(affine)
    if not problem and (np.diag(affine) < 0).any():
        problem = "has a negative voxel size"
    if problem:
        msg = f"its voxel grid {problem}; put the right voxel size into the header"
        raise ImageReadError(msg)
    unknown = "the header does not say where the voxels lie, so left and right are unknown"
    return Placement(affine, (), (*warnings, unknown))


def _sform(header: Mapping[str, Any]) -> NDArray[np.float64]:
    """Return the affine that the header spells out."""
    return np.array(
        [header["srow_x"], header["srow_y"], header["srow_z"], (0, 0, 0, 1)], np.float64
    )


def _qform(header: Mapping[str, Any], sizes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the affine of rotation, voxel sizes and offset; NaN if they are impossible."""
    quaternion = np.array([header[f"quatern_{letter}"] for letter in "bcd"])
    rounding = 3 * np.finfo(quaternion.dtype).eps
    b, c, d = quaternion.astype(np.float64)
    rest = 1 - (b * b + c * c + d * d)
    affine = np.full((4, 4), np.nan)
    if not rest >= -rounding or not (sizes > 0).all():
        return affine
    # Near half a turn the rest is nothing but rounding.
    a = np.sqrt(rest) if rest > rounding else 0.0
    a, b, c, d = np.array([a, b, c, d]) / np.sqrt(a * a + b * b + c * c + d * d)
    rotation = np.array(
        [
            [a * a + b * b - c * c - d * d, 2 * (b * c - a * d), 2 * (b * d + a * c)],
            [2 * (b * c + a * d), a * a + c * c - b * b - d * d, 2 * (c * d - a * b)],
            [2 * (b * d - a * c), 2 * (c * d + a * b), a * a + d * d - b * b - c * c],
        ]
    )
    handed = -1 if header["pixdim"][0] < 0 else 1
    affine[:3, :3] = rotation * sizes * (1, 1, handed)
    affine[:3, 3] = [float(header[f"qoffset_{letter}"]) for letter in "xyz"]
    affine[3] = (0, 0, 0, 1)
    return affine


def _in_mm(affine: NDArray[np.float64], scale: float) -> NDArray[np.float64]:
    in_mm = affine.copy()
    in_mm[:3] *= scale
    return in_mm


def _code_problem(header: Mapping[str, Any], name: str) -> str | None:
    code = int(header[f"{name}_code"])
    return None if code in _KNOWN_CODES else f"has the unknown code {code}"


def _size_problem(affine: NDArray[np.float64]) -> str | None:
    """Return why an affine cannot be that of a scan, or None."""
    with np.errstate(over="ignore", invalid="ignore"):
        sizes = np.linalg.norm(affine[:3, :3], axis=0)
    if not np.isfinite(sizes).all() or not np.isfinite(affine).all():
        return "is impossible (NaN, infinity or no rotation)"
    low, high = VOXEL_RANGE_MM
    if not ((sizes >= low * (1 - 1e-6)) & (sizes <= high * (1 + 1e-6))).all():
        text = " x ".join(f"{size:.4g}" for size in sizes)
        return f"has voxels of {text} mm (possible are {low:g} to {high:g} mm)"
    try:
        Geometry((1, 1, 1), affine)
    except GeometryError:
        return "is singular (its axes lie in one plane)"
    return None


def _difference(
    layout: Layout, sform: NDArray[np.float64], qform: NDArray[np.float64]
) -> list[str]:
    """Return a warning if the two forms put voxels at different places."""
    by_sform = Geometry(layout.grid, sform)
    shift = by_sform.distance_mm(Geometry(layout.grid, qform))
    if shift <= _FORM_TOLERANCE * min(by_sform.voxel_size_mm):
        return []
    return [f"sform and qform differ by up to {shift:.3g} mm; the sform is used"]


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
