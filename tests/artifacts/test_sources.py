"""What the package carries of others is named, with its license and copyright line."""

import json
import re
from pathlib import Path

import pytest

from scgm.artifacts.atlases import atlas_names, read_atlas_card
from scgm.artifacts.cards import Card
from scgm.artifacts.models import read_card

NOTICE = Path(__file__).parents[2] / "THIRD_PARTY.md"

# Their gray matter is the output of a published network.
PSEUDO_LABELED = ("sub-9669", "sub-9709", "sub-10062")

MODELS = ("default", "ddc", "unet", "deepseg")


@pytest.mark.parametrize("name", [*MODELS, *atlas_names()])
def test_every_source_is_named_with_its_license(name: str) -> None:
    card: Card = read_card(name) if name in MODELS else read_atlas_card(name)

    assert {"gm-challenge-data"} <= {source.name for source in card.sources}
    notice = NOTICE.read_text("utf-8")
    for source in card.sources:
        row = f"| [{source.name}]({source.url}) | {source.license} | {source.copyright} |"
        assert row in notice


def test_the_notice_of_the_mit_license_is_carried() -> None:
    notice = NOTICE.read_text("utf-8")

    assert "Copyright (c) 2014 NeuroPoly\n" in notice
    assert "The above copyright notice and this permission notice shall be included" in notice


def test_every_library_in_the_page_of_the_studio_has_its_copyright_line_and_license() -> None:
    table, _, texts = NOTICE.read_text("utf-8").partition("## The MIT License")
    package = json.loads((NOTICE.parent / "studio" / "package.json").read_text("utf-8"))

    for library in package["dependencies"]:
        assert library.split("/")[-1].lower() in table.lower()
    for line in re.findall(r"Copyright \(c\) [^|);]+", table):
        assert line.strip() in texts
    assert "## The BSD 2-Clause License" in texts


@pytest.mark.parametrize("name", atlas_names())
def test_atlases_hold_no_labels_that_a_published_network_drew(name: str) -> None:
    card = read_atlas_card(name)

    assert card.data
    assert not [image for image in card.data if any(each in image for each in PSEUDO_LABELED)]
    assert not {"juntendo", "milan", "ceitec"} & set(card.training["sites"])
