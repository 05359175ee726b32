"""``scgm phantom``."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest

from scgm.io.transaction import FOLDER_LOCK, check_set
from scgm.phantom import Acquisition, Anatomy, Phantom, make_phantom
from tests.helpers.faults import KINDS, Fault, faults, in_child
from tests.helpers.standin import run_scgm

SMALL = ("--slices", 1, "--size", 48)
NAMES = {
    "sub-phantom_T2starw.nii.gz",
    "sub-phantom_T2starw.json",
    *(f"sub-phantom_T2starw_label-{label}_seg.nii.gz" for label in ("GM", "WM", "SC")),
}


def tuples(record: dict[str, Any]) -> dict[str, Any]:
    """Return parameters as they were before JSON made lists of them."""
    return {key: tuple(v) if isinstance(v, list) else v for key, v in record.items()}


def test_scan_masks_and_parameters_are_written(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    ended = run_scgm(capsys, "phantom", "--output", tmp_path / "new" / "folder", *SMALL)

    assert ended.status == 0
    assert {path.name for path in (tmp_path / "new" / "folder").iterdir()} == NAMES
    assert "sub-phantom_T2starw.nii.gz" in ended.out


def test_the_scan_can_be_made_again_from_its_parameters(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    options = ("--region", "L4", "--seed", 3, "--pixel", 0.6, "--thickness", 3, "--rotation", 5)
    run_scgm(capsys, "phantom", "--output", tmp_path, *SMALL, *options)

    record = json.loads((tmp_path / "sub-phantom_T2starw.json").read_text(encoding="utf-8"))
    anatomy = Anatomy(**tuples(record["Anatomy"]))
    scan = Acquisition(**tuples(record["Acquisition"]))
    phantom = make_phantom(anatomy, scan, seed=record["Seed"])

    assert (anatomy.region, anatomy.rotation_deg) == ("L4", 5)
    image = nib.load(tmp_path / "sub-phantom_T2starw.nii.gz")
    np.testing.assert_array_equal(np.asarray(image.dataobj), phantom.volume.voxels)
    np.testing.assert_allclose(image.header.get_zooms(), (0.6, 0.6, 3))
    assert nib.aff2axcodes(image.affine) == ("R", "A", "S")
    for label, mask in (("GM", phantom.gm), ("WM", phantom.wm), ("SC", phantom.cord)):
        written = nib.load(tmp_path / f"sub-phantom_T2starw_label-{label}_seg.nii.gz")
        assert written.get_data_dtype() == np.uint8
        np.testing.assert_array_equal(np.asarray(written.dataobj), mask)
        assert mask.any()


def test_without_cord_the_masks_are_empty(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    run_scgm(capsys, "phantom", "--output", tmp_path, "--no-cord", *SMALL)

    mask = nib.load(tmp_path / "sub-phantom_T2starw_label-SC_seg.nii.gz")
    assert not np.asarray(mask.dataobj).any()


def test_ex_vivo_has_its_own_pixel_contrast_and_name(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    run_scgm(capsys, "phantom", "--output", tmp_path, "--ex-vivo", "--slices", 1, "--snr", "inf")

    record = json.loads((tmp_path / "sub-phantom_acq-exvivo_T2starw.json").read_text("utf-8"))
    assert record["Anatomy"]["ex_vivo"]
    assert record["Acquisition"]["spacing_mm"] == [1, 0.08, 0.08]
    assert record["Acquisition"]["snr"] is None


def test_an_earlier_scan_stays_unless_overwriting(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    arguments = ("phantom", "--output", tmp_path, *SMALL)
    run_scgm(capsys, *arguments)
    before = (tmp_path / "sub-phantom_T2starw.nii.gz").read_bytes()

    refused = run_scgm(capsys, *arguments, "--seed", 1)
    assert refused.status == 1
    assert "--overwrite" in refused.err
    assert (tmp_path / "sub-phantom_T2starw.nii.gz").read_bytes() == before
    assert run_scgm(capsys, *arguments, "--seed", 1, "--overwrite").status == 0
    assert (tmp_path / "sub-phantom_T2starw.nii.gz").read_bytes() != before
    assert {path.name for path in tmp_path.iterdir()} == NAMES


@pytest.mark.parametrize(
    "options", [("--region", "C9"), ("--contrast", "ct"), ("--pixel", 0), ("--rotation", "nan")]
)
def test_options_that_make_no_sense_are_wrong_usage(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, options: tuple[object, ...]
) -> None:
    ended = run_scgm(capsys, "phantom", "--output", tmp_path / "x", *options)

    assert ended.status == 2
    assert not (tmp_path / "x").exists()


def test_a_file_is_no_folder(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    ended = run_scgm(capsys, "phantom", "--output", tmp_path / "file", *SMALL)

    assert ended.status == 1
    assert "this is not a folder" in ended.err


def test_a_folder_that_cannot_be_made_is_named(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "file").touch()

    ended = run_scgm(capsys, "phantom", "--output", tmp_path / "file" / "below", *SMALL)

    assert ended.status == 1
    assert f"{tmp_path / 'file'}: this is not a folder" in ended.err


@pytest.mark.parametrize("file", sorted(NAMES))
def test_only_files_of_an_earlier_phantom_are_replaced(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, file: str
) -> None:
    (tmp_path / file).write_text("mine")

    ended = run_scgm(capsys, "phantom", "--output", tmp_path, *SMALL, "--overwrite")

    assert ended.status == 1
    assert f"{file}: it was not written by scgm" in ended.err
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {file: "mine"}


def test_a_phantom_with_a_corrected_mask_is_kept_whole(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    run_scgm(capsys, "phantom", "--output", tmp_path, *SMALL)
    (tmp_path / "sub-phantom_T2starw_label-GM_seg.nii.gz").write_text("corrected")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    ended = run_scgm(capsys, "phantom", "--output", tmp_path, *SMALL, "--seed", 1, "--overwrite")

    assert ended.status == 1
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_segmenting_a_phantom_keeps_its_truth(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    run_scgm(capsys, "phantom", "--output", tmp_path, *SMALL)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    ended = run_scgm(capsys, "segment", tmp_path / "sub-phantom_T2starw.nii.gz", "--overwrite")

    assert ended.status == 1
    assert "--output" in ended.err
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="forks processes")
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_fault_never_leaves_a_new_scan_beside_an_old_truth(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    kind: Callable[..., Fault],
) -> None:
    monkeypatch.setattr(os, "fsync", lambda _: None)
    made: dict[int, Phantom] = {}

    def make_once(*arguments: Any, seed: int) -> Phantom:
        if seed not in made:
            made[seed] = make_phantom(*arguments, seed=seed)
        return made[seed]

    monkeypatch.setattr("scgm.phantom.make_phantom", make_once)
    sets = []
    for seed in (0, 1):
        run_scgm(capsys, "phantom", "-o", tmp_path / f"seed-{seed}", *SMALL, "--seed", seed)
        sets.append({p.name: p.read_bytes() for p in (tmp_path / f"seed-{seed}").iterdir()})
    assert sets[0] != sets[1]
    for at in range(1, 90, 4):
        folder = tmp_path / str(at)
        shutil.copytree(tmp_path / "seed-0", folder)

        def run(folder: Path = folder, at: int = at) -> None:
            with faults(monkeypatch, kind(at, after=False)):
                run_scgm(capsys, "phantom", "-o", folder, *SMALL, "--seed", 1, "--overwrite")

        in_child(run)
        check_set(folder, sorted(NAMES), overwrite=True)

        left = {path.name: path.read_bytes() for path in folder.iterdir()}
        left.pop(FOLDER_LOCK, None)
        assert left in sets, at
