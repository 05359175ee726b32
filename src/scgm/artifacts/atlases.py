"""What classical methods learn: files of arrays.

Nothing in an atlas is pickled.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scgm.artifacts.arrays import ArraySpec, require_arrays, unpack
from scgm.artifacts.cards import AtlasCard
from scgm.artifacts.store import Store
from scgm.errors import ModelError

__all__ = [
    "ATLASES",
    "Atlas",
    "AtlasCard",
    "atlas_names",
    "read_atlas",
    "read_atlas_card",
    "write_atlas",
]

ATLASES = Store(AtlasCard, ".npz", "an atlas", "build it again")


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Atlas:
    """An atlas that was read and checked."""

    card: AtlasCard
    arrays: Mapping[str, NDArray[Any]]
    path: Path

    def __repr__(self) -> str:
        """Name it in one line, without the values."""
        shapes = ", ".join(f"{name} {values.shape}" for name, values in self.arrays.items())
        return f"<Atlas {self.card.name!r} for {self.card.method}: {shapes}>"

    def require(self, specs: Mapping[str, ArraySpec]) -> None:
        """Make sure that it has the arrays that its method needs.

        Raises
        ------
        ModelError
            With the first that is missing or different.
        """
        require_arrays(self.arrays, specs, self.path, self.card.method)


def atlas_names() -> tuple[str, ...]:
    """Return the names of the atlases that the package carries, then those of the user's own."""
    return ATLASES.names()


def read_atlas_card(name_or_path: str | Path) -> AtlasCard:
    """Read the card of an atlas without its arrays.

    Raises
    ------
    ModelError
        If there is no such atlas, or its card is missing or not a card.
    """
    return ATLASES.read_card(name_or_path)


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
        If there is no such atlas, it is for another method, the card is missing or damaged, the
        checksum of the arrays is not the card's, or they are not arrays.
    """
    stored = ATLASES.read(name_or_path)
    if stored.card.method != method:
        msg = f"{stored.path}: this atlas is for method {stored.card.method}, not for {method}"
        raise ModelError(msg)
    return Atlas(stored.card, unpack(stored.content, stored.path), stored.path)


def write_atlas(
    path: Path,
    arrays: Mapping[str, NDArray[Any]],
    known: Mapping[str, Any],
    *,
    overwrite: bool = False,
) -> Atlas:
    """Write an atlas and its card: both or none.

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
    content = io.BytesIO()
    np.savez_compressed(content, **dict(arrays))  # type: ignore[arg-type]
    card = ATLASES.write(path, content.getvalue(), known, overwrite=overwrite)
    return Atlas(card, dict(arrays), path)
