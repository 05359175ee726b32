"""Hostile servers, on this machine alone: ``python -m experiments.attack_downloads``.

Each case is one answer of a server to ``scgm data get``. Right is the listed file, or one sentence
and nothing under the file's name. The command prints how many cases ended in which way, and ends
with status 1 if any ended in a traceback, in a wrong file, or not within a minute.
"""

import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

from scgm.datasets import download
from scgm.errors import ScgmError
from tests.helpers.loopback import Site, public, serving

NAME = "a.nii.gz"
CONTENT = bytes(range(256)) * 400
LIMIT_S = 60.0
# In place of 30 s, so that slow servers are given up in a moment.
TIMEOUT_S, PATIENCE_S = 1.0, 0.5

REDIRECTIONS = (
    *("file:///etc/hostname", "ftp://127.0.0.1/a", "gopher://127.0.0.1/", "data:,a", "mailto:a"),
    *(
        "javascript:0",
        "http://",
        "http:///a",
        "http://[::1",
        "http://[::g]/",
        "http://127.0.0.1:0/",
    ),
    *("http://127.0.0.1:99999/", "http://127.0.0.1:x/", "http://127.0.0.1:-1/", "http://a b/"),
    *("http://\xe9/", "http://x\x00y/", "//", "", "?", "#", "http://127.0.0.1:1/", "/" * 9000),
    *("http://user:pass@127.0.0.1:1/", "http://127.0.0.1%00/", "http://xn--/", "http://..../"),
)
STATUSES = (
    *("100 Continue", "101 Switching Protocols", "204 No Content", "206 Partial Content"),
    *("299 Odd", "300 Multiple Choices", "304 Not Modified", "305 Use Proxy", "401 No", "403 No"),
    *("404 No", "407 No", "416 No", "429 No", "500 No", "503 No", "599 No", "999 No", "000 No"),
    *("404 \x1b[2Jred", "404 \r\n", "404"),
)
RAW = (
    *(b"", b"\r\n\r\n", b"\x00" * 70_000, b"x" * 70_000, b"HTTP/9.9 200 OK\r\n\r\nx", b"<html>"),
    *(b"HTTP/1.1 abc\r\n\r\n", b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 500),
    b"HTTP/1.1 200 OK\r\nX: " + b"y" * 70_000 + b"\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nx",
    b"HTTP/1.1 200 OK\r\nContent-Length: abc\r\n\r\nx",
    b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\nx",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nx\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffff\r\nx\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nabcd",
    b"HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 7-9/3\r\n\r\nx",
    b"HTTP/1.1 100 Continue\r\n\r\n" * 40 + b"HTTP/1.1 200 OK\r\n\r\nx",
)


def sites() -> Iterator[tuple[str, Site]]:
    """Give each hostile server with its name."""
    files = {NAME: CONTENT}
    for address in REDIRECTIONS:
        raw = f"HTTP/1.1 302 Found\r\nLocation: {address}\r\nContent-Length: 0\r\n\r\n"
        yield f"redirects to {address[:40]!r}", Site(files, raw=raw.encode("latin-1"))
    for status in STATUSES:
        raw = f"HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n"
        yield f"status {status!r}", Site(files, raw=raw.encode("latin-1"))
    for answer in RAW:
        yield f"answers {answer[:40]!r}", Site(files, raw=answer)
    yield "redirects to itself", Site(files, raw=b"HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n")
    yield "sends another file", Site({NAME: CONTENT[::-1]})
    yield "sends more", Site({NAME: CONTENT + b"x"})
    yield "sends less", Site({NAME: CONTENT[:-1]})
    yield "sends nothing", Site({NAME: b""})
    yield "cuts every connection", Site(files, cuts=[10] * 9)
    yield "cuts once", Site(files, cuts=[1000])
    yield "cuts once, no ranges", Site(files, cuts=[1000], ranges=False)
    yield "sends byte after byte", Site(files, drip_s=0.01)
    yield (
        "sends its status byte after byte",
        Site(files, raw=b"HTTP/1.1 200 OK\r\n" * 20, drip_s=0.1),
    )
    yield "works", Site(files)


def ending(site: Site) -> str:
    """Fetch from a server; say in a word how it ended."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as name, serving(site):
        folder = Path(name)
        try:
            plan = download.plan_download(public(site.address, {NAME: CONTENT}), folder)
            download.fetch(plan)
            how = "fetched"
        except ScgmError as error:
            how = "one sentence" if str(error).isprintable() else "unprintable sentence"
        except Exception as error:  # whatever it is, it would be a traceback
            how = f"traceback ({type(error).__name__})"
        target = folder / NAME
        if target.exists() and target.read_bytes() != CONTENT:
            how = "wrong file"
    return how if time.monotonic() - started < LIMIT_S else "too long"


def main() -> int:
    """Attack, count and print; return the exit status."""
    for proxy in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        os.environ.pop(proxy, None)
    with patch.multiple(download, _TIMEOUT_S=TIMEOUT_S, _PATIENCE_S=PATIENCE_S):
        endings = {name: ending(site) for name, site in sites()}
    bad = {name: how for name, how in endings.items() if how not in ("fetched", "one sentence")}
    for name, how in bad.items():
        sys.stdout.write(f"{name}: {how}\n")
    counts = ", ".join(f"{count} {how}" for how, count in Counter(endings.values()).items())
    tracebacks = sum(how.startswith("traceback") for how in endings.values())
    sys.stdout.write(f"{len(endings)} servers: {counts}; {tracebacks} tracebacks\n")
    return int(bool(bad))


if __name__ == "__main__":
    sys.exit(main())
