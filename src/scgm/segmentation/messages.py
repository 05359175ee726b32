"""Messages that advise an option of the command line, told to a user of Python."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from scgm.errors import ScgmError, UsageError

P = ParamSpec("P")
R = TypeVar("R")

_OPTION = re.compile(r"(?<!\S)(['(]?)--([a-z][a-z-]*)")


def in_python(message: str) -> str:
    """Return a message with arguments of Python in place of options of the command line.

    >>> in_python("tell where it is with --center or --cord-model NAME")
    'tell where it is with center= or cord_model= NAME'
    """
    return _OPTION.sub(lambda found: f"{found[1]}{found[2].replace('-', '_')}=", message)


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
