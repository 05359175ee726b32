"""How the program ends: one sentence, and the exit status that says whose fault it was."""

import re
from pathlib import Path

import pytest

from scgm.artifacts import models
from scgm.errors import ConfigError, ScgmError, UsageError
from scgm.segmentation import pipeline
from tests.helpers.standin import run_scgm, save_scan, write_model


def ends_with(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    """Let every segmentation end with *error*."""

    def segment(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(pipeline, "segment", segment)


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
