"""Fetching public data sets, from a server on this machine."""

import errno
import os
import re
import shutil
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import ValidationError

import scgm
from scgm.datasets import download
from scgm.datasets.download import (
    PublicFile,
    data_home,
    fetch,
    plan_download,
    present_files,
    public_set,
    public_sets,
)
from scgm.errors import DownloadError, NoConnectionError, OutputError
from scgm.io.hashing import sha256_of_file
from tests.helpers.loopback import Site, listed, public, serving

SCGM_DATA = Path(os.environ.get("SCGM_DATA", Path(__file__).parents[3] / "shared" / "data"))

RECIPES = Path(scgm.__file__).parent / "training" / "recipes"

BIG = bytes(range(256)) * 1000
FILES = {"a.nii.gz": BIG, "sub-01/b.json": b"{}", "empty.json": b""}


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def site() -> Iterator[Site]:
    with serving(Site(dict(FILES))) as running:
        yield running


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_all_files_arrive_as_they_are(site: Site, tmp_path: Path) -> None:
    dataset = public(site.address, FILES)
    plan = plan_download(dataset, tmp_path / "new" / "toy")
    steps: list[None] = []

    fetch(plan, fetched=lambda: steps.append(None))

    assert (len(plan.missing), plan.bytes) == (3, len(BIG) + 2)
    assert contents(plan.folder) == FILES
    assert len(steps) == 3
    assert present_files(dataset, plan.folder) == 3
    assert [path for path, _ in site.requests] == list(FILES)


def test_what_is_there_is_not_fetched_again(site: Site, tmp_path: Path) -> None:
    dataset = public(site.address, FILES)
    (tmp_path / "a.nii.gz").write_bytes(BIG)

    plan = plan_download(dataset, tmp_path)
    fetch(plan)

    assert (len(plan.missing), plan.bytes) == (2, 2)
    assert "a.nii.gz" not in [path for path, _ in site.requests]
    assert plan_download(dataset, tmp_path).missing == ()


def test_a_file_of_that_name_with_another_content_is_not_replaced(
    site: Site, tmp_path: Path
) -> None:
    mine = b"m" * len(BIG)
    (tmp_path / "a.nii.gz").write_bytes(mine)

    with pytest.raises(OutputError, match=r"a\.nii\.gz: it exists already and is not the listed"):
        plan_download(public(site.address, FILES), tmp_path)
    assert contents(tmp_path) == {"a.nii.gz": mine}


def test_a_cut_connection_is_gone_on_with(site: Site, tmp_path: Path) -> None:
    site.cuts = [100_000]

    fetch(plan_download(public(site.address, {"a.nii.gz": BIG}), tmp_path))

    assert contents(tmp_path) == {"a.nii.gz": BIG}
    assert site.requests == [("a.nii.gz", None), ("a.nii.gz", "bytes=100000-")]


def test_a_connection_that_is_cut_again_and_again_is_gone_on_with_next_time(
    site: Site, tmp_path: Path
) -> None:
    site.cuts = [1000, 2000, 4000]
    dataset = public(site.address, {"a.nii.gz": BIG})

    with pytest.raises(DownloadError, match=r"cut 3 times, after 7000 of 256000 bytes"):
        fetch(plan_download(dataset, tmp_path))
    assert contents(tmp_path) == {"a.nii.gz.part": BIG[:7000]}
    assert present_files(dataset, tmp_path) == 0

    plan = plan_download(dataset, tmp_path)
    fetch(plan)
    assert plan.bytes == len(BIG) - 7000
    assert contents(tmp_path) == {"a.nii.gz": BIG}
    assert site.requests[-1] == ("a.nii.gz", "bytes=7000-")


def test_a_server_that_cannot_send_parts_sends_all_again(site: Site, tmp_path: Path) -> None:
    site.ranges = False
    site.cuts = [1000]

    fetch(plan_download(public(site.address, {"a.nii.gz": BIG}), tmp_path))

    assert contents(tmp_path) == {"a.nii.gz": BIG}


@pytest.mark.parametrize("left", [b"wrong" * 10, BIG[:-1] + b"!", BIG + b"more"])
def test_a_wrong_beginning_of_an_earlier_call_is_fetched_anew(
    site: Site, tmp_path: Path, left: bytes
) -> None:
    (tmp_path / "a.nii.gz.part").write_bytes(left)

    fetch(plan_download(public(site.address, {"a.nii.gz": BIG}), tmp_path))

    assert contents(tmp_path) == {"a.nii.gz": BIG}
    assert site.requests[-1] == ("a.nii.gz", None)


def test_a_complete_part_is_only_checked_and_renamed(site: Site, tmp_path: Path) -> None:
    (tmp_path / "a.nii.gz.part").write_bytes(BIG)

    fetch(plan_download(public(site.address, {"a.nii.gz": BIG}), tmp_path))

    assert contents(tmp_path) == {"a.nii.gz": BIG}
    assert site.requests == []


def test_a_server_that_never_ends_is_not_listened_to(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    endless = iter([b"x" * 100] * 50)
    monkeypatch.setattr(download, "_blocks", lambda _: endless)

    with pytest.raises(DownloadError, match="not the listed file"):
        fetch(plan_download(public(site.address, {"a.nii.gz": b"a" * 250}), tmp_path))
    assert len(list(endless)) == 50 - 3


@pytest.mark.parametrize("served", [b"x" * len(BIG), BIG + b"more", BIG[:-1], b""])
def test_a_wrong_checksum_leaves_nothing(site: Site, tmp_path: Path, served: bytes) -> None:
    site.files = {"a.nii.gz": served}

    with pytest.raises(DownloadError, match=r"a\.nii\.gz: what came is not the listed file"):
        fetch(plan_download(public(site.address, {"a.nii.gz": BIG}), tmp_path))
    assert contents(tmp_path) == {}


def test_a_file_that_became_shorter_is_not_waited_for(site: Site, tmp_path: Path) -> None:
    site.files = {"a.nii.gz": BIG[:500]}
    (tmp_path / "a.nii.gz.part").write_bytes(BIG[:1000])

    with pytest.raises(DownloadError, match="not the listed file"):
        fetch(plan_download(public(site.address, {"a.nii.gz": BIG}), tmp_path))
    assert contents(tmp_path) == {}


def answer(status: str, *headers: str, body: bytes = b"") -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status}", *headers, "", ""]).encode("latin-1") + body


def test_a_server_that_refuses_a_range_nobody_asked_for_is_named(
    site: Site, tmp_path: Path
) -> None:
    site.raw = answer("416 Range Not Satisfiable", "Content-Length: 0")

    with pytest.raises(DownloadError, match=r"a\.nii\.gz: the server answers 416"):
        fetch(plan_download(public(site.address, {"a.nii.gz": BIG}), tmp_path))
    assert contents(tmp_path) == {}


@pytest.mark.parametrize(
    "address",
    [
        "file:///etc/hostname",
        "ftp://127.0.0.1/a",
        "http://[::1",
        "http://127.0.0.1:99999/",
        "http://127.0.0.1:port/",
        "http://",
        "http:///a",
        "data:,a",
        "javascript:0",
        "http://\xe9\xff/",
        "http://a b/",
        "http://127.0.0.1:1/",
    ],
)
def test_a_redirection_to_an_odd_address_is_one_sentence(
    site: Site, tmp_path: Path, address: str
) -> None:
    site.raw = answer("302 Found", f"Location: {address}", "Content-Length: 0")

    loops_and_web = {
        "http://": "the server answers 302",
        "http:///a": "the server answers 302",
        "http://127.0.0.1:1/": "no connection",
    }
    said = loops_and_web.get(address, "redirects to .* no web address")
    with pytest.raises(DownloadError, match=said) as caught:
        fetch(plan_download(public(site.address, {"a.nii.gz": BIG}), tmp_path))
    assert str(caught.value).isprintable()
    assert contents(tmp_path) == {}


def test_what_a_server_says_cannot_steer_a_terminal(site: Site, tmp_path: Path) -> None:
    site.raw = answer("404 \x1b[2Jgone", "Content-Length: 0")

    with pytest.raises(DownloadError, match="404") as caught:
        fetch(plan_download(public(site.address, {"a.nii.gz": BIG}), tmp_path))
    assert str(caught.value).isprintable()


def test_a_server_that_sends_byte_after_byte_is_given_up(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "_PATIENCE_S", 0.05)
    site.drip_s = 0.01
    site.files = {"a.nii.gz": BIG[:300]}  # three seconds, were it waited for

    with pytest.raises(DownloadError, match=r"too slow, \d+ bytes in .* resumes there"):
        fetch(plan_download(public(site.address, site.files), tmp_path))
    (part,) = contents(tmp_path).items()
    assert part[0] == "a.nii.gz.part"
    assert 0 < len(part[1]) < 300
    assert BIG.startswith(part[1])


def test_a_server_whose_first_lines_never_end_is_given_up(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "_TIMEOUT_S", 0.2)
    site.raw, site.drip_s = answer("200 OK", *["X: y"] * 50), 0.05

    with pytest.raises(NoConnectionError, match=r"no answer within 0\.4 s"):
        fetch(plan_download(public(site.address, {"a.nii.gz": BIG}), tmp_path))


@pytest.mark.parametrize("name", ["a.nii.gz", "a.nii.gz.part"])
def test_links_are_neither_replaced_nor_written_through(
    site: Site, tmp_path: Path, name: str
) -> None:
    (tmp_path / name).symlink_to(tmp_path / "elsewhere")

    with pytest.raises(OutputError, match=r"a\.nii\.gz"):
        fetch(plan_download(public(site.address, {"a.nii.gz": BIG}), tmp_path))
    assert (tmp_path / name).is_symlink()
    assert not (tmp_path / "elsewhere").exists()


def test_a_missing_file_does_not_keep_the_others(site: Site, tmp_path: Path) -> None:
    files = {"gone.json": b"1", "lost.json": b"2", "a.nii.gz": BIG}

    with pytest.raises(DownloadError) as caught:
        fetch(plan_download(public(site.address, files), tmp_path))
    message = str(caught.value)
    assert message.startswith(f"{site.address}gone.json: the server answers 404")
    assert "(2 of 3 files failed)" in message
    assert message.endswith("see http://example.org/toy")
    assert contents(tmp_path) == {"a.nii.gz": BIG}


def test_without_a_network_the_first_file_is_the_last(tmp_path: Path) -> None:
    with serving(Site({})) as gone:
        address = gone.address
    steps: list[None] = []

    with pytest.raises(NoConnectionError, match=r"^127\.0\.0\.1:\d+: no connection \(.*refused"):
        fetch(plan_download(public(address, FILES), tmp_path), fetched=lambda: steps.append(None))
    assert steps == []
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_fills_up_is_said_and_what_came_is_kept(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocks = download._blocks
    room = [1]

    def full(response: Any) -> Iterator[bytes]:
        for block in blocks(response):
            if not room:
                raise OSError(errno.ENOSPC, "No space left on device")
            room.pop()
            yield block

    dataset = public(site.address, {"a.nii.gz": BIG})
    with monkeypatch.context() as patched:
        patched.setattr(download, "_blocks", full)
        with pytest.raises(OutputError, match=r"a\.nii\.gz: .*No space left.*make room"):
            fetch(plan_download(dataset, tmp_path))
    (part,) = contents(tmp_path).items()
    assert part[0] == "a.nii.gz.part"
    assert BIG.startswith(part[1])
    assert 0 < len(part[1]) < len(BIG)

    fetch(plan_download(dataset, tmp_path))
    assert contents(tmp_path) == {"a.nii.gz": BIG}


def test_too_small_a_disk_is_said_before_it_starts(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = public(site.address, FILES)

    usage = SimpleNamespace(free=len(BIG) + 1)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)

    with pytest.raises(OutputError, match=r"the disk has 0 MB left, 0 MB are needed"):
        plan_download(dataset, tmp_path / "new")
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "a.nii.gz.part").write_bytes(b"x")
    assert plan_download(dataset, tmp_path / "new").bytes == len(BIG) + 1


def test_a_folder_that_cannot_be_made_is_one_sentence(site: Site, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")

    with pytest.raises(OutputError, match="cannot be written"):
        fetch(plan_download(public(site.address, FILES), tmp_path / "file"))


@pytest.mark.parametrize("path", ["../a", "/a", "a/../../b", "a\\b", "a//b", ".hidden", ""])
def test_a_listed_path_cannot_leave_the_folder(path: str) -> None:
    with pytest.raises(ValidationError):
        listed(path, b"")


def test_every_listed_set_is_whole() -> None:
    assert [dataset.name for dataset in public_sets()] == [
        "PAM50",
        "exvivo-template",
        "gm-challenge-data",
        "gmseg",
        "scad",
        "sct_testing_data",
        "sct_tutorial_data",
        "template_AMU7T",
    ]
    for dataset in public_sets():
        assert public_set(dataset.name) == dataset
        assert dataset.base_url.startswith("https://")
        paths = [file.path for file in dataset.files]
        assert len({path.lower() for path in paths}) == len(paths)
        assert dataset.needed_for
        assert dataset.license in ("CC0-1.0", "MIT", "none named")


@pytest.mark.parametrize("recipe", ["default", "ddc-2018"])
def test_the_sets_say_which_recipe_needs_them(recipe: str) -> None:
    folders = tomllib.loads((RECIPES / f"{recipe}.toml").read_text("utf-8"))["downloads"].values()
    needed = {Path(folder).parts[0] for folder in folders}

    said = {each.name for each in public_sets() if re.search(rf"recipe.*{recipe}", each.needed_for)}

    assert said == needed


def test_an_unknown_set_is_refused_with_those_that_are_known() -> None:
    with pytest.raises(DownloadError, match="no public data set 'x'; known: PAM50, "):
        public_set("x")


def test_the_folder_for_data_can_be_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCGM_HOME", "somewhere")
    assert data_home() == Path("somewhere/data")


@pytest.mark.real
@pytest.mark.skipif(not SCGM_DATA.is_dir(), reason="real images are not here; set SCGM_DATA")
def test_the_list_of_the_challenge_data_is_that_of_real_files() -> None:
    root = SCGM_DATA / "gm-challenge"
    found = [
        PublicFile(
            path=path.relative_to(root).as_posix(),
            bytes=path.stat().st_size,
            sha256=sha256_of_file(path),
        )
        for path in root.rglob("*")
        if path.is_file()
    ]
    assert set(public_set("gm-challenge-data").files) == set(found)
