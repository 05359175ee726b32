"""A web server on this machine that misbehaves as it is told."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from scgm.datasets.download import PublicFile, PublicSet


@dataclass
class Site:
    """What a server has, how it fails, and what it was asked for.

    Parameters
    ----------
    files : mapping
        Path to content.
    cuts : list of int
        After how many bytes to cut the next answers, one for each.
    ranges : bool
        Whether it can send a part of a file.
    raw : bytes or None
        Sent in place of any answer, to the letter.
    drip_s : float
        Seconds to wait after each byte; 0 to send at once.
    requests : list
        Path and Range header of every request so far.
    stopped : Event
        Set when the server is to end, so that nothing waits for a slow answer.
    """

    files: Mapping[str, bytes]
    cuts: list[int] = field(default_factory=list)
    ranges: bool = True
    raw: bytes | None = None
    drip_s: float = 0.0
    requests: list[tuple[str, str | None]] = field(default_factory=list)
    address: str = ""
    stopped: threading.Event = field(default_factory=threading.Event)


class _Handler(BaseHTTPRequestHandler):
    """Answers as its site says."""

    site: Site

    def do_GET(self) -> None:
        """Send a file, a part of it, or what the site sends in its place."""
        with suppress(OSError):  # the other side has hung up
            if self.site.raw is None:
                self._answer()
            else:
                self.site.requests.append((self.path.lstrip("/"), self.headers.get("Range")))
                self._send(self.site.raw)
        self.close_connection = True

    def _answer(self) -> None:
        site, wanted, path = self.site, self.headers.get("Range"), self.path.lstrip("/")
        site.requests.append((path, wanted))
        if path not in site.files:
            self.send_error(404)
            return
        content = site.files[path]
        start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted else 0
        start = start if site.ranges else 0
        if start and start >= len(content):
            self.send_error(416)
            return
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        sent = content[start:]
        self._send(sent[: site.cuts.pop(0)] if site.cuts else sent)

    def _send(self, content: bytes) -> None:
        if not self.site.drip_s:
            self.wfile.write(content)
            return
        for value in content:
            if self.site.stopped.is_set():
                return
            self.wfile.write(bytes([value]))
            time.sleep(self.site.drip_s)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def serving(site: Site) -> Iterator[Site]:
    """Serve *site* on a free port of the loopback device."""
    handler = type("Handler", (_Handler,), {"site": site})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    site.address = f"http://127.0.0.1:{server.server_port}/"
    try:
        yield site
    finally:
        site.stopped.set()
        server.shutdown()
        thread.join()
        server.server_close()


def listed(path: str, content: bytes) -> PublicFile:
    """Return the entry of a file in the list of a set."""
    return PublicFile(path=path, bytes=len(content), sha256=hashlib.sha256(content).hexdigest())


def public(address: str, files: Mapping[str, bytes], name: str = "toy") -> PublicSet:
    """Return a public set that lists these files."""
    return PublicSet(
        name=name,
        title="a toy",
        license="CC0-1.0",
        source="http://example.org/toy",
        base_url=address,
        verified=True,
        needed_for="playing",
        files=tuple(listed(path, content) for path, content in files.items()),
    )
