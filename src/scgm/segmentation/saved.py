"""A result that was saved before, read again to be measured."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scgm.errors import ImageReadError
from scgm.image.volume import Volume
from scgm.io.hashing import sha256_of_file
from scgm.io.read import ReadOptions, image_checksum, read_labels, read_volume
from scgm.io.text import name_text
from scgm.measurement.masks import given_mask, on_slices, structures_from_masks
from scgm.measurement.structures import Structures
from scgm.segmentation.measurements import NOT_FLAGGED
from scgm.segmentation.outputs import label_file, listed_mask, read_record, record_file
from scgm.segmentation.result import LABELS, Label
from scgm.segmentation.status import CONFIDENCE_NOT_AVAILABLE, SliceStatus
from scgm.segmentation.structures import measured

_RECORD = record_file("")


@dataclass(frozen=True, slots=True)
class SavedResult:
    """Where a result lies, and what its record says."""

    folder: Path
    name: str
    record: dict[str, Any]

    def path(self, label: Label, *, soft: bool = False) -> Path:
        """Return where a mask or a map of it is."""
        return self.folder / listed_mask(self.name, self.record["files"], label, soft=soft)

    @property
    def record_name(self) -> str:
        """Name of the record's file."""
        return record_file(self.name)

    @property
    def reading(self) -> ReadOptions:
        """How its image was read."""
        options = self.record.get("options", {})
        names = (
            *("volume", "voxel_size_from", "slices_in_time", "slice_axis"),
            *("series", "keep_identifiers"),
        )
        return ReadOptions(**{name: options[name] for name in names if name in options})


def record_paths(path: Path) -> list[Path]:
    """Return the records at a path: a folder, a record (``NAME_seg.json``) or a mask of a result.

    Raises
    ------
    ImageReadError
        If there is none.
    """
    if path.is_dir():
        names = [file.name.removesuffix(_RECORD) for file in sorted(path.glob(f"*{_RECORD}"))]
        # A damaged record must be named; other programs write files of such names, too.
        found = [path / record_file(name) for name in names if _is_result(path, name)]
    else:
        endings = (_RECORD, *(label_file("", label) for label in LABELS))
        name = next((path.name.removesuffix(e) for e in endings if path.name.endswith(e)), None)
        found = [] if name is None else [path.parent / record_file(name)]
    if not found:
        what = "it holds no result of scgm" if path.is_dir() else "it belongs to no result of scgm"
        what = what if path.exists() else "there is no such file or folder"
        msg = f"{path}: {what}; give a folder of results or NAME_seg.json, or masks with --gm"
        raise ImageReadError(msg)
    return found


def saved_result(record: Path) -> SavedResult:
    """Return the result that a record belongs to.

    Raises
    ------
    ImageReadError
        If it is missing, or no record.
    """
    name = record.name.removesuffix(_RECORD)
    content = read_record(record.parent, name)
    if content is None:
        what = "it is no record of a result" if record.exists() else "there is no such record"
        msg = f"{record}: {what}; segment the image again, or give masks with --gm and --cord"
        raise ImageReadError(msg)
    for field in ("input", "options"):
        if not isinstance(content.get(field, {}), dict):
            msg = f"{record}: its field {field!r} is damaged; segment the image again"
            raise ImageReadError(msg)
    return SavedResult(record.parent, name, content)


def structures_of_saved(saved: SavedResult, image: Volume | None = None) -> Structures:
    """Return a saved result as structures that can be measured.

    Parameters
    ----------
    saved : SavedResult
        The result.
    image : Volume, optional
        The scan; by default the file that the record names, if it lies in the same folder.

    Raises
    ------
    ImageReadError, GeometryError
        If a file is missing or damaged, or does not fit the others.
    """
    reading = ReadOptions(
        voxel_size_from=saved.reading.voxel_size_from, slice_axis=saved.reading.slice_axis
    )
    gm = read_labels(saved.path(Label.GM), reading)
    has_cord = saved.path(Label.CORD).exists()
    cord = read_labels(saved.path(Label.CORD), reading) if has_cord else None
    found = structures_from_masks(_image_name(saved), gm, cord)
    statuses = _statuses(saved, len(found.status))
    scan = image or _scan_beside(saved)
    soft = {
        label.suffix: values
        for label in LABELS
        if (values := _probabilities(saved, label, found, reading)) is not None
    }
    return replace(
        found,
        measured={
            label.suffix: measured(label, statuses) & _there(found, label)
            for label in LABELS
            if label.suffix in found.masks
        },
        status=tuple(_word(saved, status) for status in statuses),
        flagged=np.array([status not in NOT_FLAGGED for status in statuses]),
        probabilities=soft,
        image=None if scan is None else on_slices(scan, found.stack),
        warnings=(*found.warnings, *_changed(saved)),
    )


def _is_result(folder: Path, name: str) -> bool:
    return (folder / label_file(name, Label.GM)).exists() or read_record(folder, name) is not None


def _image_name(saved: SavedResult) -> str:
    return str(saved.record.get("input", {}).get("file") or saved.name)


def _statuses(saved: SavedResult, count: int) -> tuple[SliceStatus, ...]:
    """Return the status of each slice, from inferior to superior."""
    try:
        by_slice = {int(one["slice_is"]): one["status"] for one in saved.record["slices"]}
        statuses = tuple(SliceStatus(by_slice[z]) for z in range(count))
    except (KeyError, TypeError, ValueError) as error:
        msg = (
            f"{saved.folder / saved.record_name}: it does not say the status of each of the "
            f"{count} slices; segment the image again, or give the masks with --gm and --cord"
        )
        raise ImageReadError(msg) from error
    return statuses


def _word(saved: SavedResult, status: SliceStatus) -> str:
    """Return a status, but never "ok" where the method could not tell."""
    unsure = any(str(w).startswith(CONFIDENCE_NOT_AVAILABLE) for w in _record_warnings(saved))
    return CONFIDENCE_NOT_AVAILABLE if status is SliceStatus.OK and unsure else str(status)


def _record_warnings(saved: SavedResult) -> list[Any]:
    warnings = saved.record.get("warnings", [])
    return warnings if isinstance(warnings, list) else []


def _there(found: Structures, label: Label) -> NDArray[np.bool_]:
    """Tell in which slices a mask, which a user may have changed, is not empty."""
    return np.asarray(found.masks[label.suffix].any(axis=(1, 2)))


def _probabilities(
    saved: SavedResult, label: Label, found: Structures, reading: ReadOptions
) -> NDArray[np.float32] | None:
    path = saved.path(label, soft=True)
    if not path.exists():
        return None
    given, _ = given_mask(read_labels(path, reading), found.stack)
    return given.mask.astype(np.float32) if given.probability is None else given.probability


def _scan_beside(saved: SavedResult) -> Volume | None:
    """Read the image from the folder of the result, or that folder, if it is still the same."""
    about = saved.record.get("input", {})
    if not isinstance(about.get("file"), str) or Path(about["file"]).name != about["file"]:
        return None
    folder = saved.folder.absolute()
    for path in (folder / about["file"], folder):  # results can lie among the files of DICOM
        if (
            path.name == about["file"]
            and path.exists()
            and _is_same(path, saved.reading, about.get("sha256"))
        ):
            return read_volume(path, saved.reading)
    return None


def _is_same(path: Path, reading: ReadOptions, sha256: object) -> bool:
    try:
        return image_checksum(path, reading) == sha256
    except (ImageReadError, OSError):
        return False


def _changed(saved: SavedResult) -> tuple[str, ...]:
    """Name the masks that somebody changed after scgm wrote them."""
    sums = saved.record["files"]
    return tuple(
        f"{path.name}: changed since scgm wrote it; measured as it is now"
        for label in LABELS
        if (path := saved.path(label)).exists()
        and sums.get(name_text(path.name)) != sha256_of_file(path)
    )
