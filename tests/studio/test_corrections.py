"""Corrected masks that a browser sends: those of the image are written, all others refused."""

from __future__ import annotations

import gzip
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from numpy.typing import NDArray

from scgm.errors import ScgmError
from scgm.io.read import DEFAULT_READING, ReadOptions, read_volume
from scgm.studio.corrections import CorrectionError, save_corrected
from scgm.studio.library import Library
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


def packed(scan: Path, drawn: dict[str, Mask], target: Path, name: str = NAME) -> Path:
    names = dict(zip("GWS", ("GM", "WM", "SC"), strict=True))
    affine = nib.load(scan).affine
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for key, mask in drawn.items():
            content = gzip.compress(nib.Nifti1Image(mask, affine).to_bytes(), mtime=0)
            archive.writestr(f"{name}_label-{names[key]}_seg.nii.gz", content)
        archive.writestr(f"{name}_corrected.json", '{"StartedFrom": "ddc"}')
    return target


def test_masks_of_the_image_are_written_as_those_of_a_rater(scan: Path, tmp_path: Path) -> None:
    drawn = masks(scan)
    sent = packed(scan, drawn, tmp_path / "sent.zip")

    place = save_corrected(sent, read_volume(scan), scan.parent)

    assert place == PLACE.as_posix()
    written = nib.load(scan.parent / place / f"{NAME}_label-GM_seg.nii.gz")
    assert np.array_equal(np.asarray(written.dataobj), drawn["G"])


def saved(scan: Path, root: Path, name: str = NAME, reading: ReadOptions = DEFAULT_READING) -> Path:
    """Save right masks of an image; return their folder."""
    sent = packed(scan, masks(scan), root.parent / "sent.zip", name)
    return root / save_corrected(sent, read_volume(scan), root, reading)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "data" / "a").mkdir(parents=True)
    (tmp_path / "data" / "b").mkdir()
    return tmp_path / "data"


def test_images_of_one_name_in_two_folders_keep_their_own_masks(root: Path) -> None:
    scans = [save_scan(root / folder / "t2s.nii.gz") for folder in "ab"]

    places = [saved(scan, root, "t2s") for scan in (*scans, scans[0])]

    assert [
        place.relative_to(root / "derivatives" / "labels_studio").as_posix() for place in places
    ] == ["a", "b", "a"]
    files = [json.loads((place / "t2s_corrected.json").read_text()) for place in places]
    assert files[:2] == [{"StartedFrom": "ddc", "File": f"{folder}/t2s.nii.gz"} for folder in "ab"]


def test_masks_of_another_image_are_never_replaced(root: Path) -> None:
    first, second = (save_scan(root / folder / f"{NAME}.nii.gz") for folder in "ab")
    place = saved(first, root)
    before = tree(root)

    with pytest.raises(CorrectionError, match="are of another image"):
        saved(second, root)
    assert tree(root) == before

    (place / f"{NAME}_corrected.json").write_text("{}")  # nobody knows of which image
    with pytest.raises(CorrectionError, match="do not say of which"):
        saved(first, root)


def test_masks_of_another_volume_of_the_file_are_never_replaced(root: Path) -> None:
    scan = save_scan(root / "a" / f"{NAME}.nii.gz")
    place = saved(scan, root, reading=ReadOptions(volume=1))
    assert json.loads((place / f"{NAME}_corrected.json").read_text())["Volume"] == 1

    assert saved(scan, root, reading=ReadOptions(volume=1)) == place
    for other in (ReadOptions(volume=0), ReadOptions(volume="mean"), DEFAULT_READING):
        with pytest.raises(CorrectionError, match="are of another image"):
            saved(scan, root, reading=other)


def test_masks_of_a_linked_image_have_its_name_and_place(root: Path) -> None:
    (root / ".git").mkdir()
    (root / "b" / "t2s.nii.gz").symlink_to(save_scan(root / ".git" / "MD5E-s1--abc.nii.gz"))
    (listed,) = Library(root).files()

    place = saved(listed.path, root, "t2s")

    assert place == root / "derivatives" / "labels_studio" / "b"


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
