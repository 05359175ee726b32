"""Small faults that can be put anywhere into a module, found from its syntax tree."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

COMPARISONS = {
    "<": "<=",
    "<=": "<",
    ">": ">=",
    ">=": ">",
    "==": "!=",
    "!=": "==",
    "is": "is not",
    "is not": "is",
    "in": "not in",
    "not in": "in",
}
ARITHMETIC = {"+": "-", "-": "+", "*": "/", "/": "*"}
LOGIC = {"and": "or", "or": "and"}
TOKENS = re.compile(
    rb"not in|is not|<=|>=|==|!=|//|\*\*|<|>|\+|-|\*|/|\bis\b|\bin\b|\band\b|\bor\b"
)

# No behavior: types, the wording of errors, and text with values in it.
SILENT = (ast.Raise, ast.JoinedStr, ast.Import, ast.ImportFrom)


@dataclass(frozen=True, slots=True)
class Site:
    """A place in a source text (bytes from *start* to *end*) and what is put there."""

    line: int
    start: int
    end: int
    new: str

    def changed(self, source: bytes) -> bytes:
        """Return the source with the fault in it."""
        return source[: self.start] + self.new.encode() + source[self.end :]


def sites(source: bytes) -> list[Site]:
    """Return every fault that can be put into a module, in the order of its text.

    Comparisons and operators are exchanged, ``and`` and ``or`` too, ``not`` is removed, whole
    numbers grow by one, others double, and truth values are negated.
    """
    text = _Text(source)
    found = {site for node in _behavior(ast.parse(source)) for site in text.faults(node)}
    return sorted((site for site in found if _parses(site, source)), key=lambda site: site.start)


def _parses(site: Site, source: bytes) -> bool:
    try:
        ast.parse(site.changed(source))
    except SyntaxError:
        return False
    return True


def _behavior(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes below one, without types, decorators, docstrings and error messages."""
    yield node
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "decorator_list"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST) and not isinstance(child, SILENT) and not _named(child):
                yield from _behavior(child)


def _named(node: ast.AST) -> bool:
    """Tell whether a statement gives a name to a message, to a type or to the public names."""
    if not isinstance(node, ast.Assign):
        return False
    names = {target.id for target in node.targets if isinstance(target, ast.Name)}
    return bool(names & {"msg", "__all__"}) or "NDArray" in ast.unparse(node.value)


class _Text:
    """A source text, and where the nodes of its syntax tree stand in it."""

    def __init__(self, source: bytes) -> None:
        self.source = source
        self.lines = [0]
        for line in source.splitlines(keepends=True):
            self.lines.append(self.lines[-1] + len(line))

    def faults(self, node: ast.AST) -> Iterator[Site]:
        """Yield what can be exchanged at one node."""
        match node:
            case ast.Compare(left=left, comparators=others):
                yield from self._between([left, *others], COMPARISONS)
            case ast.BinOp(left=one, right=other) if not _text(one, other):
                yield from self._between([one, other], ARITHMETIC)
            case ast.BoolOp(values=values):
                yield from self._between(values, LOGIC)
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                yield Site(node.lineno, self._start(node), self._start(operand), "")
            case ast.Constant(value=bool() | int() | float() as value):
                yield Site(node.lineno, self._start(node), self._end(node), _other(value))

    def _between(self, operands: list[ast.expr], known: dict[str, str]) -> Iterator[Site]:
        for one, other in pairwise(operands):
            token = TOKENS.search(self.source, self._end(one), self._start(other))
            if token is not None and (new := known.get(token.group().decode())):
                yield Site(one.end_lineno or one.lineno, token.start(), token.end(), new)

    def _start(self, node: ast.expr) -> int:
        return self.lines[node.lineno - 1] + node.col_offset

    def _end(self, node: ast.expr) -> int:
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        return self.lines[node.end_lineno - 1] + node.end_col_offset


def _text(*nodes: ast.expr) -> bool:
    """Tell whether one of the operands is a text: it can only be added."""
    return any(
        isinstance(node, ast.JoinedStr)
        or (isinstance(node, ast.Constant) and isinstance(node.value, str))
        for node in nodes
    )


def _other(value: float) -> str:
    """Return another number, or the other truth value."""
    if isinstance(value, bool):
        return str(not value)
    if isinstance(value, int):
        return str(value + 1)
    return repr(value * 2 if value else 1.0)
