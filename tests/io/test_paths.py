"""Where a user's files are kept, and names that become paths."""

import os
from pathlib import Path

import pytest

from scgm.errors import ConfigError, UsageError
from scgm.io.paths import cache, expanded, home, safe_child, safe_name


@pytest.fixture
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the home of a new user."""
    for name in ("SCGM_HOME", "SCGM_CACHE", "XDG_DATA_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    return tmp_path


def test_a_new_user_has_the_folders_of_the_system(user: Path) -> None:
    assert user in home().parents
    assert home().name == "scgm"
    kept = cache()
    assert kept is not None
    assert user in kept.parents


def test_the_folder_of_earlier_versions_is_used_where_it_exists(user: Path) -> None:
    (user / ".scgm").mkdir()

    assert home() == user / ".scgm"


def test_variables_decide(user: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (user / ".scgm").mkdir()
    monkeypatch.setenv("SCGM_HOME", "~/mine")
    monkeypatch.setenv("SCGM_CACHE", "some/where")

    assert home() == user / "mine"
    assert cache() == Path("some/where")


def test_an_empty_variable_means_no_cache(user: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCGM_CACHE", "")

    assert cache() is None


@pytest.mark.parametrize("variable", ["SCGM_HOME", "SCGM_CACHE"])
def test_a_home_of_nobody_is_named(
    user: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "~nobody-of-this-name/x")

    with pytest.raises(ConfigError, match=f"~nobody-of-this-name.*{variable}"):
        (home if variable == "SCGM_HOME" else cache)()


@pytest.mark.parametrize("name", ["sub-01", "UCL", "Zürich", "a.b", "with space", "x" * 255])
def test_an_ordinary_name_becomes_a_path(tmp_path: Path, name: str) -> None:
    assert safe_child(tmp_path, name, "site") == tmp_path / name


@pytest.mark.parametrize(
    "name",
    [
        *("", ".", "..", "...", " ", "../x", "../../../../escaped", "/etc", "a/b", "a\\b", "C:x"),
        *("a\0b", "a\nb", "a\x1b[2J", "x" * 256, "ä" * 128, os.fsdecode(b"a\xe9")),
    ],
)
def test_a_name_that_leads_elsewhere_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match=r"site .* cannot be a file name") as caught:
        safe_name(name, "site")

    assert str(caught.value).isprintable()


def test_a_path_below_a_home_is_expanded_and_one_of_nobody_left(user: Path) -> None:
    assert expanded("~/x") == user / "x"
    assert expanded("~nobody-of-this-name/x") == Path("~nobody-of-this-name/x")
