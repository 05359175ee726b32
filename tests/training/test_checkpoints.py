"""Damaged weights, states and records are refused, and so are models that compute no numbers."""

import json
import math
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx.numpy_helper
import pytest
import torch
from safetensors.torch import load_file

from scgm.errors import ConfigError, ModelError, OutputError
from scgm.io.hashing import sha256_of_file
from scgm.training import export as module
from scgm.training.config.read import read_config
from scgm.training.config.sources import Source
from scgm.training.engine.checkpoints import load_checkpoint, read_record
from scgm.training.engine.files import read_tensors, write_tensors
from scgm.training.engine.loop import fit
from scgm.training.engine.run import train
from scgm.training.engine.start import StartModel, read_start
from scgm.training.engine.state import STATE, read_state
from scgm.training.export import TOLERANCE, export, graph_difference
from tests.helpers.training_files import session_in, silent, tiny_network, tiny_task, write_data


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "tiny"
    data = write_data(tmp_path_factory.mktemp("data"))
    train(read_config(data / "recipe.toml"), data, folder, device="cpu", report=silent)
    return folder


@pytest.fixture(scope="module")
def model(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("models") / "m.onnx"
    export(checkpoint, path, description="tiny")
    return path


def bits(length: int, count: int = 24) -> list[int]:
    """Return positions of bits that are spread over a file."""
    return [int(position) for position in np.linspace(64, 8 * length - 1, count)]


def flip(path: Path, bit: int) -> None:
    content = bytearray(path.read_bytes())
    content[bit // 8] ^= 1 << bit % 8
    path.write_bytes(content)


def test_one_flipped_bit_of_a_state_is_found(tmp_path: Path) -> None:
    fit(tiny_network(), tiny_task(1), session_in(tmp_path))
    content = (tmp_path / STATE).read_bytes()
    for bit in bits(len(content)):
        (tmp_path / STATE).write_bytes(content)
        flip(tmp_path / STATE, bit)
        with pytest.raises(ModelError, match=r"state\.safetensors: training cannot continue"):
            read_state(tmp_path)


def test_one_flipped_bit_of_the_weights_is_found(checkpoint: Path, tmp_path: Path) -> None:
    shutil.copytree(checkpoint, tmp_path / "run")
    for name in ("finder.safetensors", "segmenter.safetensors"):
        path = tmp_path / "run" / name
        content = path.read_bytes()
        for bit in bits(len(content), 6):
            path.write_bytes(content)
            flip(path, bit)
            with pytest.raises(ModelError, match=name):
                load_checkpoint(tmp_path / "run")
        path.write_bytes(content)


def lying_header(content: bytes) -> bytes:
    return (2**62).to_bytes(8, "little") + content[8:]


def lying_offsets(content: bytes) -> bytes:
    header = b'{"a":{"dtype":"F32","shape":[4],"data_offsets":[0,99999999]}}'
    return len(header).to_bytes(8, "little") + header + bytes(16)


def pickled(_: bytes) -> bytes:
    """Return what torch would unpickle, and run, if weights were read so."""
    return pickle.dumps({"a": Danger()})


class Danger:
    """Makes a file when it is unpickled."""

    def __reduce__(self) -> tuple[object, tuple[str, str]]:
        return open, ("danger", "w")


@pytest.mark.parametrize("damage", [lying_header, lying_offsets, pickled])
def test_a_hostile_file_of_weights_is_refused_and_runs_nothing(
    checkpoint: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    damage: Callable[[bytes], bytes],
) -> None:
    shutil.copytree(checkpoint, tmp_path / "run")
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "run" / "finder.safetensors"
    path.write_bytes(damage(path.read_bytes()))

    with pytest.raises(ModelError, match=r"finder\.safetensors"):
        load_checkpoint(tmp_path / "run")
    assert not (tmp_path / "danger").exists()


def test_tensors_and_facts_come_back_as_they_were(tmp_path: Path) -> None:
    tensors = {"a": torch.arange(6).reshape(2, 3), "b": torch.tensor(1.5), "c": torch.zeros(0)}
    write_tensors(tmp_path / "f", tensors, {"what": "ever"})
    read, facts = read_tensors(tmp_path / "f")

    assert facts == {"what": "ever"}
    assert read.keys() == tensors.keys()
    assert all(torch.equal(read[key], tensors[key]) for key in tensors)


def test_all_weights_of_convolutions_are_rounded_before_they_are_saved(checkpoint: Path) -> None:
    """What half precision holds exactly stays what it is in the model file."""
    for name in ("finder.safetensors", "segmenter.safetensors"):
        kernels = [value for value in load_file(checkpoint / name).values() if value.dim() == 4]
        assert kernels
        assert all(torch.equal(value, value.half().float()) for value in kernels)


@pytest.mark.parametrize(
    "damage",
    [
        lambda record: [],
        lambda record: {},
        lambda record: {**record, "config": 5},
        lambda record: {**record, "config": {**record["config"], "finder": {"widths": []}}},
        lambda record: {key: record[key] for key in record if key != "scores"},
        lambda record: {**record, "scores": [1]},
        lambda record: {**record, "sites": None},
        lambda record: {**record, "scores": [{"gm_dice": math.nan}]},
    ],
)
def test_a_damaged_record_is_refused(
    checkpoint: Path, tmp_path: Path, damage: Callable[[dict[str, Any]], object]
) -> None:
    record = json.loads((checkpoint / "checkpoint.json").read_text())
    (tmp_path / "checkpoint.json").write_text(json.dumps(damage(record)))

    with pytest.raises(ModelError, match="not a complete checkpoint"):
        read_record(tmp_path)


@pytest.mark.parametrize("content", [b"\xff", b"", b"{", b"[" * 100_000])
def test_a_record_that_is_no_json_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "checkpoint.json").write_bytes(content)

    with pytest.raises(ModelError, match="not a complete checkpoint"):
        read_record(tmp_path)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_weights_that_are_no_numbers_are_not_exported(
    checkpoint: Path, tmp_path: Path, value: float
) -> None:
    shutil.copytree(checkpoint, tmp_path / "run")
    path = tmp_path / "run" / "segmenter.safetensors"
    tensors, facts = read_tensors(path)
    tensors["predict.bias"][0] = value
    write_tensors(path, tensors, facts)

    with pytest.raises(ModelError, match=r"predict\.bias has values that are not finite"):
        export(tmp_path / "run", tmp_path / "m.onnx", description="t")
    assert not (tmp_path / "m.onnx").exists()


def test_a_graph_that_computes_no_numbers_differs(checkpoint: Path, model: Path) -> None:
    network = load_checkpoint(checkpoint)[0]
    with torch.no_grad():
        network.segmenter.get_parameter("predict.bias").fill_(math.nan)

    assert math.isnan(graph_difference(network, model))


@pytest.mark.parametrize("part", ["finder", "segmenter"])
def test_both_networks_of_a_graph_are_compared(checkpoint: Path, model: Path, part: str) -> None:
    network = load_checkpoint(checkpoint)[0]
    assert graph_difference(network, model) < 1e-5
    with torch.no_grad():
        for name, weights in getattr(network, part).named_parameters():
            if name.endswith("weight"):
                weights.mul_(2)

    assert graph_difference(network, model) > TOLERANCE


def test_the_centers_of_a_graph_are_compared(
    checkpoint: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = load_checkpoint(checkpoint)[0]
    forward = network.forward

    def shifted(*given: torch.Tensor) -> tuple[torch.Tensor, ...]:
        gm, cord, found, presence = forward(*given)
        return gm, cord, found + 0.5, presence

    monkeypatch.setattr(network, "forward", shifted)
    assert graph_difference(network, model) > TOLERANCE


@pytest.mark.parametrize("difference", [math.nan, 1.0])
def test_a_graph_that_differs_leaves_nothing_behind(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, difference: float
) -> None:
    monkeypatch.setattr(module, "graph_difference", lambda *_: difference)
    with pytest.raises(ModelError, match="differs from the checkpoint by"):
        export(checkpoint, tmp_path / "m.onnx", description="t")

    assert [path for path in tmp_path.iterdir() if path.suffix in (".onnx", ".json")] == []


def test_export_replaces_only_models_of_its_own(checkpoint: Path, tmp_path: Path) -> None:
    output = tmp_path / "m.onnx"
    output.write_text("mine")
    with pytest.raises(OutputError, match="not written by scgm"):
        export(checkpoint, output, description="t", overwrite=True)
    assert output.read_text() == "mine"

    output.unlink()
    export(checkpoint, output, description="first")
    export(checkpoint, output, description="second", overwrite=True)
    assert json.loads((tmp_path / "m.json").read_text())["description"] == "second"


def test_a_failure_between_graph_and_card_leaves_the_earlier_model(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = tmp_path / "m.onnx"
    export(checkpoint, output, description="first")
    before = {path.name: path.read_bytes() for path in (output, output.with_suffix(".json"))}
    with monkeypatch.context() as patch:
        patch.setattr("scgm.artifacts.cards.ModelCard.model_dump_json", lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            export(checkpoint, output, description="second", overwrite=True)

    assert {name: (tmp_path / name).read_bytes() for name in before} == before


def test_a_model_file_ends_in_onnx(checkpoint: Path, tmp_path: Path) -> None:
    for name in ("m", "m.json"):
        with pytest.raises(OutputError, match=r"a model is a \.onnx file"):
            export(checkpoint, tmp_path / name, description="t")


def changed(model: Path, folder: Path, change: Callable[[onnx.ModelProto], None]) -> Path:
    """Copy a model with another graph, whose checksum its card has."""
    graph = onnx.load(model)
    change(graph)
    content = graph.SerializeToString()
    (folder / "x.onnx").write_bytes(content)
    card = json.loads(model.with_suffix(".json").read_text())
    card["sha256"] = sha256_of_file(folder / "x.onnx")
    (folder / "x.json").write_text(json.dumps(card))
    return folder / "x.onnx"


def not_a_number(graph: onnx.ModelProto) -> None:
    first = graph.graph.initializer[0]
    values = np.full_like(onnx.numpy_helper.to_array(first), np.nan)
    first.CopyFrom(onnx.numpy_helper.from_array(values, first.name))


def elsewhere(graph: onnx.ModelProto) -> None:
    first = graph.graph.initializer[0]
    first.ClearField("raw_data")
    first.data_location = onnx.TensorProto.EXTERNAL
    entry = first.external_data.add()
    entry.key, entry.value = "location", "/etc/hostname"


def too_short(graph: onnx.ModelProto) -> None:
    graph.graph.initializer[0].raw_data = b"1"


def alias_of_nothing(graph: onnx.ModelProto) -> None:
    graph.metadata_props.add(key="a", value="nothing")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (not_a_number, "not finite numbers"),
        (elsewhere, "weights in another file"),
        (too_short, "no weights can be read"),
        (alias_of_nothing, "no weights can be read"),
    ],
)
def test_a_hostile_model_is_no_start(
    model: Path, tmp_path: Path, change: Callable[[onnx.ModelProto], None], message: str
) -> None:
    path = changed(model, tmp_path, change)
    with pytest.raises(ModelError, match=message):
        read_start(str(path), Path())


@pytest.mark.parametrize(
    "training", [{"sites": 5, "segmenter": 5}, {"segmenter": {"pixel_mm": {}}}]
)
def test_a_card_that_says_nothing_useful_is_taken_as_silent(
    model: Path, tmp_path: Path, training: dict[str, Any]
) -> None:
    path = changed(model, tmp_path, lambda graph: None)
    card = json.loads(path.with_suffix(".json").read_text())
    path.with_suffix(".json").write_text(json.dumps({**card, "training": training, "data": []}))
    start = read_start(str(path), Path())

    assert start.sites == ()
    assert start.has_seen(Source(site="a", image=Path("new.nii.gz"))) is None


@pytest.mark.parametrize(
    ("site", "image", "seen"),
    [
        ("ceitec", "new.nii.gz", True),
        ("Ceitec", "new.nii.gz", True),
        ("other", "elsewhere/old.nii.gz", True),
        ("other", "new.nii.gz", False),
    ],
)
def test_a_model_has_seen_its_sites_however_they_are_spelled_and_its_images(
    site: str, image: str, seen: bool
) -> None:
    start = StartModel("m", {}, ("CEITEC",), ("set/sub/old.nii.gz",), 0.25)

    assert start.has_seen(Source(site=site, image=Path(image))) is seen


def test_results_of_an_earlier_training_are_not_replaced(checkpoint: Path, tmp_path: Path) -> None:
    data = write_data(tmp_path)
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "finder.safetensors").write_text("mine")
    with pytest.raises(OutputError, match=r"finder\.safetensors: it exists already"):
        train(read_config(data / "recipe.toml"), data, folder, device="cpu", report=silent)
    with pytest.raises(ConfigError, match="already holds a checkpoint"):
        train(read_config(data / "recipe.toml"), data, checkpoint, device="cpu", report=silent)

    assert (folder / "finder.safetensors").read_text() == "mine"


def test_weights_in_another_file_are_not_read(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They lie where the program was started, as large as they should be: no checksum has them."""

    def outside(graph: onnx.ModelProto) -> None:
        first = graph.graph.initializer[0]
        (tmp_path / "w.bin").write_bytes(onnx.numpy_helper.to_array(first).tobytes())
        elsewhere(graph)
        first.external_data[0].value = "w.bin"

    path = changed(model, tmp_path, outside)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelError, match="weights in another file"):
        read_start(str(path), Path())
