"""Where models and atlases are, and reading one only if it is what its card says.

Both are a file with its card beside it: ``NAME.onnx`` or ``NAME.npz``, and ``NAME.json``. The
package carries some, others are the user's own, in the folder ``models`` of `scgm.io.paths.home`;
any other is named by its path.
"""

from __future__ import annotations

import stat
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Generic, TypeVar

from scgm.artifacts.cards import Card
from scgm.errors import ModelError, OutputError
from scgm.io.hashing import sha256_of, sha256_of_file
from scgm.io.paths import expanded, home
from scgm.io.transaction import check_set, file_set

SHIPPED = Path(__file__).parent / "shipped"
_MOST_CARD_BYTES = 2**24
_MOST_BYTES = 2**30

C = TypeVar("C", bound=Card)


@dataclass(frozen=True, slots=True, eq=False)
class Stored(Generic[C]):
    """A file that was read and is the one of its card."""

    card: C
    content: bytes
    path: Path


@dataclass(frozen=True, slots=True)
class Store(Generic[C]):
    """All models, or all atlases.

    Parameters
    ----------
    card : type
        The class of their cards.
    suffix : str
        Of their files.
    what : str
        What messages call one, with its article.
    again : str
        How a user gets a good copy of one.
    """

    card: type[C]
    suffix: str
    what: str
    again: str

    @property
    def noun(self) -> str:
        """What messages call one, without article."""
        return self.what.rpartition(" ")[2]

    def names(self) -> tuple[str, ...]:
        """Return the names of those that the package carries, then of the user's own."""
        shipped = self._names(SHIPPED)
        return (*shipped, *(name for name in self._names(_own()) if name not in shipped))

    def own_path(self, name: str) -> Path:
        """Return where one of the user's own is found by its name.

        Raises
        ------
        ModelError
            If the package carries a model or an atlas of that name.
        """
        if (SHIPPED / f"{name}.json").exists():
            msg = (
                f"{name} is the name of a model or atlas that the package carries; say --output "
                f"FILE{self.suffix}"
            )
            raise ModelError(msg)
        return _own() / f"{name}{self.suffix}"

    def find(self, name_or_path: str | Path) -> Path:
        """Return the file of a name, or of a path with the right suffix.

        Raises
        ------
        ModelError
            If there is none.
        """
        text = str(name_or_path)
        if text in self._names(SHIPPED):  # before the home is asked for, which may not be there
            return SHIPPED / f"{text}{self.suffix}"
        if not text.lower().endswith(self.suffix):
            if text in self._names(_own()):
                return _own() / f"{text}{self.suffix}"
            known = ", ".join(self.names()) or "none in this installation"
            msg = (
                f"there is no {self.noun} {text[:100]!r}; known: {known}; or give the path of "
                f"an {self.suffix} file"
            )
            raise ModelError(msg)
        try:
            path = expanded(name_or_path)
            mode = path.stat().st_mode
        except FileNotFoundError as error:
            msg = f"{text}: there is no such {self.noun} file; check the path"
            raise ModelError(msg) from error
        except (OSError, ValueError) as error:  # loops, null bytes
            reason = getattr(error, "strerror", None) or error
            msg = f"{text[:200]}: the {self.noun} cannot be read ({reason}); check the path"
            raise ModelError(msg) from error
        if not stat.S_ISREG(mode):
            msg = f"{path}: this is not a regular file; give the {self.suffix} file"
            raise ModelError(msg)
        return path

    def read_card(self, name_or_path: str | Path) -> C:
        """Read a card without its file.

        Raises
        ------
        ModelError
            If there is no such file, or its card is missing or not a card.
        """
        return self._card_of(self.find(name_or_path))

    def read(self, name_or_path: str | Path) -> Stored[C]:
        """Read a file and its card, and make sure that they belong together.

        Raises
        ------
        ModelError
            If there is no such file, its card is missing or not a card, or the checksum is another.
        """
        path = self.find(name_or_path)
        card = self._card_of(path)
        content = _content(path, _MOST_BYTES, f"the {self.noun} cannot be read")
        found = sha256_of(content)
        if found != card.sha256:
            msg = (
                f"{path}: the file is damaged or was exchanged: its sha256 is {found[:12]}..., its "
                f"card says {card.sha256[:12]}...; {self.again}"
            )
            raise ModelError(msg)
        return Stored(card, content, path)

    def write(
        self, path: Path, content: bytes, known: Mapping[str, Any], *, overwrite: bool = False
    ) -> C:
        """Write a file and its card: both or none.

        Parameters
        ----------
        path : Path
            The file.
        content : bytes
            All of it.
        known : mapping
            The fields of the card but its name and checksum.

        Raises
        ------
        OutputError
            If a file is there already and *overwrite* is not set, or it cannot be written.
        """
        self.check_target(path, overwrite=overwrite)
        card = self.card(name=path.stem, sha256=sha256_of(content), **known)
        text = card.model_dump_json(indent=2) + "\n"
        names = (path.name, path.with_suffix(".json").name)
        claims = partial(self._claims, path)
        with file_set(path.parent, names, overwrite=overwrite, claims=claims) as staging:
            (staging / names[0]).write_bytes(content)
            (staging / names[1]).write_text(text, encoding="utf-8")
        return card

    def check_target(self, path: Path, *, overwrite: bool = False) -> None:
        """Make sure that a file and its card can be written to a path.

        Raises
        ------
        OutputError
            If they cannot.
        """
        if path.suffix != self.suffix:
            msg = f"{path}: {self.what} is a {self.suffix} file; give a name that ends so"
            raise OutputError(msg)
        names = (path.name, path.with_suffix(".json").name)
        claims = partial(self._claims, path)
        check_set(path.parent, names, overwrite=overwrite, claims=claims)

    def _claims(self, path: Path, folder: Path) -> dict[str, str]:
        """Return the checksums of a file and card that are a pair of ours and may be replaced."""
        try:
            stored = self.read(folder / path.name)
            card = path.with_suffix(".json").name
            return {path.name: stored.card.sha256, card: sha256_of_file(folder / card)}
        except (ModelError, OSError):
            return {}

    def _names(self, folder: Path) -> tuple[str, ...]:
        return tuple(sorted(path.stem for path in folder.glob(f"*{self.suffix}")))

    def _card_of(self, path: Path) -> C:
        card = path.with_suffix(".json")
        what = f"the card of {self.what}"
        reason = f"its card {card.name} cannot be read"
        return self.card.parse(_content(card, _MOST_CARD_BYTES, reason, of=path), card, what)


def _own() -> Path:
    return home() / "models"


def _content(path: Path, most: int, reason: str, of: Path | None = None) -> bytes:
    """Return the content of a regular file of at most *most* bytes."""
    named = of or path
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode) or found.st_size > most:
            msg = f"{named}: {reason}: {path.name} is no regular file of at most {most >> 20} MiB"
            raise ModelError(msg)
        with path.open("rb") as file:
            return file.read(most)
    except OSError as error:
        advice = "put it beside it" if of else "check the path"
        msg = f"{named}: {reason} ({error.strerror}); {advice}"
        raise ModelError(msg) from error
