"""Running the server on this machine."""

from __future__ import annotations

import secrets
import socket
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import uvicorn

from scgm.errors import ScgmError, UsageError
from scgm.studio.app import StudioSettings, studio_app
from scgm.studio.guard import Access
from scgm.studio.library import Library
from scgm.studio.limits import DEFAULT_LIMITS, Limits
from scgm.studio.page import page_folder

LOOPBACK = "127.0.0.1"
# Always the same, so that what the browser keeps for this address is found again.
PORT = 8765
_TRIED = 20
_ANY = ("0.0.0.0", "::", "")  # noqa: S104  (refused)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServeOptions:
    """Choices of the user.

    Parameters
    ----------
    root : Path, optional
        The image or the folder that is offered.
    host : str
        Address to listen at.
    port : int, optional
        Port; by default the first that is free from 8765 on.
    limits : Limits
        How much is taken, and for how long.

    Raises
    ------
    UsageError
        If the address stands for every address: then no Host can be checked.
    """

    root: Path | None = None
    host: str = LOOPBACK
    port: int | None = None
    limits: Limits = DEFAULT_LIMITS

    def __post_init__(self) -> None:
        if self.host in _ANY:
            msg = "give the address or the name under which the page is opened, not every address"
            raise UsageError(msg)


def serve(options: ServeOptions, opened: Callable[[str], None]) -> None:
    """Serve until the process is asked to end; then remove all that was kept.

    Parameters
    ----------
    options : ServeOptions
        Choices of the user.
    opened : callable
        Called with the address of the page, the token in it, when the server answers.

    Raises
    ------
    ScgmError
        If the page is not built, the image or folder is not there, or the port is taken.
    """
    page = page_folder()
    if options.root is not None and not options.root.exists():
        msg = f"{options.root}: there is no such file or folder; check the path"
        raise ScgmError(msg)
    listening = _listen(options.host, options.port)
    port = listening.getsockname()[1]
    token = secrets.token_urlsafe(24)
    with listening, tempfile.TemporaryDirectory(prefix="scgm-studio-") as scratch:
        settings = StudioSettings(
            access=Access(_hosts(options.host, port), token),
            page=page,
            scratch=Path(scratch),
            library=Library(options.root),
            limits=options.limits,
        )
        config = uvicorn.Config(
            studio_app(settings),
            log_level="critical",
            access_log=False,
            ws="none",
            server_header=False,
            timeout_graceful_shutdown=2,
        )
        # After the "#", so that it is never sent, and is in no log.
        address = f"http://{_bracketed(options.host)}:{port}/#token={token}"
        _Server(config, lambda: opened(address)).run(sockets=[listening])


class _Server(uvicorn.Server):
    """Says when it answers."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._ready()


def _hosts(host: str, port: int) -> tuple[str, ...]:
    own = f"{_bracketed(host)}:{port}".lower()
    return (own, f"localhost:{port}") if host == LOOPBACK else (own,)


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _listen(host: str, port: int | None) -> socket.socket:
    """Open the port, or the first free one."""
    problem: OSError | None = None
    for wanted in range(PORT, PORT + _TRIED) if port is None else (port,):
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listening = socket.socket(family)
        with suppress(OSError):
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((host, wanted))
            listening.listen(128)
        except OSError as error:
            listening.close()
            problem = error
            continue
        return listening
    assert problem is not None
    where = f"{host}:{port or PORT}"
    msg = f"{where}: the server cannot listen there ({problem.strerror}); choose another --port"
    raise ScgmError(msg) from problem
