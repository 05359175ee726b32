"""KEY=VALUE as it is given on a command line."""

from __future__ import annotations

import tomllib

from scgm.errors import UsageError


def read_key_value(text: str, example: str) -> tuple[str, object]:
    """Split ``KEY=VALUE``; the value is read as TOML or, where it is none, taken as text.

    Parameters
    ----------
    text : str
        What was given.
    example : str
        What the message shows as right.

    Raises
    ------
    UsageError
        If there is no ``=``, or nothing before it.

    >>> read_key_value("steps=500", ""), read_key_value("network=ddc", "")
    (('steps', 500), ('network', 'ddc'))
    """
    key, equals, value = text.partition("=")
    key = key.strip()
    if not equals or not key:
        msg = f"--set {text}: expected KEY=VALUE, such as {example}"
        raise UsageError(msg)
    return key, _value(value)


def _value(text: str) -> object:
    try:
        read = tomllib.loads(f"value = {text}")
    except (ValueError, RecursionError):  # not TOML, or too deep to be read
        return text
    return read["value"] if len(read) == 1 else text
