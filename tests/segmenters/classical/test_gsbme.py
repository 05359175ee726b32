"""GSBME: Kapur's threshold, polarity, shapes, and objects that are discarded."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from numpy.typing import NDArray
from scipy import ndimage
from skimage.measure import moments_central, moments_hu, moments_normalized, regionprops

from experiments.evidence import EVIDENCE, model_without, read_case, source_of
from scgm.errors import ConfigError
from scgm.evaluation.metrics import dice
from scgm.image.patches import CordWindows
from scgm.segmenters.classical.gsbme import Gsbme, open_gsbme
from scgm.segmenters.classical.gsbme.entropy import class_entropies, entropy_threshold
from scgm.segmenters.classical.gsbme.preparation import (
    Prepared,
    butterfly,
    gray_is_bright,
    prepare,
    without_fluid,
)
from scgm.segmenters.classical.gsbme.shapes import (
    FEATURES,
    FEWEST,
    cleaned,
    features,
    outlier_score,
    without_unusual_objects,
)
from scgm.segmenters.within_cord import InCord
from tests.helpers.drawn_cords import drawn

DATA = Path(os.environ.get("SCGM_DATA", "../shared/data"))
PUBLISHED = 0.76
ANY_SHARE = (0.0, 1.0)

Bools = NDArray[np.bool_]


def two_tissues(seed: int) -> NDArray[np.int64]:
    rng = np.random.default_rng(seed)
    white, gray = rng.normal(90, 18, 3000), rng.normal(165, 14, 700)
    values: NDArray[np.int64] = np.rint(np.concatenate([white, gray])).clip(0, 255).astype(np.int64)
    return values


def disc(radius: float, size: int = 96, centre: tuple[float, float] = (47.5, 47.5)) -> Bools:
    rows, columns = np.indices((size, size))
    inside: Bools = np.hypot(rows - centre[0], columns - centre[1]) <= radius
    return inside


# Entropy


@pytest.mark.parametrize("seed", range(4))
def test_the_threshold_is_that_of_simpleitk_on_the_same_histogram(seed: int) -> None:
    values = two_tissues(seed)
    low, high = values.min(), values.max()
    histogram = np.bincount(values - low)
    image = sitk.GetImageFromArray(values.astype(np.float32)[None])
    kapur = sitk.MaximumEntropyThresholdImageFilter()
    kapur.SetNumberOfHistogramBins(len(histogram))
    kapur.Execute(image)

    ours = low + int(np.argmax(class_entropies(histogram)))

    # Its bins are a little narrower than 1, as they divide the range from least to greatest.
    assert abs(ours - kapur.GetThreshold()) <= (high - low) / len(histogram)


def test_entropies_are_those_of_the_definition() -> None:
    histogram = np.array([5, 0, 3, 2, 7])
    expected = []
    for t in range(4):
        classes = histogram[: t + 1], histogram[t + 1 :]
        shares = [counts[counts > 0] / counts.sum() for counts in classes]
        expected.append(-sum(float((p * np.log(p)).sum()) for p in shares))

    np.testing.assert_allclose(class_entropies(histogram)[:4], expected, atol=1e-12)
    assert class_entropies(histogram)[4] == -np.inf


def test_an_even_histogram_is_cut_in_the_middle() -> None:
    """Two classes of a and b equal bins have ln a + ln b, which is greatest for a = b."""
    histogram = np.full(64, 10)

    assert np.argmax(class_entropies(histogram)) == 31


def test_the_threshold_follows_the_unit_of_the_scanner() -> None:
    values = two_tissues(0).astype(float)
    usual = entropy_threshold(values, bins=128, share=ANY_SHARE)

    changed = entropy_threshold(0.01 * values - 3, bins=128, share=ANY_SHARE)

    assert changed == pytest.approx(0.01 * usual - 3, abs=0.01)


@pytest.mark.parametrize("share", [(0.02, 0.06), (0.3, 0.5)])
def test_the_share_above_the_threshold_stays_within_its_limits(share: tuple[float, float]) -> None:
    values = two_tissues(0).astype(float)  # entropy alone leaves some 19 %

    threshold = entropy_threshold(values, bins=128, share=share)

    assert share[0] <= (values > threshold).mean() <= share[1]


@pytest.mark.parametrize("values", [np.zeros(0), np.full(50, 7.0), np.repeat([1.0, 2.0], 50)])
def test_where_no_threshold_makes_sense_nothing_is_above_it(values: NDArray[np.float64]) -> None:
    """No values, all the same, or halves of which neither is a plausible share."""
    assert entropy_threshold(values, bins=128, share=(0.08, 0.35)) == np.inf


# The inside of the cord


@pytest.mark.parametrize(
    ("contrast", "bright"), [("t2star", True), ("mt", True), ("psir", False), ("t1", False)]
)
@pytest.mark.parametrize("person", [0, 1])
def test_polarity_is_told_from_where_the_butterfly_is(
    contrast: str, bright: bool, person: int
) -> None:
    windows, _ = drawn(person, contrast=contrast).windows(96, 0.25)

    assert gray_is_bright(prepare(windows, smooth_mm=0.3, rim_mm=0.75)) is bright


@pytest.mark.parametrize("contrast", ["t2star", "psir"])
def test_polarity_survives_a_cord_that_is_two_pixels_too_wide(contrast: str) -> None:
    """Bright or dark fluid in the rim must not pass for white or gray matter."""
    scan = drawn(3, contrast=contrast)
    windows, _ = scan.windows(96, 0.25)
    wide = np.stack([ndimage.binary_dilation(mask, iterations=4) for mask in windows.cord >= 0.5])

    prepared = prepare(replace(windows, cord=wide.astype(np.float32)), smooth_mm=0.15, rim_mm=0.75)

    assert gray_is_bright(prepared) is (contrast == "t2star")


def test_the_butterfly_is_where_gray_matter_lies() -> None:
    windows, gm = drawn(slices=1).windows(96, 0.25)

    assert dice(butterfly(windows.cord[0] >= 0.5), gm[0]) > 0.6
    assert not butterfly(np.zeros((9, 9), bool)).any()


@pytest.mark.parametrize("fluid", [1.0, -1.0])
def test_fluid_within_the_outline_is_cut_off_but_not_what_lies_inside(fluid: float) -> None:
    """The inner half ranges from 0 to 0.2; the fluid is far beyond it, on either side."""
    cord, given = disc(20), disc(24)
    image = np.where(disc(8), 0.2, 0.0)
    image[~cord] = fluid
    image[47, 31] = fluid  # one sample inside, 16 from the middle

    found = without_fluid(image.astype(np.float32), given)

    np.testing.assert_array_equal(found, cord)


def test_fluid_beside_the_cord_does_not_leak_in() -> None:
    windows, _ = drawn().windows(96, 0.25)
    brighter = np.where(windows.cord >= 0.5, windows.image, 1e6).astype(np.float32)

    usual = prepare(windows, smooth_mm=0.3, rim_mm=0.75)
    changed = prepare(replace(windows, image=brighter), smooth_mm=0.3, rim_mm=0.75)

    np.testing.assert_array_equal(usual.values, changed.values)


def test_a_plane_of_shading_is_taken_out() -> None:
    rows, columns = np.indices((96, 96), np.float32)
    plane = 100 + 0.5 * rows - 0.3 * columns
    mask = disc(20)

    # Smoothing bends a plane at the edge of the cord only.
    prepared = prepare(one_window(plane, mask), smooth_mm=0.0, rim_mm=0.75)

    np.testing.assert_allclose(prepared.values, 0, atol=1e-5)


def test_the_core_leaves_out_the_rim_also_at_the_border_of_the_window() -> None:
    mask = np.zeros((96, 96), bool)
    mask[:40, 20:60] = True

    core = prepare(one_window(np.ones((96, 96)), mask), smooth_mm=0.3, rim_mm=1.0).core[0]

    expected = np.zeros_like(mask)
    expected[3:37, 23:57] = True  # 1 mm is 4 samples: the 4th is 4 away from the outside
    np.testing.assert_array_equal(core, expected)


def test_a_cord_too_thin_for_a_rim_keeps_its_deeper_half() -> None:
    prepared = prepare(one_window(np.ones((96, 96)), disc(2)), smooth_mm=0.3, rim_mm=2.0)

    assert prepared.core.any()
    assert not (prepared.core[0] & ~disc(2)).any()


def one_window(image: NDArray[np.floating], cord: Bools) -> CordWindows:
    return CordWindows(
        image[None].astype(np.float32),
        np.ones((1, *cord.shape), bool),
        cord[None].astype(np.float32),
        np.array([0]),
        0.25,
        5.0,
    )


# Shapes


def test_features_of_an_ellipse_are_those_on_paper() -> None:
    """Half axes a, b: second moments a^2/4, b^2/4 and area pi a b."""
    a, b = 30.0, 15.0
    rows, columns = np.indices((96, 96)) - 47.5
    mask = (columns / a) ** 2 + (rows / b) ** 2 <= 1

    share, perimeter, eccentricity, hu_1, hu_2, *skewed = features(mask, np.ones_like(mask))

    h = ((a - b) / (a + b)) ** 2  # Ramanujan's approximation of the perimeter
    around = np.pi * (a + b) * (1 + 3 * h / (10 + np.sqrt(4 - 3 * h)))
    assert share == pytest.approx(np.pi * a * b / 96**2, rel=0.01)
    assert eccentricity == pytest.approx(np.sqrt(1 - (b / a) ** 2), abs=0.005)
    assert perimeter == pytest.approx(around / 96, rel=0.03)
    assert hu_1 == pytest.approx((a**2 + b**2) / (4 * np.pi * a * b), rel=0.01)
    assert hu_2 == pytest.approx((a**2 - b**2) / (4 * np.pi * a * b), rel=0.015)
    np.testing.assert_allclose(skewed, 0, atol=1e-6)  # of third order: 0 where left equals right


def test_features_are_those_of_scikit_image() -> None:
    _, gm = drawn().windows(96, 0.25)
    mask = gm[0]
    hu = moments_hu(moments_normalized(moments_central(mask.astype(float))))

    _, _, eccentricity, *found = features(mask, np.ones_like(mask))

    (region,) = regionprops(mask.astype(int))
    assert eccentricity == pytest.approx(region.eccentricity, abs=0.005)
    degrees = [1, 2, 2, 2, 4, 3, 4]
    np.testing.assert_allclose(np.sign(found) * np.abs(found) ** degrees, hu, rtol=1e-9)


def test_the_seventh_invariant_tells_left_from_right() -> None:
    mask = disc(10, centre=(40, 40)) | disc(5, centre=(54, 44)) | disc(3, centre=(44, 58))
    whole = np.ones_like(mask)

    one, mirrored = features(mask, whole), features(mask[:, ::-1], whole)

    np.testing.assert_allclose(mirrored[:-1], one[:-1], atol=1e-9)
    assert abs(one[-1]) > 0.01
    assert mirrored[-1] == pytest.approx(-one[-1])


def test_shape_does_not_depend_on_place_or_turn() -> None:
    mask = disc(10, centre=(30, 40)) | disc(6, centre=(44, 40))
    turned = np.roll(mask.T, (7, -3), axis=(0, 1))
    whole = np.ones_like(mask)

    found, again = features(mask, whole), features(turned, whole)

    np.testing.assert_allclose(np.abs(found), np.abs(again), atol=1e-9)


def test_holes_are_filled_and_small_or_outer_parts_swept_out() -> None:
    cord = disc(40)
    depth = ndimage.distance_transform_edt(cord) * 0.25
    ring = disc(10) & ~disc(4)
    speck, outer = disc(2, centre=(47, 65)), disc(5, centre=(47, 80))

    swept = cleaned(ring | speck | outer, depth, 0.25, least_mm2=2.0)

    np.testing.assert_array_equal(swept, disc(10))


USUAL = np.linspace(0.1, 1.0, len(FEATURES))  # one value of each feature


def test_a_shape_is_odd_beside_others_and_an_empty_one_always() -> None:
    usual = np.tile(USUAL, (9, 1)) + 0.01 * np.linspace(-1, 1, 9)[:, None]
    strange, empty = usual[0].copy(), np.full(len(FEATURES), np.nan)
    strange[0] += 0.3

    found = outlier_score(np.stack([usual[4], strange, empty]), usual)

    assert found[0] == 0
    assert found[1] > 3
    assert found[2] == np.inf


@pytest.mark.parametrize("feature", range(len(FEATURES)))
def test_outlier_score_is_a_distance_in_standard_deviations(feature: int) -> None:
    """Values 0.1 to 0.5: median 0.3, MAD 0.1, so 1.4826 * 0.1 is one standard deviation."""
    usual = np.tile(USUAL, (5, 1))
    usual[:, feature] = [0.1, 0.2, 0.3, 0.4, 0.5]
    strange = USUAL[None].copy()
    strange[0, feature] = 0.3 + 2 * 0.14826

    assert outlier_score(strange, usual)[0] == pytest.approx(2.0)


def test_a_few_slices_say_nothing_about_what_is_usual() -> None:
    shapes = np.stack([USUAL, USUAL + 1])

    assert not outlier_score(shapes, shapes).any()
    assert len(shapes) < FEWEST


def test_the_perimeter_alone_tells_a_comb_from_a_block() -> None:
    """Teeth one sample wide: area and moments stay, the outline gets many times as long."""
    core = disc(40)
    block, comb = np.zeros((2, 96, 96), bool)
    block[40:56, 30:62] = True
    comb[32:64, 30:62:2] = True  # half of the columns, twice as high
    usual = np.tile(features(block, core), (FEWEST, 1))
    usual[:, [2, *range(3, 10)]] = features(comb, core)[[2, *range(3, 10)]]

    score = outlier_score(features(comb, core)[None], usual)[0]

    assert features(comb, core)[0] == features(block, core)[0]
    assert score > 3


@pytest.mark.parametrize("speck", [disc(4, centre=(66, 66)), disc(5, centre=(30, 47))])
def test_the_object_that_makes_a_slice_an_outlier_is_discarded(speck: Bools) -> None:
    halves = disc(8, centre=(47, 35)) | disc(8, centre=(47, 60))
    core = disc(40)
    usual = np.tile(features(halves, core), (FEWEST, 1))

    found = without_unusual_objects(halves | speck, core, usual, 3.0)

    np.testing.assert_array_equal(found, halves)


def test_where_nothing_makes_a_slice_usual_every_object_stays() -> None:
    """One half of gray matter is larger than ever: without either it is odder still."""
    core = disc(40)
    usual = np.tile(features(disc(8, centre=(47, 35)) | disc(8, centre=(47, 60)), core), (9, 1))
    uneven = disc(8, centre=(47, 35)) | disc(11, centre=(47, 62))

    np.testing.assert_array_equal(without_unusual_objects(uneven, core, usual, 3.0), uneven)


def test_a_usual_slice_and_a_single_object_are_left_alone() -> None:
    core, block = disc(40), disc(9)
    odd = np.tile(features(disc(20), core), (9, 1))

    np.testing.assert_array_equal(without_unusual_objects(block, core, odd, 3.0), block)


# The method


@pytest.mark.parametrize("contrast", ["t2star", "mt", "psir", "t1"])
def test_gray_matter_of_a_phantom_is_found_bright_or_dark(contrast: str) -> None:
    scan = drawn(3, contrast=contrast)

    found = scan.found_by(open_gsbme())

    assert dice(found, scan.gm) >= PUBLISHED


@pytest.mark.parametrize("change", [ndimage.binary_dilation, ndimage.binary_erosion])
def test_a_cord_wrong_by_a_pixel_is_enough(change: object) -> None:
    scan = drawn(3)
    assert callable(change)
    wrong = replace(scan, cord=np.stack([change(mask) for mask in scan.cord]))

    found = wrong.found_by(open_gsbme())

    assert dice(found, scan.gm) >= PUBLISHED - 0.1


def test_one_slice_is_enough() -> None:
    scan = drawn(3, slices=1)

    assert dice(scan.found_by(open_gsbme()), scan.gm) >= PUBLISHED


def test_a_flat_slice_has_no_gray_matter_and_harms_no_other() -> None:
    windows, gm = drawn(3, slices=5).windows(96, 0.25)
    windows.image[2] = 400.0

    found = open_gsbme()(windows).gm >= 0.5

    assert not found[2].any()
    assert dice(found[[0, 4]], gm[[0, 4]]) >= PUBLISHED


def test_a_cord_at_the_border_of_the_window_is_no_trouble() -> None:
    windows, _ = drawn(3).windows(96, 0.25)
    moved = replace(
        windows,
        image=np.roll(windows.image, 30, axis=2),
        inside=np.roll(windows.inside, 30, axis=2),
        cord=np.roll(windows.cord, 30, axis=2),
    )
    moved.cord[:, :, :30] = 0

    found = open_gsbme()(moved).gm

    assert np.isfinite(found).all()
    assert not found[moved.cord < 0.5].any()
    assert found.any()


def test_objects_of_one_slice_are_compared_with_the_other_slices() -> None:
    halves, speck = disc(8, centre=(47, 35)) | disc(8, centre=(47, 60)), disc(4, centre=(66, 66))
    masks = np.stack([halves] * 6)
    masks[4] |= speck
    cores = np.stack([disc(40)] * 6)
    prepared = Prepared(cores.astype(np.float32), cores, cores.astype(np.float32), np.arange(6))

    found = Gsbme()._without_outliers(prepared, masks)
    kept = Gsbme(largest_score=1e9)._without_outliers(prepared, masks)

    np.testing.assert_array_equal(found, np.stack([halves] * 6))
    np.testing.assert_array_equal(kept, masks)


def test_neighbors_by_number_not_by_place_share_a_window() -> None:
    """Slices 0 and 9 of a stack are no neighbors, even if nothing between them shows a cord."""
    windows, _ = drawn(3, slices=2).windows(96, 0.25)
    apart = replace(windows, index=np.array([0, 9]))
    alone = [
        replace(
            windows,
            image=windows.image[[k]],
            inside=windows.inside[[k]],
            cord=windows.cord[[k]],
            index=np.array([k]),
        )
        for k in (0, 1)
    ]

    expected = np.concatenate([open_gsbme()(each).gm for each in alone])

    np.testing.assert_array_equal(open_gsbme()(apart).gm, expected)


def test_a_threshold_is_the_median_of_the_windows_that_a_slice_is_in() -> None:
    """Windows of three slices; one slice of another unit spoils the mean but not the median."""
    rng = np.random.default_rng(0)
    values = rng.random((5, 20, 20)).astype(np.float32)
    values[4] *= 100
    index, core = np.arange(5), np.ones((5, 20, 20), bool)
    prepared = Prepared(values, core, core.astype(np.float32), index)
    method = Gsbme(share=(0.05, 0.6))

    def window(middle: int) -> float:
        near = values[max(middle - 1, 0) : middle + 2]
        return entropy_threshold(near.ravel(), bins=method.bins, share=method.share)

    found = method._thresholds(prepared)

    windows = [window(k) for k in range(5)]
    assert windows[3] > 5 * windows[1]
    assert found[2] == sorted(windows[1:4])[1]
    assert found[1] == sorted(windows[0:3])[1]
    assert found[0] == pytest.approx((windows[0] + windows[1]) / 2)


def test_gray_matter_can_be_told_to_be_dark() -> None:
    scan = drawn(3)

    assert dice(scan.found_by(Gsbme(gray="dark")), scan.gm) < 0.5


@pytest.mark.parametrize(
    "settings",
    [{"share": (0.3, 0.2)}, {"share": (0.0, 0.4)}, {"reach": -1}, {"bins": 1}, {"rim_mm": -1.0}],
)
def test_settings_without_sense_are_refused(settings: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match=r"give|change"):
        Gsbme(**settings)  # type: ignore[arg-type]


@pytest.mark.real
@pytest.mark.skipif(not DATA.is_dir(), reason=f"no real images at {DATA}; set SCGM_DATA")
@pytest.mark.parametrize("name", ["sub-9418", "t2s_uncropped"])
def test_gray_matter_of_a_real_cord_is_found(name: str) -> None:
    case = read_case(source_of(EVIDENCE[name]))
    assert case.gm is not None

    found = InCord(open_gsbme(), model_without(case.source.site))(case.stack).gm >= 0.5

    labeled = np.flatnonzero(case.gm.any(axis=(1, 2)))
    assert np.mean([dice(found[z], case.gm[z]) for z in labeled]) >= 0.75
