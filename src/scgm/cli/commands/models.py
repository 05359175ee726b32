"""``scgm models``: which models there are, and what is known of them."""

from __future__ import annotations

from typing import Annotated

import typer

from scgm.cli.console import Messages, Quiet, Verbose


def models(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="Name or path of one model to show.")
    ] = None,
    verbose: Verbose = False,
    quiet: Quiet = False,
) -> None:
    """List the models, or show the card of one after checking its file.

    For example:

      scgm models

      scgm models default
    """
    from scgm.models import model_names, read_model

    messages = Messages(verbose, quiet)
    if name is not None:
        messages.result(read_model(name).card.model_dump_json(indent=2))
    elif model_names():
        messages.table(_rows(model_names()))
    else:
        messages.result("This installation carries no model.")


def _rows(names: tuple[str, ...]) -> list[list[str]]:
    from scgm.models import read_model

    rows = [["name", "what", "trained on", "size", "sha256", "scores"]]
    for name in names:
        file = read_model(name)
        card = file.card
        row = [f"{card.name} {card.version}", card.description]
        row += ["\n".join(_words(entry) for entry in card.data)]
        row += [f"{len(file.graph) / 1e6:.1f} MB", card.graph_sha256[:12]]
        row += ["\n".join(_words(entry) for entry in card.scores)]
        rows.append(row)
    return rows


def _words(entry: str | dict[str, object]) -> str:
    if isinstance(entry, str):
        return entry
    return ", ".join(f"{key} {value}" for key, value in entry.items())
