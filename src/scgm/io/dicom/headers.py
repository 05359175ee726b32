"""The headers of DICOM files, without their pixels, and which of them are images of a patient."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, BinaryIO

from scgm.errors import ImageReadError
from scgm.io.dicom.packages import package, silence
from scgm.io.dicom.sources import Part
from scgm.io.dicom.tags import number, text, value, whole, words

# Storage classes that hold no gray values of a scan, by what people call them.
_OTHER_KINDS = {
    "1.2.840.10008.1.3.10": "DICOMDIR",
    "1.2.840.10008.5.1.4.1.1.66.4": "segmentation",
    "1.2.840.10008.5.1.4.1.1.66.7": "segmentation",
    "1.2.840.10008.5.1.4.1.1.66.5": "surface",
    "1.2.840.10008.5.1.4.1.1.481.3": "contour set",
    "1.2.840.10008.5.1.4.1.1.66": "raw-data file",
    "1.2.840.10008.5.1.4.1.1.4.2": "spectroscopy file",
}
_KIND_BY_START = {
    "1.2.840.10008.5.1.4.1.1.88.": "structured report",
    "1.2.840.10008.5.1.4.1.1.11.": "presentation state",
    "1.2.840.10008.5.1.4.1.1.104.": "document",
    "1.2.840.10008.5.1.4.1.1.7": "screenshot",
}
_DEFLATED = "1.2.840.10008.1.2.1.99"
# A volume of more voxels is no scan of a cord; a header that promises it is damaged.
MOST_VOXELS = 1 << 31


@dataclass(frozen=True, slots=True, eq=False)
class Instance:
    """An image file: where it is, and its header without pixels (a pydicom data set)."""

    part: Part
    header: Any

    @property
    def series(self) -> str:
        """What the files of one series have in common."""
        uid = text(value(self.header, "SeriesInstanceUID"))
        return uid or f"number {text(value(self.header, 'SeriesNumber'))}"

    @property
    def uid(self) -> str:
        """The number of this instance, which no other one has."""
        return text(value(self.header, "SOPInstanceUID"))

    @property
    def frame_count(self) -> int:
        """How many frames its pixels hold."""
        return whole(value(self.header, "NumberOfFrames")) or 1


@dataclass(frozen=True, slots=True, eq=False)
class Headers:
    """What the files of a folder are.

    Parameters
    ----------
    images : tuple of Instance
        Files that can show a slice of a patient.
    damaged : tuple of (Part, str)
        Files that cannot be read, and their series as far as it is known, else "".
    others : dict of str to int
        Which other files there are, and how many of each.
    all_headers : tuple
        Headers of all files that can be read, for what they say of the patient.
    """

    images: tuple[Instance, ...]
    damaged: tuple[tuple[Part, str], ...]
    others: dict[str, int]
    all_headers: tuple[Any, ...]


def read_headers(parts: Iterable[Part]) -> Headers:
    """Read the headers of files.

    Raises
    ------
    ImageReadError
        If pydicom is not installed, or a file of a ZIP cannot be unpacked.
    """
    images: list[Instance] = []
    damaged: list[tuple[Part, str]] = []
    others: Counter[str] = Counter()
    headers: list[Any] = []
    for part in parts:
        header = _header(part)
        if header is None:
            damaged.append((part, ""))
            continue
        headers.append(header)
        instance = Instance(part, header)
        other = _other_kind(header)
        if other is None:
            images.append(instance)
        elif other:
            others[other] += 1
        else:
            damaged.append((part, text(value(header, "SeriesInstanceUID"))))
    return Headers(tuple(images), tuple(damaged), dict(others), tuple(headers))


def _header(part: Part) -> Any:
    """Read a header; None if there is none."""
    dcmread = package("pydicom").dcmread
    with part.opened() as file:
        _require_not_deflated(file)
        try:
            with silence():
                header = dcmread(file, stop_before_pixels=True, force=True)
        except Exception:  # noqa: BLE001  pydicom raises many kinds of errors on damaged files
            return None
    return header if len(header) else None


def _require_not_deflated(file: BinaryIO) -> None:
    """Refuse a file that is packed as a whole: pydicom would unpack it to any size."""
    if _DEFLATED.encode() in file.read(4096):
        msg = "a file in it is packed as a whole (deflated); export the series without that"
        raise ImageReadError(msg)
    file.seek(0)


def _other_kind(header: Any) -> str | None:
    """Say what a file is that is no image of a patient; None if it is one, "" if it is damaged."""
    storage = text(value(header, "SOPClassUID"))
    media = getattr(header, "file_meta", None)
    storage = storage or text(value(media, "MediaStorageSOPClassUID") if media else None)
    if storage in _OTHER_KINDS:
        return _OTHER_KINDS[storage]
    for start, kind in _KIND_BY_START.items():
        if storage.startswith(start):
            return kind
    if not storage and not words(header, "ImageType"):
        return ""
    if value(header, "Rows") is None and "image" not in _name_of(storage):
        return "file without an image"
    return _unusable_pixels(header)


def _name_of(storage: str) -> str:
    return str(getattr(package("pydicom.uid").UID(storage), "name", "")).lower()


def _unusable_pixels(header: Any) -> str | None:
    rows, columns = (whole(value(header, name)) for name in ("Rows", "Columns"))
    frames = number(value(header, "NumberOfFrames")) or 1
    if not rows or not columns or rows * columns * frames > MOST_VOXELS:
        return ""
    if whole(value(header, "SamplesPerPixel")) not in (None, 1):
        return "color image"
    if "PALETTE" in text(value(header, "PhotometricInterpretation")):
        return "color image"
    return None
