"""Coefficients of confidence: what they are fitted on, and when there are none."""

from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from experiments.contrast import with_contrast
from scgm.image.confidence import COEFFICIENTS, slice_confidence
from scgm.image.orientation import AxialStack, to_axial
from scgm.image.volume import Geometry, Volume
from scgm.phantom.confidence import LabeledScan, Maps, draw_scan, examples_of, fit_on_scans


def scan_of(gm: NDArray[np.bool_]) -> LabeledScan:
    values = np.where(gm, 140, 100).astype(np.float32).T
    stack = to_axial(Volume(values, Geometry(values.shape, np.diag([0.5, 0.5, 5, 1]))))
    return LabeledScan(stack, gm)


def square(size: int, slices: int = 2) -> NDArray[np.bool_]:
    gm = np.zeros((slices, 40, 40), bool)
    gm[:, 10 : 10 + size, 10:20] = True
    return gm


def found(gm: NDArray[np.bool_], sure: float) -> Maps:
    cord = np.zeros(gm.shape, np.float32)
    cord[:, 5:35, 5:35] = 1
    centre = np.full((len(gm), 2), 19.5, np.float32)
    return Maps((sure * gm).astype(np.float32), cord, centre)


def test_the_dice_of_each_labeled_slice_is_taken() -> None:
    """Found 10 x 10, true 6 x 10: 2 * 60 / 160. The second slice has no label."""
    gm = square(6)
    gm[1] = False

    features, dice = examples_of(scan_of(gm), lambda _: found(square(10), 0.9))

    assert features.shape == (1, 4)
    assert features[0, 0] == pytest.approx(0.9)
    assert dice.tolist() == [0.75]


def test_a_scan_in_which_nothing_is_found_has_no_examples() -> None:
    features, dice = examples_of(scan_of(square(6)), lambda _: None)

    assert features.shape == (0, 4)
    assert dice.size == 0


def scans(good: int, bad: int) -> Iterator[LabeledScan]:
    yield from (scan_of(square(10)) for _ in range(good // 2))
    yield from (scan_of(square(2)) for _ in range(bad // 2))


def by_size(stack: AxialStack) -> Maps:
    """Find 10 x 10 everywhere, surely where that is right."""
    right = np.count_nonzero(stack.slices[0] == 140) == 100
    return found(square(10), 0.95 if right else 0.6)


def test_a_fit_tells_the_good_from_the_bad() -> None:
    coefficients = fit_on_scans(by_size, scans(40, 40))

    assert coefficients is not None
    assert set(coefficients) == set(COEFFICIENTS)
    features = [examples_of(scan_of(square(n)), by_size)[0] for n in (10, 2)]
    good, bad = (slice_confidence(each, np.full(2, 50.0), coefficients)[0] for each in features)
    assert good > 0.8
    assert bad < 0.2


@pytest.mark.parametrize(("good", "bad"), [(40, 18), (18, 40), (0, 40), (0, 0)])
def test_too_few_of_either_kind_give_no_coefficients(good: int, bad: int) -> None:
    assert fit_on_scans(by_size, scans(good, bad)) is None


def test_a_scan_without_contrast_is_that_of_the_same_person() -> None:
    shown, hidden = draw_scan(3), draw_scan(3, visible=False)

    np.testing.assert_array_equal(shown.gm_fraction, hidden.gm_fraction)
    assert hidden.acquisition.gm_wm_ratio == 1


def test_contrast_is_taken_from_the_inside_of_the_cord() -> None:
    """Gray matter 140 on white matter 100, most of it: half of 40 is left, or nothing."""
    cord = np.zeros((1, 40, 40), bool)
    cord[:, 5:35, 5:35] = True
    slices = np.where(square(10, 1), 140, 100).astype(np.float32)
    rng = np.random.default_rng(0)

    same, half, none = (with_contrast(slices, cord, each, rng, None) for each in (1.0, 0.5, 0.0))

    np.testing.assert_allclose(same, slices)
    assert (half[0, 15, 15], half[0, 25, 25]) == pytest.approx((120, 100), abs=0.1)
    np.testing.assert_allclose(none, 100, atol=0.1)
