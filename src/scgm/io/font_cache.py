"""Where matplotlib keeps its list of fonts: not in a home that has no such folder.

Matplotlib makes two folders in the home when it is imported, and complains where it cannot. Who
uses it already has both, with settings that are kept. For all others the list goes to a folder of
this user below that for temporary files.
"""

from __future__ import annotations

import atexit
import os
import shutil
import stat
import sys
import tempfile
from pathlib import Path


def use_quiet_font_cache() -> None:
    """Choose the folder of matplotlib's list of fonts; call it before matplotlib is imported."""
    if "matplotlib" in sys.modules or os.environ.get("MPLCONFIGDIR") or _has_its_folders():
        return
    os.environ["MPLCONFIGDIR"] = str(_folder())


def _has_its_folders() -> bool:
    try:
        home = Path.home()
    except RuntimeError:
        return False
    if sys.platform in ("darwin", "win32"):
        places = [home / ".matplotlib"]
    else:
        places = [
            Path(os.environ.get(variable) or home / usual) / "matplotlib"
            for variable, usual in (("XDG_CONFIG_HOME", ".config"), ("XDG_CACHE_HOME", ".cache"))
        ]
    return all(place.is_dir() and os.access(place, os.W_OK) for place in places)


def _folder() -> Path:
    """Return a folder that nobody else can write to; the same one each time where possible."""
    if hasattr(os, "getuid"):
        folder = Path(tempfile.gettempdir()) / f"scgm-fonts-{os.getuid()}"
        try:
            folder.mkdir(mode=0o700, exist_ok=True)
            found = folder.lstat()
        except OSError:
            return _for_this_process()
        private = stat.S_ISDIR(found.st_mode) and not found.st_mode & 0o077
        if private and found.st_uid == os.getuid():
            return folder
    return _for_this_process()


def _for_this_process() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="scgm-fonts-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
