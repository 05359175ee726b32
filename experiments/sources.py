"""The public data sets that models and atlases were made from, as their cards name them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

TOOLBOX = "https://github.com/spinalcordtoolbox"


@dataclass(frozen=True)
class Terms:
    """Where a data set is, and on what terms."""

    url: str
    license: str
    copyright: str


TERMS: Mapping[str, Terms] = {
    "gm-challenge-data": Terms(
        "https://github.com/sct-pipeline/gm-challenge-data", "CC0-1.0", "none"
    ),
    "sct_testing_data": Terms(f"{TOOLBOX}/sct_testing_data", "MIT", "Copyright (c) 2014 NeuroPoly"),
    "sct_tutorial_data": Terms(
        f"{TOOLBOX}/sct_tutorial_data", "MIT", "Copyright (c) 2018 NeuroPoly"
    ),
    "scad": Terms(
        "https://github.com/benjamindeleener/scad",
        "MIT",
        "Copyright (c) 2015 Benjamin De Leener and contributors",
    ),
    "template_AMU7T": Terms(
        f"{TOOLBOX}/template_AMU7T", "MIT", "Copyright (c) 2023 Spinal Cord Toolbox"
    ),
    "PAM50": Terms(f"{TOOLBOX}/PAM50", "none named", "not stated"),
}


def sources_of(names: Iterable[str], use: str) -> list[dict[str, str]]:
    """Return what a card says of data sets, and how they were used, in the order of `TERMS`."""
    wanted = set(names)
    return [
        {"name": name, **vars(terms), "use": use} for name, terms in TERMS.items() if name in wanted
    ]
