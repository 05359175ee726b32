"""Names that a browser sends, made safe: they never lead anywhere."""

from __future__ import annotations

import re

_ENDINGS = (".nii.gz", ".nii", ".zip", ".dcm", ".ima")
_MOST = 100


def safe_name(name: str) -> str:
    """Return a file name of letters, digits, dots, dashes and underscores alone.

    >>> safe_name("../../etc/my scan.nii.gz")
    'my_scan.nii.gz'
    """
    last = re.split(r"[/\\]", name)[-1]
    plain = re.sub(r"[^A-Za-z0-9._-]", "_", last).lstrip(".-")
    ending = next((end for end in _ENDINGS if plain.lower().endswith(end)), "")
    stem = plain[: len(plain) - len(ending)][:_MOST].rstrip(".") or "image"
    return f"{stem}{ending or '.nii.gz'}"
