"""Records: which are found, and what is wrong with those that cannot be read."""

import json
from pathlib import Path

import pytest

from scgm.errors import ImageReadError, RecordError
from scgm.report.records import find_records, is_foreign, read_record
from tests.helpers.results import edit, save_result


def test_records_are_found_in_folders_and_by_name_each_once(tmp_path: Path) -> None:
    first, second = save_result(tmp_path / "a", "one"), save_result(tmp_path / "b" / "c", "two")

    assert find_records([tmp_path, first]) == [first, second]


@pytest.mark.parametrize("name", ["missing_seg.json", "mask.nii.gz", "missing"])
def test_what_is_no_record_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / "mask.nii.gz").touch()

    if name.endswith("_seg.json"):  # told, with the others, when it is read
        with pytest.raises(RecordError, match=name):
            read_record(find_records([tmp_path / name])[0])
    else:
        with pytest.raises(ImageReadError, match=name):
            find_records([tmp_path / name])


def test_a_record_is_read(tmp_path: Path) -> None:
    record = read_record(save_result(tmp_path, "sub-01_T2starw"))

    assert (record.name, record.title) == ("sub-01_T2starw", "sub-01_T2starw")
    assert record.input.file == "sub-01_T2starw.nii.gz"
    assert [each.slice for each in record.slices] == [0, 1, 2, 3, 4]


def test_the_key_is_that_of_image_and_masks(tmp_path: Path) -> None:
    path = save_result(tmp_path)
    before = read_record(path).key

    edit(path, lambda record: record.update(seconds=99.0))
    same = read_record(path).key
    edit(path, lambda record: record["files"].update({"t2s_label-GM_seg.nii.gz": "0" * 64}))

    assert same == before != read_record(path).key


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "damaged"),
        ("", "damaged"),
        ("[" * 100_000, "damaged"),
        ("[1]", "no record of scgm"),
        ('{"version": "9", "method": "x"}', "version 9"),
    ],
)
def test_a_damaged_record_is_told_in_a_sentence(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "a_seg.json"
    path.write_text(text)

    with pytest.raises(RecordError, match=said) as raised:
        read_record(path)
    assert "a_seg.json" in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("field", ["version", "slices", "files", "input", "threshold", "options"])
def test_a_record_without_a_field_names_it(tmp_path: Path, field: str) -> None:
    path = edit(save_result(tmp_path), lambda record: record.pop(field))

    with pytest.raises(RecordError, match=field):
        read_record(path)


def test_bytes_that_are_no_text_are_told(tmp_path: Path) -> None:
    path = tmp_path / "a_seg.json"
    path.write_bytes(b"\xff\xfe{}")

    with pytest.raises(RecordError, match="damaged"):
        read_record(path)


def test_fields_of_a_later_version_are_left_alone(tmp_path: Path) -> None:
    path = edit(save_result(tmp_path), lambda record: record.update(later={"a": 1}))

    assert read_record(path).method == "default"


def test_a_sidecar_of_bids_is_foreign_and_a_damaged_record_is_not(tmp_path: Path) -> None:
    sidecar = tmp_path / "sub-01_label-GM_seg.json"
    sidecar.write_text(json.dumps({"GeneratedBy": [{"Name": "someone"}]}))
    damaged = tmp_path / "b_seg.json"
    damaged.write_text("{")

    assert is_foreign(sidecar)
    assert not is_foreign(damaged)
    assert not is_foreign(save_result(tmp_path / "own"))
