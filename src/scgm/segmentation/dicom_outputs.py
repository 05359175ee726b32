"""A result as DICOM objects of the same study: segmentation, report of areas, picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from scgm.errors import OutputError, ScgmError
from scgm.image.orientation import from_axial
from scgm.io.dicom.packages import silence
from scgm.io.dicom.picture import picture_object
from scgm.io.dicom.references import Maker, as_bytes, sources_of
from scgm.io.dicom.report import Area, Segmented, report_object
from scgm.io.dicom.scan import Scan
from scgm.io.dicom.segmentation import segmentation_object
from scgm.segmentation.measurements import measure
from scgm.segmentation.result import Result
from scgm.segmenters.methods import METHODS

_SLICE_AXIS = 2  # of the volume: its images lie along the last one


def dicom_objects(segmentation: Result, picture: Path | None = None) -> list[bytes]:
    """Return segmentation, report of areas and, if there is a picture, a secondary capture.

    They belong to the study of the scan and carry its patient, as a PACS needs it.

    Parameters
    ----------
    segmentation : Result
        A result whose image was DICOM.
    picture : Path, optional
        The four-panel picture as PNG.

    Returns
    -------
    list of bytes
        The contents of the files, in this order.

    Raises
    ------
    OutputError
        If the image was no DICOM, or does not say to which study it belongs.
    """
    scan = segmentation.volume.scan
    if not isinstance(scan, Scan):
        raise no_dicom(segmentation.source_name)
    try:
        with silence():
            return [as_bytes(each) for each in _objects(segmentation, scan, picture)]
    except ScgmError:
        raise
    except Exception as error:  # noqa: BLE001  its text is not passed on: it can name the patient
        msg = (
            f"{segmentation.source_name}: highdicom can make no DICOM objects from the headers of "
            f"this series ({type(error).__name__}); omit --dicom, or repair the headers"
        )
        raise OutputError(msg) from None


def no_dicom(image: str) -> OutputError:
    """Return the error that DICOM is to be written of an image that is none."""
    return OutputError(
        f"{image}: it is no DICOM, so no DICOM result can refer to it; omit --dicom, or segment "
        "the DICOM series"
    )


def _objects(segmentation: Result, scan: Scan, picture: Path | None) -> list[Any]:
    sources, maker = sources_of(scan), _maker(segmentation)
    masks = {
        label.suffix: from_axial(segmentation.stack, segmentation.axial_mask(label))
        for label in segmentation.labels
    }
    made = segmentation_object(scan, sources, masks, maker)
    along = segmentation.stack.axes.order[0] == _SLICE_AXIS
    segmented = Segmented(made, tuple(masks), slices_are_frames=along)
    objects = [made, report_object(scan, sources, segmented, _areas(segmentation), maker)]
    if picture is not None:
        kept = bool(segmentation.provenance.options.get("keep_identifiers"))
        objects.append(picture_object(scan, sources, _pixels(picture), names_patient=kept))
    return objects


def _maker(segmentation: Result) -> Maker:
    made_by = segmentation.provenance
    spec = METHODS.get(made_by.method)
    learned = spec is None or spec.learned != "nothing"
    family = "ArtificialIntelligence" if learned else "HistogramAnalysis"
    assisted = any(made_by.options.get(hint) for hint in ("center", "cord", "centerline"))
    return Maker(made_by.method, str(made_by.model["name"]), made_by.version, family, assisted)


def _areas(segmentation: Result) -> list[Area]:
    return [
        Area(row.label, row.slice, row.area_mm2, row.status, row.confidence)
        for row in measure(segmentation)
        if row.area_mm2 is not None
    ]


def _pixels(picture: Path) -> Any:
    from PIL import Image  # noqa: PLC0415  (for DICOM alone)

    with Image.open(picture) as drawn:
        return np.asarray(drawn.convert("RGB"))
