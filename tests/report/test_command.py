"""The command that repeats a result."""

import shlex
from pathlib import Path

import pytest

from scgm.report.command import repeating_command
from scgm.report.records import read_record
from tests.helpers.results import edit, save_result


def command(tmp_path: Path, **options: object) -> list[str]:
    path = edit(save_result(tmp_path), lambda record: record["options"].update(options))
    return shlex.split(repeating_command(read_record(path)))


def test_defaults_are_left_out(tmp_path: Path) -> None:
    assert command(tmp_path, model=None) == ["scgm", "segment", "t2s.nii.gz", "--soft"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"threshold": 0.4}, ["--threshold", "0.4"]),
        ({"center": [120, 131.5]}, ["--center", "120,131.5"]),
        ({"cord": "a cord.nii.gz"}, ["--cord", "a cord.nii.gz"]),
        ({"cord": "/home/ann/c.nii.gz"}, ["--cord", "c.nii.gz"]),
        ({"cord_model": "default"}, ["--cord-model", "default"]),
        ({"volume": 0}, ["--volume", "0"]),
        ({"slices_in_time": True}, ["--slices-in-time"]),
        ({"series": "5"}, ["--series", "5"]),
        ({"keep_identifiers": True}, ["--keep-identifiers"]),
        ({"voxel_size_from": "qform"}, ["--voxel-size-from", "qform"]),
        ({"device": "cpu"}, ["--device", "cpu"]),
    ],
)
def test_options_are_named(tmp_path: Path, options: dict[str, object], words: list[str]) -> None:
    given = command(tmp_path, **{"model": None, **options})

    assert given == ["scgm", "segment", "t2s.nii.gz", *words, "--soft"]


def test_a_name_that_is_no_single_word_is_quoted(tmp_path: Path) -> None:
    path = save_result(tmp_path, "-a b; rm", soft=False)
    edit(path, lambda record: record["options"].update(model=None))

    words = shlex.split(repeating_command(read_record(path)))

    assert words == ["scgm", "segment", "./-a b; rm.nii.gz"]
