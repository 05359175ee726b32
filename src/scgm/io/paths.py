"""Where scgm keeps what a user made or fetched: one folder."""

import os
from pathlib import Path

from scgm.errors import ConfigError


def home() -> Path:
    """Return ``$SCGM_HOME``, or ``~/.scgm``; it need not exist.

    Raises
    ------
    ConfigError
        If nobody's home is known.
    """
    named = os.environ.get("SCGM_HOME") or "~/.scgm"
    try:
        return Path(named).expanduser()
    except RuntimeError as error:
        msg = f"{named}: there is no such home; name a folder in the variable SCGM_HOME"
        raise ConfigError(msg) from error
