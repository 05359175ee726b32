"""Where scgm keeps what a user made or fetched, and names from files that become paths."""

import os
from collections.abc import Callable
from pathlib import Path

import platformdirs

from scgm.errors import ConfigError, UsageError

_MAX_NAME_BYTES = 255
_EARLIER_HOME = "~/.scgm"


def home() -> Path:
    """Return the folder of the user's models and data sets; it need not exist.

    It is ``$SCGM_HOME``; else ``~/.scgm`` where that exists; else the system's folder for the
    data of programs (Linux: ``~/.local/share/scgm``).

    Raises
    ------
    ConfigError
        If nobody's home is known.
    """
    named = os.environ.get("SCGM_HOME")
    if named:
        return _expanded(named, "SCGM_HOME")
    earlier = Path(os.path.expanduser(_EARLIER_HOME))  # noqa: PTH111  (Path's fails without a home)
    if earlier.is_dir():
        return earlier
    return _of_system(platformdirs.user_data_dir, "SCGM_HOME")


def cache() -> Path | None:
    """Return the folder of what can be made again; None if the user wants none.

    It is ``$SCGM_CACHE``, none where that is empty; else the system's folder for such files
    (Linux: ``~/.cache/scgm``).

    Raises
    ------
    ConfigError
        If nobody's home is known.
    """
    named = os.environ.get("SCGM_CACHE")
    if named == "":
        return None
    if named:
        return _expanded(named, "SCGM_CACHE")
    return _of_system(platformdirs.user_cache_dir, "SCGM_CACHE")


def expanded(path: str | Path) -> Path:
    """Return a path with ``~`` and ``~name`` replaced; as it is where nobody has that home.

    A path that begins with ``~`` and is no home is not found then, like any other wrong path.
    """
    try:
        return Path(path).expanduser()
    except RuntimeError:
        return Path(path)


def _of_system(find: Callable[..., str], variable: str) -> Path:
    try:
        return _expanded(find("scgm", appauthor=False), variable)
    except RuntimeError as error:  # as platformdirs says that nobody's home is known
        msg = f"this user has no home folder; name a folder in the variable {variable}"
        raise ConfigError(msg) from error


def _expanded(named: str, variable: str) -> Path:
    try:
        return Path(named).expanduser()
    except RuntimeError as error:
        msg = f"{named}: there is no such home; name a folder in the variable {variable}"
        raise ConfigError(msg) from error


def is_safe_name(name: object) -> bool:
    """Tell whether a name can be the name of a file or folder, on every system.

    >>> is_safe_name("sub-01"), is_safe_name("../x"), is_safe_name("a/b"), is_safe_name("")
    (True, False, False, False)
    """
    return (
        isinstance(name, str)
        and bool(name.strip(". "))
        and name.isprintable()
        and not set(name) & set('/\\:*?"<>|')
        and len(os.fsencode(name)) <= _MAX_NAME_BYTES
    )


def safe_name(name: str, what: str) -> str:
    """Return a name that was read from a file, if it can be the name of a file or folder.

    Parameters
    ----------
    name : str
        The name.
    what : str
        What it is the name of, for the message: "site".

    Raises
    ------
    UsageError
        If it is empty, has a slash or another character that leads elsewhere, or is too long.
    """
    if not is_safe_name(name):
        msg = f"{what} {name!r} cannot be a file name; rename it: letters, digits, '-', '_', '.'"
        raise UsageError(msg)
    return name


def safe_child(folder: Path, name: str, what: str) -> Path:
    """Return the path of something in *folder* whose name was read from a file; see `safe_name`."""
    return folder / safe_name(name, what)
