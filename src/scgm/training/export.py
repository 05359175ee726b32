"""Export of a checkpoint to a model file: one ONNX graph and its card."""

import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx.numpy_helper
import torch
from numpy.typing import NDArray

from scgm.artifacts.models import CHUNK_SLICES, MODELS
from scgm.errors import ModelError
from scgm.networks.deepseg import REACH_SLICES
from scgm.networks.graph import CordAndGrayMatter
from scgm.networks.preparation import WINDOW_PIXEL_MM
from scgm.segmenters.base import Segmenter
from scgm.segmenters.onnx import load_model
from scgm.segmenters.runtime import start_session
from scgm.training.confidence import DATA_FOLDER
from scgm.training.config.methods import method_of
from scgm.training.config.settings import TrainConfig
from scgm.training.engine.checkpoints import load_checkpoint, read_record
from scgm.version import __version__

OPSET = 17
INPUTS = ("slices", "spacing", "centre")
OUTPUTS = ("gm", "cord", "found_centre", "presence")
TOLERANCE = 1e-4
LARGE = 256
# Shape and spacing of the stacks on which a graph is compared; the last one has fine pixels.
CHECKED_STACKS = (
    ((3, 64, 120), (4.0, 0.7, 0.5)),
    ((1, 300, 310), (1.0, 0.8, 0.8)),
    ((2, 130, 110), (1.5, 0.1, 0.15)),
)
# The first two stand elsewhere on it; a folder of one machine means nothing to others.
NOT_ON_THE_CARD = ("scores", "started_with", DATA_FOLDER)

# A model, its configuration and its record: its coefficients of confidence.
FitConfidence = Callable[[Segmenter, TrainConfig, Mapping[str, Any]], dict[str, float] | None]


def export(
    checkpoint: Path,
    output: Path,
    *,
    description: str,
    folds: Sequence[Path] = (),
    overwrite: bool = False,
    confidence: FitConfidence | None = None,
) -> Path:
    """Write ``output`` (.onnx) and its card (.json), both or none; return the card's path.

    Parameters
    ----------
    folds
        Checkpoints of the same recipe that left sites out: their scores on those sites go on the
        card, since a model of all sites has none of its own.
    confidence
        Fits the model's confidence (`scgm.training.confidence`); without it the card has none.

    Raises
    ------
    ModelError
        If the checkpoint is incomplete or damaged, or the graph does not compute what it computes.
    OutputError
        If ``output`` is no ``.onnx``, a file exists and ``overwrite`` is not set, or what exists is
        not a model of ours.
    """
    MODELS.check_target(output, overwrite=overwrite)
    model, config, record = load_checkpoint(checkpoint)
    scores = [
        *record["scores"],
        *(score for folder in folds for score in read_record(folder)[1]["scores"]),
    ]
    with tempfile.TemporaryDirectory(prefix="scgm-") as place:
        graph = Path(place) / output.name
        write_graph(model, graph)
        difference = graph_difference(model, graph)
        content = graph.read_bytes()
    if not difference <= TOLERANCE:  # true for NaN, too
        msg = f"{checkpoint}: the exported graph differs from the checkpoint by {difference:.2g}"
        raise ModelError(msg)
    known = {**_card(config, record, description=description), "scores": scores}
    if confidence is not None:
        with _opened(output.name, content, known) as model_file:
            known["confidence"] = confidence(model_file, config, record)
    MODELS.write(output, content, known, overwrite=overwrite)
    return output.with_suffix(".json")


@contextmanager
def _opened(name: str, content: bytes, card: Mapping[str, Any]) -> Iterator[Segmenter]:
    """Start a model that is not yet written."""
    with tempfile.TemporaryDirectory(prefix="scgm-") as place:
        path = Path(place) / name
        MODELS.write(path, content, card, overwrite=False)
        yield load_model(path, device="cpu")


def _card(config: TrainConfig, record: Mapping[str, Any], *, description: str) -> dict[str, Any]:
    """Return what the card of a model says, without its name, checksum and scores."""
    return {
        "method": method_of(config),
        "version": __version__,
        "description": description,
        "license": "MIT",
        "created": datetime.now(UTC).date().isoformat(),
        "opset": OPSET,
        "inputs": list(INPUTS),
        "outputs": list(OUTPUTS),
        "threshold": 0.5,
        "slices_at_once": slices_at_once(config.segmenter.pixel_mm),
        "finer_below_mm": config.segmenter.pixel_mm,
        "finest_mm": min(config.segmenter.finest_mm, config.segmenter.pixel_mm),
        "reach_slices": REACH_SLICES if config.segmenter.network == "deepseg" else 0,
        "training": {
            **{key: value for key, value in record.items() if key not in NOT_ON_THE_CARD},
            "seed": config.seed,
            "recipe": config.name,
            "finder": config.finder.model_dump(mode="json"),
            **_segmenter_keys(config),
        },
        "data": sorted(
            {str(source.image or source.gm) for source in config.kept()}
            | set(record.get("started_with", ()))
        ),
    }


def _segmenter_keys(config: TrainConfig) -> dict[str, Any]:
    """Return the keys that the segmentation network was trained by."""
    if config.segmenter.network == "deepseg":
        used = config.deepseg.model_dump(mode="json")
        return {"segmenter": {"network": "deepseg"}, "deepseg": used}
    return {"segmenter": config.segmenter.model_dump(mode="json")}


def slices_at_once(pixel_mm: float) -> int:
    """Return how many slices a graph may be given, so that its windows fit into memory."""
    finer = min(1.0, pixel_mm / WINDOW_PIXEL_MM)
    return max(1, int(CHUNK_SLICES * finer**2))


def write_graph(model: CordAndGrayMatter, path: Path) -> None:
    """Export the joined model; the number and size of slices stay free."""
    slices = torch.rand(5, 96, 90)
    example = (slices, torch.tensor([5.0, 0.5, 0.6]), torch.full((5, 2), float("nan")))
    stack = {0: "Z", 1: "Y", 2: "X"}
    axes = {
        "slices": stack,
        "centre": {0: "Z"},
        "gm": stack,
        "cord": stack,
        "found_centre": {0: "Z"},
        "presence": {0: "Z"},
    }
    with warnings.catch_warnings():
        # The tracer warns of Python numbers that it fixes; all of them are constants here, as
        # graph_difference shows with stacks of other sizes.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            model.eval(),
            example,
            str(path),
            opset_version=OPSET,
            input_names=list(INPUTS),
            output_names=list(OUTPUTS),
            dynamic_axes=axes,
            dynamo=False,
            # Keeps batch normalization apart from convolutions: ONNX Runtime joins them when it
            # loads the graph, and until then the weights are the rounded ones.
            training=torch.onnx.TrainingMode.PRESERVE,
        )
    _name_equal_weights(model, path)
    _store_in_half(path)


def _name_equal_weights(model: CordAndGrayMatter, path: Path) -> None:
    """Note which stored weight is also that of another name: the exporter stores equal ones once.

    A training that starts from the file finds all weights by their names
    (`scgm.training.engine.start`).
    """
    graph = onnx.load(path)
    held = {each.name: onnx.numpy_helper.to_array(each) for each in graph.graph.initializer}
    for name, values in model.state_dict().items():
        if name in held or name.endswith("num_batches_tracked"):
            continue
        same = (n for n, stored in held.items() if np.array_equal(stored, values.numpy()))
        if (stored_as := next(same, None)) is not None:
            graph.metadata_props.add(key=name, value=stored_as)
    onnx.save(graph, path)


def _store_in_half(path: Path) -> None:
    """Store large weights that half precision holds exactly in it, each with a cast back."""
    model = onnx.load(path)
    casts = []
    for tensor in list(model.graph.initializer):
        values = onnx.numpy_helper.to_array(tensor)
        if values.dtype != np.float32 or values.size < LARGE:
            continue
        half = values.astype(np.float16)
        if not np.array_equal(half.astype(np.float32), values):
            continue
        name = tensor.name
        tensor.CopyFrom(onnx.numpy_helper.from_array(half, f"{name}_half"))
        casts.append(
            onnx.helper.make_node("Cast", [f"{name}_half"], [name], to=onnx.TensorProto.FLOAT)
        )
    for position, node in enumerate(casts):
        model.graph.node.insert(position, node)
    onnx.checker.check_model(model)
    onnx.save(model, path)


@torch.no_grad()
def graph_difference(model: CordAndGrayMatter, path: Path) -> float:
    """Return the largest difference between graph and module; NaN if any is NaN.

    Probabilities, and centers in parts of the slice's size. The stacks have other sizes than the
    one that was exported. They are noise, where rounding moves the center that is found by a
    little; so the maps are compared in windows around the same centers.
    """
    session = start_session(path.read_bytes(), path, device="cpu")
    rng = np.random.default_rng(0)
    differences: list[float] = []

    def run_both(*given: NDArray[np.float32]) -> dict[str, tuple[NDArray[Any], NDArray[Any]]]:
        graph = session.run(None, dict(zip(INPUTS, given, strict=True)))
        module = (each.numpy() for each in model(*map(torch.from_numpy, given)))
        return dict(zip(OUTPUTS, zip(graph, module, strict=True), strict=True))

    for shape, spacing in CHECKED_STACKS:
        values = rng.gamma(2.0, 100.0, shape).astype(np.float32)
        pixels = np.array(spacing, np.float32)
        centre = np.full((shape[0], 2), np.nan, np.float32)
        centre[0] = (30.5, 40.25)
        free = run_both(values, pixels, centre)
        centered = run_both(values, pixels, free["found_centre"][0])
        compared = (free["presence"], centered["gm"], centered["cord"])
        differences += [np.abs(graph - module).max() for graph, module in compared]
        differences.append(np.abs(np.subtract(*free["found_centre"])).max() / max(shape[1:]))
    return float(np.max(differences))  # NaN if any is
