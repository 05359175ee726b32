"""Files that a browser sent: kept in a scratch folder under numbers, up to a limit."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

from scgm.errors import ScgmError
from scgm.studio.limits import MIB, Limits
from scgm.studio.names import safe_name


class TooLargeError(ScgmError):
    """More was sent than is taken."""


@dataclass(slots=True)
class Upload:
    """A file that was sent."""

    id: str
    name: str
    path: Path
    size: int = 0
    whole: bool = False


@dataclass(slots=True)
class Uploads:
    """All files that were sent.

    Parameters
    ----------
    folder : Path
        Where they lie; it exists.
    limits : Limits
        How much is taken.
    """

    folder: Path
    limits: Limits
    _kept: dict[str, Upload] = field(default_factory=dict)

    def find(self, upload_id: str) -> Upload | None:
        """Return the file of this number, if all of it was received."""
        found = self._kept.get(upload_id)
        return found if found is not None and found.whole else None

    async def receive(self, name: str, content: AsyncIterator[bytes]) -> Upload:
        """Keep what is sent.

        Parameters
        ----------
        name : str
            What the browser calls it.
        content : iterator of bytes
            The file, piece by piece.

        Raises
        ------
        TooLargeError
            If it is larger than is taken; nothing of it is left then.
        """
        number = secrets.token_hex(8)
        place = self.folder / number
        place.mkdir()
        upload = Upload(number, safe_name(name), place / safe_name(name))
        self._kept[number] = upload
        try:
            with upload.path.open("xb") as file:
                async for piece in content:
                    upload.size += len(piece)
                    self._check(upload)
                    file.write(piece)
        except BaseException:  # also where the browser is gone
            self.remove(number)
            raise
        upload.whole = True
        return upload

    def remove(self, upload_id: str) -> None:
        """Forget a file."""
        if self._kept.pop(upload_id, None) is not None:
            shutil.rmtree(self.folder / upload_id, ignore_errors=True)

    def _check(self, upload: Upload) -> None:
        if upload.size > self.limits.upload_bytes:
            msg = f"the file is larger than {self.limits.upload_bytes // MIB} MiB; crop the image"
            raise TooLargeError(msg)
        while sum(each.size for each in self._kept.values()) > self.limits.stored_bytes:
            oldest = next((each for each in self._kept.values() if each.whole), None)
            if oldest is None:
                msg = "too many large files are sent at once; send them one after the other"
                raise TooLargeError(msg)
            self.remove(oldest.id)
