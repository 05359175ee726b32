"""How levels are named on the command line."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated

import typer


class LevelKindName(StrEnum):
    """What the levels mean."""

    vertebral = "vertebral"
    spinal = "spinal"
    discs = "discs"
    discs_below = "discs-below"


LevelKind = Annotated[
    LevelKindName | None,
    typer.Option(help="What levels mean. discs: 3 is C2/C3; discs-below: 2 is C2/C3."),
]


def level_at(text: str) -> tuple[int, str]:
    """Read ``SLICE=LEVEL``, the level whose middle a slice shows.

    Raises
    ------
    BadParameter
        If it is of another form.
    """
    found = re.fullmatch(r"([0-9]{1,6})=([A-Za-z0-9]{1,4})", text)
    if found is None:
        msg = f"{text[:40]!r} is not of the form SLICE=LEVEL, for example 7=C3"
        raise typer.BadParameter(msg, param_hint="--level-at")
    return int(found[1]), found[2]
