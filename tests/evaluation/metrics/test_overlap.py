"""Shares of common pixels: squares whose overlap is known on paper, algebra, and SimpleITK."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
from numpy.typing import NDArray

from scgm.errors import GeometryError
from scgm.evaluation.metrics import (
    conformity,
    confusion,
    dice,
    jaccard,
    precision,
    sensitivity,
    specificity,
    volumetric_similarity,
)

Score = Callable[[NDArray[Any], NDArray[Any]], float]
SHARES: tuple[Score, ...] = (
    dice,
    jaccard,
    sensitivity,
    precision,
    volumetric_similarity,
)


def square(size: int, row: int, column: int) -> NDArray[np.bool_]:
    """Draw a square in a slice of 20 x 20 pixels."""
    mask = np.zeros((20, 20), bool)
    mask[row : row + size, column : column + size] = True
    return mask


EMPTY = square(0, 0, 0)


def random_masks(seed: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    rng = np.random.default_rng(seed)
    one, other = rng.random((2, 3, 9, 8)) < rng.uniform(0.2, 0.8)
    return one, other


@pytest.mark.parametrize("shift", range(6))
def test_dice_of_two_shifted_squares_is_their_common_share(shift: int) -> None:
    """Two squares of 5 x 5, one shifted by k: 5 (5 - k) common pixels of 25 each."""
    one, other = square(5, 4, 4), square(5, 4, 4 + shift)
    common = 5 * (5 - shift)

    assert dice(one, other) == pytest.approx(common / 25)
    assert jaccard(one, other) == pytest.approx(common / (50 - common))
    assert sensitivity(one, other) == pytest.approx(common / 25)
    assert precision(one, other) == pytest.approx(common / 25)
    assert specificity(one, other) == pytest.approx((400 - 50 + common) / 375)


def test_each_score_of_a_small_square_in_a_large_one() -> None:
    """4 of 16 pixels are found, and nothing else: TP 4, FN 12, FP 0, TN 384."""
    small, large = square(2, 5, 5), square(4, 5, 5)

    n = confusion(small, large)

    assert (n.tp, n.fp, n.fn, n.tn) == (4, 0, 12, 384)
    assert dice(small, large) == pytest.approx(8 / 20)
    assert jaccard(small, large) == pytest.approx(4 / 16)
    assert sensitivity(small, large) == pytest.approx(4 / 16)
    assert precision(small, large) == 1
    assert specificity(small, large) == 1
    assert conformity(small, large) == pytest.approx(1 - 12 / 4)
    assert volumetric_similarity(small, large) == pytest.approx(1 - 12 / 20)


def test_prediction_and_reference_are_told_apart() -> None:
    """The same squares the other way round: all 4 are found, with 12 too many of 396."""
    small, large = square(2, 5, 5), square(4, 5, 5)

    assert sensitivity(large, small) == 1
    assert precision(large, small) == pytest.approx(4 / 16)
    assert specificity(large, small) == pytest.approx(384 / 396)


def test_volumetric_similarity_does_not_ask_where() -> None:
    assert volumetric_similarity(square(4, 0, 0), square(4, 10, 10)) == 1


@pytest.mark.parametrize("seed", range(5))
def test_jaccard_and_conformity_follow_from_dice(seed: int) -> None:
    one, other = random_masks(seed)
    share = dice(one, other)

    assert jaccard(one, other) == pytest.approx(share / (2 - share))
    assert conformity(one, other) == pytest.approx((3 * share - 2) / share)


@pytest.mark.parametrize(
    ("published_dice", "published_conformity", "published_jaccard"),
    [(0.79, 47.17, 0.66), (0.80, 49.52, 0.68), (0.85, 64.24, 0.74)],
)
def test_the_algebra_is_that_of_the_published_table(
    published_dice: float, published_conformity: float, published_jaccard: float
) -> None:
    """Means of the challenge: conformity is concave, so its mean lies a little below."""
    marked = round(1000 * published_dice)
    one, other = np.zeros(2000, bool), np.zeros(2000, bool)
    one[:1000] = other[1000 - marked : 2000 - marked] = True

    assert dice(one, other) == pytest.approx(published_dice)
    assert 100 * conformity(one, other) == pytest.approx(published_conformity, abs=1.5)
    assert jaccard(one, other) == pytest.approx(published_jaccard, abs=0.015)


@pytest.mark.parametrize("seed", range(5))
def test_overlap_agrees_with_simpleitk(seed: int) -> None:
    found, true = random_masks(seed)
    measures = sitk.LabelOverlapMeasuresImageFilter()
    source, target = (sitk.GetImageFromArray(mask.astype(np.uint8)) for mask in (found, true))
    measures.Execute(source, target)

    assert dice(found, true) == pytest.approx(measures.GetDiceCoefficient())
    assert jaccard(found, true) == pytest.approx(measures.GetJaccardCoefficient())
    assert 1 - sensitivity(found, true) == pytest.approx(measures.GetFalseNegativeError(1))
    assert 1 - specificity(found, true) == pytest.approx(measures.GetFalsePositiveError(1))
    assert 1 - precision(found, true) == pytest.approx(measures.GetFalseDiscoveryRate(1))
    assert 1 - volumetric_similarity(found, true) == pytest.approx(
        abs(measures.GetVolumeSimilarity()) / 2
    )


@pytest.mark.parametrize("seed", range(5))
def test_specificity_is_the_sensitivity_for_the_background(seed: int) -> None:
    found, true = random_masks(seed)

    assert specificity(found, true) == sensitivity(~found, ~true)


@pytest.mark.parametrize("score", [dice, jaccard, conformity, volumetric_similarity])
@pytest.mark.parametrize("seed", range(3))
def test_symmetric_scores_do_not_ask_which_is_the_reference(score: Score, seed: int) -> None:
    one, other = random_masks(seed)

    assert score(one, other) == score(other, one)


@pytest.mark.parametrize("score", [*SHARES, specificity, conformity])
def test_flips_and_number_types_change_nothing(score: Score) -> None:
    found, true = random_masks(7)
    same = score(found, true)

    assert score(found[::-1, :, ::-1], true[::-1, :, ::-1]) == same
    assert score(found.astype(np.uint8), true.astype(np.float32)) == same


@pytest.mark.parametrize("score", [*SHARES, specificity, conformity])
def test_two_empty_masks_agree(score: Score) -> None:
    assert score(EMPTY, EMPTY) == 1


@pytest.mark.parametrize("score", SHARES)
def test_an_empty_mask_and_another_share_nothing(score: Score) -> None:
    """Also where the formula is 0 / 0: the precision of a miss is the worst, not left out."""
    assert score(EMPTY, square(3, 1, 1)) == 0
    assert score(square(3, 1, 1), EMPTY) == 0


def test_conformity_without_a_common_pixel_has_no_bound() -> None:
    assert conformity(square(3, 0, 0), square(3, 9, 9)) == -math.inf
    assert conformity(EMPTY, square(3, 9, 9)) == -math.inf


def test_specificity_where_there_is_no_background_follows_the_rules_for_empty_masks() -> None:
    assert specificity(~EMPTY, ~EMPTY) == 1
    assert specificity(square(3, 1, 1), ~EMPTY) == 0


def test_specificity_depends_on_the_field_of_view() -> None:
    """One wrong pixel among 399 of background, or among 24."""
    found, true = square(1, 0, 0), square(1, 4, 4)

    assert specificity(found, true) == pytest.approx(398 / 399)
    assert specificity(found[:5, :5], true[:5, :5]) == pytest.approx(23 / 24)


def test_masks_of_different_shape_are_refused() -> None:
    with pytest.raises(GeometryError, match=r"\(20, 20\) and \(5, 20\)"):
        dice(square(3, 0, 0), square(3, 0, 0)[:5])


@pytest.mark.parametrize("value", [2, 255, 0.5, -1, math.nan])
def test_what_is_no_mask_is_refused(value: float) -> None:
    labels = np.where(square(3, 0, 0), value, 0)

    with pytest.raises(ValueError, match="only 0 and 1"):
        dice(labels, square(3, 0, 0))
