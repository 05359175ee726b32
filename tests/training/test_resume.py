"""A run that was stopped goes on as if it had not been; what lies on the disk is always whole."""

import errno
import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from scgm.errors import ConfigError, ModelError, OutputError, ScgmError
from scgm.io.atomic import write_bytes
from scgm.synthesis.windows import window_batch
from scgm.training.config.read import read_config
from scgm.training.config.settings import TrainConfig
from scgm.training.engine import run, stages
from scgm.training.engine.loop import fit
from scgm.training.engine.session import cut_log
from scgm.training.engine.state import STATE, State, read_state, require_same, save_state
from tests.helpers.training_files import session_in, silent, tiny_network, tiny_task, write_data

STEPS = 20


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_data(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> State:
    """Train twenty steps at once; return the last state."""
    folder = tmp_path_factory.mktemp("whole")
    fit(tiny_network(), tiny_task(STEPS), session_in(folder))
    return read_state(folder)


@pytest.fixture(scope="module")
def trained(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Train the tiny recipe without a stop."""
    folder = tmp_path_factory.mktemp("runs") / "whole"
    run.train(read_config(data / "recipe.toml"), data, folder, device="cpu", report=silent)
    return folder


def require_equal(state: State, other: State) -> None:
    assert state.tensors.keys() == other.tensors.keys()
    different = [
        key for key in state.tensors if not torch.equal(state.tensors[key], other.tensors[key])
    ]
    assert different == []
    # The log holds speeds, and so its length is not always the same.
    ours, theirs = (replace(one.place, seconds=0, log_bytes=0) for one in (state, other))
    assert ours == theirs


def go_on(folder: Path) -> State:
    """Go on in a folder as a new process would: nothing is left but the state."""
    torch.manual_seed(99)
    state = read_state(folder)
    cut_log(folder, state.place)
    fit(tiny_network(), tiny_task(STEPS), session_in(folder, state))
    return read_state(folder)


@pytest.mark.parametrize("stop", [3, 5, 10, 17])
def test_stopped_and_gone_on_equals_never_stopped_to_the_bit(
    whole: State, tmp_path: Path, stop: int
) -> None:
    """Network, average, optimizer, both random generators, losses not yet reported, and log."""
    with pytest.raises(KeyboardInterrupt):
        fit(tiny_network(), tiny_task(STEPS, stop_after=stop), session_in(tmp_path))
    assert read_state(tmp_path).place.step == stop // 5 * 5  # it is saved every 5 steps

    require_equal(go_on(tmp_path), whole)


def test_the_state_holds_all_that_changes(whole: State) -> None:
    kinds = {key.split(".")[0] for key in whole.tensors}

    assert kinds == {"network", "average", "optimizer", "random"}
    assert float(whole.tensors["optimizer.0.weight.step"]) == STEPS
    assert {key for key in whole.tensors if key.startswith("random")} == {
        "random.torch.0",
        "random.draw.0",
    }


def full_disk(after: int) -> Callable[[int], None]:
    """Return a replacement of `os.fsync` that fails at its call number ``after``."""
    calls = 0

    def fsync(handle: int) -> None:
        nonlocal calls
        calls += 1
        if calls == after:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    return fsync


@pytest.mark.parametrize("write", range(2, 6))
def test_a_disk_full_at_any_write_leaves_the_state_before_it(
    whole: State, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: int
) -> None:
    """Two calls of fsync belong to each state: that of the file, that of its folder."""
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full_disk(2 * write - 1))
        with pytest.raises(OutputError, match=r"No space left on device.*--resume"):
            fit(tiny_network(), tiny_task(STEPS), session_in(tmp_path))
    # Saved before the first step (write 1), and then every 5.
    assert read_state(tmp_path).place.step == 5 * (write - 2)
    assert {path.name for path in tmp_path.iterdir()} <= {STATE, "log.jsonl"}

    require_equal(go_on(tmp_path), whole)


@pytest.mark.parametrize("when", ["written", "replaced"])
def test_a_process_killed_while_it_writes_leaves_the_file_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    def killed(*_: object) -> None:
        raise SystemExit

    write_bytes(tmp_path / "file", b"old")
    owner, name = (os, "fsync") if when == "written" else (Path, "replace")
    with monkeypatch.context() as patch:
        patch.setattr(owner, name, killed)
        with pytest.raises(SystemExit):
            write_bytes(tmp_path / "file", b"new")

    assert (tmp_path / "file").read_bytes() == b"old"
    write_bytes(tmp_path / "file", b"newer")  # what the killed one left is not in the way
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def raise_at(call: int, function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that is interrupted at its call number ``call``."""
    calls = 0

    def counted(*values: Any, **named: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == call:
            raise KeyboardInterrupt
        return function(*values, **named)

    return counted


@pytest.mark.parametrize(
    ("function", "call"),
    [
        pytest.param("scene_batch", 3, marks=pytest.mark.slow),  # in the finder's training
        pytest.param(
            "save_weights", 1, marks=pytest.mark.slow
        ),  # the finder is done, but not on the disk
        pytest.param(
            "build_segmenter", 1, marks=pytest.mark.slow
        ),  # it is on the disk, but the other stage has not begun
        ("window_batch", 3),  # in the segmentation network's training
        pytest.param("save_record", 1, marks=pytest.mark.slow),  # all is trained
    ],
)
def test_a_run_stopped_anywhere_ends_with_the_same_weights_scores_and_log(
    data: Path,
    trained: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    function: str,
    call: int,
) -> None:
    config = read_config(data / "recipe.toml")
    with monkeypatch.context() as patch:
        module = run if function == "save_record" else stages
        patch.setattr(module, function, raise_at(call, getattr(module, function)))
        with pytest.raises(KeyboardInterrupt):
            run.train(config, data, tmp_path, device="cpu", report=silent)
    run.train(config, data, tmp_path, device="cpu", report=silent, resume=True)

    for name in ("finder.safetensors", "segmenter.safetensors"):
        ours, theirs = load_file(tmp_path / name), load_file(trained / name)
        assert all(torch.equal(ours[key], theirs[key]) for key in theirs)
    assert without_times(tmp_path) == without_times(trained)
    assert not (tmp_path / STATE).exists()


def test_an_interrupted_run_says_how_to_continue(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines: list[str] = []
    config = read_config(data / "recipe.toml")
    monkeypatch.setattr(stages, "window_batch", raise_at(1, window_batch))
    with pytest.raises(KeyboardInterrupt):
        run.train(config, data, tmp_path, device="cpu", report=lines.append)

    assert "interrupted; 'scgm train --resume'" in lines[-1]


@pytest.mark.parametrize(
    "error", [MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory")]
)
def test_too_little_memory_is_said(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fails(*_: object) -> None:
        raise error

    config = read_config(data / "recipe.toml")
    monkeypatch.setattr(stages, "scene_batch", fails)
    with pytest.raises(ScgmError, match="not enough memory for this training; lower batch"):
        run.train(config, data, tmp_path, device="cpu", report=silent)


def test_another_fault_is_not_taken_for_too_little_memory(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        msg = "something else"
        raise RuntimeError(msg)

    config = read_config(data / "recipe.toml")
    monkeypatch.setattr(stages, "scene_batch", fails)
    with pytest.raises(RuntimeError, match="something else"):
        run.train(config, data, tmp_path, device="cpu", report=silent)


def test_what_was_logged_after_the_state_is_not_logged_twice(
    data: Path, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With no state but that of the stage's start, a validation at step 2 is done again."""
    config = read_config(data / "recipe.toml", ("save_every=100",))
    with monkeypatch.context() as patch:
        patch.setattr(stages, "window_batch", raise_at(3, window_batch))
        with pytest.raises(KeyboardInterrupt):
            run.train(config, data, tmp_path, device="cpu", report=silent)
    assert '"step": 2' in (tmp_path / "log.jsonl").read_text()
    assert read_state(tmp_path).place.step == 0
    run.train(config, data, tmp_path, device="cpu", report=silent, resume=True)

    assert without_times(tmp_path)[1] == without_times(trained)[1]


def without_times(folder: Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return record and log without what a clock measured."""
    record = json.loads((folder / "checkpoint.json").read_text())
    rows = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    del record["seconds"]
    return record, [{key: row[key] for key in row if key != "per_s"} for row in rows]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"segmenter": {"steps": 7}}, r"segmenter\.steps = 3000, not 7"),
        ({"seed": 8}, "seed = 0, not 8"),
        ({"leave_out": ["x"]}, r"leave_out = nothing, not \['x'\]"),
        ({"source": [{"site": "x", "gm": "g"}]}, r"source\.0\.site = nothing, not 'x'"),
    ],
)
def test_going_on_with_another_configuration_is_refused_by_the_key(
    tmp_path: Path, whole: State, changes: dict[str, Any], message: str
) -> None:
    state = replace(whole, config=TrainConfig())
    with pytest.raises(ConfigError, match=message):
        require_same(tmp_path, state, TrainConfig.model_validate(changes))


def test_what_teaches_nothing_may_be_changed(tmp_path: Path, whole: State) -> None:
    changed = whole.config.model_copy(update={"save_every": 77, "tensorboard": True})

    require_same(tmp_path, whole, changed)


def test_a_run_goes_on_only_where_there_is_one(data: Path, trained: Path, tmp_path: Path) -> None:
    config = read_config(data / "recipe.toml")

    def go(folder: Path, *, resume: bool) -> None:
        run.train(config, data, folder, device="cpu", report=silent, resume=resume)

    with pytest.raises(ConfigError, match="there is no unfinished training"):
        go(tmp_path / "none", resume=True)
    with pytest.raises(ConfigError, match="already holds a checkpoint"):
        go(trained, resume=True)
    fit(tiny_network(), tiny_task(1), session_in(tmp_path))
    with pytest.raises(ConfigError, match="continue it with --resume"):
        go(tmp_path, resume=False)
    with pytest.raises(ConfigError, match="this training was started with"):
        go(tmp_path, resume=True)


def test_other_processes_do_not_go_on_with_it(data: Path, tmp_path: Path) -> None:
    """Each had random numbers of its own, which only as many can go on with."""
    fit(tiny_network(), tiny_task(1), session_in(tmp_path))
    config = read_config(data / "recipe.toml")
    save_state(tmp_path, replace(read_state(tmp_path), config=config, processes=2))

    with pytest.raises(ConfigError, match=r"by 2 process\(es\) on cpu, not 1"):
        run.train(config, data, tmp_path, device="cpu", report=silent, resume=True)


def test_a_damaged_state_is_named(tmp_path: Path) -> None:
    fit(tiny_network(), tiny_task(1), session_in(tmp_path))
    content = (tmp_path / STATE).read_bytes()
    for damaged in (content[: len(content) // 2], b"", content[:8] + b"{}" + content[10:]):
        (tmp_path / STATE).write_bytes(damaged)
        with pytest.raises(
            ModelError, match=r"state\.safetensors: training cannot continue from it"
        ):
            read_state(tmp_path)
