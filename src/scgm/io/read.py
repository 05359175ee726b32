"""The one place through which every image is read, whatever its format: NIfTI or DICOM."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from scgm.errors import ImageReadError
from scgm.image.volume import Volume
from scgm.io.dicom.sources import is_dicom
from scgm.io.hashing import sha256_of_file
from scgm.io.nifti.array import image_of
from scgm.io.nifti.read import Content, from_nibabel, from_stream
from scgm.io.nifti.stream import explained, opened
from scgm.io.options import (
    DEFAULT_READING,
    NativeAxis,
    ReadOptions,
    VolumeChoice,
    VoxelSizeSource,
)

if TYPE_CHECKING:
    from nibabel.spatialimages import SpatialImage

__all__ = [
    "DEFAULT_READING",
    "NativeAxis",
    "ReadOptions",
    "VolumeChoice",
    "VoxelSizeSource",
    "image_checksum",
    "labels_from_nibabel",
    "read_labels",
    "read_map",
    "read_volume",
    "volume_from_array",
    "volume_from_nibabel",
]


def read_volume(path: str | Path, reading: ReadOptions = DEFAULT_READING) -> Volume:
    """Read an image, or say in one sentence why it cannot be segmented.

    Parameters
    ----------
    path : str or Path
        NIfTI-1 or NIfTI-2 in one file, packed with gzip or not, whatever the name says; or DICOM
        in a folder, a ZIP or a file.
    reading : ReadOptions
        The user's choices.

    Returns
    -------
    Volume
        Finite float32 values (i, j, k), scaled as the header says; a 2D image is one slice. What
        was odd and could be put right is in its `warnings`; where the file holds no value, in
        `missing`.

    Raises
    ------
    ImageReadError
        If the file is missing, not a regular file, damaged or of another format, has no possible
        voxel size or position, holds several volumes and none is chosen, or shows nothing.
    """
    return _read(Path(path), reading, "image")


def read_map(path: str | Path) -> Volume:
    """Read a map of measured values, such as a ratio: as `read_volume`, but 0 is always a value.

    All voxels may be the same, as in a map of lesions of a person without any.

    Raises
    ------
    ImageReadError
        As from `read_volume`, but not for a constant map.
    """
    return _read(Path(path), DEFAULT_READING, "map")


def image_checksum(path: str | Path, reading: ReadOptions = DEFAULT_READING) -> str:
    """Return the checksum by which an image is known again, as `Volume.sha256` has it.

    That of a DICOM series is the same wherever its files lie.

    Raises
    ------
    ImageReadError
        If it is DICOM that holds no such series.
    OSError
        If it cannot be read.
    """
    file = Path(path)
    if not is_dicom(file):
        return sha256_of_file(file)
    from scgm.io.dicom.read import dicom_checksum  # noqa: PLC0415  (for DICOM alone)

    with explained(file):
        return dicom_checksum(file, reading)


def read_labels(path: str | Path, reading: ReadOptions = DEFAULT_READING) -> Volume:
    """Read labels, a mask or a probability map: all voxels may be the same, and none is changed.

    Parameters
    ----------
    path : str or Path
        A file as for `read_volume`.
    reading : ReadOptions
        The user's choices.

    Returns
    -------
    Volume
        Finite float32 values (i, j, k); all 0 in an empty mask. NaN becomes 0, with a warning.

    Raises
    ------
    ImageReadError
        As from `read_volume`, but for a constant image; also if a value is infinite.
    """
    return _read(Path(path), reading, "labels")


def volume_from_nibabel(image: SpatialImage, reading: ReadOptions = DEFAULT_READING) -> Volume:
    """Take an image that nibabel holds through the same checks as `read_volume`."""
    return _take(image, reading, "image")


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
    return volume_from_nibabel(image_of(values, affine))


def labels_from_nibabel(image: SpatialImage, reading: ReadOptions = DEFAULT_READING) -> Volume:
    """Take labels that nibabel holds through the same checks as `read_labels`."""
    return _take(image, reading, "labels")


def _read(file: Path, reading: ReadOptions, content: Content) -> Volume:
    if content != "labels" and is_dicom(file):
        from scgm.io.dicom.read import dicom_volume  # noqa: PLC0415  (for DICOM alone)

        with explained(file):
            return dicom_volume(file, reading)
    with explained(file), opened(file) as stream:
        if reading.series is not None:
            msg = "--series chooses from DICOM, and this is none; omit it"
            raise ImageReadError(msg)
        return from_stream(file, stream, reading, content)


def _take(image: SpatialImage, reading: ReadOptions, content: Content) -> Volume:
    with explained(image.get_filename() or "the image"):
        return from_nibabel(image, reading, content)
