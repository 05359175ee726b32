"""Finding, reading and writing what methods have learned: models and atlases alike."""

import os
from pathlib import Path

import numpy as np
import pytest

from scgm.artifacts import store as module
from scgm.artifacts.atlases import ATLASES, write_atlas
from scgm.artifacts.cards import AtlasCard
from scgm.artifacts.models import MODELS
from scgm.artifacts.store import SHIPPED
from scgm.errors import ModelError, OutputError
from tests.helpers.standin import write_model

KNOWN = {
    "method": "sct",
    "version": "1",
    "description": "for tests",
    "license": "MIT",
    "created": "2026-11-25",
}


def written(folder: Path, value: float = 1) -> Path:
    path = folder / "mine.npz"
    write_atlas(path, {"values": np.full(3, value)}, KNOWN, overwrite=True)
    return path


@pytest.mark.parametrize("store", [MODELS, ATLASES], ids=["models", "atlases"])
@pytest.mark.parametrize(
    "place", ["~nobody-of-this-name/x", "\0", "x" * 5000, "a/" * 3000 + "x", "/dev/null/x"]
)
def test_a_path_that_cannot_be_one_is_named(store: type, place: str) -> None:
    with pytest.raises(ModelError, match="check the path") as caught:
        store.read(f"{place}{store.suffix}")  # type: ignore[attr-defined]

    assert len(str(caught.value)) < 500


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
@pytest.mark.parametrize("store", [MODELS, ATLASES], ids=["models", "atlases"])
def test_only_a_regular_file_is_read(store: type, tmp_path: Path) -> None:
    """Opening a pipe would wait for ever for somebody who writes."""
    pipe = tmp_path / f"pipe{store.suffix}"  # type: ignore[attr-defined]
    os.mkfifo(pipe)
    (tmp_path / f"folder{store.suffix}").mkdir()  # type: ignore[attr-defined]
    (tmp_path / f"loop{store.suffix}").symlink_to(f"loop{store.suffix}")  # type: ignore[attr-defined]

    for name in ("pipe", "folder", "loop"):
        with pytest.raises(ModelError, match=f"{name}.*(not a regular file|check the path)"):
            store.read(tmp_path / f"{name}{store.suffix}")  # type: ignore[attr-defined]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_card_that_is_a_pipe_is_refused(tmp_path: Path) -> None:
    path = write_model(tmp_path)
    path.with_suffix(".json").unlink()
    os.mkfifo(path.with_suffix(".json"))

    with pytest.raises(ModelError, match="no regular file"):
        MODELS.read(path)


@pytest.mark.parametrize("suffix", [".npz", ".json"])
def test_what_others_wrote_is_not_replaced(tmp_path: Path, suffix: str) -> None:
    (tmp_path / f"mine{suffix}").write_text("of somebody else")

    with pytest.raises(OutputError, match="never replaced"):
        written(tmp_path)

    assert [path.name for path in tmp_path.glob("mine*")] == [f"mine{suffix}"]
    assert (tmp_path / f"mine{suffix}").read_text() == "of somebody else"


def test_an_earlier_pair_is_replaced_as_a_pair(tmp_path: Path) -> None:
    before = ATLASES.read(written(tmp_path, 1))

    after = ATLASES.read(written(tmp_path, 2))

    assert after.card.sha256 != before.card.sha256


def test_a_write_that_fails_between_file_and_card_leaves_the_old_pair(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = ATLASES.read(written(tmp_path, 1)).content

    def fail(path: Path, *_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_text", fail)
        with pytest.raises(OutputError, match="No space left"):
            written(tmp_path, 2)

    assert ATLASES.read(tmp_path / "mine.npz").content == before
    assert {path.suffix for path in tmp_path.glob("mine*")} == {".npz", ".json"}


def test_a_file_with_another_checksum_than_its_card_says_is_refused(tmp_path: Path) -> None:
    path = write_model(tmp_path)
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)

    with pytest.raises(ModelError, match="the file is damaged or was exchanged"):
        MODELS.read(path)


def test_a_name_of_the_package_is_never_one_of_the_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCGM_HOME", str(tmp_path))
    (tmp_path / "models").mkdir()
    for name in ("default", "mine"):
        write_model(tmp_path / "models", name=name)

    assert MODELS.find("default") == SHIPPED / "default.onnx"
    assert MODELS.find("mine") == tmp_path / "models" / "mine.onnx"
    assert MODELS.names().count("default") == 1
    with pytest.raises(ModelError, match="that the package carries"):
        MODELS.own_path("default")


def test_a_card_larger_than_any_card_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_model(tmp_path)
    card = path.with_suffix(".json")
    monkeypatch.setattr(module, "_MOST_CARD_BYTES", 2**20)
    card.write_bytes(card.read_bytes().ljust(2**20))
    assert MODELS.read(path).card.name == "standin"

    card.write_bytes(card.read_bytes() + b" ")

    with pytest.raises(ModelError, match="no regular file of at most 1 MiB"):
        MODELS.read(path)


def test_another_suffix_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"an atlas is a \.npz file"):
        ATLASES.check_target(tmp_path / "folder" / "mine.zip")

    assert not list(tmp_path.iterdir())


def test_a_card_says_itself_in_one_line() -> None:
    card = AtlasCard(
        name="mine",
        sha256="0" * 64,
        data=tuple("abc" * 100),
        **KNOWN,  # type: ignore[arg-type]
    )

    assert repr(card) == "<AtlasCard 'mine': sct, 'for tests'>"
