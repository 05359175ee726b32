"""What names a patient, and what only looks like it."""

from __future__ import annotations

import pytest
from pydicom.dataset import Dataset

from scgm.io.dicom.identity import Identifiers
from tests.helpers.dicom_files import Slab, common, pattern


def of(**tags: object) -> Identifiers:
    changes: dict[str, object] = dict.fromkeys(
        ("PatientName", "PatientID", "PatientBirthDate", "AccessionNumber")
    )
    changes.update(ReferringPhysicianName=None, **tags)
    return Identifiers.of([common(Slab(pattern()), **changes)])


def _numbered(number: str) -> Dataset:
    item = Dataset()
    item.PatientID = number
    return item


@pytest.mark.parametrize(
    ("tags", "words", "left"),
    [
        ({"PatientName": "Doe^Jane"}, "t2s JANE doe", "t2s [removed] [removed]"),
        ({"PatientName": "Doe^Jane"}, "IM_Doe^Jane_1", "IM_[removed]_1"),
        ({"PatientName": "Li^Wu"}, "Li lipid", "[removed] lipid"),
        ({"PatientName": "Li^Wu"}, "LiWu wuli lithium", "[removed] [removed] lithium"),
        ({"PatientName": "Doe^J"}, "jdoe_t2s", "[removed]_t2s"),
        (
            {"PatientName": "X=\u5c71\u7530^\u592a\u90ce"},
            "\u5c71\u7530\u592a\u90ce_1",
            "[removed]_1",
        ),
        (
            {"PatientName": "X=\u5c71\u7530^\u592a\u90ce"},
            "\u5c71\u7530\u3055\u3093",
            "[removed]\u3055\u3093",
        ),
        ({"PatientName": "Hong=\ud64d^\uae38\ub3d9"}, "\ud64d\uae38\ub3d9 neck", "[removed] neck"),
        ({"PatientName": "Sommer-Weiss^A"}, "a SOMMER-WEISS neck", "a [removed] neck"),
        ({"PatientID": "A-123.4"}, "scan_a-123.4b", "scan_[removed]b"),
        ({"PatientID": "001"}, "sub-001_t2s 10010", "sub-[removed]_t2s 10010"),
        ({"PatientBirthDate": "19010203"}, "1901-02-03", "[removed]"),
        ({"PatientBirthDate": "19010203"}, "03.02.1901 19010203", "[removed] [removed]"),
        ({"AccessionNumber": "ACC77"}, "xACC77x", "x[removed]x"),
        ({"OtherPatientIDs": ["P555", "P666"]}, "P666 P777", "[removed] P777"),
        ({"OtherPatientIDsSequence": [_numbered("HOSP12")]}, "HOSP12_neck", "[removed]_neck"),
        ({"PatientName": "M\u00fcller^Eva"}, "scan of Mu\u0308ller", "scan of [removed]"),
        ({"PatientName": "Mu\u0308ller^Eva"}, "scan of M\u00fcller", "scan of [removed]"),
    ],
)
def test_what_names_the_patient_is_taken_out(
    tags: dict[str, object], words: str, left: str
) -> None:
    assert of(**tags).removed_from(words) == left


@pytest.mark.parametrize(
    "tags",
    [
        {},
        {"PatientName": "Anonymous"},
        {"PatientName": "phantom^test", "PatientID": "unknown"},
        {"PatientName": "Anon^001"},
        {"PatientID": "1"},
        {"PatientName": "^^"},
    ],
)
def test_what_names_nobody_stays(tags: dict[str, object]) -> None:
    words = "anonymous phantom test, scan 1 of 10, anon001, unknown"

    assert of(**tags).removed_from(words) == words
    assert not of(**tags).in_text(words)
