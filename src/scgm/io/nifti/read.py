"""Reading NIfTI files: one gate that lets through only what can be segmented.

The bytes are read and checked here, because nibabel alone accepts many damaged files without a
word. nibabel reads the fields of the header.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import nibabel as nib
import numpy as np
from nibabel.spatialimages import SpatialImage

from scgm.errors import ImageReadError
from scgm.image.values import GrayValues, Stored, gray_values, label_values, map_values
from scgm.image.volume import Geometry, Volume
from scgm.io.nifti.header import FORM_FIELDS, Layout, header_layout, layout_of, new_header
from scgm.io.nifti.placement import Placement, placement, unit_of
from scgm.io.nifti.stream import Stream, what_else
from scgm.io.nifti.voxels import combined, read_voxels
from scgm.io.options import ReadOptions
from scgm.io.slice_axis import named_axis

Content = Literal["image", "map", "labels"]

_CLEAN: dict[Content, Callable[[Stored], GrayValues]] = {
    "image": gray_values,
    "map": map_values,
    "labels": label_values,
}

_LENGTHS = {348: nib.Nifti1Header, 540: nib.Nifti2Header}


@dataclass(frozen=True, slots=True, eq=False)
class _Found:
    """What was read, before it is known where it lies."""

    values: GrayValues
    header: nib.Nifti1Header
    layout: Layout
    source: Path | None
    sha256: str | None = None
    warnings: tuple[str, ...] = ()


def from_stream(file: Path, stream: Stream, reading: ReadOptions, content: Content) -> Volume:
    """Read the volume of a file that was opened.

    Parameters
    ----------
    file : Path
        Its name.
    stream : Stream
        Its content, at the start.
    reading : ReadOptions
        The user's choices.
    content : {"image", "map", "labels"}
        What it holds: which values can be no measurement and are replaced.

    Raises
    ------
    ImageReadError
        If it is damaged or not NIfTI, has no possible voxel size or position, holds several
        volumes and none is chosen, or shows nothing.
    """
    header = _read_header(stream, file.name)
    layout = header_layout(header, slices_in_time=reading.slices_in_time)
    _require_one_mask(layout, reading, content)
    stored = read_voxels(stream, header, layout, reading.volume)
    sha256, trailing = stream.finish()
    warnings = (*_name_warnings(file, stream), *trailing, *layout.warnings)
    values = _CLEAN[content](stored)
    return _placed(_Found(values, header, layout, file, sha256, warnings), reading)


def from_nibabel(image: SpatialImage, reading: ReadOptions, content: Content) -> Volume:
    """Take an image that nibabel holds through the same checks as a file.

    Parameters
    ----------
    image : nibabel image
        3D, 2D, or 4D with a choice of the volume. It is not changed.
    reading : ReadOptions
        The user's choices.
    content : {"image", "map", "labels"}
        As for `from_stream`.

    Raises
    ------
    ImageReadError
        As from `from_stream`.
    """
    filename = image.get_filename()
    layout = layout_of(image.shape, slices_in_time=reading.slices_in_time)
    _require_one_mask(layout, reading, content)
    values = np.asanyarray(image.dataobj)
    stored = combined(values.reshape((*layout.grid, layout.count)), layout, reading.volume)
    source = None if filename is None else Path(filename)
    found = _Found(_CLEAN[content](stored), _header_of(image, layout), layout, source)
    return _placed(found, reading)


def _header_of(image: SpatialImage, layout: Layout) -> nib.Nifti1Header:
    """Return the header of an image in memory, whose affine may have been changed since."""
    if not isinstance(image, nib.Nifti1Pair):
        return new_header(Geometry(layout.grid, image.affine))
    header, affine = image.header, image.affine
    if affine is None or np.allclose(header.get_best_affine(), affine, equal_nan=True):
        return header
    Geometry(layout.grid, affine)  # refuses what is none
    changed = header.copy()
    # As nibabel does when it writes the image.
    changed.set_sform(affine, code="aligned")
    changed.set_qform(affine, code="unknown")
    return changed


def _require_one_mask(layout: Layout, reading: ReadOptions, content: Content) -> None:
    """Refuse several masks in one file: no command asks which of them is meant."""
    if content == "labels" and layout.count > 1 and reading.volume is None:
        msg = (
            f"it holds {layout.count} volumes, and masks and labels have one; save the one that "
            "is meant as a file of its own"
        )
        raise ImageReadError(msg)


def _read_header(stream: Stream, name: str) -> nib.Nifti1Header:
    """Read the header, which says by its length and byte order what it is."""
    start = bytes(stream.read(348))
    lengths = {order: int(np.frombuffer(start[:4].ljust(4), f"{order}i4")[0]) for order in "<>"}
    for order, length in lengths.items():
        if length not in _LENGTHS:
            continue
        whole = start + bytes(stream.read(length - 348))
        if len(whole) < length:
            break
        header = _LENGTHS[length](whole, order, check=False)
        _require_single_file(bytes(header["magic"]))
        return header
    raise ImageReadError(what_else(start, name))


def _require_single_file(magic: bytes) -> None:
    if magic[:3] in (b"ni1", b"ni2"):
        msg = "it is one half of a pair .hdr and .img; join them to one .nii.gz file"
    elif magic[:3] not in (b"n+1", b"n+2"):
        msg = "it is Analyze 7.5 or damaged, not NIfTI, so left and right are unknown; convert it"
    else:
        return
    raise ImageReadError(msg)


def _name_warnings(file: Path, stream: Stream) -> tuple[str, ...]:
    if stream.zipped == (file.suffix.lower() == ".gz"):
        return ()
    return (f"the file is {'' if stream.zipped else 'not '}gzip, unlike its name says",)


def _placed(found: _Found, reading: ReadOptions) -> Volume:
    """Make a volume of voxels that were read, if they lie at a known place."""
    place = placement(found.header, found.layout, reading.voxel_size_from)
    geometry = Geometry(found.layout.grid, place.affine)
    axis, turned = named_axis(place.affine, reading.slice_axis)
    values = found.values
    for array in (values.voxels, values.missing):
        if array is not None:
            array.setflags(write=False)
    return Volume(
        values.voxels,
        geometry,
        source=found.source,
        header=_kept_header(found.header, place),
        native_shape=found.layout.native_shape,
        warnings=(*found.warnings, *values.warnings, *place.warnings, *turned),
        missing=values.missing,
        sha256=found.sha256,
        voxel_size_from=place.voxel_size_from,
        slice_axis=axis,
        unit=values.unit,
    )


def _kept_header(header: nib.Nifti1Header, place: Placement) -> nib.Nifti1Header:
    """Return the header without what makes no sense, so that results can be written with it."""
    kept = header.copy()
    for field in (field for form in place.unusable for field in FORM_FIELDS[form]):
        kept[field] = 0
    sizes = kept["pixdim"][1:4]
    used = bool(kept["qform_code"]) or not kept["sform_code"]
    # nibabel writes no header with such sizes, nor with 0 as handedness, which the standard allows.
    impossible = ~(sizes > 0) if used else sizes < 0
    sizes[impossible] = (np.linalg.norm(place.affine[:3, :3], axis=0) / unit_of(header)[1])[
        impossible
    ]
    if kept["qform_code"]:
        kept["pixdim"][0] = -1 if kept["pixdim"][0] < 0 else 1
    return kept
