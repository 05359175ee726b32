"""The one place through which every image is read, whatever its format."""

from __future__ import annotations

from scgm.io.nifti.read import (
    labels_from_nibabel,
    read_labels,
    read_volume,
    volume_from_nibabel,
)
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
