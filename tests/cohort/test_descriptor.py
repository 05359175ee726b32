"""The descriptor of the BIDS App says what the command takes."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from scgm.cli.app import app
from scgm.version import __version__

FOLDER = Path(__file__).parents[2] / "containers"
FILE = FOLDER / "scgm-cohort.json"
BOSH = shutil.which("bosh", path=str(Path(sys.executable).parent))


@pytest.mark.slow
@pytest.mark.skipif(BOSH is None, reason="needs boutiques")
def test_it_fits_the_schema() -> None:
    command = [str(BOSH), "validate", str(FILE)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)

    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_every_input_is_an_option_of_the_command() -> None:
    command = typer.main.get_command(app).commands["cohort"]  # type: ignore[attr-defined]
    options = {name for parameter in command.params for name in parameter.opts}
    descriptor = json.loads(FILE.read_text(encoding="utf-8"))
    flags = {each["command-line-flag"] for each in descriptor["inputs"] if "optional" in each}

    assert flags <= options
    assert descriptor["tool-version"] == __version__
    assert all(each["value-key"] in descriptor["command-line"] for each in descriptor["inputs"])


@pytest.mark.parametrize("recipe", ["Containerfile", "scgm.def"])
def test_both_recipes_run_the_script_that_is_tested(recipe: str) -> None:
    text = (FOLDER / recipe).read_text(encoding="utf-8")

    assert "/source/containers/install /source /opt/scgm" in text
    assert "scgm cohort" in text or '["scgm", "cohort"]' in text
