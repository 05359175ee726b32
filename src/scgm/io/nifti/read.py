"""Reading NIfTI files: one gate that lets through only what can be segmented.

The bytes are read and checked here, because nibabel alone accepts many damaged files without a
word. nibabel reads the fields of the header.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from nibabel.spatialimages import SpatialImage
from numpy.typing import NDArray

from scgm.errors import ImageReadError
from scgm.image.volume import Geometry, Volume, clean_values
from scgm.io.nifti.header import (
    FORM_FIELDS,
    Layout,
    header_layout,
    layout_of,
    new_header,
    placement,
    scaling,
    voxel_offset,
)
from scgm.io.nifti.stream import Stream, explained, what_else
from scgm.io.options import DEFAULT_READING, ReadOptions, VolumeChoice

Clean = Callable[[NDArray[np.float64]], tuple[NDArray[np.float32], tuple[str, ...]]]


def read_volume(path: str | Path, reading: ReadOptions = DEFAULT_READING) -> Volume:
    """Read a NIfTI file, or say in one sentence why it cannot be segmented.

    Parameters
    ----------
    path : str or Path
        NIfTI-1 or NIfTI-2 in one file, packed with gzip or not, whatever the name says.
    reading : ReadOptions
        The user's choices.

    Returns
    -------
    Volume
        Finite float32 values (i, j, k), scaled as the header says; a 2D image is one slice. What
        was odd and could be put right is in its `warnings`.

    Raises
    ------
    ImageReadError
        If the file is missing, damaged or not NIfTI, has no possible voxel size or place, holds
        several volumes and none is chosen, or shows nothing.
    """
    return _read(Path(path), reading.volume, clean_values)


def read_labels(path: str | Path, reading: ReadOptions = DEFAULT_READING) -> Volume:
    """Read a NIfTI file of labels: all voxels may be the same, and none is changed.

    Parameters
    ----------
    path : str or Path
        A 3D or 2D file, as for `read_volume`.
    reading : ReadOptions
        The user's choices.

    Returns
    -------
    Volume
        Finite float32 values (i, j, k); all 0 in an empty mask.

    Raises
    ------
    ImageReadError
        As from `read_volume`, but for a constant image; also if a value is NaN or infinite.
    """
    return _read(Path(path), reading.volume, _label_values)


def _read(file: Path, volume: VolumeChoice, clean: Clean) -> Volume:
    """Read a file; *clean* says which values it may have."""
    with explained(file), file.open("rb") as raw:
        stream = Stream(raw)
        header = _read_header(stream)
        layout = header_layout(header)
        values = _read_voxels(stream, header, layout, volume)
        warnings = _packing_warnings(file, stream)
        voxels, replaced = clean(values)
        return _placed_volume(voxels, header, layout, file, (*warnings, *replaced))


def _label_values(values: NDArray[np.float64]) -> tuple[NDArray[np.float32], tuple[str, ...]]:
    """Take labels as they are, if they are numbers."""
    with np.errstate(over="ignore", invalid="ignore"):
        labels = values.astype(np.float32)
    if not np.isfinite(labels).all():
        msg = "it holds NaN or infinity, which no label is; export the labels again"
        raise ImageReadError(msg)
    return labels, ()


def volume_from_nibabel(image: SpatialImage, reading: ReadOptions = DEFAULT_READING) -> Volume:
    """Take an image that nibabel holds through the same checks as a file.

    Parameters
    ----------
    image : nibabel image
        3D, 2D, or 4D with a choice of the volume. It is not changed.
    reading : ReadOptions
        The user's choices.

    Returns
    -------
    Volume
        As from `read_volume`.

    Raises
    ------
    ImageReadError
        As from `read_volume`.
    """
    return _from_nibabel(image, reading.volume, clean_values)


def labels_from_nibabel(image: SpatialImage, reading: ReadOptions = DEFAULT_READING) -> Volume:
    """Take labels that nibabel holds through the same checks as `read_labels`."""
    return _from_nibabel(image, reading.volume, _label_values)


def _from_nibabel(image: SpatialImage, volume: VolumeChoice, clean: Clean) -> Volume:
    filename = image.get_filename()
    source = None if filename is None else Path(filename)
    with explained(source or "the image"):
        layout = layout_of(image.shape)
        wanted = _wanted(layout, volume)
        values = np.asanyarray(image.dataobj)
        _require_real(values.dtype)
        volumes = values.reshape((*layout.grid, layout.count))
        voxels = _mean(volumes[..., index] for index in wanted)
        header = (
            image.header
            if isinstance(image, nib.Nifti1Pair)
            else new_header(Geometry(layout.grid, image.affine))
        )
        cleaned, replaced = clean(voxels)
        return _placed_volume(cleaned, header, layout, source, replaced)


def _read_header(stream: Stream) -> nib.Nifti1Header:
    """Read the header, which says by its length and byte order what it is."""
    start = bytes(stream.read(348))
    lengths = {order: int(np.frombuffer(start[:4].ljust(4), f"{order}i4")[0]) for order in "<>"}
    for order, length in lengths.items():
        if length == 348 == len(start):
            header = nib.Nifti1Header(start, order, check=False)
        elif length == 540:
            rest = bytes(stream.read(540 - 348))
            if len(start + rest) < 540:
                break
            header = nib.Nifti2Header(start + rest, order, check=False)
        else:
            continue
        _require_single_file(bytes(header["magic"]))
        return header
    raise ImageReadError(what_else(start))


def _require_single_file(magic: bytes) -> None:
    if magic[:3] in (b"ni1", b"ni2"):
        msg = "it is one half of a pair .hdr and .img; join them to one .nii.gz file"
    elif magic[:3] not in (b"n+1", b"n+2"):
        msg = "it is Analyze 7.5 or damaged, not NIfTI, so left and right are unknown; convert it"
    else:
        return
    raise ImageReadError(msg)


def _read_voxels(
    stream: Stream, header: nib.Nifti1Header, layout: Layout, choice: VolumeChoice
) -> NDArray[np.float64]:
    """Read the chosen volume, or the mean, once the file is known to be large enough."""
    wanted = _wanted(layout, choice)
    try:
        dtype = header.get_data_dtype()
    except KeyError as error:
        msg = f"its voxels are of the unknown type {int(header['datatype'])}; export it again"
        raise ImageReadError(msg) from error
    _require_real(dtype)
    offset = voxel_offset(header)
    stream.require(offset + layout.voxel_count * layout.count * dtype.itemsize)
    stream.skip(offset - int(header["sizeof_hdr"]))
    slope, inter = scaling(header)
    values = _mean(_volumes(stream, layout, dtype, wanted))
    with np.errstate(over="ignore", invalid="ignore"):  # see `clean_values`
        return values * slope + inter


def _volumes(
    stream: Stream, layout: Layout, dtype: np.dtype[Any], wanted: range
) -> Iterator[NDArray[Any]]:
    """Read all volumes one after the other, and hold only a wanted one."""
    size = layout.voxel_count * dtype.itemsize
    for index in range(layout.count):
        block = stream.read(size) if index in wanted else b""
        found = len(block) or stream.skip(size)
        if found < size:
            msg = (
                f"it is cut short: its header promises {size * layout.count} bytes of voxels, it "
                f"has {size * index + found}; copy or download it again"
            )
            raise ImageReadError(msg)
        if block:
            yield np.frombuffer(block, dtype).reshape(layout.grid, order="F")


def _mean(volumes: Iterator[NDArray[Any]]) -> NDArray[np.float64]:
    """Return the mean of volumes, of which only one is held at a time."""
    total, count = next(volumes).astype(np.float64), 1
    for values in volumes:
        with np.errstate(over="ignore", invalid="ignore"):  # see `clean_values`
            total += values
        count += 1
    return total / count


def _wanted(layout: Layout, choice: VolumeChoice) -> range:
    """Return the indices of the volumes to take."""
    count = layout.count
    if choice == "mean":
        return range(count)
    if choice is None and count == 1:
        return range(1)
    if isinstance(choice, int) and 0 <= choice < count:
        return range(choice, choice + 1)
    if count == 1:
        msg = f"it holds a single volume, so there is no volume {choice}; leave out --volume"
    else:
        found = f"{count} volumes" if choice is None else f"{count} volumes, but not {choice}"
        msg = f"it holds {found}; choose with --volume N (0 to {count - 1}) or --volume mean"
    raise ImageReadError(msg)


def _require_real(dtype: np.dtype[Any]) -> None:
    """Refuse values that are not plain numbers."""
    if dtype.kind == "c":
        msg = "its voxels are complex numbers; give the magnitude image"
    elif dtype.kind not in "iufb":
        msg = "its voxels are colors or other compounds, not gray values; give a gray-value image"
    else:
        return
    raise ImageReadError(msg)


def _packing_warnings(file: Path, stream: Stream) -> list[str]:
    """Read the file to its end, and say where its name or its length surprise."""
    trailing = stream.finish()
    warnings = []
    if stream.zipped != (file.suffix.lower() == ".gz"):
        warnings.append(f"the file is {'' if stream.zipped else 'not '}gzip, unlike its name says")
    if trailing:
        warnings.append(f"{trailing} bytes after the voxels were ignored")
    return warnings


def _placed_volume(
    voxels: NDArray[np.float32],
    header: nib.Nifti1Header,
    layout: Layout,
    source: Path | None,
    warnings: tuple[str, ...],
) -> Volume:
    """Make a volume of voxels that were read, if they lie at a known place."""
    place = placement(header, layout)
    kept = header.copy()
    for field in (field for form in place.unusable for field in FORM_FIELDS[form]):
        kept[field] = 0
    if kept["pixdim"][0] not in (-1, 1) and kept["qform_code"]:
        # The standard reads 0 as 1; nibabel refuses it.
        kept["pixdim"][0] = -1 if kept["pixdim"][0] < 0 else 1
    return Volume(
        voxels,
        Geometry(layout.grid, place.affine),
        source=source,
        header=kept,
        native_shape=layout.native_shape,
        warnings=(*warnings, *place.warnings),
    )
