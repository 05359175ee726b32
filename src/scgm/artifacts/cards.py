"""Cards: what is known of a model or an atlas, in the JSON beside its file."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, FiniteFloat, ValidationError

from scgm.errors import ModelError

__all__ = ["CHUNK_SLICES", "DEFAULT_MODEL", "AtlasCard", "Card", "ModelCard"]

DEFAULT_MODEL = "default"
# A graph holds all slices of a call at once, some 13 MB each for a window of fixed size around the
# cord, at 0.25 mm (ddc: 30 MB): so many keep it within 1 GB (ddc: 1.5 GB).
CHUNK_SLICES = 48

# One line of text that a terminal can show.
Line = Annotated[str, Field(max_length=500, pattern=r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]*$")]
Count = Annotated[int, Field(ge=0, le=2**31)]


class DataSource(BaseModel):
    """A public data set that is in a file, or was learned from, with its copyright line.

    Attributes
    ----------
    use
        What it has to do with the file: learned from, or in it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Line
    url: Line
    license: Line
    copyright: Line
    use: Line


class Card(BaseModel):
    """What is known of a model or an atlas.

    Attributes
    ----------
    name, version, description, license, created
        What it is; *created* is a date, ``YYYY-MM-DD``.
    method
        The method that it is for.
    sha256
        Checksum of the file beside the card, 64 hexadecimal digits.
    training
        How it was made: configuration, code version, seed, duration; ``sites`` are those that it
        has seen.
    data
        What it has seen, one entry per image or source.
    sources
        The data sets that these belong to, with their licenses.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Line
    method: Line
    version: Line
    description: Line
    license: Line
    created: Line
    sha256: str = Field(
        pattern="^[0-9a-f]{64}$", validation_alias=AliasChoices("sha256", "graph_sha256")
    )
    training: dict[str, Any] = Field(default_factory=dict)
    data: tuple[str | dict[str, Any], ...] = ()
    sources: tuple[DataSource, ...] = ()

    def __repr__(self) -> str:
        """Name it in one line."""
        return f"<{type(self).__name__} {self.name!r}: {self.method}, {self.description!r}>"

    @classmethod
    def parse(cls, content: bytes, source: object, what: str) -> Self:
        """Read a card from the content of its file.

        Parameters
        ----------
        content : bytes
            JSON.
        source : object
            What messages call the file.
        what : str
            What messages call a card of this kind.

        Raises
        ------
        ModelError
            If it is not such a card.
        """
        try:
            return cls.model_validate_json(content)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])[:80] or "the file"
            msg = f"{source}: this is not {what}: {where!a}: {first['msg'][:200]}"
            raise ModelError(msg) from error


class ModelCard(Card):
    """What is known of a model, an ONNX graph.

    Attributes
    ----------
    opset, inputs, outputs
        The interface of the graph: ONNX operator set, names of inputs and outputs.
    scores
        What was measured, one entry per image: ``gm_dice`` and others. ``labels`` says whom it was
        compared with: "rater", or "program" where the labels are those of another program and are
        no evidence of accuracy.
    threshold
        The probability from which on a pixel counts, unless the user names another.
    slices_at_once
        How many slices the graph may be given in one call, for its memory.
    finer_below_mm, finest_mm
        Images with pixels below the first are looked at in their own pixels, down to the second:
        fewer of their slices fit into memory. Equal: no image is.
    reach_slices
        How many slices to either side have a part in what is found in a slice, beside the
        smoothing of the cord's center.
    confidence
        Coefficients that turn this model's probabilities into the confidence of a slice
        (`scgm.image.confidence`); None: it cannot be told.
    """

    method: Line = DEFAULT_MODEL
    opset: Count
    inputs: tuple[Line, ...]
    outputs: tuple[Line, ...]
    scores: tuple[dict[str, Any], ...] = ()
    threshold: float = Field(default=0.5, gt=0, lt=1)
    slices_at_once: int = Field(default=CHUNK_SLICES, gt=0, le=2**31)
    finer_below_mm: float = Field(default=0.25, gt=0, le=10)
    finest_mm: float = Field(default=0.25, gt=0, le=10)
    reach_slices: Count = 0
    confidence: dict[str, FiniteFloat] | None = None


class AtlasCard(Card):
    """What is known of an atlas, a file of arrays.

    Attributes
    ----------
    settings
        What the method was told when it was built.
    """

    settings: dict[str, Any] = Field(default_factory=dict)
    data: tuple[str, ...] = ()
