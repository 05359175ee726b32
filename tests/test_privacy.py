"""Nothing leaves the machine, and nothing is written into the home: told from outside."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from scgm.io.hashing import sha256_of_file
from tests.helpers.standin import cord_voxels, save_scan, write_model

# Every Python process below the tested one writes down what it does with sockets.
WATCH = """
import os, sys

def watch(event, arguments):
    if event in ("socket.connect", "socket.sendto", "socket.getaddrinfo", "socket.gethostbyname"):
        with open(os.environ["SEEN"], "a") as seen:
            print(event, arguments, file=seen)

sys.addaudithook(watch)
"""
SCGM = "import sys; from scgm.cli.main import main; main(sys.argv[1:])"
LOAD = "import scgm; print(repr(scgm.load_model()))"
EXPORT = """
import pathlib
from scgm.networks.graph import CordAndGrayMatter
from scgm.training.config.settings import FinderStage, SegmenterStage
from scgm.training.engine.checkpoints import build_finder
from scgm.networks.unet import UNet
from scgm.training.export import graph_difference, write_graph
model = CordAndGrayMatter(build_finder(FinderStage()), UNet((4, 4, 8, 8))).eval()
write_graph(model, pathlib.Path("m.onnx"))
print(graph_difference(model, pathlib.Path("m.onnx")))
"""


class Place:
    """An empty home, a folder to work in, and what processes did there."""

    def __init__(self, folder: Path) -> None:
        self.home, self.work, self.seen = (folder / name for name in ("home", "work", "seen"))
        watching = folder / "watch"
        for made in (self.home, self.work, watching):
            made.mkdir()
        (watching / "sitecustomize.py").write_text(WATCH)
        kept = {
            key: value
            for key, value in os.environ.items()
            if not key.startswith(("SCGM_", "ORT_", "XDG_", "MPL"))
        }
        paths = [str(watching), *filter(None, [os.environ.get("PYTHONPATH")])]
        self.environment = {
            **kept,
            "HOME": str(self.home),
            "SEEN": str(self.seen),
            "PYTHONPATH": os.pathsep.join(paths),
        }

    def run(self, command: Sequence[str]) -> str:
        """Run a program there to its good end; return what it printed."""
        ended = subprocess.run(
            list(command),
            cwd=self.work,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    def require_silence(self) -> None:
        """Make sure that nothing was connected to, and nothing written into the home."""
        assert not self.seen.exists(), self.seen.read_text()
        assert sorted(self.home.rglob("*")) == []


@pytest.fixture
def place(tmp_path: Path) -> Place:
    found = Place(tmp_path)
    save_scan(found.work / "scan.nii.gz")
    write_model(found.work)
    save_scan(found.work / "mask.nii.gz", (cord_voxels() == 2).astype(np.uint8))
    description = {
        "image": "scan.nii.gz",
        "method": "default",
        "model": "standin.onnx",
        "cord_model": None,
        "cord": None,
        "threads": 1,
    }
    (found.work / "run.json").write_text(json.dumps(description))
    return found


PYTHON = sys.executable
COMMANDS = {
    "segment": [PYTHON, "-c", SCGM, "segment", "scan.nii.gz", "--model", "standin.onnx"],
    "load a model": [PYTHON, "-c", LOAD],
    "models": [PYTHON, "-c", SCGM, "models"],
    "worker": [PYTHON, "-m", "scgm.benchmark.worker", "run.json", "result.npz"],
}
STANDIN = ["--model", "standin.onnx"]
CORD = ["--cord-model", "standin.onnx"]
SLOW = {
    "picture": [PYTHON, "-c", SCGM, "segment", "scan.nii.gz", *STANDIN, "--qc"],
    "jcscs": [
        PYTHON,
        "-c",
        SCGM,
        "segment",
        "scan.nii.gz",
        "--method",
        "jcscs",
        *CORD,
        "--keep-doubtful",
    ],
    "evaluate": [PYTHON, "-c", SCGM, "evaluate", "mask.nii.gz", "mask.nii.gz"],
    "phantom": [PYTHON, "-c", SCGM, "phantom", "-o", "phantom"],
    "demo": [PYTHON, "-c", SCGM, "demo", "-o", "demo"],
    "export": [PYTHON, "-c", EXPORT],
}
ALL = [
    *(pytest.param(command, id=name) for name, command in COMMANDS.items()),
    *(pytest.param(command, id=name, marks=pytest.mark.slow) for name, command in SLOW.items()),
]


@pytest.mark.parametrize("command", ALL)
def test_no_connection_is_opened_and_the_home_stays_empty(
    place: Place, command: Sequence[str]
) -> None:
    place.run(command)

    place.require_silence()


def test_the_watch_sees_a_connection(place: Place) -> None:
    program = (
        "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).connect(('127.0.0.1', 9))"
    )
    subprocess.run([PYTHON, "-c", program], env=place.environment, capture_output=True, check=False)

    assert "socket.connect" in place.seen.read_text()


def can_trace() -> bool:
    strace = shutil.which("strace")
    if strace is None:
        return False
    tried = subprocess.run([strace, "-f", "-o", os.devnull, "true"], check=False)
    return tried.returncode == 0


@pytest.mark.slow
@pytest.mark.skipif(not can_trace(), reason="no strace here, or it may not trace")
@pytest.mark.parametrize("command", ALL)
def test_no_library_opens_a_socket_but_a_local_one(place: Place, command: Sequence[str]) -> None:
    log = place.work.parent / "trace"
    trace = ["strace", "-f", "-qq", "-e", "trace=socket,connect,sendto", "-o", str(log)]

    place.run([*trace, *command])

    families = re.findall(r"socket\((\w+)", log.read_text())
    assert set(families) <= {"AF_UNIX"}
    place.require_silence()


def test_a_record_of_the_same_model_is_kept(place: Place) -> None:
    """What runs apart from the home still uses the model that is named."""
    place.run(COMMANDS["segment"])

    record = json.loads(next(place.work.glob("scan*.json")).read_text())
    assert record["model"]["sha256"] == sha256_of_file(place.work / "standin.onnx")
