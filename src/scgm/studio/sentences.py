"""Sentences of the command line, as the page shows them."""

from __future__ import annotations

import re
from pathlib import Path

# What options of the command line are called on the page.
_FIELDS = {
    "with --series": "in the field Series",
    "with --volume": "in the field Volume:",
    "--volume ": "",
    "--series": "Series",
    "--volume": "Volume",
}
_OPTION = re.compile(r"(?<![\w-])--[a-z]")


def for_page(sentence: str, path: str | None = None) -> str:
    """Return a sentence for the page: the image by its name, options as fields.

    >>> for_page("it holds 2 volumes; choose with --volume N (0 to 1), --volume mean or rms")
    'it holds 2 volumes; choose in the field Volume: N (0 to 1), mean or rms'
    >>> for_page("/tmp/a.nii: no slice shows a cord; tell where it is with --center", "/tmp/a.nii")
    "a.nii: no slice shows a cord; tell where it is with --center (an option of 'scgm segment')"
    """
    if path is not None:
        sentence = sentence.replace(path, Path(path).name)
    for option, field in _FIELDS.items():
        sentence = sentence.replace(option, field)
    options = len(_OPTION.findall(sentence))
    if options == 0:
        return sentence
    named = "an option" if options == 1 else "options"
    return f"{sentence} ({named} of 'scgm segment')"
