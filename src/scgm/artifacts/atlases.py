"""What classical methods learn: a file of arrays, and the card that says what it was made from.

An atlas is an ``.npz`` file, ``NAME.npz``, with its card beside it, ``NAME.json``. Nothing in it is
pickled. The package carries one for each method that needs one; any other is named by its path.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from scgm.errors import ModelError, OutputError
from scgm.io.atomic import write_bytes
from scgm.io.hashing import sha256_of

__all__ = ["Atlas", "AtlasCard", "atlas_names", "read_atlas", "read_atlas_card", "write_atlas"]

_SHIPPED = Path(__file__).parent / "shipped"


class AtlasCard(BaseModel):
    """What is known of an atlas: read from, and written to, the JSON beside its arrays.

    Attributes
    ----------
    name, method, version, description, license, created
        Who it is, and which method it is for; *created* is a date, ``YYYY-MM-DD``.
    sha256
        Checksum of the ``.npz`` file, 64 hexadecimal digits.
    settings
        What the method was told when it was built.
    training
        How it was made; ``sites`` are those that it has seen.
    data
        The images it has seen.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    method: str
    version: str
    description: str
    license: str
    created: str
    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    settings: dict[str, Any] = Field(default_factory=dict)
    training: dict[str, Any] = Field(default_factory=dict)
    data: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Atlas:
    """An atlas that was read and checked."""

    card: AtlasCard
    arrays: Mapping[str, NDArray[Any]]
    path: Path


def atlas_names() -> tuple[str, ...]:
    """Return the names of the atlases that the package carries."""
    return tuple(sorted(path.stem for path in _SHIPPED.glob("*.npz")))


def read_atlas_card(name_or_path: str | Path) -> AtlasCard:
    """Read the card of an atlas without its arrays.

    Raises
    ------
    ModelError
        If there is no such atlas, or its card is missing or not a card.
    """
    return _read_card(_find(name_or_path))


def read_atlas(name_or_path: str | Path, method: str) -> Atlas:
    """Read an atlas, and make sure that it is the one of its card, and for this method.

    Parameters
    ----------
    name_or_path : str or Path
        A name out of `atlas_names`, or the path of an ``.npz`` file with its card beside it.
    method : str
        The method that is to use it.

    Raises
    ------
    ModelError
        If there is no such atlas, it is for another method, the card is missing or damaged, or
        the checksum of the arrays is not the card's.
    """
    path = _find(name_or_path)
    card = _read_card(path)
    if card.method != method:
        msg = f"{path}: this atlas is for method {card.method}, not for {method}"
        raise ModelError(msg)
    try:
        content = path.read_bytes()
    except OSError as error:
        msg = f"{path}: the atlas cannot be read ({error.strerror})"
        raise ModelError(msg) from error
    found = sha256_of(content)
    if found != card.sha256:
        msg = (
            f"{path}: the file is damaged or was exchanged: its sha256 is {found[:12]}..., its "
            f"card says {card.sha256[:12]}...; build it again"
        )
        raise ModelError(msg)
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            return Atlas(card, {name: arrays[name] for name in arrays.files}, path)
    except (ValueError, OSError, zipfile.BadZipFile) as error:
        msg = f"{path}: this is not a file of arrays ({error}); build it again"
        raise ModelError(msg) from error


def write_atlas(
    path: Path,
    arrays: Mapping[str, NDArray[Any]],
    known: Mapping[str, Any],
    *,
    overwrite: bool = False,
) -> Atlas:
    """Write an atlas and its card, each whole or not at all.

    Parameters
    ----------
    path : Path
        The ``.npz`` file.
    arrays : mapping
        Its arrays; none of objects.
    known : mapping
        The fields of the card but its name and checksum.

    Raises
    ------
    OutputError
        If a file is there already and *overwrite* is not set, or it cannot be written.
    """
    if path.suffix != ".npz":
        msg = f"{path}: an atlas is an .npz file; give a name that ends so"
        raise OutputError(msg)
    beside = path.with_suffix(".json")
    for file in (path, beside):
        if file.exists() and not overwrite:
            msg = f"{file}: it is there already; give another name or --overwrite"
            raise OutputError(msg)
    content = io.BytesIO()
    np.savez_compressed(content, **dict(arrays))  # type: ignore[arg-type]
    digest = sha256_of(content.getvalue())
    card = AtlasCard(name=path.stem, sha256=digest, **known)
    text = card.model_dump_json(indent=2) + "\n"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        for file, data in ((path, content.getvalue()), (beside, text.encode())):
            write_bytes(file, data)
    except OSError as error:
        msg = f"{path}: it cannot be written ({error.strerror})"
        raise OutputError(msg) from error
    return Atlas(card, dict(arrays), path)


def _find(name_or_path: str | Path) -> Path:
    text = str(name_or_path)
    if text in atlas_names():
        return _SHIPPED / f"{text}.npz"
    path = Path(name_or_path).expanduser()
    if path.suffix.lower() != ".npz":
        known = ", ".join(atlas_names()) or "none in this installation"
        msg = f"there is no atlas {text!r}; known: {known}; or give the path of an .npz file"
        raise ModelError(msg)
    if not path.is_file():
        msg = f"{path}: there is no such atlas"
        raise ModelError(msg)
    return path


def _read_card(atlas: Path) -> AtlasCard:
    path = atlas.with_suffix(".json")
    try:
        return AtlasCard.model_validate_json(path.read_bytes())
    except OSError as error:
        msg = f"{atlas}: its card {path.name} cannot be read ({error.strerror}); put it beside it"
        raise ModelError(msg) from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        msg = f"{path}: this is not the card of an atlas: {where}: {first['msg']}"
        raise ModelError(msg) from error
