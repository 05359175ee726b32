"""What a user may decide about how an image is read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from scgm.errors import UsageError

VolumeChoice = int | Literal["mean", "rms"] | None
VoxelSizeSource = Literal["sform", "qform", "pixdim"]
NativeAxis = Literal["i", "j", "k"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadOptions:
    """Every choice that reading an image leaves to the user.

    Parameters
    ----------
    volume : int, "mean" or "rms", optional
        Which volume of a 4D image (which echo of a 5D one), counted from 0, or the mean or the
        root mean square over all.
    voxel_size_from : {"sform", "qform", "pixdim"}, optional
        Which field of the header gives the voxel size; needed where they disagree.
    slices_in_time : bool
        Take the volumes of a 4D image with a single slice each as the slices of one volume.
    slice_axis : {"i", "j", "k"}, optional
        Axis of the array along which the axial slices lie; by default that which the header puts
        closest to inferior-superior.
    series : str or int, optional
        Which of several DICOM series: number, UID or description.
    keep_identifiers : bool
        Let the name, number and birth date of a patient, as DICOM has them, reach results.

    Raises
    ------
    UsageError
        If a choice makes no sense.
    """

    volume: VolumeChoice = None
    voxel_size_from: VoxelSizeSource | None = None
    slices_in_time: bool = False
    slice_axis: NativeAxis | None = None
    series: str | int | None = None
    keep_identifiers: bool = False

    def __post_init__(self) -> None:
        _one_of("the voxel size", self.voxel_size_from, get_args(VoxelSizeSource))
        _one_of("the slice axis", self.slice_axis, get_args(NativeAxis))
        if self.volume is not None and self.slices_in_time:
            msg = "slices in time and one volume exclude each other; choose one of them"
            raise UsageError(msg)


def _one_of(what: str, value: str | None, allowed: tuple[str, ...]) -> None:
    if value is not None and value not in allowed:
        msg = f"{what} cannot be {value!r}; choose one of {', '.join(allowed)}"
        raise UsageError(msg)


DEFAULT_READING = ReadOptions()
