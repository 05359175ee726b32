"""The one place through which every image is read, whatever its format.

A file is opened once, recognized by its content, and read by the reader of its format. NIfTI is
the only one so far: another format is one more line in `_reader_of`.
"""

from __future__ import annotations

from pathlib import Path

from nibabel.spatialimages import SpatialImage

from scgm.image.volume import Volume
from scgm.io.nifti.read import from_nibabel, from_stream
from scgm.io.nifti.stream import explained, opened
from scgm.io.options import (
    DEFAULT_READING,
    NativeAxis,
    ReadOptions,
    VolumeChoice,
    VoxelSizeSource,
)

__all__ = [
    "DEFAULT_READING",
    "NativeAxis",
    "ReadOptions",
    "VolumeChoice",
    "VoxelSizeSource",
    "labels_from_nibabel",
    "read_labels",
    "read_volume",
    "volume_from_nibabel",
]


def read_volume(path: str | Path, reading: ReadOptions = DEFAULT_READING) -> Volume:
    """Read an image, or say in one sentence why it cannot be segmented.

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
        was odd and could be put right is in its `warnings`; where the file holds no value, in
        `missing`.

    Raises
    ------
    ImageReadError
        If the file is missing, not a regular file, damaged or of another format, has no possible
        voxel size or position, holds several volumes and none is chosen, or shows nothing.
    """
    return _read(Path(path), reading, labels=False)


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
    return _read(Path(path), reading, labels=True)


def volume_from_nibabel(image: SpatialImage, reading: ReadOptions = DEFAULT_READING) -> Volume:
    """Take an image that nibabel holds through the same checks as `read_volume`."""
    return _take(image, reading, labels=False)


def labels_from_nibabel(image: SpatialImage, reading: ReadOptions = DEFAULT_READING) -> Volume:
    """Take labels that nibabel holds through the same checks as `read_labels`."""
    return _take(image, reading, labels=True)


def _read(file: Path, reading: ReadOptions, *, labels: bool) -> Volume:
    with explained(file), opened(file) as stream:
        return from_stream(file, stream, reading, labels=labels)


def _take(image: SpatialImage, reading: ReadOptions, *, labels: bool) -> Volume:
    with explained(image.get_filename() or "the image"):
        return from_nibabel(image, reading, labels=labels)
