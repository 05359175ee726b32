"""The model files: which there are, and reading one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from scgm.artifacts.cards import CHUNK_SLICES, DEFAULT_MODEL, ModelCard
from scgm.artifacts.graphs import check_graph
from scgm.artifacts.store import Store

__all__ = [
    "CHUNK_SLICES",
    "DEFAULT_MODEL",
    "MODELS",
    "ModelCard",
    "ModelFile",
    "model_names",
    "own_model",
    "read_card",
    "read_model",
]

MODELS = Store(ModelCard, ".onnx", "a model", "fetch model and card again")


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ModelFile:
    """A model that was read and checked: its card and the bytes of its graph."""

    card: ModelCard
    graph: bytes
    path: Path

    def __repr__(self) -> str:
        """Name it in one line, without the graph."""
        return f"<ModelFile {self.card.name!r}: {self.path}, {len(self.graph) / 1e6:.1f} MB>"


def model_names() -> tuple[str, ...]:
    """Return the names of the models that the package carries, then those of the user's own."""
    return MODELS.names()


def own_model(name: str) -> Path:
    """Return where a model of the user is found by its name.

    Raises
    ------
    ModelError
        If the package carries a model or an atlas of that name.
    """
    return MODELS.own_path(name)


def read_card(name_or_path: str | Path = DEFAULT_MODEL) -> ModelCard:
    """Read the card of a model without its graph.

    Raises
    ------
    ModelError
        If there is no such model, or its card is missing or not a card.
    """
    return MODELS.read_card(name_or_path)


def read_model(name_or_path: str | Path = DEFAULT_MODEL) -> ModelFile:
    """Read a model, and make sure that its graph is the one that its card describes.

    Parameters
    ----------
    name_or_path : str or Path
        A name out of `model_names`, or the path of an ``.onnx`` file with its card beside it.

    Raises
    ------
    ModelError
        If there is no such model, the card is missing or damaged, the checksum of the graph is not
        the card's, or the graph may run without end or names other files.
    """
    stored = MODELS.read(name_or_path)
    check_graph(stored.content, stored.path)
    return ModelFile(stored.card, stored.content, stored.path)
