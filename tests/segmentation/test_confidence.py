"""Confidence of a slice: features that follow on paper, and what comes of them."""

import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure
from numpy.typing import NDArray

from experiments.calibration import Pixels, corrected, platt
from experiments.confidence import area_under_curve, found_at
from experiments.degraded import blurred, coarse, moved, noisy, uneven
from experiments.scan_rescan import difference_of_means_percent, difference_percent
from scgm.artifacts.models import read_card
from scgm.errors import ModelError
from scgm.image.confidence import (
    COEFFICIENTS,
    EVEN_CONTRAST,
    FEATURES,
    LOW_CONFIDENCE_BELOW,
    NO_NEIGHBORS,
    fit_confidence,
    slice_confidence,
    slice_features,
    visible_contrast,
)
from scgm.image.orientation import AxialStack, to_axial
from scgm.image.volume import Geometry, Volume
from scgm.segmentation.pipeline import segment
from scgm.segmentation.segmentation import Segmentation
from scgm.segmenters.registry import load_model
from tests.helpers.standin import cord_voxels, save_scan, scan, turned, write_model

# The confidence of a slice is 1 / (1 + exp(-20 (core - 0.75))): low below a core of 0.75.
BY_CORE = dict.fromkeys(COEFFICIENTS, 0.0) | {"intercept": -15.0, "core": 20.0}


# As visible as can be: the contrast takes nothing from the confidence.
VISIBLE = np.full(3, 50.0)


def maps(slices: int = 3) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Gray matter 8 x 4 of probability 1 in a cord 20 x 16, and the cord's center."""
    gm, cord = np.zeros((2, slices, 40, 50), np.float32)
    gm[:, 14:18, 24:32] = 1
    cord[:, 10:26, 20:40] = 1
    return gm, cord, np.tile(np.array([17.5, 29.5], np.float32), (slices, 1))


def feature(name: str, gm: Any, cord: Any, centre_px: Any) -> NDArray[np.float64]:
    return slice_features(gm, cord, centre_px, 0.5)[:, FEATURES.index(name)]


def test_masks_that_are_sure_and_alike_have_the_features_of_their_shape() -> None:
    """Outline 2 (8 + 4) pixels around 32 of them: 24 squared over 32."""
    expected = [[1, 1, np.log(18), 1]] * 3

    gm, cord, centre = maps()

    np.testing.assert_allclose(slice_features(gm, cord, centre, 0.5), expected)


def test_the_core_is_the_surest_quarter() -> None:
    gm, cord, centre = maps(1)
    gm[0, 14:18, 24:32] = np.linspace(0.5, 1, 32).reshape(4, 8)  # a quarter: the last 8 of 32

    assert feature("core", gm, cord, centre) == pytest.approx(np.linspace(0.5, 1, 32)[-8:].mean())


def test_the_cord_counts_by_the_dice_that_it_must_expect() -> None:
    """320 pixels: half of them sure and half 0.6, around them 100 of 0.2 beyond the mask."""
    gm, cord, centre = maps(1)
    cord[0, 10:18, 20:40] = 0.6
    cord[0, 28:30] = 0.2
    gm = np.minimum(gm, cord)

    expected = 2 * (160 + 160 * 0.6) / (160 + 160 * 0.6 + 100 * 0.2 + 320)
    assert feature("cord", gm, cord, centre) == pytest.approx(expected)


@pytest.mark.parametrize("factor", [2, 3])
def test_the_outline_is_the_same_for_smaller_pixels(factor: int) -> None:
    gm, cord, centre = maps(1)
    gm, cord = (np.repeat(np.repeat(each, factor, 1), factor, 2) for each in (gm, cord))

    assert feature("outline", gm, cord, centre * factor) == pytest.approx(np.log(18))


@pytest.mark.parametrize("moved", [(0, 0), (3, -5), (-10, 18), (14, 10)])
def test_neighbors_agree_wherever_the_cord_has_gone(moved: tuple[int, int]) -> None:
    gm, cord, centre = maps(3)
    gm[1], cord[1] = (np.roll(each, moved, (0, 1)) for each in (gm[1], cord[1]))
    centre[1] += moved

    np.testing.assert_allclose(feature("neighbors", gm, cord, centre), 1)


def test_neighbors_that_differ_agree_by_what_they_share() -> None:
    """Of 32 pixels 16 are left above, and below nothing: 2 * 16 / (32 + 16)."""
    gm, cord, centre = maps(3)
    gm[2, 16:18] = 0
    gm[0] = 0

    agreement = feature("neighbors", gm, cord, centre)

    np.testing.assert_allclose(agreement, [np.nan, 2 / 3, 2 / 3])


def test_a_slice_alone_has_no_neighbors() -> None:
    assert np.isnan(feature("neighbors", *maps(1))).all()


def test_a_slice_without_gray_matter_has_no_features_and_no_confidence() -> None:
    gm, cord, centre = maps(2)
    gm[1] = 0.3
    features = slice_features(gm, np.maximum(cord, gm), centre, 0.5)

    assert np.isnan(features[1]).all()
    assert slice_confidence(features, VISIBLE[:2], BY_CORE)[1] == 0


def test_no_gray_matter_at_all_is_no_error() -> None:
    gm, cord, centre = maps(2)

    features = slice_features(0 * gm, 0 * cord, centre * np.float32(np.nan), 0.5)

    assert slice_confidence(features, VISIBLE[:2], BY_CORE).tolist() == [0, 0]


def test_a_center_that_is_not_known_does_no_harm() -> None:
    gm, cord, _ = maps(2)

    unknown = np.full((2, 2), np.nan, np.float32)

    np.testing.assert_allclose(feature("neighbors", gm, cord, unknown), 1)


def test_the_confidence_is_the_logistic_function_of_the_features() -> None:
    coefficients = {"intercept": 0.5, "core": 1.0, "cord": -2.0, "outline": 3.0, "neighbors": 0.25}
    features = np.array([[0.1, 0.2, 0.3, 0.4], [0.1, 0.2, 0.3, np.nan]])

    values = slice_confidence(features, VISIBLE[:2], {**coefficients, NO_NEIGHBORS: 0.8})

    scores = 0.5 + 0.1 - 0.4 + 0.9 + 0.25 * np.array([0.4, 0.8])
    np.testing.assert_allclose(values, 1 / (1 + np.exp(-scores)))


@pytest.mark.parametrize("size", [-1e9, 1e9])
def test_the_confidence_stays_a_probability(size: float) -> None:
    features = np.full((1, 4), size)

    assert 0 <= slice_confidence(features, VISIBLE[:1], BY_CORE)[0] <= 1


@pytest.mark.parametrize("change", [{"more": 1.0}, {"core": None}])
def test_coefficients_of_another_version_are_an_error(change: dict[str, Any]) -> None:
    merged = BY_CORE | change
    coefficients = {name: value for name, value in merged.items() if value is not None}

    with pytest.raises(ModelError, match="the model's card has coefficients"):
        slice_confidence(np.zeros((1, 4)), VISIBLE[:1], coefficients)


def butterfly(
    contrast: float, noise: float, slices: int = 5, seed: int = 0
) -> tuple[AxialStack, NDArray[np.float32], NDArray[np.float32]]:
    """Two bars of gray matter, 3 x 10 mm apart from each other, in a cord of 16 x 12 mm.

    Pixels of 0.5 mm; white matter has the value 100 and the fluid around the cord 200.
    """
    gm, cord = np.zeros((2, slices, 60, 70), np.float32)
    cord[:, 18:42, 19:51] = 1
    gm[:, 22:38, 26:30] = gm[:, 22:38, 40:44] = 1
    chance = np.random.default_rng(seed).normal(0, noise, gm.shape) if noise else 0
    slices_ = 200 - 100 * cord + contrast * gm + chance
    volume = Volume(slices_.T.astype(np.float32), Geometry(gm.T.shape, np.diag([0.5, 0.5, 5, 1])))
    return to_axial(volume), gm, cord


def contrast_of(
    stack: AxialStack, gm: NDArray[np.float32], cord: NDArray[np.float32]
) -> NDArray[np.float64]:
    return visible_contrast(stack, gm, cord, 0.5)


def test_contrast_is_the_difference_over_its_standard_error() -> None:
    """Contrast 5, noise 10: 560 samples, 128 of them gray: 5 / (10 sqrt(1/128 + 1/432)) = 5.0."""
    values = np.concatenate(
        [contrast_of(*butterfly(5, 10, slices=1, seed=seed)) / 0.8 for seed in range(40)]
    )

    assert np.median(values) == pytest.approx(5.0, rel=0.2)


@pytest.mark.parametrize("contrast", [20, -20])
def test_gray_matter_may_be_bright_or_dark(contrast: float) -> None:
    assert contrast_of(*butterfly(contrast, 10)).min() > 2 * EVEN_CONTRAST


def test_noise_alone_shows_no_gray_matter() -> None:
    values = np.concatenate([contrast_of(*butterfly(0, 10, seed=seed)) for seed in range(40)])

    assert np.mean(values < EVEN_CONTRAST) > 0.98


def test_an_even_cord_shows_no_gray_matter() -> None:
    np.testing.assert_array_equal(contrast_of(*butterfly(0, 0)), 0)


def test_a_slope_and_a_bulge_of_the_signal_are_no_contrast() -> None:
    """A surface of second order over an even cord, as a coil makes it, explains itself."""
    stack, gm, cord = butterfly(0, 1)
    rows, columns = np.indices(gm.shape[1:]) - 30.0
    bent = stack.slices + 0.1 * columns**2 + 0.2 * rows**2 + 3 * rows - columns

    values = contrast_of(replace(stack, slices=bent.astype(np.float32)), gm, cord)

    assert values.max() < EVEN_CONTRAST


@pytest.mark.parametrize(("factor", "offset"), [(2.0**40, 0.0), (2.0**-60, 0.0), (1.0, 1e5)])
def test_contrast_has_no_unit(factor: float, offset: float) -> None:
    stack, gm, cord = butterfly(20, 10)
    other = replace(stack, slices=(stack.slices * factor + offset).astype(np.float32))

    np.testing.assert_allclose(
        contrast_of(other, gm, cord), contrast_of(stack, gm, cord), rtol=1e-2
    )


def test_contrast_that_changes_its_sign_is_noise() -> None:
    stack, gm, cord = butterfly(20, 10)
    turned_ = stack.slices.copy()
    turned_[::2] = (200 - 100 * cord - 20 * gm + (stack.slices - 200 + 100 * cord - 20 * gm))[::2]

    values = contrast_of(replace(stack, slices=turned_), gm, cord)

    assert values.max() < contrast_of(stack, gm, cord).min() / 2


def test_one_slice_without_contrast_is_found_among_others() -> None:
    stack, gm, cord = butterfly(20, 10)
    flat = stack.slices.copy()
    flat[2] -= 20 * gm[2]

    values = contrast_of(replace(stack, slices=flat), gm, cord)

    assert values[2] < EVEN_CONTRAST < np.delete(values, 2).min()


def test_a_cord_too_small_to_tell_is_not_judged() -> None:
    stack, gm, cord = butterfly(20, 10)
    small = np.zeros_like(cord)
    small[:, 28:32, 28:32] = 1

    assert np.isnan(contrast_of(stack, gm * small, small)).all()


def test_without_contrast_the_confidence_is_low_however_sure_the_method() -> None:
    features = np.array([[1.0, 1.0, 4.0, 1.0]] * 4)
    contrast = np.array([0.0, EVEN_CONTRAST, 50.0, np.nan])

    values = slice_confidence(features, contrast, BY_CORE)

    agrees = 1 / (1 + np.exp(-5))
    assert values[0] < 0.01
    assert values[1:].tolist() == pytest.approx([0.5, agrees, agrees])


@pytest.fixture(scope="module")
def unsure(tmp_path_factory: pytest.TempPathFactory) -> Segmentation:
    """Slices 0 (no cord), 1 (no gray matter), 2 (unsure, core 0.6), 3 and 4 (sure), seen as LPI."""
    folder = tmp_path_factory.mktemp("model")
    voxels = cord_voxels()
    voxels[..., 0] = 0
    voxels[34:42, 14:18, 1] = 1
    voxels[34:42, 14:18, 2] = 1.6
    path = save_scan(folder / "scan.nii.gz", voxels, axes="LPI")
    return segment(path, segmenter=load_model(write_model(folder, confidence=BY_CORE)))


def test_a_slice_of_low_confidence_is_flagged(unsure: Segmentation) -> None:
    assert unsure.status == ("no cord", "no gray matter", "low confidence", "ok", "ok")
    assert unsure.flagged == (4, 3, 2)
    assert unsure.confidence[0] is None
    assert unsure.confidence[1] == 0
    assert unsure.confidence[2:] == pytest.approx(
        tuple(1 / (1 + np.exp(-20 * (core - 0.75))) for core in (0.6, 1, 1)), rel=1e-4
    )


def test_its_mask_is_kept(unsure: Segmentation) -> None:
    assert unsure.axial_mask("gm").sum(axis=(1, 2)).tolist() == [0, 0, 32, 32, 32]


def test_table_and_record_tell_the_confidence(unsure: Segmentation, tmp_path: Path) -> None:
    unsure.save(tmp_path)

    with (tmp_path / "scan_measurements.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["label"] == "GM"]
    record = json.loads((tmp_path / "scan_seg.json").read_text())

    assert [row["confidence"] for row in rows] == ["", "0.0000", "0.0474", "0.9933", "0.9933"]
    assert rows[2]["status"] == "low confidence"
    assert float(rows[2]["area_mm2"]) == 8
    assert "1 of 5 slices: low confidence" in record["warnings"]
    assert record["slices"][2]["status"] == "low confidence"


def row_labels(figure: Figure) -> list[str]:
    return [panel.get_ylabel() for panel in figure.axes[::4]]


def test_the_picture_names_the_slices_to_look_at(unsure: Segmentation) -> None:
    figure = unsure.figure()

    assert row_labels(figure)[2:4] == ["slice 2: low confidence", "slice 1"]
    assert "Look at slices 4, 3, 2" in [text.get_text() for text in figure.texts]


def test_without_coefficients_nothing_is_said(tmp_path: Path) -> None:
    voxels = cord_voxels()
    voxels[34:42, 14:18, 2] = 1.6

    result = segment(scan(voxels), segmenter=load_model(write_model(tmp_path)))

    assert result.confidence == (None,) * 5
    assert result.status == ("ok",) * 5
    assert {row.confidence for row in result.measurements()} == {None}


@pytest.mark.parametrize("axes", ["RAS", "LPI", "ASR"])
def test_the_confidence_does_not_depend_on_the_axes(tmp_path: Path, axes: str) -> None:
    voxels = cord_voxels()
    voxels[34:42, 14:17] = np.linspace(1.6, 1.9, 5)
    model = load_model(write_model(tmp_path, confidence=BY_CORE | {"neighbors": 1.0}))

    one, other = (segment(turned(scan(voxels), seen), segmenter=model) for seen in ("RAS", axes))

    assert other.confidence == pytest.approx(one.confidence)


def test_a_cord_that_the_user_gives_makes_the_model_no_surer(tmp_path: Path) -> None:
    voxels = cord_voxels(3)
    voxels[30:50, 10:13] = 0.6
    coefficients = dict.fromkeys(COEFFICIENTS, 0.0) | {"cord": 1.0}
    model = load_model(write_model(tmp_path, confidence=coefficients))
    mask = scan((cord_voxels(3) > 0).astype(np.uint8))

    alone, told = (segment(scan(voxels), segmenter=model, cord=given) for given in (None, mask))

    assert told.confidence == pytest.approx(alone.confidence)


def test_a_card_may_lack_coefficients_but_not_hold_nonsense(tmp_path: Path) -> None:
    path = write_model(tmp_path)
    assert read_card(path).confidence is None

    card = json.loads(path.with_suffix(".json").read_text())
    path.with_suffix(".json").write_text(json.dumps(card | {"confidence": {"core": "much"}}))

    with pytest.raises(ModelError, match=r"not the card of a model: .confidence\.core"):
        read_card(path)


def test_the_default_model_tells_its_confidence() -> None:
    coefficients = read_card().confidence

    assert coefficients is not None
    assert set(coefficients) == set(COEFFICIENTS)
    sure, unsure_ = np.array([[0.99, 0.98, 3.5, 0.9]]), np.array([[0.55, 0.8, 2.9, 0.4]])
    assert slice_confidence(sure, VISIBLE[:1], coefficients)[0] > LOW_CONFIDENCE_BELOW
    assert slice_confidence(unsure_, VISIBLE[:1], coefficients)[0] < LOW_CONFIDENCE_BELOW


def test_a_fit_finds_the_coefficients_that_made_the_data() -> None:
    rng = np.random.default_rng(0)
    features = rng.normal([0.9, 0.9, 4, 0.8], [0.1, 0.05, 0.3, 0.1], (40_000, 4))
    shown = np.full(len(features), 50.0)
    truth = {"intercept": -20.0, "core": 10.0, "cord": 8.0, "outline": 1.0, "neighbors": 0.0}
    chance = slice_confidence(features, shown, truth | {NO_NEIGHBORS: 0.0})

    found = fit_confidence(features, rng.random(len(chance)) < chance)

    differences = [found[name] - truth[name] for name in ("core", "cord", "outline", "neighbors")]
    assert np.abs(differences).max() < 0.6  # about three standard errors of the least certain
    np.testing.assert_allclose(slice_confidence(features, shown, found), chance, atol=0.03)


def test_a_fit_puts_the_mean_where_there_are_no_neighbors() -> None:
    rng = np.random.default_rng(0)
    features = rng.random((100, 4))
    features[:50, 3] = np.nan

    assert fit_confidence(features, rng.random(100) < 0.5)[NO_NEIGHBORS] == features[50:, 3].mean()


@pytest.mark.parametrize(
    ("confidence", "area"),
    [
        ([0.1, 0.2, 0.8, 0.9], 1.0),
        ([0.8, 0.9, 0.1, 0.2], 0.0),
        ([0.5, 0.5, 0.5, 0.5], 0.5),
        ([0.1, 0.8, 0.5, 0.9], 0.75),
    ],
)
def test_the_area_counts_pairs_in_the_right_order(confidence: list[float], area: float) -> None:
    """The first two are bad."""
    bad = np.array([True, True, False, False])

    assert area_under_curve(np.array(confidence), bad) == area


@pytest.mark.parametrize(("false_alarms", "found"), [(0.0, 0.5), (0.25, 0.5), (0.5, 1.0)])
def test_what_is_found_depends_on_the_false_alarms_that_are_allowed(
    false_alarms: float, found: float
) -> None:
    """Bad slices at 0.1 and 0.5, good ones at 0.3, 0.4, 0.8, 0.9."""
    confidence = np.array([0.1, 0.5, 0.3, 0.4, 0.8, 0.9])

    assert found_at(confidence, np.arange(6) < 2, false_alarms) == found


def test_probabilities_that_are_frequencies_need_no_correction() -> None:
    """Of ten pixels of 0.2 two are true, of ten of 0.8 eight."""
    pixels = Pixels(np.repeat([0.2, 0.8], 10), np.array([1] * 2 + [0] * 10 + [1] * 8, float))

    assert platt(pixels) == pytest.approx((1, 0), abs=1e-6)


def test_a_correction_turns_what_is_said_into_what_is_seen() -> None:
    """Of ten pixels of 0.1 three are true, of ten of 0.9 seven."""
    found = np.repeat([0.1, 0.9], 10)
    pixels = Pixels(found, np.array([1] * 3 + [0] * 10 + [1] * 7, float))

    np.testing.assert_allclose(
        corrected(found, *platt(pixels)), np.repeat([0.3, 0.7], 10), atol=1e-6
    )


FAULTS = (noisy, blurred, uneven, coarse, moved)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_of_no_strength_changes_nothing(fault: Any) -> None:
    slices = np.random.default_rng(0).random((2, 20, 24)).astype(np.float32)
    strength = 0.1 if fault is coarse else 0  # coarse: pixels of 0.1 mm show all

    worse = fault(slices, (0.5, 0.5), strength, np.random.default_rng(1))

    np.testing.assert_allclose(worse, slices, atol=1e-5)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_comes_from_its_seed_alone(fault: Any) -> None:
    slices = np.random.default_rng(0).random((2, 20, 24)).astype(np.float32)

    one, other = (fault(slices, (0.5, 0.5), 1.2, np.random.default_rng(1)) for _ in range(2))

    np.testing.assert_array_equal(one, other)
    assert np.abs(one - slices).max() > 0.01


def test_coarse_pixels_lose_what_they_cannot_show() -> None:
    """Stripes two pixels of 0.5 mm apart need pixels of 0.5 mm, a slow wave does not."""
    slow = np.tile(2 + np.cos(2 * np.pi * np.arange(40) / 40), (1, 40, 1)).astype(np.float32)
    stripes = np.tile([0.5, -0.5], (1, 40, 20)).astype(np.float32)

    worse = coarse(slow + stripes, (0.5, 0.5), 0.8, np.random.default_rng(0))

    np.testing.assert_allclose(worse, slow, atol=1e-5)


def test_areas_differ_in_percent_of_their_mean_where_both_were_found() -> None:
    first = np.array([9.0, np.nan, 10.0, 0.0, 11.0])
    second = np.array([11.0, 10.0, np.nan, 10.0, 9.0])

    assert difference_percent(first, second) == pytest.approx([20, -20])


def test_the_means_of_two_scans_are_of_the_slices_found_in_both() -> None:
    """8 and 12 against 10 and 12, the third slice in one scan alone: 11 less 10, over 10.5."""
    first, second = np.array([8.0, 12.0, 99.0]), np.array([10.0, 12.0, np.nan])

    assert difference_of_means_percent(first, second) == pytest.approx(100 / 10.5)
