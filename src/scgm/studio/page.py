"""The built page: where it lies, and the same page as a site that needs no server."""

from __future__ import annotations

from pathlib import Path

from scgm.errors import ScgmError

_PAGE = Path(__file__).parent / "static"
BUILD = "npm --prefix studio ci && npm --prefix studio run build"


class PageMissingError(ScgmError):
    """The page was not built."""


def page_folder() -> Path:
    """Return the folder of the built page.

    Raises
    ------
    PageMissingError
        If it was not built; the message has the command.
    """
    if not (_PAGE / "index.html").is_file():
        msg = (
            f"the page is not built; in the repository run (Node.js 20 or newer): {BUILD}; then "
            "install it: pip install '.[studio]'"
        )
        raise PageMissingError(msg)
    return _PAGE
