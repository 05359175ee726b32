"""Masks as a DICOM segmentation, on the slices of the scan."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scgm.io.dicom.packages import package
from scgm.io.dicom.references import (
    SEGMENTATION,
    STRUCTURES,
    Maker,
    Sources,
    written_fields,
)
from scgm.io.dicom.scan import Scan, pictures

# Orange and sky blue as in the picture, light gray for the white matter: red, green, blue.
_COLORS = {"GM": (230, 159, 0), "WM": (225, 225, 225), "SC": (86, 180, 233)}


def segmentation_object(
    scan: Scan, sources: Sources, masks: Mapping[str, NDArray[Any]], maker: Maker
) -> Any:
    """Return a segmentation (binary) with one segment for each mask.

    Parameters
    ----------
    scan : Scan
        The slices.
    sources : Sources
        Their headers.
    masks : mapping of "GM", "WM", "SC" to (i, j, k) arrays of 0 and 1
        Masks on the voxels of the scan's volume.
    maker : Maker
        What made them.
    """
    hd = package("highdicom")
    frame = scan.frames[0]
    along = (*frame.grid.along_row, *frame.grid.along_column)
    planes = np.stack([pictures(mask).astype(np.uint8) for mask in masks.values()], axis=-1)
    return hd.seg.Segmentation(
        source_images=sources.main,
        further_source_images=sources.further or None,
        pixel_array=planes,
        segmentation_type="BINARY",
        segment_descriptions=_descriptions(list(masks), maker),
        plane_positions=[
            hd.PlanePositionSequence("PATIENT", [round(mm, 8) for mm in one.position.tolist()])
            for one in scan.frames
        ],
        plane_orientation=hd.PlaneOrientationSequence("PATIENT", along),
        pixel_measures=_measures(scan),
        manufacturer_model_name="scgm",
        software_versions=maker.version,
        device_serial_number="none",
        content_label="SPINAL_CORD",
        content_description="Gray and white matter of the spinal cord",
        **written_fields(scan, SEGMENTATION, "Spinal cord segmentation"),
    )


def _measures(scan: Scan) -> Any:
    hd = package("highdicom")
    frame = scan.frames[0]
    apart = abs(float(scan.step @ frame.grid.normal))
    return hd.PixelMeasuresSequence(
        pixel_spacing=frame.grid.spacing_mm,
        slice_thickness=apart,
        spacing_between_slices=apart,
    )


def _descriptions(names: list[str], maker: Maker) -> list[Any]:
    hd, codes = package("highdicom"), package("pydicom.sr.codedict").codes
    coded = package("pydicom.sr.coding").Code
    algorithm = hd.AlgorithmIdentificationSequence(
        name=maker.name,
        family=getattr(codes.cid7162, maker.family),
        version=maker.version,
        source="scgm",
        parameters={"model": maker.model},
    )
    made = []
    for number, name in enumerate(names, start=1):
        code, meaning = STRUCTURES[name]
        made.append(
            hd.seg.SegmentDescription(
                segment_number=number,
                segment_label=meaning,
                segmented_property_category=codes.SCT.AnatomicalStructure,
                segmented_property_type=coded(code, "SCT", meaning),
                algorithm_type="SEMIAUTOMATIC" if maker.assisted else "AUTOMATIC",
                algorithm_identification=algorithm,
                tracking_uid=hd.UID(),
                tracking_id=meaning,
                display_color=hd.color.CIELabColor.from_rgb(*_COLORS[name]),
            )
        )
    return made
