"""Text that was not written by us (file names above all), made safe to print and to store."""

from __future__ import annotations

import os


def printable(text: str, keep: str = "") -> str:
    r"""Return text with an escape in place of each character that does not print.

    Control characters can move the cursor, change colors and hide text on a terminal.

    >>> printable("a\x1b[2Jb\n"), printable("a\nb", keep="\n")
    ('a\\x1b[2Jb\\n', 'a\nb')
    """
    return "".join(char if char.isprintable() or char in keep else _escape(char) for char in text)


def name_text(name: str) -> str:
    r"""Return a file name as UTF-8 text; bytes that are not UTF-8 become escapes.

    Whatever the locale of this process, the same name gives the same text.

    >>> name_text(os.fsdecode(b"caf\xe9.nii"))
    'caf\\xe9.nii'
    """
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def _escape(char: str) -> str:
    if 0xDC80 <= ord(char) <= 0xDCFF:  # a byte of a file name that is no text
        return f"\\x{ord(char) - 0xDC00:02x}"
    return char.encode("unicode_escape").decode("ascii")
