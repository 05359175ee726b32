"""Several raters: votes that can be counted by hand, and STAPLE as SimpleITK has it."""

import math
import sys
from itertools import pairwise, permutations

import numpy as np
import pytest
import SimpleITK as sitk
from numpy.typing import NDArray

from scgm.errors import GeometryError, ScgmError
from scgm.evaluation.consensus import VoteRule, evaluate_each, evaluate_pairs, majority_vote, staple
from scgm.evaluation.metrics import evaluate_case, summarize

SPACING = (5.0, 0.5, 0.5)


def votes(count: int) -> list[NDArray[np.bool_]]:
    """As many raters; pixel k of a row is marked by the first k of them."""
    return [np.arange(count + 1) > rater for rater in range(count)]


def raters(count: int, seed: int = 0) -> dict[str, NDArray[np.bool_]]:
    """Raters who all see the same box, each with an error of their own in some pixels."""
    rng = np.random.default_rng(seed)
    true = np.zeros((3, 20, 20), bool)
    true[:, 6:14, 5:15] = True
    return {f"r{n}": true ^ (rng.random(true.shape) < 0.02 * (n + 1)) for n in range(count)}


@pytest.mark.parametrize(
    ("count", "rule", "needed"),
    [
        (1, "strict", 1),
        (1, "lenient", 1),
        (2, "strict", 2),
        (2, "lenient", 1),
        (3, "strict", 2),
        (3, "lenient", 2),
        (4, "strict", 3),
        (4, "lenient", 2),
        (5, "strict", 3),
    ],
)
def test_so_many_raters_must_agree(count: int, rule: VoteRule, needed: int) -> None:
    mask = majority_vote(votes(count), rule=rule).mask

    assert mask.tolist() == [marked >= needed for marked in range(count + 1)]


@pytest.mark.parametrize(("count", "share"), [(2, 1 / 2), (3, 0), (4, 1 / 4), (6, 1 / 6)])
def test_ties_are_reported_as_a_share_of_what_any_rater_marked(count: int, share: float) -> None:
    for rule in ("strict", "lenient"):
        assert majority_vote(votes(count), rule=rule).tie_share == pytest.approx(share)


def test_the_order_of_the_raters_does_not_matter() -> None:
    masks = list(raters(4).values())
    expected = majority_vote(masks)

    for order in permutations(masks):
        assert np.array_equal(majority_vote(order).mask, expected.mask)
        assert majority_vote(order).tie_share == expected.tie_share


def test_raters_who_mark_nothing_agree_on_nothing() -> None:
    vote = majority_vote([np.zeros((3, 4), bool)] * 4, rule="lenient")

    assert not vote.mask.any()
    assert vote.tie_share == 0


def test_a_vote_that_makes_no_sense_is_refused() -> None:
    masks = votes(3)

    with pytest.raises(ValueError, match="at least one"):
        majority_vote([])
    with pytest.raises(ValueError, match="'most'"):
        majority_vote(masks, rule="most")  # type: ignore[arg-type]
    with pytest.raises(GeometryError, match="one grid"):
        majority_vote([*masks, masks[0][:2]])
    with pytest.raises(ValueError, match="only 0 and 1"):
        majority_vote([mask * 2 for mask in masks])


def test_staple_is_that_of_simpleitk() -> None:
    masks = list(raters(4).values())
    images = [sitk.GetImageFromArray(mask.astype(np.uint8)) for mask in masks]

    found = staple(masks)

    expected = sitk.GetArrayFromImage(sitk.STAPLE(images, 1.0, 1.0, 100))
    assert found.probability == pytest.approx(expected)
    assert np.array_equal(found.mask, expected >= 0.5)


def test_staple_tells_good_raters_from_bad_ones() -> None:
    """Rater n has 2 (n + 1) % of the pixels wrong."""
    found = staple(list(raters(4).values()))

    assert all(better > worse for better, worse in pairwise(found.specificity))
    assert found.specificity == pytest.approx((0.98, 0.96, 0.94, 0.92), abs=0.015)


@pytest.mark.parametrize("value", [False, True])
def test_staple_of_raters_who_mark_nothing_or_all_is_what_they_say(value: bool) -> None:
    masks = [np.full((3, 4, 5), value)] * 3

    found = staple(masks)

    assert (found.mask == value).all()
    assert (found.probability == value).all()
    assert all(math.isnan(each) for each in (*found.sensitivity, *found.specificity))


def test_staple_of_raters_who_agree_is_what_they_agree_on() -> None:
    mask = raters(1)["r0"]

    found = staple([mask] * 3)

    assert np.array_equal(found.mask, mask)
    assert found.sensitivity == found.specificity == (1, 1, 1)


@pytest.mark.parametrize("rest", [[True, True], [False, True], [False, False]])
def test_staple_is_a_probability_whoever_marks_nothing_or_all(rest: list[bool]) -> None:
    mask = raters(1)["r0"]

    found = staple([mask, *(np.full(mask.shape, value) for value in rest)])

    assert np.isfinite(found.probability).all()
    assert found.probability.min() >= 0
    assert found.probability.max() <= 1


def test_staple_without_simpleitk_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "SimpleITK", None)

    with pytest.raises(ScgmError, match=r"pip install '\.\[classical\]'"):
        staple(list(raters(2).values()))


def test_each_rater_is_a_comparison() -> None:
    references = raters(4)
    found = references.pop("r0")

    each = evaluate_each(found, references, SPACING, mode="3d")

    assert list(each) == ["r1", "r2", "r3"]
    for name, case in each.items():
        assert case == evaluate_case(found, references[name], SPACING, mode="3d")
    assert summarize(each.values()).n == 3


def test_each_pair_of_raters_is_scored_both_ways_round() -> None:
    references = raters(3)

    pairs = evaluate_pairs(references, SPACING, tolerance_mm=1.0)

    assert len(pairs) == 6
    for (scored, other), case in pairs.items():
        assert case.values["dice"] == pairs[other, scored].values["dice"]
        assert case.values["sensitivity"] == pytest.approx(pairs[other, scored].values["precision"])
        assert case.tolerance_mm == 1.0


def test_raters_who_agree_have_a_dice_of_one() -> None:
    mask = raters(1)["r0"]

    pairs = evaluate_pairs({"a": mask, "b": mask}, SPACING)

    assert [case.values["dice"] for case in pairs.values()] == [1, 1]


def test_one_rater_has_nobody_to_agree_with() -> None:
    assert evaluate_pairs(raters(1), SPACING) == {}
