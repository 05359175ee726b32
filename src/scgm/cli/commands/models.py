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

    rows = [["name", "what", "trained on", "size", "sha256", "gray matter, sites left out"]]
    for name in names:
        file = read_model(name)
        card = file.card
        row = [f"{card.name} {card.version}", card.description]
        row += [f"{len(card.data)} volumes"]
        row += [f"{len(file.graph) / 1e6:.1f} MB", card.graph_sha256[:12]]
        row += [_in_short(card.scores)]
        rows.append(row)
    return rows


def _in_short(scores: tuple[dict[str, object], ...]) -> str:
    """Range of the mean Dice over images; the card has each image's."""
    values = [value for score in scores if isinstance(value := score.get("gm_dice"), float)]
    if not values:
        return "not measured"
    return f"Dice {min(values):.2f} to {max(values):.2f} on {len(values)} images"
