"""The command line of BIDS Apps: ``--participant_label 01 02``, as well as ours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from typer.core import TyperCommand


class BidsAppCommand(TyperCommand):
    """A command whose options may have several values, and underscores in their names."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse what was given, in the form that other commands have."""
        several = {
            name
            for parameter in self.params
            if getattr(parameter, "multiple", False)
            for name in parameter.opts
        }
        return super().parse_args(ctx, spread(args, several))


def spread(arguments: Sequence[str], several: set[str]) -> list[str]:
    """Repeat an option before each of its values, and write its name with dashes.

    >>> spread(["in", "out", "participant", "--run_label", "1", "2", "-v"], {"--run-label"})
    ['in', 'out', 'participant', '--run-label', '1', '--run-label', '2', '-v']
    """
    spread_out: list[str] = []
    option = ""
    values = 0
    for position, text in enumerate(arguments):
        if text == "--":
            return [*spread_out, *arguments[position:]]
        if text.startswith("-"):
            name, equals, value = text.partition("=")
            name = name.replace("_", "-") if name.startswith("--") else name
            option, values = (name, 0) if name in several and not equals else ("", 0)
            spread_out.append(f"{name}{equals}{value}")
        else:
            values += 1
            spread_out += [option, text] if option and values > 1 else [text]
    return spread_out
