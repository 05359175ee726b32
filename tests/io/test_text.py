"""Text of others, printed and stored."""

import os

import pytest

from scgm.io.tables import cell
from scgm.io.text import name_text, printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("sub-01 中 é.nii", "sub-01 中 é.nii"),
        ("a\x1b[31mb", "a\\x1b[31mb"),
        ("a\r\n\tb", "a\\r\\n\\tb"),
        ("a\u202eb", "a\\u202eb"),  # what follows would be shown from right to left
        (os.fsdecode(b"caf\xe9"), "caf\\xe9"),
    ],
)
def test_only_what_prints_is_printed(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_line_breaks_stay_where_they_are_ours() -> None:
    assert printable("a\n\x07b", keep="\n") == "a\n\\x07b"


@pytest.mark.parametrize(("name", "text"), [(b"caf\xe9", "caf\\xe9"), ("é".encode(), "é")])
def test_a_name_is_stored_as_text(name: bytes, text: str) -> None:
    assert name_text(os.fsdecode(name)) == text


def test_a_cell_is_text() -> None:
    assert cell(os.fsdecode(b"caf\xe9\x1b")) == "caf\\xe9\\x1b"
