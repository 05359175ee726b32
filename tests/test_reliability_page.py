"""The page of reliability names tests: each of them must be there."""

import re
from pathlib import Path

TESTS = Path(__file__).parent
PAGE = TESTS.parent / "docs" / "reliability.md"


def test_every_test_that_the_page_names_is_there() -> None:
    lines = re.findall(r"^\| .*? \| .*? \| (`.*) \|$", PAGE.read_text("utf-8"), re.MULTILINE)
    named = [group for line in lines for group in line.split("; ")]
    missing = []
    for group in named:
        file, *names = re.findall(r"`([^`]+)`", group)
        source = (TESTS / f"{file}.py").read_text(encoding="utf-8")
        missing += [(file, name) for name in names if f"def test_{name}(" not in source]

    assert missing == []
    assert len(named) >= 60
