"""What holds for every test."""

import os
import tempfile
from pathlib import Path

import pytest

# Before tests are collected, which already list models.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # some tests import the runtime themselves
os.environ["SCGM_HOME"] = str(Path(tempfile.gettempdir()) / "scgm-tests-no-home")


@pytest.fixture(scope="session", autouse=True)
def _cache_apart(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keep prepared images out of the home of whoever runs the tests."""
    patch = pytest.MonkeyPatch()
    patch.setenv("SCGM_CACHE", str(tmp_path_factory.mktemp("cache") / Path("scgm")))
