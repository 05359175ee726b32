"""What holds for every test."""

import os
import signal
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings

# Before tests are collected, which already list models.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # some tests import the runtime themselves
os.environ["SCGM_HOME"] = str(Path(tempfile.gettempdir()) / "scgm-tests-no-home")

# Jobs in the background ignore Ctrl-C, which some tests send.
signal.signal(signal.SIGINT, signal.default_int_handler)

# The same examples each time, so that a test passes on every machine or on none. No deadline:
# how long an example takes says something about the machine alone.
settings.register_profile("fixed", derandomize=True, deadline=None)
settings.register_profile("explore", derandomize=False, deadline=None, print_blob=True)
settings.load_profile("fixed")


@pytest.fixture(scope="session", autouse=True)
def _cache_apart(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keep prepared images out of the home of whoever runs the tests."""
    patch = pytest.MonkeyPatch()
    patch.setenv("SCGM_CACHE", str(tmp_path_factory.mktemp("cache") / Path("scgm")))
