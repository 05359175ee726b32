"""Options that every command has."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Verbose = Annotated[
    bool, typer.Option("--verbose", "-v", help="Say what is done, and every warning.")
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but errors.")]
Log = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Add all messages, with the time, to this file."),
]
