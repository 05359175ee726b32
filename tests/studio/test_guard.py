"""What the server refuses, tried over the network of this machine."""

import http.client
import os
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

pytest.importorskip("uvicorn", reason="the extra 'studio' is not installed")

from scgm.studio.limits import Limits
from tests.helpers.studio import Studio, serving

LIMITS = Limits(upload_bytes=100_000, stored_bytes=250_000, body_bytes=2000)


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    folder = tmp_path_factory.mktemp("studio")
    (folder / "secret.txt").write_text("secret", encoding="utf-8")
    with serving(folder, limits=LIMITS) as running:
        yield running


def kept(studio: Studio) -> list[Path]:
    # Not rglob, which fails where the server removes a folder at that moment.
    walked = os.walk(studio.scratch / "uploads")
    return [Path(folder) / name for folder, _, names in walked for name in names]


def wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_the_page_and_its_data_are_answered(studio: Studio) -> None:
    assert b"studio" in studio.ask("GET", "/").body
    assert studio.ask("GET", "/site.json").fields["mode"] == "server"
    assert studio.ask("GET", "/api/about").status == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1", "127.0.0.1.evil.example:1", "127.0.0.1:1", "[::1]:1"]
)
@pytest.mark.parametrize("path", ["/", "/site.json", "/api/about"])
def test_a_forged_host_is_refused(studio: Studio, host: str, path: str) -> None:
    answer = studio.ask("GET", path, headers={"host": host})

    assert answer.status == 403
    assert b"studio" not in answer.body


def test_a_request_without_host_is_refused(studio: Studio) -> None:
    assert studio.ask("GET", "/", headers={"host": ""}).status in (400, 403)


def test_two_hosts_are_refused(studio: Studio) -> None:
    with socket.create_connection(("127.0.0.1", studio.port), 10) as connection:
        own = f"127.0.0.1:{studio.port}"
        connection.sendall(f"GET / HTTP/1.1\r\nHost: {own}\r\nHost: {own}\r\n\r\n".encode())

        assert connection.recv(100).split()[1] in (b"400", b"403")


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "https://127.0.0.1:1"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_another_site_is_refused_even_with_the_token(
    studio: Studio, origin: str, method: str
) -> None:
    path = "/api/about" if method == "GET" else "/api/scans"

    assert studio.ask(method, path, b"x", {"origin": origin}).status == 403
    assert kept(studio) == []


@pytest.mark.parametrize("pieces", [2, 0])
def test_a_refusal_arrives_although_the_body_comes_later_or_never(
    studio: Studio, pieces: int
) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", studio.port, timeout=30)
    connection.putrequest("POST", "/api/scans")
    connection.putheader("origin", "http://evil.example")
    connection.putheader("content-length", "50000")
    connection.endheaders()
    for _ in range(pieces):
        time.sleep(0.1)
        connection.send(b"x" * 25_000)

    assert connection.getresponse().status == 403
    connection.close()


@pytest.mark.parametrize("by", ["cross-site", "same-site"])
def test_a_request_that_the_browser_calls_foreign_is_refused(studio: Studio, by: str) -> None:
    assert studio.ask("POST", "/api/scans", b"x", {"sec-fetch-site": by}).status == 403


def test_a_link_from_another_page_opens_the_page_without_data(studio: Studio) -> None:
    headers = {"sec-fetch-site": "cross-site", "x-scgm-token": ""}

    assert studio.ask("GET", "/", headers=headers).status == 200
    assert studio.ask("GET", "/api/files", headers={**headers}).status == 403


@pytest.mark.parametrize("token", ["", "wrong", "a-token-for-test", "ä"])
@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/api/about"), ("GET", "/api/files"), ("POST", "/api/scans"), ("POST", "/api/jobs")],
)
def test_without_the_token_nothing_is_told(
    studio: Studio, token: str, method: str, path: str
) -> None:
    answer = studio.ask(method, path, headers={"x-scgm-token": token})

    assert answer.status == 401
    assert "scgm serve" in answer.fields["error"]


@pytest.mark.parametrize("method", ["PUT", "PATCH", "OPTIONS", "TRACE", "NONSENSE"])
def test_other_methods_are_refused(studio: Studio, method: str) -> None:
    assert studio.ask(method, "/api/about").status == 405


@pytest.mark.parametrize(
    "path",
    [
        "/../secret.txt",
        "/%2e%2e/secret.txt",
        "/..%2fsecret.txt",
        "//etc/passwd",
        "/%2fetc%2fpasswd",
        "/api/files/..%2f..%2fsecret.txt",
        "/api/files/%2e%2e",
        "/api/jobs/..%2f..%2fsecret.txt",
        "/api/jobs/x/..%2f..%2fsecret.txt",
        "/api/jobs/../../secret.txt",
    ],
)
def test_a_path_leads_nowhere(studio: Studio, path: str) -> None:
    answer = studio.ask("GET", path)

    assert answer.status == 404
    assert answer.body != b"secret"


def test_ten_declared_gigabytes_are_refused_before_they_are_sent(studio: Studio) -> None:
    answer = studio.ask("POST", "/api/scans", headers={"content-length": str(10 << 30)})

    assert answer.status == 413
    assert kept(studio) == []


@pytest.mark.parametrize("length", ["-1", "x", "9" * 30])
def test_a_length_that_is_none_is_refused(studio: Studio, length: str) -> None:
    answer = studio.ask("POST", "/api/scans", headers={"content-length": length})

    assert answer.status in (400, 413)


def test_a_body_longer_than_it_may_be_is_refused_without_a_declared_length(
    studio: Studio,
) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", studio.port, timeout=20)
    headers = {"x-scgm-token": "a-token-for-tests"}
    pieces = (b"x" * 10_000 for _ in range(30))

    connection.request("POST", "/api/scans", pieces, headers, encode_chunked=True)
    status = connection.getresponse().status
    connection.close()

    assert status == 413
    assert kept(studio) == []


def test_a_long_order_is_refused(studio: Studio) -> None:
    assert studio.ask("POST", "/api/jobs", b"{" + b" " * 3000 + b"}").status == 413


@pytest.mark.parametrize(
    "order",
    [
        b"",
        b"[]",
        b"{",
        b'{"upload": "../../secret"}',
        b'{"file": "/etc/passwd"}',
        b'{"path": "/etc/passwd"}',
        b'{"upload": "0000000000000000", "model": "/tmp/evil.onnx"}',
        b'{"phantom": {"slices": 100000}}',
        b'{"phantom": {}, "method": "../evil"}',
        b'{"phantom": {}, "method": "nonsense"}',
        b'{"phantom": {}, "upload": "0000000000000000"}',
        b'{"phantom": {}, "threshold": NaN}',
    ],
)
def test_an_order_that_makes_no_sense_is_refused(studio: Studio, order: bytes) -> None:
    answer = studio.ask("POST", "/api/jobs", order)

    assert answer.status == 422
    assert answer.fields["error"]


def test_an_image_that_was_never_sent_is_not_known(studio: Studio) -> None:
    assert studio.ask("POST", "/api/jobs", {"upload": "0" * 16}).status == 404
    assert studio.ask("POST", "/api/jobs", {"file": "0" * 16}).status == 404


def test_every_answer_has_the_headers_of_security(studio: Studio) -> None:
    for path in ("/", "/api/about", "/api/nothing", "/nothing"):
        headers = {name.lower(): value for name, value in studio.ask("GET", path).headers.items()}

        assert "default-src 'none'" in headers["content-security-policy"]
        assert "unsafe-inline" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cross-origin-opener-policy"] == "same-origin"
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert headers["referrer-policy"] == "no-referrer"
        assert "access-control-allow-origin" not in headers


def test_fifty_parallel_uploads_stay_within_what_is_kept(studio: Studio) -> None:
    def send(number: int) -> int:
        return studio.ask("POST", "/api/scans", b"x" * 60_000, {"x-file-name": f"{number}"}).status

    with ThreadPoolExecutor(50) as pool:
        statuses = list(pool.map(send, range(50)))

    assert set(statuses) <= {200, 413}
    assert 200 in statuses
    assert sum(path.stat().st_size for path in kept(studio)) <= LIMITS.stored_bytes
    assert studio.ask("GET", "/api/about").status == 200


def test_what_a_browser_sends_only_in_part_is_not_kept(studio: Studio) -> None:
    before = set(kept(studio))
    with socket.create_connection(("127.0.0.1", studio.port), 10) as connection:
        head = (
            f"POST /api/scans HTTP/1.1\r\nHost: 127.0.0.1:{studio.port}\r\n"
            "x-scgm-token: a-token-for-tests\r\nContent-Length: 90000\r\n\r\n"
        )
        connection.sendall(head.encode() + b"x" * 1000)
        wait_for(lambda: bool(set(kept(studio)) - before))

    wait_for(lambda: set(kept(studio)) <= before)
