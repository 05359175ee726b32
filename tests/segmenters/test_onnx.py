"""A model file as a method: what it gives is checked, and what ran is recorded."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray

from scgm.errors import ModelError
from scgm.image.orientation import AxialStack, to_axial
from scgm.image.volume import Volume
from scgm.io.read import volume_from_nibabel
from scgm.segmentation.pipeline import segment
from scgm.segmenters import runtime
from scgm.segmenters.base import CordHint
from scgm.segmenters.onnx import OnnxModel
from scgm.segmenters.registry import load_model
from tests.helpers.standin import cord_voxels, scan, standin_graph, write_model


def changed(folder: Path, change: Callable[[onnx.GraphProto], None]) -> Path:
    model = onnx.load_from_string(standin_graph())
    change(model.graph)
    return write_model(folder, model.SerializeToString())


def rename(graph: onnx.GraphProto, output: str) -> None:
    for node in graph.node:
        node.output[:] = ["before" if name == output else name for name in node.output]
        node.input[:] = ["before" if name == output else name for name in node.input]


def twice_as_many(graph: onnx.GraphProto) -> None:
    rename(graph, "cord")
    graph.node.append(onnx.helper.make_node("Concat", ["before", "before"], ["cord"], axis=0))


def one_presence(graph: onnx.GraphProto) -> None:
    rename(graph, "presence")
    graph.node.append(onnx.helper.make_node("ReduceMax", ["before"], ["presence"], keepdims=1))


def test_slices_that_were_not_asked_for_are_refused(tmp_path: Path) -> None:
    """Cut to the six that were given they would pass for an answer."""
    model = load_model(changed(tmp_path, twice_as_many), threads=1)

    with pytest.raises(
        ModelError, match=r"cord of shape \(12, 50, 60\) for slices of \(6, 50, 60\)"
    ):
        model(to_axial(volume_from_nibabel(scan(cord_voxels(6)))))


def test_one_presence_for_all_slices_is_refused(tmp_path: Path) -> None:
    model = load_model(changed(tmp_path, one_presence), threads=1)

    with pytest.raises(ModelError, match=r"presence of shape \(1,\)"):
        model(to_axial(volume_from_nibabel(scan(cord_voxels(6)))))


def test_a_file_beside_the_working_folder_is_never_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its weights would be those of whoever owns the folder, whatever the card's checksum."""

    def elsewhere(graph: onnx.GraphProto) -> None:
        tensor = next(each for each in graph.initializer if each.name == "half")
        tensor.ClearField("float_data")
        tensor.ClearField("raw_data")
        tensor.data_location = onnx.TensorProto.EXTERNAL
        tensor.external_data.add(key="location", value="weights.bin")

    path = changed(tmp_path, elsewhere)
    (tmp_path / "weights.bin").write_bytes(bytes(4))
    monkeypatch.chdir(tmp_path)

    with pytest.raises(ModelError, match="weights in another file"):
        load_model(path, threads=1)


def test_the_record_says_how_many_threads_ran(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runtime, "processors", lambda: 2)
    monkeypatch.setattr("scgm.segmenters.onnx.processors", lambda: 2)

    result = segment(scan(cord_voxels()), segmenter=load_model(write_model(tmp_path), threads=9))

    assert result.provenance.model["threads"] == "2 of 2 processors"


def test_a_graph_that_needs_too_much_memory_says_so(tmp_path: Path) -> None:
    class Full:
        def run(self, *_: object) -> None:
            msg = "Failed to allocate memory for requested buffer of size 99"
            raise RuntimeError(msg)

    file = load_model(write_model(tmp_path), threads=1).file

    with pytest.raises(ModelError, match="need more memory than there is"):
        OnnxModel(file, Full())(to_axial(volume_from_nibabel(scan(cord_voxels()))))


class Echo:
    """Stand in for the runtime: every answer is the mean of its slice, or the center given."""

    def __init__(self) -> None:
        self.seen: list[Mapping[str, NDArray[np.float32]]] = []

    def run(self, outputs: Sequence[str], feeds: Mapping[str, NDArray[np.float32]]) -> list[Any]:
        """Keep what is given, and answer."""
        del outputs
        self.seen.append(feeds)
        slices = feeds["slices"]
        return [slices * 0, slices / 100, feeds["centre"].copy(), slices.mean(axis=(1, 2)) / 100]


def numbered(count: int) -> AxialStack:
    """Return slices of 5 mm, each filled with its number."""
    geometry = volume_from_nibabel(scan(cord_voxels(count))).geometry
    voxels = np.broadcast_to(np.arange(count, dtype=np.float32), geometry.shape)
    return to_axial(Volume(voxels.copy(), geometry))


def test_slices_are_seen_in_parts_with_their_neighbors_and_their_centers(tmp_path: Path) -> None:
    """Four at a time: two of their own and one on either side. Nothing is lost or exchanged."""
    session: Any = Echo()
    file = load_model(write_model(tmp_path, slices_at_once=4), threads=1).file
    stack = numbered(7)
    centers = np.stack([np.arange(7), np.arange(7) / 2], axis=1).astype(np.float32)

    found = OnnxModel(file, session)(stack, CordHint(centre_px=centers))

    seen = [feeds["slices"][:, 0, 0].tolist() for feeds in session.seen]
    assert seen == [[0, 1, 2], [1, 2, 3, 4], [3, 4, 5, 6], [5, 6]]
    for feeds in session.seen:
        np.testing.assert_array_equal(feeds["centre"][:, 0], feeds["slices"][:, 0, 0])
    np.testing.assert_allclose(found.presence, np.arange(7) / 100, rtol=1e-6)
    np.testing.assert_array_equal(found.centre_px, centers)


@pytest.mark.parametrize(("pixel_mm", "parts"), [(0.5, 1), (0.25, 1), (0.125, 3), (0.05, 3)])
def test_fewer_slices_are_seen_at_once_where_windows_follow_finer_pixels(
    tmp_path: Path, pixel_mm: float, parts: int
) -> None:
    """Pixels half as large: a window has four times as many, and a call a quarter of the slices."""
    session: Any = Echo()
    path = write_model(tmp_path, slices_at_once=16, finest_mm=0.125)
    stack = replace(numbered(6), spacing_mm=(50.0, pixel_mm, pixel_mm))

    OnnxModel(load_model(path, threads=1).file, session)(stack)

    assert len(session.seen) == parts


def test_a_center_outside_of_its_slice_is_none(tmp_path: Path) -> None:
    session: Any = Echo()
    file = load_model(write_model(tmp_path), threads=1).file
    centers = np.array([[4, 4], [4, 60.5], [-1.5, 4]], np.float32)

    found = OnnxModel(file, session)(numbered(3), CordHint(centre_px=centers))

    np.testing.assert_array_equal(found.centre_px[0], [4, 4])
    assert np.isnan(found.centre_px[1:]).all()
