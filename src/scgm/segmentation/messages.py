"""Messages that advise an option of the command line, told to a user of Python."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from scgm.errors import ScgmError, UsageError

P = ParamSpec("P")
R = TypeVar("R")

# What is called otherwise in Python.
_ARGUMENTS = {"output": "directory", "qc": "picture", "qc-slices": "slices"}
_OPTION = re.compile(r"(?<!\S)(['(]?)--([a-z][a-z-]*)")


def in_python(message: str) -> str:
    """Return a message with arguments of Python in place of options of the command line.

    >>> in_python("tell where it is with --center or --cord-model NAME")
    'tell where it is with center= or cord_model= NAME'
    """

    def argument(found: re.Match[str]) -> str:
        name = _ARGUMENTS.get(found[2], found[2])
        return f"{found[1]}{name.replace('-', '_')}="

    return _OPTION.sub(argument, message)


def for_python(function: Callable[P, R]) -> Callable[P, R]:
    """Make the errors of a function advise arguments of Python."""

    @wraps(function)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except (ScgmError, UsageError) as error:
            error.args = (in_python(str(error)), *error.args[1:])
            raise

    return wrapped
