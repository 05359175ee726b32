"""The examples in docstrings are true."""

import doctest
import importlib
from pathlib import Path

import pytest

import scgm

PACKAGE = Path(scgm.__file__).parent
MODULES = sorted(
    ".".join(("scgm", *path.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(".__init__")
    for path in PACKAGE.rglob("*.py")
    if ">>> " in path.read_text(encoding="utf-8")
)


@pytest.mark.parametrize("name", MODULES)
def test_examples_of_a_module_are_true(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0
