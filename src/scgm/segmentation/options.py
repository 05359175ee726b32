"""Every choice that segmentation leaves to the user."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import InitVar, dataclass, fields
from pathlib import Path
from typing import Any, Literal

import numpy as np

from scgm.errors import UsageError
from scgm.io.hashing import sha256_of_file
from scgm.io.read import NativeAxis, ReadOptions, VolumeChoice, VoxelSizeSource
from scgm.measurement.options import MeasureOptions
from scgm.segmenters.ddc_published import FOUND, NAME
from scgm.segmenters.registry import Device


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentOptions:
    """Every choice that `segment` and ``scgm segment`` leave to the user.

    Parameters
    ----------
    method : str
        A name out of `scgm.methods`.
    model : str or Path, optional
        Name or path of what the method has learned: a model (``.onnx``) or an atlas (``.npz``),
        each with its card beside it; by default the method's own.
    cord_model : str or Path, optional
        Name or path of the model that finds the cord, for a method that does not.
    threshold : float, optional
        Probability from which on a pixel counts, above 0 and below 1; by default the model's.
    center : (x, y) or "found", optional
        Center of the cord in voxels, along the two in-plane axes of the image, in their order.
        "found" is for method ``ddc-published``: the cord is looked for, as in method
        ``ddc-published-found``, which is what it becomes.
    cord : str, Path or nibabel image, optional
        Mask of the cord on the image's grid: voxels of at least 0.5 are cord.
    centerline : str, Path or nibabel image, optional
        Mask on the image's grid with one voxel in each slice, or in some, in the middle of the
        cord. Between two given slices the center is interpolated; beyond them it is found.
    levels_from, level_at, level_kind
        Vertebral levels of the slices, for a method that uses them (``sct``): a label image or a
        text file; or one slice and its level, as (7, "C3"); see `scgm.measure`.
    device : {"auto", "cpu", "cuda"}
        Where a model runs.
    threads : int, optional
        Processor threads; by default the variable SCGM_THREADS, else all.
    volume, voxel_size_from, slices_in_time, slice_axis, series, keep_identifiers
        How the image is read; see `scgm.io.read.ReadOptions`.
    name : str, optional
        What the result is called, as "sub-01"; by default the name of the image's file.
    centre
        Another spelling of *center*.

    Raises
    ------
    UsageError
        If the choices contradict each other or make no sense.
    """

    method: str = "default"
    model: str | Path | None = None
    cord_model: str | Path | None = None
    threshold: float | None = None
    center: tuple[float, float] | Literal["found"] | None = None
    cord: Any = None
    centerline: Any = None
    levels_from: str | Path | None = None
    level_at: tuple[int, str] | None = None
    level_kind: str | None = None
    device: Device = "auto"
    threads: int | None = None
    volume: VolumeChoice = None
    voxel_size_from: VoxelSizeSource | None = None
    slices_in_time: bool = False
    slice_axis: NativeAxis | None = None
    series: str | int | None = None
    keep_identifiers: bool = False
    name: str | None = None
    centre: InitVar[tuple[float, float] | None] = None

    def __post_init__(self, centre: tuple[float, float] | None) -> None:
        if centre is not None:
            object.__setattr__(self, "center", centre)
        self._take_numbers_of_numpy()
        if isinstance(self.center, str) and self.center == "found":
            self._look_for_cord()
        if self.center is not None:
            object.__setattr__(self, "center", _point(self.center))
        if self.threshold is not None and not 0 < self.threshold < 1:
            msg = f"the threshold is {self.threshold:g}; give a value above 0 and below 1"
            raise UsageError(msg)
        if sum(given is not None for given in (self.center, self.cord, self.centerline)) > 1:
            msg = "a center, a center line and a mask of the cord exclude each other; give one"
            raise UsageError(msg)
        if self.name is not None and (not self.name or set(self.name) & set("/\\\0")):
            msg = f"the name {self.name!r} cannot be that of a file; give one as 'sub-01'"
            raise UsageError(msg)
        self.reading()
        self.levels()

    def levels(self) -> MeasureOptions:
        """Return which levels are given, and what they mean."""
        return MeasureOptions(
            levels_from=self.levels_from, level_at=self.level_at, level_kind=self.level_kind
        )

    def reading(self) -> ReadOptions:
        """Return how the image is read."""
        return ReadOptions(
            volume=self.volume,
            voxel_size_from=self.voxel_size_from,
            slices_in_time=self.slices_in_time,
            slice_axis=self.slice_axis,
            series=self.series,
            keep_identifiers=self.keep_identifiers,
        )

    def reading_of_masks(self) -> ReadOptions:
        """Return how a mask or a center line on the grid of the image is read."""
        return ReadOptions(voxel_size_from=self.voxel_size_from, slice_axis=self.slice_axis)

    def _take_numbers_of_numpy(self) -> None:
        """Make them numbers of Python, as the record of a result has to hold them."""
        for name in ("threshold", "threads", "volume"):
            value = getattr(self, name)
            if isinstance(value, np.generic):
                object.__setattr__(self, name, value.item())
        if self.level_at is not None:
            number, level = self.level_at
            object.__setattr__(self, "level_at", (int(number), level))

    def _look_for_cord(self) -> None:
        if self.method not in (NAME, FOUND):
            msg = f"method {self.method} looks for the cord anyway; omit --center found"
            raise UsageError(msg)
        object.__setattr__(self, "method", FOUND)
        object.__setattr__(self, "center", None)


def _point(center: Any) -> tuple[float, float]:
    try:
        x, y = (float(number) for number in center)
    except (TypeError, ValueError) as error:
        msg = f"the center is {center!r}; give two numbers (x, y), in voxels of the image"
        raise UsageError(msg) from error
    return x, y


DEFAULT_OPTIONS = SegmentOptions()


def recorded(options: SegmentOptions, hint_sha256: str | None = None) -> dict[str, Any]:
    """Return the options as they are written to the record of a result.

    *hint_sha256* is the checksum of the file of the mask or the center line of the cord, so that
    another drawing in the same file is another choice.
    """
    values = {field.name: getattr(options, field.name) for field in fields(options)}
    for name in ("model", "cord_model"):
        if values[name] is not None:
            values[name] = str(values[name])
    for name in ("cord", "centerline"):
        if values[name] is not None:
            in_file = isinstance(values[name], str | Path)
            values[name] = str(values[name]) if in_file else "an image in memory"
    given = {name: values.pop(name) for name in ("levels_from", "level_at", "level_kind")}
    return {**values, "hint_sha256": hint_sha256, **_recorded_levels(given)}


def _recorded_levels(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the levels that were given, with the checksum of their file; nothing without them."""
    known = {name: value for name, value in given.items() if value is not None}
    if "levels_from" in known:
        file = Path(known["levels_from"])
        known["levels_from"] = str(file)
        # What cannot be read is named when the image is segmented.
        known["levels_sha256"] = sha256_of_file(file) if file.is_file() else None
    if "level_at" in known:
        known["level_at"] = list(known["level_at"])
    return known
