"""The image of a result: found by its name and known by its checksum."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from scgm.errors import ImageReadError, RecordError
from scgm.image.orientation import AxialStack, to_axial
from scgm.io.read import ReadOptions, image_checksum, read_volume
from scgm.io.text import name_text
from scgm.report.records import Record


@dataclass(frozen=True, slots=True)
class ImageFolders:
    """Images, and files in folders, that the user named, by their names."""

    by_name: dict[str, list[Path]]
    _checksums: dict[tuple[Path, ReadOptions], str | None] = field(default_factory=dict)

    @classmethod
    def of(cls, places: Iterable[Path]) -> ImageFolders:
        """List images, and folders with all that is in them.

        Raises
        ------
        RecordError
            If there is nothing of such a name.
        """
        by_name: dict[str, list[Path]] = {}
        for place in places:
            if not place.exists():
                msg = f"{place}: there is no such folder or image; give a folder with images"
                raise RecordError(msg)
            for path in (_named(place), *_all_below(place)):
                by_name.setdefault(name_text(path.name), []).append(path)
        return cls(by_name)

    def candidates(self, record: Record) -> list[Path]:
        """Return the files that have the name of a record's image, those beside it first."""
        name = record.input.file or ""
        folder = _named(record.path.parent)  # results can lie among the files of DICOM
        beside = [path for path in (*folder.iterdir(), folder) if name_text(path.name) == name]
        return [*beside, *self.by_name.get(name, ())]

    def checksum(self, path: Path, reading: ReadOptions) -> str | None:
        """Return the checksum of an image, made once; None of a folder without the series."""
        key = (path, reading)
        if key not in self._checksums:
            try:
                self._checksums[key] = image_checksum(path, reading)
            except ImageReadError:
                self._checksums[key] = None
        return self._checksums[key]


def _named(path: Path) -> Path:
    """Return a path that ends with a name; ``.`` has none."""
    return path if path.name not in ("", "..") else Path(os.path.abspath(path))  # noqa: PTH100


def _all_below(folder: Path) -> list[Path]:
    """Return folders, which can hold DICOM, and files of which the name has an ending."""
    return sorted(
        Path(above, name)
        for above, folders, files in os.walk(folder)
        for name in (*folders, *(file for file in files if "." in file))
    )


def read_image(record: Record, folders: ImageFolders) -> AxialStack:
    """Return the slices of the image that a result was made from, read in the same way.

    It is looked for beside the record, then in *folders*.

    Raises
    ------
    RecordError
        If it is not found, or has changed.
    ImageReadError
        If it cannot be read.
    """
    stack = to_axial(read_volume(_image_of(record, folders), reading_of(record)))
    if len(stack.slices) != len(record.slices):
        msg = (
            f"{record.path}: its image has {len(stack.slices)} slices, the record "
            f"{len(record.slices)}; segment the image again"
        )
        raise RecordError(msg)
    return stack


def reading_of(record: Record, *, of_masks: bool = False) -> ReadOptions:
    """Return how the image of a record was read, or how its masks are read."""
    options = record.options
    return ReadOptions(
        volume=None if of_masks else options.get("volume"),
        voxel_size_from=options.get("voxel_size_from"),
        slices_in_time=bool(options.get("slices_in_time")),
        slice_axis=options.get("slice_axis"),
        series=None if of_masks else options.get("series"),
        keep_identifiers=bool(options.get("keep_identifiers")),
    )


def _image_of(record: Record, folders: ImageFolders) -> Path:
    name = record.input.file
    if name is None:
        msg = f"{record.path}: the image was in memory, in no file, so no picture can be drawn"
        raise RecordError(msg)
    found = [path for path in folders.candidates(record) if path.is_file() or path.is_dir()]
    for path in found:
        if folders.checksum(path, reading_of(record)) == record.input.sha256:
            return path
    raise RecordError(_missing(record, name, found))


def _missing(record: Record, name: str, found: Sequence[Path]) -> str:
    if found:
        return f"{found[0]}: it has changed since {record.path.name} was written; segment it again"
    return f"{record.path}: its image {name} is not found; name its folder with --images"
