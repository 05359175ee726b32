"""Results measured in memory, and again from their files."""

import json
import warnings
from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

import scgm
from scgm.errors import ImageReadError, ScgmWarning, UsageError
from scgm.measurement.columns import NAMES
from scgm.measurement.rows import Cell
from scgm.segmentation.outputs import OutputOptions
from scgm.segmentation.segmentation import Segmentation
from scgm.segmenters.registry import OnnxModel, load_model
from tests.helpers.standin import cord_voxels, scan, turned, write_model

pytestmark = pytest.mark.filterwarnings("ignore::scgm.errors.ScgmWarning")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> OnnxModel:
    return load_model(write_model(tmp_path_factory.mktemp("model")))


def voxels() -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """Return a cord whose lowest slice shows none, and whose next one has no gray matter."""
    values = cord_voxels()
    values[..., 0] = 0
    values[34:42, 14:18, 1] = 1
    values[34:42, 14, 2] = 1.25  # a quarter gray matter
    return values


def saved(folder: Path, model: OnnxModel, axes: str = "RAS", *, soft: bool = True) -> Segmentation:
    """Segment a scan in a folder, and write the result beside it."""
    path = folder / "sub-01_T2starw.nii.gz"
    turned(scan(voxels()), axes).to_filename(path)
    result = scgm.segment(path, segmenter=model)
    result.save(folder, OutputOptions(soft=soft))
    return result


def same(one: dict[str, Cell], other: dict[str, Cell]) -> None:
    for name in NAMES:
        assert one[name] == (
            pytest.approx(other[name], rel=1e-5, abs=1e-5)
            if isinstance(other[name], float)
            else other[name]
        ), name


def test_the_areas_are_those_of_the_short_table(model: OnnxModel) -> None:
    result = scgm.segment(scan(voxels()), segmenter=model)
    short = {(row.slice_is, row.label): row for row in result.measurements()}
    table = result.measure(angle_correction=False)

    assert len(table) == len(short)
    for row in table:
        known = short[row["slice_is"], row["label"]]  # type: ignore[index]
        assert row["status"] == known.status
        for name in ("area_mm2", "area_soft_mm2"):
            expected = getattr(known, name)
            assert row[name] == (None if expected is None else pytest.approx(expected))


def test_what_was_not_seen_is_missing(model: OnnxModel) -> None:
    rows = scgm.segment(scan(voxels()), segmenter=model).measure().rows
    lowest, no_gray = rows[:3], rows[3:6]

    assert {row["status"] for row in lowest} == {"no cord"}
    assert all(row["area_mm2"] is None and row["angle_deg"] is None for row in lowest)
    assert {row["status"] for row in no_gray} == {"no gray matter"}
    assert [row["area_mm2"] is None for row in no_gray] == [True, True, False]


@pytest.mark.parametrize("axes", ["RAS", "LPI", "ASR"])
def test_a_saved_result_is_measured_as_it_was_in_memory(
    tmp_path: Path, model: OnnxModel, axes: str
) -> None:
    """Also its intensities: the image lies in the same folder."""
    result = saved(tmp_path, model, axes)
    again = scgm.measure(tmp_path)

    assert len(again) == len(result.measure())
    for one, other in zip(again, result.measure(), strict=True):
        same(one, other)
    assert again.rows[6]["mean"] is not None


@pytest.mark.parametrize("name", ["sub-01_T2starw_seg.json", "sub-01_T2starw_label-SC_seg.nii.gz"])
def test_a_record_and_a_mask_stand_for_their_result(
    tmp_path: Path, model: OnnxModel, name: str
) -> None:
    saved(tmp_path, model)

    assert len(scgm.measure(tmp_path / name)) == 15


def test_the_image_is_not_taken_if_it_is_another_one_now(tmp_path: Path, model: OnnxModel) -> None:
    saved(tmp_path, model)
    path = tmp_path / "sub-01_T2starw.nii.gz"
    scan(voxels() * 2).to_filename(path)

    without = scgm.measure(tmp_path)
    given = scgm.measure(tmp_path, image=path)

    assert without.rows[6]["mean"] is None
    assert [line for line in without.warnings if "gray values" in line] == [
        "gray values and contrast are missing where the scan is not in the folder of its result, "
        "or has changed since; name it with image="
    ]
    assert given.rows[6]["mean"] is not None
    assert not [line for line in given.warnings if "gray values" in line]


def test_a_corrected_mask_is_measured_as_it_is_and_that_is_said(
    tmp_path: Path, model: OnnxModel
) -> None:
    before = saved(tmp_path, model, soft=False).measure(by="whole").rows[2]
    path = tmp_path / "sub-01_T2starw_label-SC_seg.nii.gz"
    image = nib.load(path)
    values = np.asarray(image.dataobj).copy()
    values[30, 10:26, 3] = 0  # 16 pixels of 0.25 mm2 in one slice of 5 mm
    nib.Nifti1Image(values, image.affine).to_filename(path)
    table = scgm.measure(tmp_path, by="whole")

    assert f"{path.name}: changed since scgm wrote it" in " ".join(table.warnings)
    volume = table.rows[2]["volume_mm3"]
    assert isinstance(before["volume_mm3"], float)
    assert volume == pytest.approx(before["volume_mm3"] - 16 * 0.25 * 5)


def test_a_slice_that_somebody_emptied_does_not_spoil_the_others(
    tmp_path: Path, model: OnnxModel
) -> None:
    saved(tmp_path, model)
    path = tmp_path / "sub-01_T2starw_label-SC_seg.nii.gz"
    image = nib.load(path)
    values = np.asarray(image.dataobj).copy()
    values[..., 3] = 0
    nib.Nifti1Image(values, image.affine).to_filename(path)
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        rows = scgm.measure(tmp_path).rows

    assert [row["angle_deg"] is None for row in rows[2::3]] == [True, False, False, True, False]
    assert rows[11]["area_mm2"] is None


def test_flagged_slices_of_a_record_are_left_out_of_means(tmp_path: Path, model: OnnxModel) -> None:
    saved(tmp_path, model)
    rows = scgm.measure(tmp_path, by="whole").rows

    assert [(row["slices"], row["slices_left_out"]) for row in rows] == [(3, 2)] * 3


def test_a_record_that_does_not_name_every_slice_is_refused(
    tmp_path: Path, model: OnnxModel
) -> None:
    saved(tmp_path, model)
    path = tmp_path / "sub-01_T2starw_seg.json"
    record = json.loads(path.read_text(encoding="utf-8"))
    record["slices"].pop()
    path.write_text(json.dumps(record), encoding="utf-8")

    with pytest.raises(ImageReadError, match="status of each of the 5 slices"):
        scgm.measure(path)


@pytest.mark.parametrize("field", ["input", "options"])
def test_a_record_with_a_damaged_field_is_refused(
    tmp_path: Path, model: OnnxModel, field: str
) -> None:
    saved(tmp_path, model)
    path = tmp_path / "sub-01_T2starw_seg.json"
    record = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(record | {field: None}), encoding="utf-8")

    with pytest.raises(ImageReadError, match=f"its field '{field}' is damaged"):
        scgm.measure(path)


def test_what_is_no_result_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ImageReadError, match="holds no result"):
        scgm.measure(tmp_path)
    with pytest.raises(ImageReadError, match="there is no such file or folder"):
        scgm.measure(tmp_path / "t2s.nii.gz")
    (tmp_path / "t2s.nii.gz").touch()
    with pytest.raises(ImageReadError, match="belongs to no result"):
        scgm.measure(tmp_path / "t2s.nii.gz")
    with pytest.raises(ImageReadError, match="there is no such record"):
        scgm.measure(tmp_path / "t2s_seg.json")


@pytest.mark.parametrize("given", [{}, {"result": "x", "gm": "y"}])
def test_either_a_result_or_masks_are_given(given: dict[str, str]) -> None:
    with pytest.raises(UsageError) as refused:
        scgm.measure(**given)  # type: ignore[arg-type]

    assert "gm=" in str(refused.value)


def test_masks_in_memory_are_measured() -> None:
    cord = nib.Nifti1Image((cord_voxels() > 0).astype(np.uint8), np.diag([0.5, 0.5, 5, 1]))
    gm = nib.Nifti1Image((cord_voxels() > 1).astype(np.uint8), np.diag([0.5, 0.5, 5, 1]))
    table = scgm.measure(gm=gm, cord=cord, by="whole")

    assert [row["area_mm2"] for row in table] == pytest.approx([8, 72, 80])
    assert table.rows[0]["gm_cord_ratio"] == pytest.approx(0.1)


def test_a_result_without_a_cord_has_gray_matter_alone(model: OnnxModel) -> None:
    whole = scgm.segment(scan(voxels()), segmenter=model)
    result = replace(whole, probabilities=replace(whole.probabilities, cord=None))

    assert {row["label"] for row in result.measure()} == {"GM"}


@pytest.mark.filterwarnings("default::scgm.errors.ScgmWarning")
def test_what_was_taken_for_granted_is_a_python_warning() -> None:
    cord = (cord_voxels() > 0).astype(np.uint8)
    affine = np.diag([0.5, 0.5, 5, 1])
    images = [nib.Nifti1Image(values, affine) for values in (cord, cord * np.uint8(3))]
    with pytest.warns(ScgmWarning, match="taken as vertebral levels; level_kind="):
        table = scgm.measure(cord=images[0], levels_from=images[1])

    assert {row["level"] for row in table} == {"C3"}
