"""Areas as a structured report of measurements (TID 1500 of DICOM PS3.16)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from scgm.io.dicom.packages import package
from scgm.io.dicom.references import (
    REPORT,
    STRUCTURES,
    Maker,
    Sources,
    source_reference,
    written_fields,
)
from scgm.io.dicom.scan import Scan
from scgm.io.dicom.stack import SAME_PLACE_MM

# Codes of this package: "99" marks those that the standard does not have.
_SCHEME = "99SCGM"


@dataclass(frozen=True, slots=True)
class Area:
    """An area of one structure in one slice.

    Parameters
    ----------
    structure : str
        "GM", "WM" or "SC".
    slice_index : int
        Index of the slice, as the table has it.
    area_mm2 : float
        The area.
    status : str
        "ok", or what to look at.
    confidence : float, optional
        How sure it is that the slice is right, from 0 to 1.
    """

    structure: str
    slice_index: int
    area_mm2: float
    status: str
    confidence: float | None


@dataclass(frozen=True, slots=True, eq=False)
class Segmented:
    """The segmentation that a report refers to, and the order of its segments.

    *slices_are_frames* tells whether a slice of the table is one of the scan's images.
    """

    made: Any
    names: tuple[str, ...]
    slices_are_frames: bool


def report_object(
    scan: Scan, sources: Sources, segmented: Segmented, areas: Sequence[Area], maker: Maker
) -> Any:
    """Return a report with one group for each area, which refers to a frame of the segmentation.

    Where the axial slices lie across the scan's images, the groups refer to no frame.
    """
    hd, codes = package("highdicom"), package("pydicom.sr.codedict").codes
    report = hd.sr.MeasurementReport(
        observation_context=_context(),
        procedure_reported=codes.cid100.MRIUnspecifiedBodyRegion,
        imaging_measurements=[_group(scan, segmented, area, maker) for area in areas] or None,
        title=codes.DCM.ImagingMeasurementReport,
    )
    for item in report[0].ContentSequence if areas else ():
        _without_segment_numbers(item)
    return hd.sr.Comprehensive3DSR(
        evidence=[segmented.made, *sources.every],
        content=report[0],
        is_complete=True,
        coding_schemes=[
            package("highdicom.coding_schemes").CodingSchemeIdentificationItem(
                _SCHEME, name="Terms of scgm", responsible_organization="scgm"
            )
        ],
        manufacturer_model_name="scgm",
        software_versions=maker.version,
        **written_fields(scan, REPORT, "Spinal cord areas"),
    )


def _without_segment_numbers(item: Any) -> None:
    """Take out what must not stand beside a frame number (PS3.3 table 10-3).

    A frame of a binary segmentation belongs to one segment anyway.
    """
    for reference in item.get("ReferencedSOPSequence", ()):
        if "ReferencedFrameNumber" in reference and "ReferencedSegmentNumber" in reference:
            del reference.ReferencedSegmentNumber
    for inner in item.get("ContentSequence", ()):
        _without_segment_numbers(inner)


def _context() -> Any:
    hd, codes = package("highdicom"), package("pydicom.sr.codedict").codes
    device = hd.sr.ObserverContext(
        observer_type=codes.DCM.Device,
        observer_identifying_attributes=hd.sr.DeviceObserverIdentifyingAttributes(
            uid=hd.UID(), name="scgm", manufacturer_name="scgm", model_name="scgm"
        ),
    )
    return hd.sr.ObservationContext(observer_device_context=device)


def _group(scan: Scan, segmented: Segmented, area: Area, maker: Maker) -> Any:
    hd, codes = package("highdicom"), package("pydicom.sr.codedict").codes
    coded = package("pydicom.sr.coding").Code
    code, meaning = STRUCTURES[area.structure]
    word = coded(area.status.replace(" ", "_")[:16], _SCHEME, area.status)
    status = hd.sr.QualitativeEvaluation(coded("status", _SCHEME, "Status of slice"), word)
    common: dict[str, Any] = {
        "tracking_identifier": hd.sr.TrackingIdentifier(
            uid=hd.UID(), identifier=f"{meaning}, slice {area.slice_index}"
        ),
        "finding_type": coded(code, "SCT", meaning),
        "algorithm_id": hd.sr.AlgorithmIdentification(name=maker.name, version=maker.version),
        "measurements": _measurements(area, codes, hd, coded),
        "qualitative_evaluations": [status],
    }
    frame = _frame_number(scan, segmented, area) if segmented.slices_are_frames else None
    if frame is None:
        return hd.sr.MeasurementsAndQualitativeEvaluations(**common)
    source = hd.sr.SourceImageForSegmentation(*source_reference(scan.frames[area.slice_index]))
    return hd.sr.PlanarROIMeasurementsAndQualitativeEvaluations(
        referenced_segment=hd.sr.ReferencedSegmentationFrame(
            sop_class_uid=segmented.made.SOPClassUID,
            sop_instance_uid=segmented.made.SOPInstanceUID,
            frame_number=frame,
            segment_number=segmented.names.index(area.structure) + 1,
            source_image=source,
        ),
        **common,
    )


def _measurements(area: Area, codes: Any, hd: Any, coded: Any) -> list[Any]:
    made = [
        hd.sr.Measurement(
            name=codes.SCT.Area, value=round(area.area_mm2, 4), unit=codes.UCUM.SquareMillimeter
        )
    ]
    if area.confidence is not None:
        made.append(
            hd.sr.Measurement(
                name=coded("confidence", _SCHEME, "Confidence of slice"),
                value=round(area.confidence, 4),
                unit=codes.UCUM.NoUnits,
            )
        )
    return made


def _frame_number(scan: Scan, segmented: Segmented, area: Area) -> int | None:
    """Return which frame of the segmentation, from 1, has a structure in a slice."""
    segment = segmented.names.index(area.structure) + 1
    place = scan.frames[area.slice_index].position
    for number, group in enumerate(segmented.made.PerFrameFunctionalGroupsSequence, start=1):
        of = group.SegmentIdentificationSequence[0].ReferencedSegmentNumber
        there = np.array(group.PlanePositionSequence[0].ImagePositionPatient, float)
        if of == segment and np.abs(there - place).max() < SAME_PLACE_MM:
            return number
    return None
