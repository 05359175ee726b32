"""Names that a browser sends."""

import pytest

from scgm.studio.names import safe_name


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("scan.nii.gz", "scan.nii.gz"),
        ("scan.nii", "scan.nii"),
        ("../../etc/passwd", "passwd.nii.gz"),
        ("..\\..\\boot.nii", "boot.nii"),
        ("/etc/shadow.nii.gz", "shadow.nii.gz"),
        ("..", "image.nii.gz"),
        (".nii.gz", "nii.gz.nii.gz"),
        ("", "image.nii.gz"),
        ("-rf.nii", "rf.nii"),
        ("IM0001.dcm", "IM0001.dcm"),
        ("series.ZIP", "series.zip"),
        ("ADC-0001.IMA", "ADC-0001.ima"),
        ("a\0b\n.nii", "a_b_.nii"),
        ("<script>.nii", "_script_.nii"),
    ],
)
def test_a_name_leads_nowhere(sent: str, kept: str) -> None:
    assert safe_name(sent) == kept


def test_a_long_name_is_cut_and_keeps_its_ending() -> None:
    name = safe_name("x" * 5000 + ".nii.gz")

    assert len(name) < 120
    assert name.endswith(".nii.gz")
