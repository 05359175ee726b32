"""The source images as highdicom needs them, and what is common to all that is written."""

from __future__ import annotations

import copy
import io
from dataclasses import dataclass
from typing import Any

from scgm.errors import OutputError
from scgm.io.dicom.frames import Frame
from scgm.io.dicom.packages import package
from scgm.io.dicom.scan import Scan
from scgm.io.dicom.tags import text, value, whole

# Series numbers of what is written: that of the scan times 100, plus one for each kind.
SEGMENTATION, REPORT, PICTURE = 1, 2, 3
_LARGEST_NUMBER = 2**31 - 1

# SNOMED CT, as in CID 7153 of DICOM PS3.16 ("CNS Segmentation Types").
STRUCTURES = {
    "GM": ("12958003", "Spinal cord gray matter"),
    "WM": ("27088001", "Spinal cord white matter"),
    "SC": ("2748008", "Spinal cord"),
}

_MAY_BE_EMPTY = (
    *("PatientName", "PatientID", "PatientBirthDate", "PatientSex", "AccessionNumber"),
    *("StudyDate", "StudyTime", "StudyID", "ReferringPhysicianName"),
)


@dataclass(frozen=True, slots=True)
class Maker:
    """What made a result.

    Parameters
    ----------
    method, model, version : str
        Names of method and model, and the version of this package.
    family : str
        Kind of method, a name in CID 7162 of DICOM PS3.16, as "ArtificialIntelligence".
    assisted : bool
        Whether a person said where the cord is.
    """

    method: str
    model: str
    version: str
    family: str
    assisted: bool

    @property
    def name(self) -> str:
        """What the objects call the algorithm."""
        return f"scgm {self.method}"[:64]


@dataclass(frozen=True, slots=True, eq=False)
class Sources:
    """Headers of the images that a result was made from: those of its grid, and further ones."""

    main: list[Any]
    further: list[Any]

    @property
    def every(self) -> list[Any]:
        """All of them."""
        return [*self.main, *self.further]


def sources_of(scan: Scan) -> Sources:
    """Return copies of the headers, with one orientation for all, as highdicom wants it.

    Raises
    ------
    OutputError
        If they do not say to which study or frame of reference they belong.
    """
    instances = list(dict.fromkeys(frame.instance for volume in scan.volumes for frame in volume))
    headers = [copy.deepcopy(instance.header) for instance in instances]
    for header in headers:
        _require(header)
        _use_plain_character_set(header)
        for name in _MAY_BE_EMPTY:
            # Anonymized files can lack what the standard wants to be there, be it empty.
            if value(header, name) is None:
                setattr(header, name, "")
    first = {frame.instance for frame in scan.frames}
    several = instances[0].frame_count > 1
    count = 1 if several else sum(instance in first for instance in instances)
    orientation = value(headers[0], "ImageOrientationPatient")
    for header in headers[1:] if orientation is not None else ():
        header.ImageOrientationPatient = orientation
    return Sources(headers[:count], headers[count:])


def _use_plain_character_set(header: Any) -> None:
    """Write texts in UTF-8 where highdicom does not take the character set.

    It refuses sets that are changed within a text, as Japanese and Korean scanners write them, and
    those that are misspelled.
    """
    known = [one.value for one in package("highdicom").SpecificCharacterSetValues]
    plain = [name for name in known if not name.startswith("ISO 2022")]
    told = value(header, "SpecificCharacterSet")
    if told and told not in plain:
        header.decode()
        header.SpecificCharacterSet = "ISO_IR 192"


def _require(header: Any) -> None:
    needed = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "FrameOfReferenceUID")
    missing = [name for name in needed if not text(value(header, name))]
    if missing:
        msg = (
            f"the scan's DICOM files have no {missing[0]}, so no object can refer to them; omit "
            "--dicom"
        )
        raise OutputError(msg)


def written_fields(scan: Scan, kind: int, what: str) -> dict[str, Any]:
    """Return the arguments that all objects have: series, instance, equipment."""
    new_uid = package("pydicom.uid").generate_uid
    number = whole(value(scan.frames[0].instance.header, "SeriesNumber")) or 0
    fits = 0 <= number <= _LARGEST_NUMBER // 100 - 1
    return {
        "series_instance_uid": new_uid(),
        "series_number": 100 * number + kind if fits else kind,
        "sop_instance_uid": new_uid(),
        "instance_number": 1,
        "manufacturer": "scgm",
        "series_description": what,
    }


def source_reference(frame: Frame) -> tuple[str, str, list[int] | None]:
    """Return class, number and (of a file with several) frame number of a source image."""
    header = frame.instance.header
    numbers = [frame.index + 1] if frame.instance.frame_count > 1 else None
    return text(value(header, "SOPClassUID")), frame.instance.uid, numbers


def as_bytes(made: Any) -> bytes:
    """Return a data set as the bytes of a DICOM file."""
    out = io.BytesIO()
    made.save_as(out, enforce_file_format=True)
    return out.getvalue()
