"""Tables in Markdown, as the results page holds them."""

from collections.abc import Iterable

Row = tuple[str, ...]


def table(header: Row, rows: Iterable[Row]) -> str:
    """Format rows as Markdown."""
    lines = [header, tuple("---" for _ in header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def verdict(passed: bool) -> str:
    """Say whether a limit was met."""
    return "yes" if passed else "**no**"
