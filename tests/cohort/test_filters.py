"""Which images are wanted."""

import json
from pathlib import Path
from typing import Any

import pytest

from scgm.cohort.filters import Filters, read_filters
from scgm.errors import UsageError


def wanted(filters: Filters, *names: str) -> list[str]:
    return [name for name in names if filters.wants(name)]


def filter_file(folder: Path, content: Any) -> Path:
    path = folder / "filters.json"
    path.write_text(json.dumps(content))
    return path


def test_the_contrast_of_the_model_is_wanted_where_none_is_named() -> None:
    names = ("sub-01_T2starw", "sub-01_T1w", "sub-01_run-1_T2starw")

    assert wanted(read_filters({}), *names) == ["sub-01_T2starw", "sub-01_run-1_T2starw"]


def test_all_filters_must_fit() -> None:
    filters = read_filters({"session": ["ses-1", "2"], "suffix": ["MTS"], "run": ["1"]})

    fitting = ("sub-01_ses-1_run-01_MTS", "sub-02_ses-2_run-1_MTS")
    others = ("sub-01_ses-1_run-2_MTS", "sub-01_ses-3_run-1_MTS", "sub-01_ses-1_run-1_T2starw")
    assert wanted(filters, *fitting, *others) == [*fitting]


def test_one_query_of_a_filter_file_must_fit(tmp_path: Path) -> None:
    """null: an image without that entity; a number or a list, as pybids takes them."""
    file = filter_file(
        tmp_path,
        {
            "t2starw": {"datatype": "anat", "acquisition": None, "suffix": "T2starw"},
            "mt": {"run": [1, 2], "suffix": ["MTS", "MTw"]},
        },
    )

    fitting = ("sub-01_T2starw", "sub-01_run-2_MTS", "sub-01_acq-x_run-1_MTw")
    others = ("sub-01_acq-ax_T2starw", "sub-01_run-3_MTS", "sub-01_MTS", "sub-01_T1w")
    assert wanted(read_filters({}, file), *fitting, *others) == [*fitting]


@pytest.mark.parametrize("label", ["../x", "/etc", "sub-../x", "", ".", "a b", "a_b"])
def test_a_label_that_leads_elsewhere_is_refused(label: str) -> None:
    with pytest.raises(UsageError, match="is no label of a subject"):
        read_filters({"subject": [label]})


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ([1], "no filter file"),
        ({"a": {"weather": "fine"}}, "'weather' is not known"),
        ({"a": {"datatype": "func"}}, "'func' is not read"),
        ({"a": {"run": {"x": 1}}}, "run is"),
    ],
)
def test_a_filter_file_that_makes_no_sense_is_refused(
    tmp_path: Path, content: Any, words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        read_filters({}, filter_file(tmp_path, content))


def test_a_filter_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no filter file can be read"):
        read_filters({}, tmp_path / "missing.json")
