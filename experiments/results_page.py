"""The results page: text by hand, tables between marks by the commands that measured them."""

from pathlib import Path

RESULTS = Path("docs/results.md")


def replace_section(name: str, content: str) -> None:
    """Put ``content`` between the marks of a section.

    Raises
    ------
    LookupError
        If the page has no such marks.
    """
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    text = RESULTS.read_text(encoding="utf-8")
    before, found, rest = text.partition(begin)
    _, closed, after = rest.partition(end)
    if not (found and closed):
        msg = f"{RESULTS} has no place for {name}"
        raise LookupError(msg)
    RESULTS.write_text(f"{before}{begin}\n\n{content}\n\n{end}{after}", encoding="utf-8")
