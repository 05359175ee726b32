"""Headline figures: means over images, subjects and sites, worked out on paper."""

import math
from dataclasses import replace

import pytest

from scgm.benchmark.headline import NO_INTERVAL, UNDEFINED, Headline, headlines
from scgm.benchmark.report import headline_table, image_table
from scgm.benchmark.scores import ScoredResult, by_subject, sites_of
from tests.helpers.benchmark_results import comparison, result

# Dice of n pixels with a reference of 2: 2 min(n, 2) / (n + 2).
ALL, NONE = 2, 0


def scan(image: str, subject: str, site: str, pixels: int) -> ScoredResult:
    return comparison(result("a", image, subject=subject, site=site), pixels)


def of_dice(comparisons: list[ScoredResult]) -> dict[str, Headline]:
    return {each.unit: each for each in headlines(comparisons) if each.score == "dice"}


THREE = [
    scan("1a", "one", "here", ALL),
    scan("1b", "one", "here", ALL),
    scan("2", "two", "here", NONE),
    scan("3", "three", "there", NONE),
]


def test_a_subject_counts_once_and_so_does_a_site() -> None:
    """Images 1, 1, 0, 0; subjects 1, 0, 0; sites (1 + 0) / 2 and 0."""
    found = of_dice(THREE)

    assert [found[unit].mean for unit in ("image", "subject", "site")] == pytest.approx(
        [2 / 4, 1 / 3, 1 / 4]
    )
    assert [found[unit].n for unit in ("image", "subject", "site")] == [4, 3, 2]
    assert all(math.isnan(each.low) and each.interval == NO_INTERVAL for each in found.values())


def test_a_subject_has_the_mean_of_its_images() -> None:
    images = [scan("1a", "one", "here", ALL), scan("1b", "one", "here", NONE)]

    assert by_subject(images, "2d", "dice") == {"one": 0.5}


def test_eight_images_of_fewer_subjects_have_no_interval() -> None:
    images = [scan(f"{n}", f"subject {n // 2}", "here", n % 3) for n in range(8)]

    assert math.isnan(of_dice(images)["image"].low)


def test_eight_subjects_of_two_sites_have_an_interval_that_knows_the_sites() -> None:
    """Four subjects with 1 here and four with 0 there: error 0.5, t of one degree 12.7062."""
    pixels = {"here": ALL, "there": NONE}
    images = [
        scan(f"{site} {n}", f"{site} {n}", site, pixels[site]) for site in pixels for n in range(4)
    ]

    found = of_dice(images)

    for unit in ("image", "subject"):
        assert found[unit].high == pytest.approx(0.5 + 12.7062 / 2, rel=1e-5)
        assert found[unit].interval == "t, clustered"
    assert found["site"].interval == NO_INTERVAL


def test_an_image_whose_score_is_undefined_does_not_count() -> None:
    """Both outlines are missing on the first image, so there is no distance between them."""
    images = [scan("1", "one", "here", NONE), scan("2", "two", "here", ALL)]
    undefined = replace(images[0].scores, values={"assd_mm": math.nan, "dice": math.nan})
    images[0] = replace(images[0], scores=undefined)

    found = [each for each in headlines(images) if each.score == "assd_mm"]
    nowhere = [each for each in headlines(images[:1]) if each.score == "dice"]

    assert [(each.n, each.mean, each.interval) for each in found] == [(1, 0, NO_INTERVAL)] * 3
    assert [(each.n, each.interval) for each in nowhere] == [(0, UNDEFINED)] * 3
    assert all(math.isnan(each.mean) for each in nowhere)


def test_a_subject_of_two_sites_is_a_site_of_its_own() -> None:
    images = [scan("1a", "one", "here", ALL), scan("1b", "one", "there", ALL)]

    assert sites_of(images) == {"one": "here + there"}


def test_the_report_has_a_row_for_each_unit_and_for_each_image() -> None:
    table = headline_table(headlines(THREE)).splitlines()

    assert table[2:] == [
        f"| a | images | 4 | 0.500 | - | {NO_INTERVAL} |",
        f"| a | subjects | 3 | 0.333 | - | {NO_INTERVAL} |",
        f"| a | sites | 2 | 0.250 | - | {NO_INTERVAL} |",
    ]
    assert image_table(THREE).splitlines()[-1] == "| 3 | three | there | 0.000 |"
