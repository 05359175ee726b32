"""GSBME: Kapur's threshold, polarity, shapes, and slices that are segmented again."""

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
from scgm.segmenters.classical.gsbme.shapes import FEWEST, cleaned, features, outlier_score
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

    share, eccentricity, hu_1, hu_2 = features(mask, np.ones_like(mask))

    assert share == pytest.approx(np.pi * a * b / 96**2, rel=0.01)
    assert eccentricity == pytest.approx(np.sqrt(1 - (b / a) ** 2), abs=0.005)
    assert 10**hu_1 == pytest.approx((a**2 + b**2) / (4 * np.pi * a * b), rel=0.01)
    assert 10**hu_2 == pytest.approx(((a**2 - b**2) / (4 * np.pi * a * b)) ** 2, rel=0.03)


def test_features_are_those_of_scikit_image() -> None:
    _, gm = drawn().windows(96, 0.25)
    mask = gm[0]
    hu = moments_hu(moments_normalized(moments_central(mask.astype(float))))

    _, eccentricity, hu_1, hu_2 = features(mask, np.ones_like(mask))

    (region,) = regionprops(mask.astype(int))
    assert eccentricity == pytest.approx(region.eccentricity, abs=0.005)
    np.testing.assert_allclose([hu_1, hu_2], np.log10(hu[:2]), atol=0.01)


def test_shape_does_not_depend_on_place_or_turn() -> None:
    mask = disc(10, centre=(30, 40)) | disc(6, centre=(44, 40))
    turned = np.roll(mask.T, (7, -3), axis=(0, 1))
    whole = np.ones_like(mask)

    np.testing.assert_allclose(features(mask, whole), features(turned, whole), atol=1e-12)


def test_holes_are_filled_and_small_or_outer_parts_swept_out() -> None:
    cord = disc(40)
    depth = ndimage.distance_transform_edt(cord) * 0.25
    ring = disc(10) & ~disc(4)
    speck, outer = disc(2, centre=(47, 65)), disc(5, centre=(47, 80))

    swept = cleaned(ring | speck | outer, depth, 0.25, least_mm2=2.0)

    np.testing.assert_array_equal(swept, disc(10))


def test_a_shape_is_odd_beside_others_and_an_empty_one_always() -> None:
    usual = np.tile([0.2, 0.8, -0.5, -1.5], (9, 1)) + 0.01 * np.linspace(-1, 1, 9)[:, None]
    strange, empty = usual[0] + [0.3, 0, 0, 0], np.array([0, np.nan, np.nan, np.nan])

    found = outlier_score(np.stack([usual[4], strange, empty]), usual)

    assert found[0] == 0
    assert found[1] > 3
    assert found[2] == np.inf


def test_outlier_score_is_a_distance_in_standard_deviations() -> None:
    """Shares 0.1 to 0.5: median 0.3, MAD 0.1, so 1.4826 * 0.1 is one standard deviation."""
    usual = np.array([[share, 0.8, -0.5, -1.5] for share in (0.1, 0.2, 0.3, 0.4, 0.5)])
    strange = np.array([[0.3 + 2 * 0.14826, 0.8, -0.5, -1.5]])

    assert outlier_score(strange, usual)[0] == pytest.approx(2.0)


def test_a_few_slices_say_nothing_about_what_is_usual() -> None:
    shapes = np.array([[0.1, 0.2, -0.7, -3.0], [0.3, 0.9, -0.2, -1.0]])

    assert not outlier_score(shapes, shapes).any()
    assert len(shapes) < FEWEST


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


def test_a_slice_of_odd_shape_gets_another_try() -> None:
    """Shading that no plane can describe makes one slice's mask odd."""
    windows, gm = drawn(3, slices=9, snr=40.0).windows(96, 0.25)
    rows, columns = np.indices((96, 96))
    spot = np.exp(-((rows - 47) ** 2 + (columns - 62) ** 2) / (2 * 9**2))
    windows.image[4] *= 1 + 1.5 * spot

    without = replace(open_gsbme(), largest_score=1e9)(windows).gm >= 0.5
    retried = open_gsbme()(windows).gm >= 0.5

    assert dice(retried[4], gm[4]) > dice(without[4], gm[4]) + 0.1
    others = [0, 1, 2, 6, 7, 8]
    assert dice(retried[others], gm[others]) >= PUBLISHED


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
