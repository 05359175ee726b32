"""Worker: do one job, ``python -m scgm.studio.worker START``.

It loads its libraries and waits for one line on standard input, the job as JSON. On standard output
it says line by line, as JSON, how far it is and which files are ready. It ends when the server
has ended.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any, TextIO

from scgm.errors import ScgmError, UsageError
from scgm.io.parent import end_with_parent
from scgm.studio.sentences import for_page
from scgm.studio.tasks import prepare, run


class Saying:
    """Standard output for the server alone: what libraries print goes nowhere."""

    def __init__(self) -> None:
        self._out: TextIO = os.fdopen(os.dup(1), "w", encoding="utf-8")
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.close(nowhere)

    def __call__(self, **said: Any) -> None:
        """Send one line."""
        self._out.write(json.dumps(said) + "\n")
        self._out.flush()


def limit_memory(most_bytes: int) -> None:
    """Let this process take no more address space, where the system can limit it."""
    try:
        import resource  # noqa: PLC0415  (not on every system)
    except ImportError:
        return
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    most = most_bytes if hard == resource.RLIM_INFINITY else min(most_bytes, hard)
    resource.setrlimit(resource.RLIMIT_AS, (most, hard))


def main(start: str) -> int:
    """Wait for a job and do it; return the exit status."""
    given = json.loads(start)
    end_with_parent(given["parent"])
    limit_memory(given["memory"])
    say = Saying()
    prepare()
    line = sys.stdin.readline()
    if not line:
        return 0
    task = json.loads(line)
    try:
        run(task, say)
    except (ScgmError, UsageError) as error:
        say(error=for_page(str(error), task.get("path")))
        return 1
    except MemoryError:
        say(error="there is not enough memory for this image; crop it")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
