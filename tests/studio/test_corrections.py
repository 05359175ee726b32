"""Corrected masks that a browser sends: those of the image are written, all others refused."""

from __future__ import annotations

import gzip
import zipfile
from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from numpy.typing import NDArray

from scgm.errors import ScgmError
from scgm.io.read import read_volume
from scgm.studio.corrections import save_corrected
from tests.helpers.cohort_files import tree
from tests.helpers.standin import cord_voxels, save_scan

Mask = NDArray[np.uint8]
NAME = "sub-01_T2starw"
PLACE = Path("derivatives", "labels_studio", "sub-01", "anat")


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    return save_scan(tmp_path / "data" / f"{NAME}.nii.gz")


def masks(scan: Path) -> dict[str, Mask]:
    """Return right masks: one more pixel of gray matter than the image shows."""
    values = cord_voxels()
    gm, cord = values >= 2, values >= 1
    row, column, z = np.argwhere(cord & ~gm)[0]
    gm[row, column, z] = True
    drawn = (gm, cord & ~gm, cord)
    assert values.shape == nib.load(scan).shape
    return {name: mask.astype(np.uint8) for name, mask in zip("GWS", drawn, strict=True)}


def packed(scan: Path, drawn: dict[str, Mask], target: Path) -> Path:
    names = dict(zip("GWS", ("GM", "WM", "SC"), strict=True))
    affine = nib.load(scan).affine
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for key, mask in drawn.items():
            content = gzip.compress(nib.Nifti1Image(mask, affine).to_bytes(), mtime=0)
            archive.writestr(f"{NAME}_label-{names[key]}_seg.nii.gz", content)
        archive.writestr(f"{NAME}_corrected.json", "{}")
    return target


def test_masks_of_the_image_are_written_as_those_of_a_rater(scan: Path, tmp_path: Path) -> None:
    drawn = masks(scan)
    sent = packed(scan, drawn, tmp_path / "sent.zip")

    place = save_corrected(sent, read_volume(scan), scan.parent)

    assert place == PLACE.as_posix()
    written = nib.load(scan.parent / place / f"{NAME}_label-GM_seg.nii.gz")
    assert np.array_equal(np.asarray(written.dataobj), drawn["G"])


def another_shape(drawn: dict[str, Mask]) -> dict[str, Mask]:
    return {name: mask[:-1] for name, mask in drawn.items()}


def other_values(drawn: dict[str, Mask]) -> dict[str, Mask]:
    return {**drawn, "G": drawn["G"] * 0 + 1}


def one_too_few(drawn: dict[str, Mask]) -> dict[str, Mask]:
    return {name: mask for name, mask in drawn.items() if name != "W"}


@pytest.mark.parametrize("change", [another_shape, other_values, one_too_few])
def test_masks_that_do_not_fit_are_refused_and_the_earlier_ones_kept(
    scan: Path, tmp_path: Path, change: Callable[[dict[str, Mask]], dict[str, Mask]]
) -> None:
    save_corrected(packed(scan, masks(scan), tmp_path / "a.zip"), read_volume(scan), scan.parent)
    before = tree(scan.parent)
    sent = packed(scan, change(masks(scan)), tmp_path / "b.zip")

    with pytest.raises(ScgmError) as refused:
        save_corrected(sent, read_volume(scan), scan.parent)

    assert str(refused.value).isprintable()
    assert tree(scan.parent) == before


def cut(content: bytes) -> bytes:
    return content[:-30]


def broken(content: bytes) -> bytes:
    return content[:80] + b"\xff" * 40 + content[120:]


def locked(content: bytes) -> bytes:
    """Say of the first file that a password is needed."""
    place = content.find(b"PK\x01\x02") + 8
    return content[:6] + b"\1" + content[7:place] + b"\1" + content[place + 1 :]


@pytest.mark.parametrize("damage", [cut, broken, locked])
def test_an_archive_that_cannot_be_unpacked_is_one_sentence(
    scan: Path, tmp_path: Path, damage: Callable[[bytes], bytes]
) -> None:
    sent = packed(scan, masks(scan), tmp_path / "sent.zip")
    sent.write_bytes(damage(sent.read_bytes()))

    with pytest.raises(ScgmError, match="did not arrive whole; save them again"):
        save_corrected(sent, read_volume(scan), scan.parent)

    assert tree(scan.parent).keys() == {scan.name}
