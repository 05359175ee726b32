"""The picture of a result as a secondary capture."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from scgm.io.dicom.packages import package
from scgm.io.dicom.references import PICTURE, Sources, written_fields
from scgm.io.dicom.scan import Scan


def picture_object(
    scan: Scan, sources: Sources, pixels: NDArray[np.uint8], *, names_patient: bool
) -> Any:
    """Return a secondary capture of a picture (rows, columns, 3) of red, green and blue.

    *names_patient* tells whether a text in the picture may name the patient.
    """
    hd = package("highdicom")
    made = hd.sc.SCImage.from_ref_dataset(
        ref_dataset=sources.main[0],
        pixel_array=pixels,
        photometric_interpretation="RGB",
        bits_allocated=8,
        coordinate_system="PATIENT",
        patient_orientation=("L", "P"),
        transfer_syntax_uid="1.2.840.10008.1.2.1",
        manufacturer_model_name="scgm",
        **written_fields(scan, PICTURE, "Spinal cord, picture to check"),
    )
    made.BodyPartExamined = "SPINE"  # no paired part, so no side is to be given
    made.BurnedInAnnotation = "YES" if names_patient else "NO"
    return made
