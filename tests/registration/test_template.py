"""What is read of a template."""

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from scgm.registration.template import kind_of_levels


@pytest.mark.parametrize(
    ("kind", "width", "found"),
    [
        ("discs", 12, "vertebral"),
        ("discs-below", 12, "vertebral"),
        ("discs", 2, "discs"),
        ("spinal", 12, "spinal"),
        (None, 12, None),
    ],
)
def test_levels_of_a_template_may_be_surfaces_where_a_person_has_discs(
    tmp_path: Path, kind: str | None, width: int, found: str | None
) -> None:
    """A label of so many pixels of 1 mm."""
    values = np.zeros((20, 20, 6), np.uint8)
    values[4 : 4 + width, 4 : 4 + width, 2:4] = 3
    nib.save(nib.Nifti1Image(values, np.diag([1.0, 1.0, 2.0, 1.0])), tmp_path / "levels.nii.gz")

    assert kind_of_levels(tmp_path / "levels.nii.gz", kind) == found


def test_levels_in_a_text_file_are_what_is_said() -> None:
    assert kind_of_levels(Path("levels.txt"), "discs") == "discs"
    assert kind_of_levels(None, "discs") == "discs"
