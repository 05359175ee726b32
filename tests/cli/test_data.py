"""``scgm data``."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from scgm.datasets import download
from scgm.datasets.archive import public_archives
from scgm.io.hashing import sha256_of
from tests.helpers.loopback import Site, public, serving
from tests.helpers.public_norms import archive, files
from tests.helpers.standin import run_scgm

FILES = {"a.nii.gz": b"a" * 2_000_000, "b.json": b"{}"}


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """Serve a set that the package lists, and use a home of its own."""
    registry = tmp_path / "registry"
    registry.mkdir()
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(download, "_REGISTRY", registry)
    monkeypatch.setenv("SCGM_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "300")
    with serving(Site(dict(FILES))) as running:
        entry = public(running.address, FILES).model_dump_json()
        (registry / "toy.json").write_text(entry, encoding="utf-8")
        yield running


def test_a_set_is_fetched_after_saying_what_comes(
    capsys: pytest.CaptureFixture[str], site: Site, tmp_path: Path
) -> None:
    ended = run_scgm(capsys, "data", "get", "toy", "--output", tmp_path / "d", "--yes")

    assert ended.status == 0
    for text in ("2 files, 2.0 MB, license CC0-1.0", "example.org", str(tmp_path / "d" / "toy")):
        assert text in ended.out
    assert (tmp_path / "d" / "toy" / "a.nii.gz").read_bytes() == FILES["a.nii.gz"]
    again = run_scgm(capsys, "data", "get", "toy", "--output", tmp_path / "d")
    assert (again.status, again.err) == (0, "")
    assert "complete" in again.out


def test_the_list_says_where_a_set_lies(
    capsys: pytest.CaptureFixture[str], site: Site, tmp_path: Path
) -> None:
    folder = tmp_path / "home" / "data" / "toy"
    before = run_scgm(capsys, "data", "list").out
    folder.mkdir(parents=True)
    (folder / "b.json").write_bytes(b"{}")
    partly = run_scgm(capsys, "data", "list").out
    assert run_scgm(capsys, "data", "get", "toy", "-y", "--quiet").out == ""
    after = run_scgm(capsys, "data", "list").out

    assert all(text in before for text in ("toy", "a toy", "playing", "2.0 MB", "CC0-1.0"))
    assert str(folder) not in before
    assert f"{folder} (1 of 2 files)" in partly
    assert str(folder) in after
    assert "of 2 files" not in after


def test_nothing_is_fetched_when_nobody_confirms(
    capsys: pytest.CaptureFixture[str], site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)

    ended = run_scgm(capsys, "data", "get", "toy")

    assert ended.status == 2
    assert "add --yes" in ended.err
    assert site.requests == []


@pytest.mark.parametrize(("answer", "status", "count"), [(True, 0, 2), (False, 1, 0)])
def test_a_person_is_asked(
    capsys: pytest.CaptureFixture[str],
    site: Site,
    monkeypatch: pytest.MonkeyPatch,
    answer: bool,
    status: int,
    count: int,
) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr(typer, "confirm", lambda *_, **__: answer)

    assert run_scgm(capsys, "data", "get", "toy").status == status
    assert len(site.requests) == count


def test_a_failure_is_one_sentence(
    capsys: pytest.CaptureFixture[str], site: Site, tmp_path: Path
) -> None:
    site.files = {"b.json": b"{}"}

    ended = run_scgm(capsys, "data", "get", "toy", "--yes")

    assert ended.status == 1
    assert ended.err.startswith(f"error: {site.address}a.nii.gz: the server answers 404")
    assert ended.err.count("\n") == 1


def test_an_unknown_set_is_refused(capsys: pytest.CaptureFixture[str], site: Site) -> None:
    ended = run_scgm(capsys, "data", "get", "nonsense")

    assert (ended.status, ended.err.count("\n")) == (1, 1)
    assert "known: toy" in ended.err


@pytest.mark.parametrize("command", [["data"], ["data", "list"], ["data", "get"]])
def test_help_has_an_example(capsys: pytest.CaptureFixture[str], command: list[str]) -> None:
    ended = run_scgm(capsys, *command, "--help")

    assert ended.status == 0
    assert "For example" in ended.out
    assert f"scgm {' '.join(command)}" in ended.out


def test_norms_come_as_an_archive_whose_checksum_is_told_and_kept(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (real,) = public_archives()
    monkeypatch.setenv("SCGM_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(download, "_REGISTRY", tmp_path)
    packed = archive(files())
    with serving(Site({"r1.zip": packed})) as site:
        mine = real.model_copy(update={"url": f"{site.address}r1.zip", "least_tables": 20})
        (tmp_path / "archives").mkdir()
        (tmp_path / "archives" / "pam50-norms.json").write_text(mine.model_dump_json())
        before = run_scgm(capsys, "data", "list").out
        first, second = (run_scgm(capsys, "data", "get", "pam50-norms", "--yes") for _ in "12")
        asked = len(site.requests)
    folder, digest = tmp_path / "home" / "data" / "pam50-norms", sha256_of(packed)
    after = run_scgm(capsys, "data", "list").out

    assert "pam50-norms: one archive, size and checksum not listed, license MIT" in before
    assert (first.status, second.status, asked) == (0, 0, 1)
    assert "pam50-norms: complete, 29 files" in first.out
    assert f"not known when this version was made; it is recorded in {folder}" in first.err
    assert digest in first.err
    assert f"complete and unchanged, nothing to fetch; archive sha256 {digest}" in second.out
    assert f"fetched to {folder}" in after
    assert str(folder) not in before
