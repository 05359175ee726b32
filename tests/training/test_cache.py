"""Prepared training data are taken from the cache only if nothing that they depend on changed."""

import os
from pathlib import Path

import pytest
import torch

from scgm.training.config.read import read_config
from scgm.training.config.sources import Source
from scgm.training.data.cache import cache_folder, key_of
from scgm.training.data.materials import prepare
from tests.helpers.training_files import write_data


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_data(tmp_path_factory.mktemp("data"))


def test_the_key_depends_on_time_and_size_of_every_file_and_on_all_that_is_given(
    tmp_path: Path,
) -> None:
    source = Source(site="a", image=Path("i"), gm=Path("g"), cord=(Path("c"),))
    for name in "igc":
        (tmp_path / name).write_bytes(b"1")
        os.utime(tmp_path / name, ns=(0, 10**9))
    keys = {key_of([source], tmp_path, 1)}
    for name in "igc":
        os.utime(tmp_path / name, ns=(0, 10**9 + 1))
        keys.add(key_of([source], tmp_path, 1))
        (tmp_path / name).write_bytes(b"12")
        os.utime(tmp_path / name, ns=(0, 10**9 + 1))
        keys.add(key_of([source], tmp_path, 1))
    keys.add(key_of([source], tmp_path, 2))
    keys.add(key_of([source.model_copy(update={"every": 2})], tmp_path, 1))

    assert len(keys) == 1 + 2 * 3 + 2
    assert key_of([source], tmp_path, 1) == key_of([source], tmp_path, 1)


@pytest.mark.slow
def test_another_seed_has_other_phantoms(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the cache of the first seed are phantom slices and scans, which the second one has not."""
    monkeypatch.setenv("SCGM_CACHE", str(tmp_path))
    made = [
        prepare(read_config(data / "recipe.toml", (f"seed={seed}", "phantom_scans=1")), data)
        for seed in (1, 2)
    ]

    assert not torch.equal(made[0].scenes.image[-2:], made[1].scenes.image[-2:])
    assert not torch.equal(made[0].crops.gm[-4:], made[1].crops.gm[-4:])


def test_without_a_home_nothing_is_cached(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SCGM_CACHE", raising=False)
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)

    assert cache_folder() is None
    assert len(prepare(read_config(data / "recipe.toml"), data).crops.gm) > 0


def test_a_cache_that_cannot_be_written_is_done_without(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("SCGM_CACHE", str(tmp_path / "file" / "cache"))

    assert len(prepare(read_config(data / "recipe.toml"), data).crops.gm) > 0
    assert (tmp_path / "file").read_bytes() == b""
