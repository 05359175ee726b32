import pytest

from scgm.io.tables import cell, table_text


def test_a_table_has_a_head_and_a_line_for_each_row() -> None:
    text = table_text(("name", "mm"), [("a", 1.25), ("b", None)], separator="\t", digits=".1f")

    assert text == "name\tmm\na\t1.2\nb\t\n"


@pytest.mark.parametrize("text", ["=a()", "+a", "-a", "@a", "\ta", "\ra"])
def test_no_cell_runs_in_a_spreadsheet(text: str) -> None:
    assert cell(text) == f"'{text}"


@pytest.mark.parametrize("text", ["-1.5", "+2", "-inf", "sub-01", "a=b", ""])
def test_numbers_and_names_stay_as_they_are(text: str) -> None:
    assert cell(text) == text


def test_what_is_missing_is_empty() -> None:
    assert (cell(None), cell(float("nan")), cell(0.0), cell(False)) == ("", "", "0", "False")
