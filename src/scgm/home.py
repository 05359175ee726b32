"""Where scgm keeps what a user made or fetched: one folder."""

import os
from pathlib import Path


def home() -> Path:
    """Return ``$SCGM_HOME``, or ``~/.scgm``; it need not exist."""
    named = os.environ.get("SCGM_HOME")
    return Path(named).expanduser() if named else Path.home() / ".scgm"
