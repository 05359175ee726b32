"""The server of the studio on a free port of this machine, with a page of one line."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn

from scgm.studio.app import StudioSettings, studio_app
from scgm.studio.guard import Access
from scgm.studio.library import Library
from scgm.studio.limits import DEFAULT_LIMITS, Limits

TOKEN = "a-token-for-tests"


@dataclass(frozen=True)
class Answer:
    """What a server answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def fields(self) -> dict[str, Any]:
        """The body as JSON."""
        fields: dict[str, Any] = json.loads(self.body)
        return fields


@dataclass(frozen=True)
class Studio:
    """A server that runs."""

    port: int
    scratch: Path

    @property
    def address(self) -> str:
        """The address with the token, as the user gets it."""
        return f"http://127.0.0.1:{self.port}/#token={TOKEN}"

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send a request with the token; *headers* replace and add, "" leaves one out."""
        wanted = {"host": f"127.0.0.1:{self.port}", "x-scgm-token": TOKEN, **(headers or {})}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        content = body if isinstance(body, bytes) else json.dumps(body).encode() if body else b""
        for name, value in {"content-length": str(len(content)), **wanted}.items():
            if value:
                connection.putheader(name, value)
        connection.endheaders(content)
        answer = connection.getresponse()
        found = Answer(answer.status, dict(answer.getheaders()), answer.read())
        connection.close()
        return found

    def finished(self, job: str, within_s: float = 60) -> dict[str, Any]:
        """Wait for a job to be over."""
        end = time.monotonic() + within_s
        while (state := self.ask("GET", f"/api/jobs/{job}").fields)["state"] in (
            "waiting",
            "running",
        ):
            assert time.monotonic() < end, state
            time.sleep(0.02)
        return state


@contextmanager
def serving(
    folder: Path,
    *,
    root: Path | None = None,
    limits: Limits = DEFAULT_LIMITS,
    page: Path | None = None,
) -> Iterator[Studio]:
    """Serve until the block ends; *folder* is empty."""
    if page is None:
        page = folder / "page"
        page.mkdir()
        (page / "index.html").write_text("<title>studio</title>", encoding="utf-8")
    scratch = folder / "scratch"
    scratch.mkdir()
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    settings = StudioSettings(
        access=Access((f"127.0.0.1:{port}",), TOKEN),
        page=page,
        scratch=scratch,
        library=Library(root),
        limits=limits,
    )
    config = uvicorn.Config(
        studio_app(settings), log_level="critical", ws="none", timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.01)
        yield Studio(port, scratch)
    finally:
        server.should_exit = True
        thread.join()
        listening.close()
