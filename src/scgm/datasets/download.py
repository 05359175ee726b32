"""Public data sets: which there are, and fetching one file by file, each checked.

A file arrives under its name with ``.part`` and is renamed once its checksum is right; what came
before a connection was cut is kept, and the next call resumes there. The library pooch (1.9) is
not used because it cannot resume: it sends no Range header, so a connection that is cut after
100,000 of 256,000 bytes costs 256,000 bytes again; it has no limit for slow servers either.
"""

from __future__ import annotations

import errno
import os
import queue
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote, urljoin, urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from pydantic import BaseModel, ConfigDict, Field

from scgm.errors import DownloadError, NoConnectionError, OutputError
from scgm.io.hashing import sha256_of_file
from scgm.io.paths import home
from scgm.version import __version__

_REGISTRY = Path(__file__).parent / "registry"
_CHUNK = 1 << 16
_TIMEOUT_S = 30
_TRIES = 3
# A server that sends less than this, on average after the first seconds, is given up.
_LEAST_BYTES_S = 1000
_PATIENCE_S = 30.0


class PublicFile(BaseModel):
    """A file of a public data set.

    Attributes
    ----------
    path
        Where it lies below the folder, and below the set's `base_url`.
    bytes, sha256
        Its size and checksum.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    # No part of it can be "..", so nothing leaves the folder.
    path: str = Field(pattern=r"^\w[\w.-]*(/\w[\w.-]*)*$")
    bytes: int = Field(ge=0)
    sha256: str = Field(pattern="^[0-9a-f]{64}$")


class PublicSet(BaseModel):
    """A public data set, as the package lists it.

    Attributes
    ----------
    name, title, license, source
        What it is, and the page that tells about it.
    base_url
        Address that the paths of the files are put behind; ends with a slash.
    verified
        Whether every file was fetched from there when the list was made.
    needed_for
        Which commands or recipes use it.
    files
        All files that are fetched.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    title: str
    license: str
    source: str
    base_url: str = Field(pattern="^https?://.*/$")
    verified: bool
    needed_for: str = ""
    files: tuple[PublicFile, ...]

    @property
    def bytes(self) -> int:
        """Size of all files together."""
        return sum(file.bytes for file in self.files)


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be fetched.

    Parameters
    ----------
    dataset : PublicSet
        The set.
    folder : Path
        Where it goes.
    missing : tuple of PublicFile
        The files that are not there yet.
    bytes : int
        How much is to come; what an earlier call has left is not counted.
    """

    dataset: PublicSet
    folder: Path
    missing: tuple[PublicFile, ...]
    bytes: int


def listed_in(folder: str = ".") -> list[Path]:
    """Return the entries of the list of public data sets, or of a part of it."""
    return sorted((_REGISTRY / folder).glob("*.json"))


def public_sets() -> tuple[PublicSet, ...]:
    """Return the public data sets that can be fetched, in the order of their names."""
    return tuple(PublicSet.model_validate_json(path.read_bytes()) for path in listed_in())


def public_set(name: str) -> PublicSet:
    """Return the public data set of that name.

    Raises
    ------
    DownloadError
        If there is none.
    """
    known = {dataset.name: dataset for dataset in public_sets()}
    if name not in known:
        names = [*known, *(path.stem for path in listed_in("archives"))]
        msg = f"there is no public data set {name!r}; known: {', '.join(names)}"
        raise DownloadError(msg)
    return known[name]


def data_home() -> Path:
    """Return the folder that public data sets go to; see `scgm.io.paths.home`."""
    return home() / "data"


def present_files(dataset: PublicSet, folder: Path) -> int:
    """Count the files of a set that lie in *folder*, by name and size."""
    return sum(_size(folder / file.path) == file.bytes for file in dataset.files)


def plan_download(dataset: PublicSet, folder: Path) -> Plan:
    """Find out what is missing in a folder. Nothing is changed.

    Parameters
    ----------
    dataset : PublicSet
        What to fetch.
    folder : Path
        Where it shall lie; need not exist.

    Raises
    ------
    OutputError
        If a file there has the name of one of the set but another content, or the disk has too
        little space.
    """
    with written(folder):
        missing = tuple(file for file in dataset.files if not _is_there(folder / file.path, file))
        left = sum(max(0, file.bytes - (_size(_part(folder / file.path)) or 0)) for file in missing)
        existing = next(place for place in (folder, *folder.absolute().parents) if place.exists())
        free = shutil.disk_usage(existing).free
    if free < left:
        msg = (
            f"{folder}: the disk has {free / 1e6:.0f} MB left, {left / 1e6:.0f} MB are needed; "
            "make room or choose another folder"
        )
        raise OutputError(msg)
    return Plan(dataset, folder, missing, left)


def fetch(plan: Plan, *, fetched: Callable[[], None] = lambda: None) -> None:
    """Fetch all files that are missing. One that fails does not stop the others.

    Parameters
    ----------
    plan : Plan
        As from `plan_download`.
    fetched : callable
        Is called after each file.

    Raises
    ------
    DownloadError
        If the server cannot be reached (this ends it), or a file is not there, was cut off
        several times or has the wrong checksum (after all others were fetched).
    OutputError
        If a file cannot be written; what came so far is kept.
    """
    failed = []
    for file in plan.missing:
        url = plan.dataset.base_url + quote(file.path)
        try:
            fetch_file(url, plan.folder / file.path, file)
        except NoConnectionError:
            raise
        except DownloadError as error:
            failed.append(str(error))
        fetched()
    if failed:
        others = f" ({len(failed)} of {len(plan.missing)} files failed)" if failed[1:] else ""
        msg = f"{failed[0]}{others}; see {plan.dataset.source}"
        raise DownloadError(msg)


def fetch_file(url: str, target: Path, file: PublicFile) -> None:
    """Fetch one file; it appears under its name once its checksum is right.

    Parameters
    ----------
    url : str
        Where it is.
    target : Path
        Where it goes; folders are made. A file ``NAME.part`` there is resumed.
    file : PublicFile
        What it must be.

    Raises
    ------
    DownloadError, OutputError
        As from `fetch`.
    """
    part = _part(target)
    with written(target):
        inherited = bool(_size(part))
        for _ in range(_TRIES):
            if not transfer(url, part, file.bytes):
                continue
            found = sha256_of_file(part)
            if found == file.sha256:
                part.replace(target)
                return
            part.unlink()
            if not inherited:
                msg = (
                    f"{url}: what came is not the listed file (sha256 {found[:12]}..., listed "
                    f"{file.sha256[:12]}...) and was removed; try again later"
                )
                raise DownloadError(msg)
            inherited = False  # what an earlier call has left may have been wrong: once anew
        msg = (
            f"{url}: the connection was cut {_TRIES} times, after {_size(part) or 0} of "
            f"{file.bytes} bytes; repeat the command to resume there"
        )
    raise DownloadError(msg)


def transfer(url: str, part: Path, total: int) -> bool:
    """Append what is missing of a file to *part*; return whether the server sent all that it has.

    Parameters
    ----------
    url : str
        Where the file is.
    part : Path
        What came before; made where it is missing.
    total : int
        Its size in bytes. Nothing beyond is kept.

    Raises
    ------
    DownloadError, OutputError
        As from `fetch`.
    """
    if part.is_symlink():
        msg = f"{part}: it is a link, which would be written through; remove it"
        raise OutputError(msg)
    start = _size(part) or 0
    if start >= total > 0:
        return True
    headers = {"User-Agent": f"scgm/{__version__}", "Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
    try:
        response = _open(Request(url, headers=headers))  # noqa: S310  (_WebAlone lets no other scheme)
    except HTTPError as error:
        error.close()
        if error.code == 416 and start:  # the server has less than we have
            part.unlink()
            return False
        reason = _printable(str(error.reason))
        msg = f"{url}: the server answers {error.code} ({reason}); it may have moved"
        raise DownloadError(msg) from error
    with response:
        goes_on = response.status == 206
        part.parent.mkdir(parents=True, exist_ok=True)
        with part.open("ab" if goes_on else "wb") as out:
            speed = _Speed(url)
            for block in _blocks(response):
                out.write(block)
                if out.tell() > total:  # not the listed file, whatever else comes
                    return True
                speed.check(len(block))
        return response.length == 0 or _size(part) == total


class _WebAlone(HTTPRedirectHandler):
    """Follows redirections to web addresses, and to nothing else."""

    def http_error_302(self, *answer: Any) -> Any:
        """Follow a redirection: request, answer, status, reason and headers are given."""
        request, body, *_, headers = answer
        address = str(headers.get("location", ""))
        if not _is_web_address(request.full_url, address):
            body.close()
            msg = (
                f"{request.full_url}: the server redirects to {_printable(address)[:200]!r}, "
                "which is no web address; it may have moved"
            )
            raise DownloadError(msg)
        return super().http_error_302(*answer)

    http_error_301 = http_error_303 = http_error_302  # type: ignore[assignment]
    http_error_307 = http_error_308 = http_error_302  # type: ignore[assignment]


def _is_web_address(start: str, address: str) -> bool:
    """Tell whether an address, which can be relative to *start*, can be asked over HTTP."""
    try:
        parts = urlsplit(urljoin(start, address))
        named = parts.hostname and (parts.port is None or parts.port > 0)
    except ValueError:
        return False
    plain = address.isascii() and address.isprintable() and " " not in address
    return bool(named) and plain and parts.scheme in ("http", "https")


def _open(request: Request) -> HTTPResponse:
    """Ask a server, or say that it cannot be reached."""
    answered: queue.Queue[HTTPResponse | Exception] = queue.Queue()
    # In a thread: a server can send its first lines so slowly that no time limit of a read ends it.
    threading.Thread(target=_ask, args=(request, answered), daemon=True).start()
    try:
        answer = answered.get(timeout=2 * _TIMEOUT_S)
    except queue.Empty:
        answer = TimeoutError(f"no answer within {2 * _TIMEOUT_S:g} s")
    if isinstance(answer, HTTPResponse):
        return answer
    if isinstance(answer, HTTPError | DownloadError):
        raise answer
    reason = _printable(str(getattr(answer, "reason", None) or answer))
    msg = (
        f"{request.host}: no connection ({reason}); check the network and repeat the command, "
        "which resumes where it stopped"
    )
    raise NoConnectionError(msg) from answer


def _ask(request: Request, answered: queue.Queue[HTTPResponse | Exception]) -> None:
    """Put the answer of a server, or what went wrong, into a queue."""
    try:
        answered.put(build_opener(_WebAlone).open(request, timeout=_TIMEOUT_S))
    except Exception as error:  # noqa: BLE001  whatever it is, the other thread waits for it
        answered.put(error)


@dataclass(slots=True)
class _Speed:
    """Ends a transfer that would take for ever."""

    url: str
    started: float = field(default_factory=time.monotonic)
    received: int = 0

    def check(self, count: int) -> None:
        """Count bytes.

        Raises
        ------
        DownloadError
            If fewer came than a server that works would have sent.
        """
        self.received += count
        seconds = time.monotonic() - self.started
        if seconds > _PATIENCE_S and self.received < _LEAST_BYTES_S * seconds:
            msg = (
                f"{self.url}: too slow, {self.received} bytes in {seconds:.0f} s; repeat the "
                "command later, it resumes there"
            )
            raise DownloadError(msg)


def _printable(text: str) -> str:
    """Return what a server said on one line, without what would steer a terminal."""
    return "".join(letter if letter.isprintable() else " " for letter in text)


def _blocks(response: HTTPResponse) -> Iterator[bytes]:
    """Read until the end, or until the connection is cut."""
    try:
        yield from iter(partial(response.read1, _CHUNK), b"")
    except (OSError, HTTPException, ValueError):
        return


def _is_there(target: Path, file: PublicFile) -> bool:
    """Tell whether a file was fetched before."""
    if not os.path.lexists(target):
        return False
    if _size(target) == file.bytes and sha256_of_file(target) == file.sha256:
        return True
    msg = (
        f"{target}: it exists already and is not the listed file; move it away, or choose another "
        "folder"
    )
    raise OutputError(msg)


def _part(target: Path) -> Path:
    return target.with_name(f"{target.name}.part")


def _size(file: Path) -> int | None:
    return file.stat().st_size if file.is_file() else None


@contextmanager
def written(target: Path) -> Iterator[None]:
    """Say in one sentence why a file cannot be written."""
    try:
        yield
    except OSError as error:
        advice = (
            "make room and repeat the command, which resumes where it stopped"
            if error.errno == errno.ENOSPC
            else "check the folder and its permissions"
        )
        msg = f"{target}: it cannot be written ({error.strerror or error}); {advice}"
        raise OutputError(msg) from error
