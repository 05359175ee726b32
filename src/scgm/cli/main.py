"""The program ``scgm``: it ends in order from its first moment on, while it still loads."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from scgm.cli.signals import Stopped, stoppable


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; end the process with an exit status.

    0 done, 1 an input could not be processed, 2 wrong usage, 3 a fault of this program,
    130 interrupted (Ctrl-C), 143 ended by SIGTERM, 129 by SIGHUP.
    """
    try:
        with stoppable():
            from scgm.cli.app import run

            run(arguments)
    except (Stopped, KeyboardInterrupt) as error:
        status = error.status if isinstance(error, Stopped) else 130
        print("error: interrupted", file=sys.stderr)  # noqa: T201  (the console may not be loaded)
        sys.exit(status)
