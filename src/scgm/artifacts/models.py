"""The model files: which there are, and reading one only if it is what its card says.

A model is an ONNX graph, ``NAME.onnx``, with its card beside it, ``NAME.json``. The package
carries some, others are the user's own (``scgm export`` puts them there); any other is named by its
path.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, ValidationError

from scgm.errors import ModelError
from scgm.io.hashing import sha256_of
from scgm.io.paths import home

__all__ = [
    "CHUNK_SLICES",
    "DEFAULT_MODEL",
    "ModelCard",
    "ModelFile",
    "model_names",
    "own_model",
    "read_card",
    "read_model",
]

DEFAULT_MODEL = "default"
# A graph holds all slices of a call at once, some 13 MB each for a window of fixed size around the
# cord, at 0.25 mm (ddc: 30 MB): so many keep it within 1 GB (ddc: 1.5 GB).
CHUNK_SLICES = 48
_SHIPPED = Path(__file__).parent / "shipped"


class ModelCard(BaseModel):
    """What is known of a model: read from, and written to, the JSON beside its graph.

    Attributes
    ----------
    name, version, description, license, created
        Who it is; *created* is a date, ``YYYY-MM-DD``.
    method
        The method that it is a model of.
    graph_sha256
        Checksum of the ONNX file, 64 hexadecimal digits.
    opset, inputs, outputs
        The interface of the graph: ONNX operator set, names of inputs and outputs.
    training
        How it was made: configuration, code version, seed, duration.
    data
        What it has seen, one entry per source.
    scores
        What was measured, one entry per data set.
    threshold
        The probability from which on a pixel counts, unless the user names another.
    slices_at_once
        How many slices the graph may be given in one call, for its memory.
    reach_slices
        How many slices to either side have a part in what is found in a slice, beside the
        smoothing of the cord's center.
    confidence
        Coefficients that turn this model's probabilities into the confidence of a slice
        (`scgm.segmentation.confidence`); None: it cannot be told.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    method: str = DEFAULT_MODEL
    version: str
    description: str
    license: str
    created: str
    graph_sha256: str = Field(pattern="^[0-9a-f]{64}$")
    opset: int
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    training: dict[str, object] = Field(default_factory=dict)
    data: tuple[str | dict[str, object], ...] = ()
    scores: tuple[dict[str, object], ...] = ()
    threshold: float = Field(default=0.5, gt=0, lt=1)
    slices_at_once: int = Field(default=CHUNK_SLICES, gt=0)
    reach_slices: int = Field(default=0, ge=0)
    confidence: dict[str, FiniteFloat] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class ModelFile:
    """A model that was read and checked: its card and the bytes of its graph."""

    card: ModelCard
    graph: bytes
    path: Path


def model_names() -> tuple[str, ...]:
    """Return the names of the models that the package carries, then those of the user's own."""
    shipped = _names(_SHIPPED)
    return (*shipped, *(name for name in _names(_own()) if name not in shipped))


def own_model(name: str) -> Path:
    """Return where a model of the user is found by its name.

    Raises
    ------
    ModelError
        If the package carries a model of that name.
    """
    if name in _names(_SHIPPED):
        msg = f"{name} is the name of a model that the package carries; say --output FILE.onnx"
        raise ModelError(msg)
    return _own() / f"{name}.onnx"


def _own() -> Path:
    return home() / "models"


def _names(folder: Path) -> tuple[str, ...]:
    return tuple(sorted(path.stem for path in folder.glob("*.onnx")))


def read_card(name_or_path: str | Path = DEFAULT_MODEL) -> ModelCard:
    """Read the card of a model without its graph.

    Raises
    ------
    ModelError
        If there is no such model, or its card is missing or not a card.
    """
    return _read_card(_find_graph(name_or_path))


def read_model(name_or_path: str | Path = DEFAULT_MODEL) -> ModelFile:
    """Read a model, and make sure that its graph is the one that its card describes.

    Parameters
    ----------
    name_or_path : str or Path
        A name out of `model_names`, or the path of an ``.onnx`` file with its card beside it.

    Raises
    ------
    ModelError
        If there is no such model, the card is missing or damaged, or the checksum of the graph
        is not the card's.
    """
    path = _find_graph(name_or_path)
    card = _read_card(path)
    try:
        graph = path.read_bytes()
    except OSError as error:
        msg = f"{path}: the model cannot be read ({error.strerror})"
        raise ModelError(msg) from error
    found = sha256_of(graph)
    if found != card.graph_sha256:
        msg = (
            f"{path}: the file is damaged or was exchanged: its sha256 is {found[:12]}..., its "
            f"card says {card.graph_sha256[:12]}...; fetch model and card again"
        )
        raise ModelError(msg)
    return ModelFile(card, graph, path)


def _find_graph(name_or_path: str | Path) -> Path:
    text = str(name_or_path)
    if text in _names(_SHIPPED):  # before the home is asked for, which a machine may not have
        return _SHIPPED / f"{text}.onnx"
    path = Path(name_or_path).expanduser()
    if path.suffix.lower() != ".onnx":
        if text in _names(_own()):
            return _own() / f"{text}.onnx"
        known = ", ".join(model_names()) or "none in this installation"
        msg = f"there is no model {text!r}; known: {known}; or give the path of an .onnx file"
        raise ModelError(msg)
    if not path.is_file():
        msg = f"{path}: there is no such model file"
        raise ModelError(msg)
    return path


def _read_card(graph: Path) -> ModelCard:
    path = graph.with_suffix(".json")
    try:
        return ModelCard.model_validate_json(path.read_bytes())
    except OSError as error:
        msg = f"{graph}: its card {path.name} cannot be read ({error.strerror}); put it beside it"
        raise ModelError(msg) from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        msg = f"{path}: this is not a model card: {where}: {first['msg']}"
        raise ModelError(msg) from error
