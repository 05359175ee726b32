"""The image of a result: found by its name, known by its checksum."""

from pathlib import Path

import pytest

import scgm
from scgm.errors import RecordError
from scgm.report.images import ImageFolders, read_image
from scgm.report.records import read_record
from scgm.segmentation.pipeline import segment
from tests.helpers.dicom_files import STANDIN, cord_slab, save, slices
from tests.helpers.results import edit, save_result, with_gray_matter
from tests.helpers.standin import save_scan, write_model

NONE = ImageFolders.of(())


def test_the_image_beside_the_record_is_read(tmp_path: Path) -> None:
    record = read_record(save_result(tmp_path))

    assert read_image(record, NONE).slices.shape == (5, 50, 60)


def test_of_two_images_of_one_name_that_with_the_checksum_is_read(tmp_path: Path) -> None:
    """Names such as t2.nii.gz lie in the folder of every person."""
    save_scan(_made(tmp_path / "data" / "a") / "t2s.nii.gz", with_gray_matter(10))
    path = save_result(tmp_path / "results", images=tmp_path / "data" / "b")

    stack = read_image(read_record(path), ImageFolders.of([tmp_path / "data"]))

    assert (stack.slices == 2).sum() == 5 * 8 * 4


def test_results_can_lie_among_the_dicom_files_of_their_image(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = save(tmp_path / "t2s", slices(cord_slab(), **STANDIN))
    segment(folder, model=write_model(tmp_path)).save(folder)
    record = read_record(folder / "t2s_seg.json")
    monkeypatch.chdir(folder)

    assert len(read_image(record, NONE).slices) == 4
    assert len(read_image(read_record(Path("t2s_seg.json")), NONE).slices) == 4
    assert scgm.measure(folder).rows[0]["mean"] is not None


def test_the_folder_one_stands_in_can_be_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = save(tmp_path / "t2s", slices(cord_slab(), **STANDIN))
    segment(folder, model=write_model(tmp_path)).save(tmp_path / "results")
    record = read_record(tmp_path / "results" / "t2s_seg.json")
    monkeypatch.chdir(folder)

    assert len(read_image(record, ImageFolders.of([Path()])).slices) == 4


def test_an_image_can_be_named_itself(tmp_path: Path) -> None:
    path = save_result(tmp_path / "results", images=tmp_path / "data")

    stack = read_image(read_record(path), ImageFolders.of([tmp_path / "data" / "t2s.nii.gz"]))

    assert len(stack.slices) == 5


def test_an_image_that_is_gone_is_told(tmp_path: Path) -> None:
    path = save_result(tmp_path / "results", images=tmp_path / "data")

    with pytest.raises(RecordError, match=r"t2s\.nii\.gz is not found.*--images"):
        read_image(read_record(path), NONE)


def test_an_image_that_changed_is_told(tmp_path: Path) -> None:
    path = save_result(tmp_path)
    save_scan(tmp_path / "t2s.nii.gz", with_gray_matter(10))

    with pytest.raises(RecordError, match="changed"):
        read_image(read_record(path), NONE)


def test_an_image_in_memory_is_told(tmp_path: Path) -> None:
    path = edit(save_result(tmp_path), lambda record: record["input"].update(file=None))

    with pytest.raises(RecordError, match="in memory"):
        read_image(read_record(path), NONE)


def test_a_record_with_other_slices_than_the_image_is_told(tmp_path: Path) -> None:
    path = edit(save_result(tmp_path), lambda record: record["slices"].pop())

    with pytest.raises(RecordError, match="5 slices, the record 4"):
        read_image(read_record(path), NONE)


def test_a_record_cannot_name_a_file_elsewhere(tmp_path: Path) -> None:
    save_scan(tmp_path / "secret.nii.gz")
    path = save_result(tmp_path / "results")
    edit(path, lambda record: record["input"].update(file="../secret.nii.gz"))

    with pytest.raises(RecordError, match="not found"):
        read_image(read_record(path), NONE)


def test_a_folder_of_images_that_is_missing_is_told(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match="no such folder or image"):
        ImageFolders.of([tmp_path / "nowhere"])


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True)
    return folder
