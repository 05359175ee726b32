"""Archives of public tables, from a server on this machine."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from scgm.datasets.archive import (
    RECORD,
    PublicArchive,
    fetch_archive,
    fetched_before,
    public_archives,
)
from scgm.errors import DownloadError, NoConnectionError, OutputError
from tests.helpers.loopback import Site, serving
from tests.helpers.public_norms import COLUMNS, archive, files

PACKED = archive(files())
KEPT = {*files(), "LICENSE", "README.md"}


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with serving(Site({"r1.zip": PACKED})) as running:
        yield running


def listed(site: Site) -> PublicArchive:
    (real,) = public_archives()
    return real.model_copy(update={"url": f"{site.address}r1.zip", "least_tables": 20})


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_the_listed_archive_has_the_columns_of_the_stand_in() -> None:
    (real,) = public_archives()

    assert (real.name, real.license) == ("pam50-norms", "MIT")
    assert ",".join(real.columns) == COLUMNS
    assert len(real.columns) == 23


def test_tables_arrive_with_the_checksum_of_what_came(site: Site, tmp_path: Path) -> None:
    folder = tmp_path / "data" / "pam50-norms"
    assert fetched_before(listed(site), folder) is None

    found = fetch_archive(listed(site), folder)

    assert names_in(folder) == {*KEPT, RECORD}
    assert names_in(folder.parent) == {"pam50-norms"}
    assert found.sha256 == hashlib.sha256(PACKED).hexdigest()
    assert json.loads((folder / RECORD).read_text())["url"] == f"{site.address}r1.zip"
    assert fetched_before(listed(site), folder) == found
    assert (folder / "LICENSE").read_text() == "MIT"


def test_a_file_that_changed_since_is_named(site: Site, tmp_path: Path) -> None:
    fetch_archive(listed(site), tmp_path / "n")
    (tmp_path / "n" / "participants.tsv").write_text("mine")

    with pytest.raises(OutputError, match=r"participants.tsv: it has changed since"):
        fetched_before(listed(site), tmp_path / "n")


def test_a_folder_of_something_else_is_left_alone(site: Site, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")

    with pytest.raises(OutputError, match=r"holds no CHECKSUMS\.json"):
        fetched_before(listed(site), tmp_path)


def test_a_connection_that_is_cut_is_tried_again(site: Site, tmp_path: Path) -> None:
    site.cuts = [1000, 2000]

    fetch_archive(listed(site), tmp_path / "n")

    assert names_in(tmp_path / "n") == {*KEPT, RECORD}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"<html>moved</html>", "no unbroken archive"),
        (PACKED[:-2000], "no unbroken archive"),
        (archive(files(5)), "holds 6 tables in spinal_cord/spine-generic_multi-subject, at least"),
        (archive(files() | {"sub-x.csv": "a,b\n"}), "sub-x.csv has other columns"),
        (archive({}), "holds 0 tables"),
    ],
)
def test_what_is_not_these_tables_is_refused_and_leaves_nothing(
    site: Site, tmp_path: Path, content: bytes, words: str
) -> None:
    site.files = {"r1.zip": content}

    with pytest.raises(DownloadError, match=words):
        fetch_archive(listed(site), tmp_path / "n")
    assert list(tmp_path.iterdir()) == []


def test_names_that_lead_elsewhere_are_not_unpacked(site: Site, tmp_path: Path) -> None:
    site.files = {"r1.zip": archive(files() | {"../../../../evil.csv": COLUMNS, "..": COLUMNS})}

    fetch_archive(listed(site), tmp_path / "n")

    assert names_in(tmp_path) == {"n"}
    assert names_in(tmp_path / "n") == {*KEPT, RECORD}


def test_an_archive_that_is_gone_is_one_sentence(site: Site, tmp_path: Path) -> None:
    site.files = {}

    with pytest.raises(DownloadError, match=r"r1\.zip: the server answers 404"):
        fetch_archive(listed(site), tmp_path / "n")


def test_without_a_connection_nothing_is_left(tmp_path: Path, site: Site) -> None:
    closed = listed(site).model_copy(update={"url": "http://127.0.0.1:9/r1.zip"})

    with pytest.raises(NoConnectionError, match=r"repeat the command$"):
        fetch_archive(closed, tmp_path / "n")
    assert list(tmp_path.iterdir()) == []
