"""How the program ends: one sentence, and the exit status that says whose fault it was."""

import errno
import json
import os
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from scgm.artifacts import models
from scgm.cli.app import COMMANDS
from scgm.errors import ConfigError, ScgmError, UsageError
from scgm.segmentation import pipeline
from tests.helpers.standin import run_scgm, save_scan, write_model

INNER = (
    "data list",
    "data get",
    "atlas build",
    "norms build",
    *(f"template {n}" for n in ("warp", "apply", "group")),
)
ALL = (*COMMANDS, *INNER)


def ends_with(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    """Let every segmentation end with *error*."""

    def segment(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(pipeline, "segment", segment)


def test_the_studio_without_its_libraries_says_what_to_install(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "scgm.studio.server", raising=False)
    monkeypatch.setitem(sys.modules, "uvicorn", None)

    ended = run_scgm(capsys, "serve")

    assert ended.status == 2
    assert "the studio needs uvicorn" in ended.err
    assert "pip install '.[studio]'" in ended.err


def test_help_and_version_end_with_zero(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_scgm(capsys, "--help").status == 0
    version = run_scgm(capsys, "--version")
    assert version.status == 0
    assert version.out.startswith("scgm ")


@pytest.mark.parametrize("command", ["segment", "demo", "models"])
def test_every_command_has_help_with_an_example(
    capsys: pytest.CaptureFixture[str], command: str
) -> None:
    ended = run_scgm(capsys, command, "--help")

    assert ended.status == 0
    assert f"scgm {command}" in ended.out
    assert "For example" in ended.out


def test_pictures_do_not_depend_on_the_user_s_choice_of_windows() -> None:
    program = (
        "from scgm.cli.main import main\n"
        "try:\n"
        "    main(['--version'])\n"
        "finally:\n"
        "    import matplotlib\n"
        "    print(matplotlib.get_backend())\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "MPLBACKEND": "no such"},
    )

    assert run.stdout.split()[-1] == "agg"


def test_an_unknown_command_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_scgm(capsys, "nonsense").status == 2


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (ScgmError("a reason"), 1),
        (ConfigError("a reason"), 1),
        (UsageError("a reason"), 2),
        (MemoryError(), 1),
        (RuntimeError("a reason"), 3),
        (KeyboardInterrupt(), 130),
    ],
    ids=lambda value: type(value).__name__,
)
def test_an_error_in_a_command_sets_the_status(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    error: BaseException,
    status: int,
) -> None:
    def broken(*_: object) -> None:
        raise error

    monkeypatch.setattr(models, "read_model", broken)

    ended = run_scgm(capsys, "models", "default")

    assert ended.status == status
    assert "Traceback" not in ended.err


@pytest.mark.parametrize(
    ("error", "status"), [(ScgmError("a reason"), 1), (ZeroDivisionError("a reason"), 3)]
)
def test_an_error_in_one_image_sets_the_status(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    error: Exception,
    status: int,
) -> None:
    ends_with(monkeypatch, error)

    ended = run_scgm(
        capsys, "segment", save_scan(tmp_path / "a.nii.gz"), "--model", write_model(tmp_path)
    )

    assert ended.status == status
    assert "a.nii.gz: " in ended.err
    assert "a reason" in ended.err


def test_an_interrupted_batch_ends_with_130(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    ends_with(monkeypatch, KeyboardInterrupt())

    ended = run_scgm(
        capsys, "segment", save_scan(tmp_path / "a.nii.gz"), "--model", write_model(tmp_path)
    )

    assert ended.status == 130


def test_ctrl_c_is_no_fault_of_what_it_interrupts(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        try:
            os.kill(os.getpid(), signal.SIGINT)
        except BaseException as error:
            msg = "initialization failed"
            raise ImportError(msg) from error

    monkeypatch.setattr(models, "read_model", broken)

    ended = run_scgm(capsys, "models", "default")

    assert ended.status == 130
    assert ended.err == "error: interrupted\n"


def test_a_fault_of_ours_names_a_log_with_the_traceback(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def broken(*_: object) -> None:
        msg = "something\nimpossible"
        raise RuntimeError(msg)

    monkeypatch.setattr(models, "read_model", broken)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    ended = run_scgm(capsys, "models", "default")

    found = re.search(r"details are in (\S+)$", ended.err.strip())
    assert found
    assert Path(found[1]).parent == tmp_path
    assert "Traceback" in Path(found[1]).read_text()
    assert ended.err.count("\n") == 1


def test_the_version_has_a_short_option(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_scgm(capsys, "-V").out == run_scgm(capsys, "--version").out


@pytest.mark.parametrize("command", ALL)
def test_every_command_has_the_common_options(
    capsys: pytest.CaptureFixture[str], command: str
) -> None:
    if command in {"data", "atlas", "norms", "template"}:
        pytest.skip("a group of commands")
    shown = run_scgm(capsys, *command.split(), "--help").out

    for option in ("--quiet", "-q", "--verbose", "-v", "--log"):
        assert re.search(rf"(?<!\S){option}(?!\S)", shown), option


@pytest.mark.parametrize("command", ["", *ALL])
def test_the_help_has_no_words_of_programmers(
    capsys: pytest.CaptureFixture[str], command: str
) -> None:
    shown = run_scgm(capsys, *command.split(), "--help").out

    assert not re.findall(r"<(?:bool|str|path|float|int)\b[^>]*>|list\[|\bTEXT\b|\bPATH\b", shown)


def test_a_log_holds_every_message_of_several_runs(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    log = tmp_path / "log.txt"
    model = write_model(tmp_path)

    assert run_scgm(capsys, "models", model, "--quiet", "--log", log).status == 0
    assert run_scgm(capsys, "models", tmp_path / "none.onnx", "-q", "--log", log).status == 1

    text = log.read_text()
    assert text.startswith("# log of scgm\n")
    assert "gray values are the answer" in text
    assert "error: " in text
    assert "none.onnx: there is no such model file" in text


@pytest.mark.parametrize("place", ["folder", "other file", "missing/log", "loop"])
def test_a_log_that_cannot_be_written_is_named(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, place: str
) -> None:
    log = tmp_path / place
    if place == "folder":
        log.mkdir()
    elif place == "other file":
        log.write_text("mine")
    elif place == "loop":
        log.symlink_to(log)

    ended = run_scgm(capsys, "models", "--log", log)

    assert ended.status == 1
    assert f"{log}: " in ended.err
    assert ended.err.count("\n") == 1
    assert place != "other file" or log.read_text() == "mine"


def test_a_report_that_cannot_be_written_does_not_hide_the_fault(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def broken(*_: object) -> None:
        msg = "impossible"
        raise RuntimeError(msg)

    monkeypatch.setattr(models, "read_model", broken)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "missing"))

    ended = run_scgm(capsys, "models", "default")

    assert ended.status == 3
    assert "RuntimeError: impossible" in ended.err
    assert "cannot be written" in ended.err


def test_a_fault_of_the_disk_is_no_fault_of_the_program(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise OSError(errno.EIO, "Input/output error", "some/file")

    monkeypatch.setattr(models, "read_model", broken)

    ended = run_scgm(capsys, "models", "default")

    assert ended.status == 1
    assert "some/file: Input/output error" in ended.err


def test_a_file_that_begins_with_a_dash_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    ended = run_scgm(capsys, "segment", "-dash.nii", "-o", "x")

    assert ended.status == 2
    assert "If -dash.nii is a file: write ./-dash.nii, or '--' before all files" in ended.err


def shell(command: str, **variables: str) -> subprocess.CompletedProcess[bytes]:
    """Run a command line of the shell, in which $SCGM stands for the program."""
    program = f"{shlex.quote(sys.executable)} -m scgm"
    return subprocess.run(
        ["bash", "-c", command.replace("$SCGM", program)],
        capture_output=True,
        timeout=60,
        check=False,
        env={**os.environ, **variables},
    )


linux = pytest.mark.skipif(sys.platform != "linux", reason="needs a shell and /dev/full")


@pytest.mark.parametrize("command", ["--help", "models", "data list"])
@linux
def test_a_reader_that_leaves_is_no_failure(command: str) -> None:
    ended = shell(f"$SCGM {command} | head -1 >/dev/null; echo ${{PIPESTATUS[0]}}")

    assert ended.stdout == b"0\n"
    assert ended.stderr == b""


@pytest.mark.parametrize("command", ["--help", "models", "data list", "--version"])
@linux
def test_a_full_disk_is_said(command: str) -> None:
    ended = shell(f"$SCGM {command} > /dev/full")

    assert ended.returncode == 1
    assert ended.stderr.count(b"\n") == 1
    assert b"standard output cannot be written" in ended.stderr


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
@linux
def test_a_closed_stream_is_no_failure(closed: str) -> None:
    ended = shell(f"$SCGM models {closed}")

    assert ended.returncode == 0
    assert b"Traceback" not in ended.stderr


@pytest.mark.parametrize(
    "variables",
    [
        {"LC_ALL": "C", "LANG": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"PYTHONIOENCODING": "latin-1"},
    ],
)
@linux
def test_names_are_printed_in_any_locale(tmp_path: Path, variables: dict[str, str]) -> None:
    image = save_scan(tmp_path / "中é.nii.gz")
    model = write_model(tmp_path)

    ended = shell(f"$SCGM segment '{image}' --model '{model}' --qc", **variables)

    assert ended.returncode == 0, ended.stderr
    assert b"Traceback" not in ended.stderr
    assert b"gray matter 8.0 mm2" in ended.stdout
    record = json.loads((tmp_path / "中é_seg.json").read_text("utf-8"))
    assert record["input"]["file"] == "中é.nii.gz"
    table = (tmp_path / "中é_measurements.csv").read_text("utf-8")
    assert "中é.nii.gz," in table


@linux
def test_a_completion_can_be_shown() -> None:
    # The shell is found among the parents of the program: bash has to stay until it has ended.
    ended = shell("$SCGM --show-completion; exit $?")

    assert ended.returncode == 0, ended.stderr
    assert b"scgm" in ended.stdout


@pytest.mark.skipif(os.name != "posix", reason="needs signals")
@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
@pytest.mark.parametrize("loading", [True, False])
def test_a_signal_ends_the_program_with_its_status(number: int, status: int, loading: bool) -> None:
    """Also while it still loads its libraries."""
    program = f"""
import builtins, os, signal, sys
signal.signal({int(number)}, signal.default_int_handler if {int(number)} == 2 else signal.SIG_DFL)
from scgm.cli.main import main
load = builtins.__import__
def stop(name, *rest):
    if name.startswith({"rich" if loading else "scgm.artifacts.models"!r}):
        os.kill(os.getpid(), {int(number)})
    return load(name, *rest)
builtins.__import__ = stop
main(["models"])
"""
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, timeout=60, check=False, text=True
    )

    assert ended.returncode == status
    assert ended.stderr == "error: interrupted\n"
