"""Where a NIfTI header says that the voxels lie, and which of its voxel sizes counts.

A header has up to three voxel sizes: the lengths of the columns of the sform, those of the qform,
and the field pixdim, which the qform shares. They should be the same, and often are not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scgm.errors import GeometryError, ImageReadError
from scgm.image.orientation import axis_map
from scgm.image.volume import Geometry
from scgm.io.nifti.header import Layout
from scgm.io.options import VoxelSizeSource

Affine = NDArray[np.float64]

VOXEL_RANGE_MM = (0.01, 50.0)

# Forms that differ by less than this part of the smallest voxel edge agree. The qform's float32
# quaternion alone is uncertain by some tenths of a millimeter near half a turn.
_FORM_TOLERANCE = 0.5

# Sizes that differ by more than this share disagree.
_SIZE_TOLERANCE = 0.01

_UNIT_AXES = 1e-3

_MM_PER_UNIT = {1: ("meters", 1e3), 2: ("mm", 1.0), 3: ("microns", 1e-3)}

_KNOWN_CODES = range(6)

# Codes of an sform that leads to a template: Talairach, MNI, or another. It may scale.
_TEMPLATE_CODES = (3, 4, 5)


@dataclass(frozen=True, slots=True, eq=False)
class Placement:
    """Where the voxels lie.

    Parameters
    ----------
    affine : (4, 4) float64
        Voxels to millimeters, RAS+.
    voxel_size_from : "sform", "qform" or "pixdim"
        What gives the voxel size.
    unusable : tuple of str
        The forms ("sform", "qform") that the header has but that make no sense.
    warnings : tuple of str
        What is odd about it, one sentence each.
    """

    affine: Affine
    voxel_size_from: VoxelSizeSource
    unusable: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class _Claims:
    """All that a header says about the place of its voxels, in mm."""

    unit: str
    sizes: NDArray[np.float64]
    forms: Mapping[str, Affine]
    problems: Mapping[str, str]
    sform_code: int

    @property
    def usable(self) -> list[str]:
        return [name for name in self.forms if name not in self.problems]

    @property
    def pixdim_problem(self) -> str | None:
        return _size_problem(np.diag([*self.sizes, 1.0]), self.unit) or (
            "has a negative voxel size" if (self.sizes < 0).any() else None
        )


def placement(
    header: Mapping[str, Any], layout: Layout, voxel_size_from: VoxelSizeSource | None = None
) -> Placement:
    """Choose where the voxels lie: by the sform, else by the qform, else by their size alone.

    Parameters
    ----------
    header : mapping
        Fields of the header.
    layout : Layout
        Arrangement of the voxels.
    voxel_size_from : {"sform", "qform", "pixdim"}, optional
        The user's choice of the voxel size.

    Returns
    -------
    Placement
        Affine in mm, and what was odd.

    Raises
    ------
    ImageReadError
        If the header has no form that can be used, its voxels have no possible size, or their
        size is uncertain and the user chooses none.
    """
    claims, warnings = _claims(header, layout)
    if voxel_size_from is not None:
        place = _chosen(claims, voxel_size_from)
    elif claims.forms:
        place = _by_forms(claims, layout)
    else:
        place = _unplaced(claims)
    return Placement(
        place.affine,
        place.voxel_size_from,
        tuple(claims.problems),
        (*warnings, *place.warnings),
    )


def unit_of(header: Mapping[str, Any]) -> tuple[str, float]:
    """Return the unit of the header's lengths, and its size in mm."""
    return _MM_PER_UNIT.get(int(header["xyzt_units"]) & 7, ("mm", 1.0))


def _claims(header: Mapping[str, Any], layout: Layout) -> tuple[_Claims, list[str]]:
    unit, scale = unit_of(header)
    warnings = [] if scale == 1 else [f"the header is in {unit}; its lengths were turned into mm"]
    sizes = np.array(header["pixdim"][1:4], np.float64)
    if layout.native_shape[2:] in ((), (1,)) and not sizes[2] > 0:
        sizes[2] = 1 / scale
        warnings.append("the thickness of the slice is not in the header; 1 mm is assumed")
    forms = {
        name: _in_mm(form, scale)
        for name, form in (("sform", _sform(header)), ("qform", _qform(header, sizes)))
        if header[f"{name}_code"] != 0
    }
    problems = {name: _form_problem(header, name, form, unit) for name, form in forms.items()}
    found = {name: problem for name, problem in problems.items() if problem}
    return _Claims(unit, sizes * scale, forms, found, int(header["sform_code"])), warnings


def _by_forms(claims: _Claims, layout: Layout) -> Placement:
    usable, forms = claims.usable, claims.forms
    if not usable:
        told = dict.fromkeys(claims.problems.values())
        found = " and ".join(f"its {_first_with(problem, claims)} {problem}" for problem in told)
        msg = f"{found}, so position and orientation are undefined; export the image again"
        raise ImageReadError(msg)
    warnings = tuple(
        f"the {name} {problem}; the {usable[0]} is used"
        for name, problem in claims.problems.items()
    )
    affine = forms[usable[0]]
    if usable[0] == "qform" or claims.pixdim_problem or not _disagree(affine, claims.sizes):
        if len(usable) == 2:
            warnings += _difference(layout, forms["sform"], forms["qform"])
        return Placement(affine, "sform" if usable[0] == "sform" else "qform", (), warnings)
    source = _scanner_size(claims)
    place = _chosen(claims, source)
    return Placement(place.affine, source, (), (*warnings, *place.warnings))


def _first_with(problem: str, claims: _Claims) -> str:
    return next(name for name, found in claims.problems.items() if found == problem)


def _scanner_size(claims: _Claims) -> VoxelSizeSource:
    """Return what to believe where the sform has another voxel size than pixdim."""
    unit_axes = np.allclose(_lengths(claims.forms["sform"]), 1, rtol=0, atol=_UNIT_AXES)
    if not unit_axes and claims.sform_code not in _TEMPLATE_CODES:
        return "sform"
    if "qform" in claims.usable:
        return "qform"
    if np.allclose(claims.sizes, 1, rtol=0, atol=_UNIT_AXES):
        found = _both_sizes(claims)
        msg = f"{found}, and neither is sure; choose with --voxel-size-from sform or pixdim"
        raise ImageReadError(msg)
    return "pixdim"


def _chosen(claims: _Claims, source: VoxelSizeSource) -> Placement:
    """Place the voxels with the size of *source*, turned as the first form that can be used."""
    usable = claims.usable
    problem = claims.pixdim_problem if source == "pixdim" else claims.problems.get(source)
    if source != "pixdim" and source not in claims.forms:
        problem = "is not set"
    if problem:
        msg = f"its {source} {problem}; choose another with --voxel-size-from"
        raise ImageReadError(msg)
    if source == "pixdim":
        if not usable:
            return _unplaced(claims)
        affine = claims.forms[usable[0]].copy()
        affine[:3, :3] *= claims.sizes / _lengths(affine)
    else:
        affine = claims.forms[source]
    if "sform" not in usable or claims.pixdim_problem:
        return Placement(affine, source)
    if not _disagree(claims.forms["sform"], claims.sizes):
        return Placement(affine, source)
    said = f"{_both_sizes(claims)}; the size by {source} is used (--voxel-size-from decides)"
    return Placement(affine, source, (), (said,))


def _both_sizes(claims: _Claims) -> str:
    """Say both voxel sizes, and what the choice does to areas."""
    sform = claims.forms["sform"]
    _, *in_plane = axis_map(sform).order
    ratio = float(np.prod(claims.sizes[in_plane] / _lengths(sform)[in_plane]))
    areas = (
        "areas are the same"
        if abs(ratio - 1) < _SIZE_TOLERANCE / 2
        else f"areas by pixdim are {abs(ratio - 1):.0%} {'larger' if ratio > 1 else 'smaller'}"
    )
    return (
        f"the voxel sizes disagree: {_text(_lengths(sform))} mm by the sform, "
        f"{_text(claims.sizes)} mm by {_names_of_pixdim(claims)}, so {areas}"
    )


def _names_of_pixdim(claims: _Claims) -> str:
    return "qform and pixdim" if "qform" in claims.usable else "pixdim"


def _unplaced(claims: _Claims) -> Placement:
    """Place voxels of which only the size is known, as the standard does: x, y, z along i, j, k."""
    problem = claims.pixdim_problem
    if problem:
        msg = f"its voxel grid {problem}; put the right voxel size into the header"
        raise ImageReadError(msg)
    unknown = "the header does not say where the voxels lie, so left and right are unknown"
    return Placement(np.diag([*claims.sizes, 1.0]), "pixdim", (), (unknown,))


def _sform(header: Mapping[str, Any]) -> Affine:
    """Return the affine that the header spells out."""
    return np.array(
        [header["srow_x"], header["srow_y"], header["srow_z"], (0, 0, 0, 1)], np.float64
    )


def _qform(header: Mapping[str, Any], sizes: NDArray[np.float64]) -> Affine:
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


def _in_mm(affine: Affine, scale: float) -> Affine:
    in_mm = affine.copy()
    in_mm[:3] *= scale
    return in_mm


def _form_problem(header: Mapping[str, Any], name: str, form: Affine, unit: str) -> str | None:
    code = int(header[f"{name}_code"])
    if code not in _KNOWN_CODES:
        return f"has the unknown code {code}"
    return _size_problem(form, unit)


def _size_problem(affine: Affine, unit: str) -> str | None:
    """Return why an affine cannot be that of a scan, or None."""
    sizes = _lengths(affine)
    if not np.isfinite(sizes).all() or not np.isfinite(affine).all():
        return "is impossible (NaN, infinity or no rotation)"
    if not _possible(sizes):
        low, high = VOXEL_RANGE_MM
        found = f"has voxels of {_text(sizes)} mm (possible are {low:g} to {high:g} mm)"
        return found + _unit_advice(sizes, unit)
    try:
        Geometry((1, 1, 1), affine)
    except GeometryError:
        return "is singular (its axes lie in one plane)"
    return None


def _unit_advice(sizes: NDArray[np.float64], unit: str) -> str:
    """Name the unit, if the numbers would make sense in another one."""
    scale = next(factor for name, factor in _MM_PER_UNIT.values() if name == unit)
    for name, factor in _MM_PER_UNIT.values():
        if name != unit and _possible(sizes / scale * factor):
            return (
                f"; the header says {unit}, but its numbers look like {name}: correct the unit "
                "(xyzt_units)"
            )
    return ""


def _possible(sizes: NDArray[np.float64]) -> bool:
    low, high = VOXEL_RANGE_MM
    return bool(((sizes >= low * (1 - 1e-6)) & (sizes <= high * (1 + 1e-6))).all())


def _lengths(affine: Affine) -> NDArray[np.float64]:
    return np.asarray(np.linalg.norm(affine[:3, :3], axis=0), np.float64)


def _disagree(affine: Affine, sizes: NDArray[np.float64]) -> bool:
    ratio = _lengths(affine) / sizes
    return bool((np.maximum(ratio, 1 / ratio) > 1 + _SIZE_TOLERANCE).any())


def _text(sizes: NDArray[np.float64]) -> str:
    return " x ".join(f"{size:.4g}" for size in sizes)


def _difference(layout: Layout, sform: Affine, qform: Affine) -> tuple[str, ...]:
    """Return a warning if the two forms put voxels at different places."""
    by_sform = Geometry(layout.grid, sform)
    shift = by_sform.distance_mm(Geometry(layout.grid, qform))
    if shift <= _FORM_TOLERANCE * min(by_sform.voxel_size_mm):
        return ()
    return (f"sform and qform differ by up to {shift:.3g} mm; the sform is used",)
