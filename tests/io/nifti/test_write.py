"""Masks and maps as files."""

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from scgm.image.volume import Geometry, Volume
from scgm.io.nifti.write import as_nifti, is_own_label, write_nifti

VOLUME = Volume(np.zeros((2, 3, 4), np.float32), Geometry((2, 3, 4), np.eye(4)))


@pytest.mark.parametrize(
    ("value", "dtype", "brightest"), [(1, np.uint8, 1), (7, np.uint8, 7), (0.25, np.float32, 1)]
)
def test_viewers_are_told_the_largest_label_and_that_probabilities_end_at_one(
    value: float, dtype: type[np.uint8] | type[np.float32], brightest: float
) -> None:
    values = np.zeros((2, 3, 4), np.float32)
    values[1, 1, 1] = value

    header = as_nifti(values, VOLUME, dtype=dtype).header

    assert header["cal_max"] == brightest
    assert header["cal_min"] == 0


@pytest.mark.parametrize("ending", [".nii", ".nii.gz"])
def test_own_labels_are_known_again(tmp_path: Path, ending: str) -> None:
    mask, scan, other = (tmp_path / f"{name}{ending}" for name in ("mask", "scan", "other"))
    ones = np.ones((2, 3, 4))
    write_nifti(as_nifti(ones, VOLUME, dtype=np.uint8), mask)
    write_nifti(as_nifti(ones, VOLUME, dtype=np.float32), scan)  # a phantom is an image
    labels = nib.Nifti1Image(ones.astype(np.uint8), np.eye(4))
    labels.header.set_intent("label")
    labels.to_filename(other)

    assert is_own_label(mask)
    assert not is_own_label(scan)
    assert not is_own_label(other)


@pytest.mark.parametrize("content", [b"", b"no image", b"\x1f\x8b\x08damaged", b"\0" * 400])
def test_what_cannot_be_read_is_no_own_label(tmp_path: Path, content: bytes) -> None:
    for name in ("a.nii", "a.nii.gz"):
        (tmp_path / name).write_bytes(content)
        assert not is_own_label(tmp_path / name)
    assert not is_own_label(tmp_path)
    assert not is_own_label(tmp_path / "missing.nii")
