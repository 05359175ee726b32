"""Letters of any script in a picture."""

from __future__ import annotations

from functools import lru_cache

from matplotlib.font_manager import FontProperties, findfont, fontManager, get_font

# The first is part of matplotlib; the others hold Chinese, Japanese and Korean where installed.
_BASE = "DejaVu Sans"
_OTHERS = (
    "Noto Sans CJK SC",
    "Noto Sans CJK JP",
    "Noto Sans CJK KR",
    "Noto Sans SC",
    "Noto Sans JP",
    "Noto Sans KR",
    "Source Han Sans",
    "WenQuanYi Zen Hei",
    "WenQuanYi Micro Hei",
    "IPAGothic",
    "Droid Sans Fallback",
    "Hiragino Sans",
    "PingFang SC",
    "Apple SD Gothic Neo",
    "Microsoft YaHei",
    "MS Gothic",
    "Malgun Gothic",
    "Arial Unicode MS",
    "Noto Sans",
)


@lru_cache(maxsize=1)
def fonts() -> tuple[str, ...]:
    """Return the fonts of this machine to write a name with, the first that has a letter first."""
    installed = set(fontManager.get_font_names())
    return (_BASE, *(font for font in _OTHERS if font in installed))


@lru_cache(maxsize=1)
def _letters() -> frozenset[int]:
    """Return the code points of all letters that `fonts` have."""
    files = [findfont(FontProperties(family=[font])) for font in fonts()]
    return frozenset(code for file in files for code in get_font(file).get_charmap())


def readable(text: str) -> str:
    r"""Return a text that can be drawn: what no font has is written as its code point.

    A tab or another control character is written as in Python, ``\t``; a letter without a font as
    ``U+8111``.
    """
    return "".join(_drawn(letter) for letter in text)


def _drawn(letter: str) -> str:
    if not letter.isprintable():
        return letter.encode("unicode_escape").decode("ascii")
    return letter if ord(letter) in _letters() else f"U+{ord(letter):04X}"
