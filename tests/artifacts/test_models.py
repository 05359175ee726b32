"""Model files are read only if they are what their card says."""

import hashlib
from pathlib import Path

import numpy as np
import onnx
import pytest

from scgm.artifacts.models import model_names, read_card, read_model
from scgm.errors import ConfigError, ModelError, UsageError
from scgm.image.orientation import to_axial
from scgm.io.read import volume_from_nibabel
from scgm.segmenters.onnx import CHUNK_PIXELS, CONTEXT_MM, _chunks
from scgm.segmenters.registry import load_model
from tests.helpers.standin import cord_voxels, scan, standin_graph, write_model


def test_a_model_is_read_by_its_path(tmp_path: Path) -> None:
    path = write_model(tmp_path)

    model = read_model(path)

    assert model.card.name == "standin"
    assert model.graph == path.read_bytes()
    assert read_card(path) == model.card


@pytest.mark.parametrize("name", model_names())
def test_every_shipped_model_is_what_its_card_says(name: str) -> None:
    model = load_model(name, device="cpu", threads=1)

    assert model.name == name


def test_an_unknown_name_is_an_error() -> None:
    with pytest.raises(ModelError, match="there is no model 'nonsense'; known:"):
        read_model("nonsense")


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="there is no such model file"):
        read_model(tmp_path / "missing.onnx")


def test_a_graph_without_card_is_an_error(tmp_path: Path) -> None:
    path = write_model(tmp_path)
    path.with_suffix(".json").unlink()

    with pytest.raises(ModelError, match=r"its card standin\.json cannot be read"):
        read_model(path)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"name": 1}', "not json"])
def test_a_card_that_is_none_is_an_error(tmp_path: Path, text: str) -> None:
    path = write_model(tmp_path)
    path.with_suffix(".json").write_text(text)

    with pytest.raises(ModelError, match="not the card of a model"):
        read_model(path)


@pytest.mark.parametrize("kept", [0, 100, -1])
def test_a_truncated_graph_is_an_error(tmp_path: Path, kept: int) -> None:
    path = write_model(tmp_path)
    path.write_bytes(path.read_bytes()[:kept])

    with pytest.raises(ModelError, match="damaged or was exchanged"):
        read_model(path)


def test_an_exchanged_graph_is_an_error(tmp_path: Path) -> None:
    path = write_model(tmp_path)
    path.write_bytes(path.read_bytes() + b"\x00")

    with pytest.raises(ModelError, match="its sha256 is"):
        read_model(path)


@pytest.mark.parametrize("graph", [b"", b"not a graph", b"\x00" * 1000])
def test_what_is_not_onnx_is_an_error_even_if_the_card_fits(tmp_path: Path, graph: bytes) -> None:
    path = write_model(tmp_path, graph)

    with pytest.raises(ModelError, match="not an ONNX graph that can run"):
        load_model(path)


@pytest.mark.parametrize("old", ["spacing", "slices", "found_centre", "gm"])
def test_a_graph_with_another_interface_is_an_error(tmp_path: Path, old: str) -> None:
    model = onnx.load_from_string(standin_graph())
    for value in (*model.graph.input, *model.graph.output):
        value.name = "other" if value.name == old else value.name
    for node in model.graph.node:
        node.input[:] = ["other" if name == old else name for name in node.input]
        node.output[:] = ["other" if name == old else name for name in node.output]

    path = write_model(tmp_path, model.SerializeToString())

    with pytest.raises(ModelError, match="a model for scgm has inputs"):
        load_model(path)


def test_threads_come_from_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SCGM_THREADS", "1")

    model = load_model(write_model(tmp_path))

    assert model.session.get_session_options().intra_op_num_threads == 1


@pytest.mark.parametrize("asked", ["0", "-1", "many", "1.5"])
def test_a_number_of_threads_that_is_none_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, asked: str
) -> None:
    monkeypatch.setenv("SCGM_THREADS", asked)

    with pytest.raises(UsageError, match="SCGM_THREADS"):
        load_model(write_model(tmp_path))


def test_cuda_that_is_not_there_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("onnxruntime.get_available_providers", lambda: ["CPUExecutionProvider"])

    with pytest.raises(ModelError, match="finds no usable CUDA"):
        load_model(write_model(tmp_path), device="cuda")


def test_a_model_names_its_checksum(tmp_path: Path) -> None:
    path = write_model(tmp_path)

    provenance = load_model(path).provenance

    assert provenance["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert provenance["version"] == "1"


def test_many_slices_come_out_as_if_given_at_once(tmp_path: Path) -> None:
    """The stand-in looks at every slice alone, so chunks must not change or mix up anything."""
    voxels = np.repeat(cord_voxels(1), 150, axis=2)
    voxels *= np.linspace(0.5, 1, 150, dtype=np.float32)
    stack = to_axial(volume_from_nibabel(scan(voxels)))

    found = load_model(write_model(tmp_path))(stack)

    np.testing.assert_array_equal(found.cord, np.clip(stack.slices, 0, 1))
    np.testing.assert_array_equal(found.gm, np.clip(stack.slices - 1, 0, 1))


@pytest.mark.parametrize("count", [1, 20, 64, 65, 100, 500])
@pytest.mark.parametrize("distance_mm", [0.08, 0.5, 5])
@pytest.mark.parametrize("side", [64, 384, 2000, 5000])
@pytest.mark.parametrize(("at_once", "reach"), [(48, 0), (48, 12), (7, 0)])
def test_chunks_hold_each_slice_once_with_its_neighbors(
    count: int, distance_mm: float, side: int, at_once: int, reach: int
) -> None:
    changes = {"slices_at_once": at_once, "reach_slices": reach}
    card = read_card("default").model_copy(update=changes)
    most = max(1, min(at_once, CHUNK_PIXELS // side**2))
    kept: list[int] = []
    for seen, own in _chunks((count, side, side), (distance_mm, 0.5, 0.5), card):
        indices = np.arange(count)[seen]
        kept.extend(indices[own])
        assert len(indices) <= most
        for end, limit in ((indices[0], 0), (indices[-1], count - 1)):
            own_end = indices[own][0 if limit == 0 else -1]
            context = abs(int(end) - int(own_end))
            wanted = max(CONTEXT_MM / distance_mm, reach)
            assert end == limit or context >= min(wanted, (most - 1) // 3)

    assert kept == list(range(count))


def test_a_shipped_model_is_found_where_there_is_no_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCGM_HOME", "~nobody-of-this-name/scgm")

    assert read_card("default").name == "default"
    with pytest.raises(ConfigError, match="SCGM_HOME"):
        read_card("mine")


def test_a_name_that_the_package_carries_is_listed_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCGM_HOME", str(tmp_path))
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "default.onnx").touch()

    assert model_names().count("default") == 1
