"""Result files: names, contents, and that they come whole or not at all."""

import csv
import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest

from scgm.errors import OutputError
from scgm.io.transaction import FOLDER_LOCK
from scgm.segmentation import outputs
from scgm.segmentation.measurements import SliceMeasurement
from scgm.segmentation.options import SegmentOptions, recorded
from scgm.segmentation.outputs import (
    OutputOptions,
    check_targets,
    result_name,
    what_differs,
    write_table,
)
from scgm.segmentation.pipeline import segment
from scgm.segmentation.segmentation import Segmentation
from scgm.segmenters.registry import OnnxModel, load_model
from tests.helpers.faults import KINDS, Fault, count_operations, faults, in_child
from tests.helpers.standin import cord_voxels, save_scan, scan, write_model

ALWAYS = {
    "sub-01_T2starw_label-GM_seg.nii.gz",
    "sub-01_T2starw_label-WM_seg.nii.gz",
    "sub-01_T2starw_label-SC_seg.nii.gz",
    "sub-01_T2starw_seg.json",
    "sub-01_T2starw_measurements.csv",
}
SOFT = {
    "sub-01_T2starw_label-GM_probseg.nii.gz",
    "sub-01_T2starw_label-WM_probseg.nii.gz",
    "sub-01_T2starw_label-SC_probseg.nii.gz",
}
PICTURE = {"sub-01_T2starw_qc.png"}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> OnnxModel:
    return load_model(write_model(tmp_path_factory.mktemp("model")))


@pytest.fixture(scope="module")
def result(model: OnnxModel, tmp_path_factory: pytest.TempPathFactory) -> Segmentation:
    voxels = cord_voxels()
    voxels[..., 3] = 0
    path = tmp_path_factory.mktemp("scan") / "sub-01_T2starw.nii.gz"
    return segment(save_scan(path, voxels, axes="LPI"), segmenter=model)


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("sub-01_T2starw.nii.gz", "sub-01_T2starw"),
        ("t2s.nii", "t2s"),
        ("T2S.NII.GZ", "T2S"),
        ("a.b.nii.gz", "a.b"),
        ("scan", "scan"),
        (".nii.gz", ".nii.gz"),
    ],
)
def test_a_result_has_the_name_of_its_image(file: str, name: str) -> None:
    assert result_name(file) == name


@pytest.mark.parametrize(
    ("choices", "names"),
    [
        ({}, ALWAYS),
        ({"soft": True}, ALWAYS | SOFT),
        ({"picture": True}, ALWAYS | PICTURE),
        ({"soft": True, "picture": True}, ALWAYS | SOFT | PICTURE),
    ],
)
def test_the_files_are_those_that_were_asked_for(
    result: Segmentation, tmp_path: Path, choices: dict[str, Any], names: set[str]
) -> None:
    written = result.save(tmp_path / "new" / "folder", **choices)

    assert {path.name for path in written} == names
    assert set(content(tmp_path / "new" / "folder")) == names


def test_masks_are_zero_and_one_on_the_grid_of_the_image(
    result: Segmentation, tmp_path: Path
) -> None:
    image = nib.load(result.volume.source)

    for path in result.save(tmp_path)[:3]:
        mask = nib.load(path)
        assert mask.get_data_dtype() == np.uint8
        assert set(np.unique(mask.dataobj)) == {0, 1}
        assert mask.shape == image.shape
        for name in ("srow_x", "srow_y", "srow_z", "sform_code", "qform_code", "pixdim"):
            np.testing.assert_array_equal(mask.header[name], image.header[name])


def test_gray_and_white_matter_make_up_the_cord(result: Segmentation, tmp_path: Path) -> None:
    gm, wm, cord = (np.asarray(nib.load(path).dataobj) for path in result.save(tmp_path)[:3])

    np.testing.assert_array_equal(gm + wm, cord)


def test_soft_maps_hold_what_lies_between_zero_and_one(model: OnnxModel, tmp_path: Path) -> None:
    voxels = cord_voxels()
    voxels[35, 15] = 1.3
    result = segment(scan(voxels), segmenter=model)
    result.save(tmp_path, soft=True)

    soft = nib.load(tmp_path / "image_label-GM_probseg.nii.gz")

    assert soft.get_data_dtype() == np.float32
    assert np.asarray(soft.dataobj)[35, 15, 0] == pytest.approx(0.3)


def test_the_table_has_a_row_per_slice_and_label(result: Segmentation, tmp_path: Path) -> None:
    result.save(tmp_path)

    with (tmp_path / "sub-01_T2starw_measurements.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))

    assert len(rows) == 15
    by_slice = {(row["slice_is"], row["label"]): row for row in rows}
    assert by_slice["0", "GM"]["area_mm2"] == "8.0000"
    assert by_slice["0", "GM"]["slice"] == "4"
    assert by_slice["3", "GM"]["area_mm2"] == ""
    assert by_slice["3", "GM"]["status"] == "no cord"


def test_the_record_says_what_made_the_files(result: Segmentation, tmp_path: Path) -> None:
    result.save(tmp_path)

    record = json.loads((tmp_path / "sub-01_T2starw_seg.json").read_text())

    assert record["model"]["sha256"] == result.provenance.model["sha256"]
    assert record["input"]["file"] == "sub-01_T2starw.nii.gz"
    assert len(record["input"]["sha256"]) == 64
    assert record["threshold"] == 0.5
    assert record["warnings"][0] == "1 of 5 slices: no cord"
    assert record["slices"][3] == {"slice": 1, "slice_is": 3, "status": "no cord"}


def test_nothing_is_overwritten_unasked(result: Segmentation, tmp_path: Path) -> None:
    other = tmp_path / "sub-01_T2starw_measurements.csv"
    other.write_text("mine")

    with pytest.raises(OutputError, match="exists already; use overwrite="):
        result.save(tmp_path)

    assert content(tmp_path) == {other.name: b"mine"}


def test_overwriting_leaves_nothing_of_the_earlier_result(
    result: Segmentation, tmp_path: Path
) -> None:
    result.save(tmp_path, soft=True, picture=True)
    (tmp_path / "notes.txt").write_text("mine")

    result.save(tmp_path, overwrite=True)

    assert set(content(tmp_path)) == ALWAYS | {"notes.txt"}


def test_the_same_result_gives_the_same_bytes(result: Segmentation, tmp_path: Path) -> None:
    result.save(tmp_path / "one", soft=True)
    result.save(tmp_path / "two", soft=True)

    assert content(tmp_path / "one") == content(tmp_path / "two")


def test_a_failure_while_writing_leaves_nothing(
    result: Segmentation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(outputs, "write_table", full)

    with pytest.raises(OutputError, match="No space left on device"):
        result.save(tmp_path)

    assert content(tmp_path) == {}


@pytest.mark.parametrize("moves", range(1, 11))
def test_a_failure_while_replacing_leaves_the_earlier_result(
    result: Segmentation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moves: int
) -> None:
    """Five files move out and five move in; after any number of them all are put back."""
    result.save(tmp_path)
    earlier = content(tmp_path)
    rename = os.rename
    count = 0

    def broken(source: Any, target: Any) -> None:
        nonlocal count
        count += 1
        if count == moves:
            raise OSError(5, "Input/output error")
        rename(source, target)

    monkeypatch.setattr(os, "rename", broken)

    with pytest.raises(OutputError, match="Input/output error"):
        result.save(tmp_path, overwrite=True)

    assert content(tmp_path) == earlier


@pytest.mark.parametrize("moves", range(1, 6))
def test_a_failure_while_moving_leaves_nothing_of_a_first_result(
    result: Segmentation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moves: int
) -> None:
    rename = os.rename
    count = 0

    def broken(source: Any, target: Any) -> None:
        nonlocal count
        count += 1
        if count == moves:
            raise OSError(5, "Input/output error")
        rename(source, target)

    monkeypatch.setattr(os, "rename", broken)

    with pytest.raises(OutputError, match="Input/output error"):
        result.save(tmp_path)

    assert content(tmp_path) == {}


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="forks processes")
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("overwrite", [False, True], ids=["fresh", "overwrite"])
def test_a_fault_at_any_operation_leaves_one_whole_result_or_none(
    result: Segmentation,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    kind: Callable[..., Fault],
    overwrite: bool,
) -> None:
    """After the next run; the earlier result has probabilities, the later one has none."""
    monkeypatch.setattr(os, "fsync", lambda _: None)
    options = OutputOptions(overwrite=overwrite)
    result.save(tmp_path / "first", soft=True)
    result.save(tmp_path / "later")
    earlier = content(tmp_path / "first") if overwrite else {}
    later = content(tmp_path / "later")
    count = count_operations(monkeypatch, lambda: result.save(tmp_path / "first", overwrite=True))
    for at in range(1, count + 1, 3):
        folder = tmp_path / str(at)
        if overwrite:
            result.save(folder, soft=True)

        def run(folder: Path = folder, at: int = at) -> None:
            with faults(monkeypatch, kind(at, after=False)):
                result.save(folder, options)

        in_child(run)
        check_targets(folder, "sub-01_T2starw", overwrite=True)

        left = content(folder) if folder.exists() else {}
        left.pop(FOLDER_LOCK, None)
        assert left in (earlier, later), at


@pytest.mark.parametrize("file", sorted(ALWAYS))
def test_what_the_record_does_not_claim_is_never_replaced(
    result: Segmentation, tmp_path: Path, file: str
) -> None:
    """A mask that was drawn by hand, before or in place of a result."""
    (tmp_path / file).write_bytes(b"mine")

    with pytest.raises(OutputError, match="it was not written by scgm, or was changed since"):
        result.save(tmp_path, overwrite=True)

    assert content(tmp_path) == {file: b"mine"}


@pytest.mark.parametrize("file", sorted(ALWAYS - {"sub-01_T2starw_seg.json"}))
def test_a_corrected_file_of_a_result_is_never_replaced(
    result: Segmentation, tmp_path: Path, file: str
) -> None:
    result.save(tmp_path)
    (tmp_path / file).write_bytes(b"corrected")
    before = content(tmp_path)

    with pytest.raises(OutputError, match=f"{file}: it was not written by scgm, or was changed"):
        result.save(tmp_path, overwrite=True)

    assert content(tmp_path) == before


def test_a_file_that_is_corrected_while_a_result_is_written_is_not_replaced(
    result: Segmentation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result.save(tmp_path)
    mask = tmp_path / "sub-01_T2starw_label-GM_seg.nii.gz"

    def meanwhile(*arguments: Any) -> None:
        mask.write_bytes(b"corrected")
        write_table(*arguments)

    monkeypatch.setattr(outputs, "write_table", meanwhile)

    with pytest.raises(OutputError, match="it was not written by scgm, or was changed since"):
        result.save(tmp_path, overwrite=True)

    assert mask.read_bytes() == b"corrected"


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"files": []}', '{"files": {"a": 3}}', "9" * 5000]
)
def test_a_record_that_is_none_claims_nothing(
    result: Segmentation, tmp_path: Path, text: str
) -> None:
    record = tmp_path / "sub-01_T2starw_seg.json"
    record.write_text(text)
    (tmp_path / "sub-01_T2starw_label-GM_seg.nii.gz").write_bytes(b"mine")
    before = content(tmp_path)

    with pytest.raises(OutputError, match="it was not written by scgm, or was changed since"):
        result.save(tmp_path, overwrite=True)

    assert content(tmp_path) == before


def test_the_record_lists_the_files_with_their_checksums(
    result: Segmentation, tmp_path: Path
) -> None:
    result.save(tmp_path, soft=True)

    record = json.loads((tmp_path / "sub-01_T2starw_seg.json").read_text())

    others = ALWAYS | SOFT
    others.remove("sub-01_T2starw_seg.json")
    assert record["files"] == {
        name: hashlib.sha256((tmp_path / name).read_bytes()).hexdigest() for name in others
    }


@pytest.mark.parametrize(
    "name", [b"caf\xe9.nii.gz", "中 a.nii.gz".encode(), b"a\x1b[2Jb\n.nii.gz", b"x" * 220 + b".nii"]
)
def test_any_file_name_can_be_an_image(model: OnnxModel, tmp_path: Path, name: bytes) -> None:
    image = tmp_path / os.fsdecode(name)
    try:
        save_scan(tmp_path / f"plain{'.nii' if name.endswith(b'.nii') else '.nii.gz'}").rename(
            image
        )
    except OSError:
        pytest.skip("this file system does not take the name")
    result = segment(image, segmenter=model)

    result.save(tmp_path / "out")
    result.save(tmp_path / "out", overwrite=True)

    assert len(content(tmp_path / "out")) == 5
    for path in (tmp_path / "out").iterdir():
        if path.suffix in {".json", ".csv"}:
            path.read_bytes().decode("utf-8")
    assert what_differs(tmp_path / "out", image, {}, OutputOptions()) == ""


def test_a_name_that_gets_too_long_is_said(model: OnnxModel, tmp_path: Path) -> None:
    """247 bytes fit with .nii, but not with the ending of a mask."""
    result = segment(save_scan(tmp_path / f"{'x' * 243}.nii"), segmenter=model)

    with pytest.raises(OutputError, match="the name has more than 255 bytes"):
        result.save(tmp_path / "out")

    assert not (tmp_path / "out").exists()


def test_a_result_is_done_only_in_the_same_way(result: Segmentation, tmp_path: Path) -> None:
    image = result.volume.source
    assert image is not None
    made = {"method": "default", "options": recorded(SegmentOptions())}

    def differs(image: Path = image, made: dict[str, Any] = made, **wanted: bool) -> str:
        return what_differs(tmp_path, image, made, OutputOptions(**wanted))

    assert differs() == "has no record"
    result.save(tmp_path, soft=True)

    assert differs() == ""
    assert differs(soft=True) == ""
    assert differs(picture=True) == "was made without --qc"
    assert differs(dicom=True) == "was made without --dicom"
    assert differs(made={**made, "method": "ddc"}) == "was made with another method"
    other_options = {"options": recorded(SegmentOptions(threshold=0.4), "0" * 64)}
    assert differs(made=other_options) == (
        "was made with another threshold, mask or center line of the cord"
    )
    (tmp_path / "other").mkdir()
    other = save_scan(tmp_path / "other" / "sub-01_T2starw.nii.gz")
    assert differs(other) == "is that of another image, or the image was changed since"
    (tmp_path / "sub-01_T2starw_measurements.csv").unlink()
    assert differs() == "lacks a file, or one was changed"
    assert "is that of another image" in differs(tmp_path / "no" / other.name)


def test_a_file_is_no_folder_for_results(result: Segmentation, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine")

    with pytest.raises(OutputError, match="give a folder"):
        result.save(tmp_path / "out")


def test_a_name_cannot_become_a_formula_of_a_spreadsheet(tmp_path: Path) -> None:
    row = SliceMeasurement(
        file="=cmd.nii",
        slice=0,
        slice_is=0,
        label="GM",
        area_mm2=1.0,
        area_soft_mm2=None,
        center_x=-2.5,
        center_y=3.0,
        presence=1.0,
        confidence=None,
        status="ok",
        slice_mm=5.0,
        pixel_area_mm2=0.25,
        voxel_size_from="qform",
    )
    write_table([row], tmp_path / "table.csv")

    cells = (tmp_path / "table.csv").read_text().splitlines()[1]

    assert cells == "'=cmd.nii,0,0,GM,1.0000,,-2.5000,3.0000,1.0000,,ok,5.0000,0.2500,qform"
