"""Pages with text by hand and tables between marks, written by the commands that measured them."""

from functools import cache
from pathlib import Path

from experiments.evidence import SHIPPED
from scgm.io.hashing import sha256_of_file
from scgm.version import __version__

PAGES = (Path("docs/results.md"), *sorted(Path("docs/results").glob("*.md")), Path("README.md"))


def section(name: str) -> str:
    """Return what stands between the marks of a section, without the empty lines around it.

    Raises
    ------
    LookupError
        If no page has such marks.
    """
    for page in PAGES:
        _, found, rest = page.read_text(encoding="utf-8").partition(f"<!-- {name}: begin -->")
        if found:
            return rest.partition(f"<!-- {name}: end -->")[0].strip()
    msg = f"none of {', '.join(map(str, PAGES))} has a place for {name}"
    raise LookupError(msg)


def replace_section(name: str, content: str) -> None:
    """Put ``content`` between the marks of a section, on every page that has them, and the stamp.

    Raises
    ------
    LookupError
        If no page has such marks.
    """
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    written = False
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        before, found, rest = text.partition(begin)
        _, closed, after = rest.partition(end)
        if found and closed:
            page.write_text(
                f"{before}{begin}\n\n{content}\n\n{stamp()}\n\n{end}{after}", encoding="utf-8"
            )
            written = True
    if not written:
        msg = f"none of {', '.join(map(str, PAGES))} has a place for {name}"
        raise LookupError(msg)


@cache
def stamp() -> str:
    """Return the version and the shipped model, by its checksum, at the time of writing."""
    shipped = sha256_of_file(SHIPPED / "default.onnx")[:8]
    return f"*Written by scgm {__version__} with `default` {shipped} shipped.*"
