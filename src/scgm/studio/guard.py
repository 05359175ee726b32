"""What every request and every answer has to meet, whatever it asks for.

A page of another site can make a browser send requests to this machine. It cannot read or set the
token, and its requests carry its own origin, or, where it has its name lead here, its own host.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from scgm.studio.limits import MIB, Limits

TOKEN_HEADER = "x-scgm-token"  # noqa: S105  (its name, not a token)
API = "/api/"
UPLOAD = "/api/scans"
READ_AWAY_BYTES, READ_AWAY_S = MIB, 1.0
METHODS = ("GET", "HEAD", "POST", "DELETE")

# Scripts come from this server alone; WebAssembly may be compiled; nothing else is ever asked for.
POLICY = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; "
    "img-src 'self' blob: data:; font-src 'self' data:; connect-src 'self' blob: data:; "
    "worker-src 'self' blob:; manifest-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    # Threads of WebAssembly need a page that shares nothing with others.
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-embedder-policy": "require-corp",
    "cross-origin-resource-policy": "same-origin",
}


@dataclass(frozen=True, slots=True)
class Access:
    """Who may ask.

    Parameters
    ----------
    hosts : tuple of str
        What the header Host may be, as "127.0.0.1:8765".
    token : str
        What the page has to send with each request for data.
    """

    hosts: tuple[str, ...]
    token: str


@dataclass(frozen=True, slots=True)
class Guard:
    """Refuses what may not be asked, and adds the headers of security to every answer."""

    app: ASGIApp
    access: Access
    limits: Limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or let the application do so."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":
            return

        async def send_safely(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *_headers(scope["path"])]
            await send(message)

        problem = self._problem(scope)
        if problem is None:
            await self.app(scope, receive, send_safely)
        else:
            await _read_away(scope, receive)
            await _refuse(send_safely, *problem)

    def _problem(self, scope: Scope) -> tuple[int, str] | None:
        headers = {
            name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]
        }
        hosts = [value for name, value in scope["headers"] if name == b"host"]
        if len(hosts) != 1 or headers["host"].lower() not in self.access.hosts:
            return 403, "this server answers under its own address alone"
        if not self._from_here(scope["path"], headers):
            return 403, "another site may not ask this server"
        if scope["method"] not in METHODS:
            return 405, "this method is not known"
        if not scope["path"].startswith(API):
            return None
        if not secrets.compare_digest(
            headers.get(TOKEN_HEADER, "").encode(), self.access.token.encode()
        ):
            return 401, "the token is missing or wrong; open the address that 'scgm serve' printed"
        return self._too_large(scope)

    def _from_here(self, path: str, headers: Mapping[str, str]) -> bool:
        origin = headers.get("origin")
        if origin is not None and origin not in {f"http://{host}" for host in self.access.hosts}:
            return False
        # Another page may hold a link to this one, which has no data without the token.
        asked_by = headers.get("sec-fetch-site", "none")
        return not path.startswith(API) or asked_by in ("none", "same-origin")

    def _too_large(self, scope: Scope) -> tuple[int, str] | None:
        most, advice = self.limits.body_bytes, ""
        if scope["path"] == UPLOAD:
            most = self.limits.upload_bytes
            advice = "; crop the image, or open its folder with 'scgm serve FOLDER'"
        if _declares_more(scope, most):
            return 413, f"more than {most // MIB} MiB are not taken{advice}"
        return None


def _headers(path: str) -> list[tuple[bytes, bytes]]:
    stored = "no-store" if path.startswith(API) else "no-cache"
    named = {**HEADERS, "cache-control": stored}
    return [(name.encode(), value.encode()) for name, value in named.items()]


def _declares_more(scope: Scope, most: int) -> bool:
    """Whether the body is said to be longer than *most* bytes, or what is said is no number."""
    declared = dict(scope["headers"]).get(b"content-length", b"0")
    return not declared.isdigit() or len(declared) > 20 or int(declared) > most


async def _read_away(scope: Scope, receive: Receive) -> None:
    """Read a short body that nobody wants: closed with data unread, a connection loses its answer.

    A long one is not read. Who sends slowly is not waited for.
    """
    if _declares_more(scope, READ_AWAY_BYTES):
        return
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(READ_AWAY_S):
            while (await receive()).get("more_body", False):
                pass


async def _refuse(send: Send, status: int, sentence: str) -> None:
    body = json.dumps({"error": sentence}).encode()
    await send(
        {
            "type": "http.response.start",
            "status": status,
            "headers": [(b"content-type", b"application/json"), (b"connection", b"close")],
        }
    )
    await send({"type": "http.response.body", "body": body})
