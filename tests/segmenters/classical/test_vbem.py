"""VBEM: the mixture, the warp, the template, and all of it together."""

import os
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage, stats

from experiments.evidence import EVIDENCE, FOLDS, model_without, read_case, source_of
from scgm.artifacts.atlases import Atlas, AtlasCard, read_atlas, read_atlas_card, write_atlas
from scgm.errors import ConfigError, ModelError
from scgm.evaluation.metrics import dice
from scgm.image.patches import CordWindows
from scgm.phantom import Anatomy
from scgm.segmenters.classical.labeled_slices import LabeledSlices
from scgm.segmenters.classical.vbem import Vbem, build, open_vbem
from scgm.segmenters.classical.vbem.deformation import (
    CordSize,
    WarpPenalty,
    aligned,
    bent,
    frame_of,
    penalty,
    pushed,
    sampled,
)
from scgm.segmenters.classical.vbem.fitting import fit
from scgm.segmenters.classical.vbem.mixture import (
    NormalWishart,
    divergence,
    learned,
    log_density,
    log_weight_prior,
    responsibilities,
    reweighted,
)
from scgm.segmenters.classical.vbem.preparation import GRAY, WHITE, Preparation, prepared, seen
from scgm.segmenters.within_cord import InCord
from tests.helpers.drawn_cords import drawn, labeled_phantoms

DATA = Path(os.environ.get("SCGM_DATA", "../shared/data"))
PUBLISHED = 0.61
CARD = {
    "method": "vbem",
    "version": "0",
    "description": "phantoms",
    "license": "MIT",
    "created": "2026-01-01",
}

Doubles = NDArray[np.float64]


@cache
def people() -> LabeledSlices:
    return labeled_phantoms([drawn(person, slices=2) for person in (10, 11, 12)])


@cache
def template(labelled_share: float = 1.0) -> dict[str, NDArray[np.float32]]:
    return build(people(), labelled_share=labelled_share, sweeps=1)


@pytest.fixture
def atlas(tmp_path: Path) -> Atlas:
    return write_atlas(tmp_path / "vbem.npz", template(), CARD)


@pytest.fixture
def method(atlas: Atlas) -> Vbem:
    return open_vbem(atlas)


# The mixture


def vague(mean: Doubles, strength: float = 1.0) -> NormalWishart:
    classes, channels = mean.shape
    count = np.full(classes, strength)
    nu = count + channels + 1
    return NormalWishart(mean, count, nu, nu[:, None, None] * np.eye(channels))


def two_normals(channels: int, samples: int = 4000) -> tuple[Doubles, NDArray[np.bool_]]:
    """Draw a quarter of the samples around 3 with spread 0.5, the others around 0 with 1."""
    rng = np.random.default_rng(0)
    first = np.arange(samples) < samples // 4
    values = rng.standard_normal((samples, channels))
    values[first] = 3 + values[first] / 2
    return values, first


def test_for_one_class_the_bound_is_the_evidence() -> None:
    """Then the posterior is exact: samples follow Student's t, each given those before it."""
    values = np.random.default_rng(1).normal(2, 3, (7, 1))
    prior = NormalWishart(
        np.array([[1.0]]), np.array([0.7]), np.array([2.5]), np.full((1, 1, 1), 4.0)
    )
    ones = np.ones((7, 1))

    known = learned(prior, values, ones)
    _, evidence = responsibilities(np.zeros((7, 1)), log_density(values, known))

    exact, before = 0.0, prior
    for value in values:
        beta, nu, spread = before.beta[0], before.nu[0], before.spread[0, 0, 0]
        scale = np.sqrt(spread * (beta + 1) / beta / nu)
        exact += stats.t.logpdf(value[0], nu, before.mean[0, 0], scale)
        before = learned(before, value[None], np.ones((1, 1)))
    assert evidence - divergence(known, prior) == pytest.approx(exact)


def test_in_two_channels_too_the_bound_is_the_evidence() -> None:
    """A sample after a prior follows a t of nu - 1 degrees of freedom in two channels."""
    value = np.array([[1.0, -2.0]])
    spread = np.array([[[2.0, 0.5], [0.5, 1.0]]])
    prior = NormalWishart(np.zeros((1, 2)), np.array([0.5]), np.array([4.0]), spread)

    known = learned(prior, value, np.ones((1, 1)))
    _, evidence = responsibilities(np.zeros((1, 1)), log_density(value, known))

    exact = stats.multivariate_t.logpdf(value[0], [0, 0], spread[0] * (1.5 / 0.5 / 3), 3)
    assert evidence - divergence(known, prior) == pytest.approx(exact)


def test_nothing_learned_is_no_divergence() -> None:
    prior = vague(np.array([[1.0, 2.0], [0.0, -1.0]]))

    assert divergence(prior, prior) == pytest.approx(0, abs=1e-9)


def test_posterior_means_lie_between_prior_and_sample_and_tend_to_the_sample() -> None:
    """A prior worth b samples at 0 and n samples at 6 give 6 n / (n + b)."""
    prior = vague(np.zeros((1, 1)), strength=2.0)

    for count in (1, 10, 10000):
        known = learned(prior, np.full((count, 1), 6.0), np.ones((count, 1)))
        assert known.mean[0, 0] == pytest.approx(6 * count / (count + 2))


@pytest.mark.parametrize("channels", [1, 2])
def test_a_known_mixture_is_recovered_and_the_bound_never_falls(channels: int) -> None:
    values, first = two_normals(channels)
    known = prior = vague(np.array([[1.5] * channels, [-0.5] * channels]))
    weights, flat = np.ones(2), np.ones((len(values), 2))
    bounds = []
    for _ in range(40):
        log_shares = np.log(flat * weights / weights.sum())
        shares, evidence = responsibilities(log_shares, log_density(values, known))
        bounds.append(evidence - divergence(known, prior) + log_weight_prior(weights, 1.0))
        known = learned(prior, values, shares)
        weights = reweighted(weights, flat, shares, 1.0)

    assert (np.diff(bounds) > -1e-9 * abs(bounds[0])).all()
    np.testing.assert_allclose(known.mean[0], 3, atol=0.08)
    np.testing.assert_allclose(known.mean[1], 0, atol=0.08)
    np.testing.assert_allclose(known.precision[0], 4 * np.eye(channels), atol=0.6)
    np.testing.assert_allclose(known.precision[1], np.eye(channels), atol=0.1)
    assert weights[0] / weights.sum() == pytest.approx(0.25, abs=0.02)
    assert ((shares[:, 0] > 0.5) == first).mean() > 0.93


def test_a_class_that_a_label_rules_out_has_no_share() -> None:
    density = np.array([[5.0, 0.0], [0.0, 0.0]])

    shares, evidence = responsibilities(np.array([[-np.inf, 0.0], [np.log(0.5)] * 2]), density)

    np.testing.assert_allclose(shares, np.array([[0, 1], [0.5, 0.5]]))
    assert evidence == pytest.approx(0)


def test_weights_settle_where_expected_and_found_counts_agree() -> None:
    rng = np.random.default_rng(0)
    drawn_from = rng.uniform(0.1, 1, (500, 3))
    true = np.array([0.5, 1.0, 2.0])
    proportions = drawn_from * true
    proportions /= proportions.sum(axis=1, keepdims=True)

    weights = np.ones(3)
    for _ in range(200):
        weights = reweighted(weights, drawn_from, proportions, 1e-9)

    np.testing.assert_allclose(weights / weights[1], true, rtol=1e-3)


# The warp


def rings(size: int = 48) -> Doubles:
    """Return logarithms of three classes: a small disc off the middle, a ring, the outside."""
    y, x = np.indices((size, size)) - (size - 1) / 2
    small, large = np.hypot(y - 2, x + 3) < 6, np.hypot(y / 1.2, x) < 14
    shares = np.stack([small, large & ~small, ~large], axis=-1).astype(float)
    return np.asarray(np.log(ndimage.gaussian_filter(shares, (1.5, 1.5, 0)) + 0.01))


def moved_by(size: int, far: float) -> Doubles:
    """Return a displacement of *far* samples up and right in the middle, fading outwards."""
    y, x = np.indices((size, size)) - (size - 1) / 2
    bump = far * np.exp(-(y**2 + x**2) / (2 * 12.0**2))
    return np.stack([bump, -bump])


def shares_at(log_template: Doubles, places: Doubles) -> Doubles:
    found = np.exp(sampled(log_template, places))
    return np.asarray(found / found.sum(axis=-1, keepdims=True))


def test_a_known_warp_is_recovered() -> None:
    template, true = rings(), moved_by(48, 2.5)
    start = np.indices((48, 48)).astype(float)
    shares = shares_at(template, start + true)
    settings = WarpPenalty(stiffness=0.05, anchor=1e-4)

    warp = np.zeros_like(start)
    for _ in range(30):
        warp = bent(warp, start, template, shares, settings)

    edge = np.hypot(*(np.indices((48, 48)) - 23.5)) < 12
    assert np.abs(warp - true)[:, edge].mean() < 0.3 * np.abs(true)[:, edge].mean()
    before = np.abs(shares_at(template, start) - shares).sum()
    after = np.abs(shares_at(template, start + warp) - shares).sum()
    assert after < 0.15 * before


def test_a_step_never_makes_things_worse() -> None:
    template, start = rings(), np.indices((48, 48)).astype(float)
    shares = np.random.default_rng(0).dirichlet(np.ones(3), (48, 48))
    settings = WarpPenalty(stiffness=0.1)

    def worth(warp: Doubles) -> float:
        gain = (shares * np.log(shares_at(template, start + warp))).sum()
        return float(gain - penalty(warp, settings))

    warp = moved_by(48, 3.0)
    for _ in range(5):
        better = bent(warp, start, template, shares, settings)
        assert worth(better) >= worth(warp)
        warp = better


def test_a_step_that_would_lead_too_far_is_shortened() -> None:
    """Where neighbors differ by 2 all over, the full step is 8 times as long as the warp."""
    size = 48
    checkered = np.where(np.indices((size, size)).sum(axis=0) % 2, 1.0, -1.0)
    warp, start = np.stack([checkered, -checkered]), np.indices((size, size)).astype(float)
    settings = WarpPenalty(stiffness=1.0, anchor=0.0, smooth=0.1)
    no_tissue = np.zeros((size, size, 3))

    better = bent(warp, start, rings(size), no_tissue, settings)

    assert penalty(better, settings) < penalty(warp, settings)


def test_what_fits_already_is_left_alone() -> None:
    template, start = rings(), np.indices((48, 48)).astype(float)

    warp = bent(np.zeros_like(start), start, template, shares_at(template, start), WarpPenalty())

    np.testing.assert_allclose(warp, 0, atol=1e-9)


def test_a_stiff_template_does_not_bend() -> None:
    template, start = rings(), np.indices((48, 48)).astype(float)
    shares = shares_at(template, start + moved_by(48, 2.5))

    warp = bent(np.zeros_like(start), start, template, shares, WarpPenalty(stiffness=1e9))

    assert np.abs(warp).max() < 1e-3


def test_an_equal_shift_costs_its_anchor_alone() -> None:
    settings = WarpPenalty(stiffness=7.0, anchor=0.5)

    assert penalty(np.full((2, 4, 4), 3.0), settings) == pytest.approx(0.25 * 9 * 32)


def test_without_tissue_the_anchor_alone_brings_a_shift_back() -> None:
    """The penalty anchor / 2 * w^2 is least at 0, which one step of Newton reaches."""
    size = 24
    start = np.indices((size, size)).astype(float)
    settings = WarpPenalty(stiffness=0.0, anchor=0.5, smooth=0.1)

    warp = bent(
        np.full((2, size, size), 3.0), start, rings(size), np.zeros((size, size, 3)), settings
    )

    np.testing.assert_allclose(warp, 0, atol=1e-6)


def test_pushing_is_the_transpose_of_sampling() -> None:
    rng = np.random.default_rng(0)
    template, values = rng.standard_normal((12, 12, 2)), rng.standard_normal((12, 12, 2))
    places = rng.uniform(-1, 13, (2, 12, 12))

    forward = (sampled(template, places) * values).sum()

    assert forward == pytest.approx((template * pushed(values, places, 12)).sum())


def test_outlines_are_laid_on_each_other() -> None:
    """The edge of a cord of half the size lies on the edge of the template's."""
    y, x = np.indices((60, 60))
    small = (((y - 30) / 6) ** 2 + ((x - 25) / 9) ** 2 <= 1).astype(np.float32)
    large = CordSize((29.5, 29.5), (6.0, 9.0))  # half axes of 12 and 18

    places = aligned(60, frame_of(small), large)

    np.testing.assert_allclose(places[:, 30, 25], [29.5, 29.5], atol=0.1)
    assert places[0, 36, 25] == pytest.approx(29.5 + 12, abs=0.6)
    assert places[1, 30, 34] == pytest.approx(29.5 + 18, abs=0.6)


# The template


def test_the_template_is_its_own_mirror_image_and_made_of_shares() -> None:
    shares = template()["shares"]

    np.testing.assert_allclose(shares, shares[:, ::-1], atol=1e-6)
    np.testing.assert_allclose(shares.sum(axis=-1), 1, atol=1e-5)
    assert shares.min() > 0


def test_the_template_has_gray_matter_in_white_matter_in_fluid() -> None:
    shares = template()["shares"]
    gray = shares[..., GRAY] > 0.5

    assert gray.any()
    beside = ndimage.binary_dilation(gray, iterations=2) & ~gray
    assert (shares[..., WHITE][beside] > 0.5).mean() > 0.7
    cord = shares[..., : WHITE + 1].sum(axis=-1) > 0.5
    fluid = ndimage.binary_dilation(cord, iterations=5) & ~ndimage.binary_dilation(cord)
    assert shares[..., 2][fluid].mean() > 0.5


@pytest.mark.parametrize("labelled_share", [0.0, 0.4])
def test_slices_without_labels_teach_where_gray_matter_is(labelled_share: float) -> None:
    scan = drawn(3, slices=2)
    card = AtlasCard(name="part", sha256="0" * 64, **CARD)  # type: ignore[arg-type]
    method = open_vbem(Atlas(card, template(labelled_share), Path("part.npz")))

    assert dice(scan.found_by(method), scan.gm) >= PUBLISHED - 0.1


def test_labels_count_even_where_the_image_says_nothing() -> None:
    rng = np.random.default_rng(0)
    noise = rng.standard_normal(people().image.shape).astype(np.float32)
    blind = replace(people(), image=np.where(people().cord >= 0.5, 5 + noise, 0))

    shares, usual = build(blind, sweeps=1)["shares"], template()["shares"]

    assert dice(shares[..., GRAY] > 0.5, usual[..., GRAY] > 0.5) > 0.8


def test_the_template_of_the_same_slices_is_the_same() -> None:
    again = build(people(), sweeps=1)

    for name, values in template().items():
        np.testing.assert_array_equal(again[name], values)


def test_a_template_survives_its_file(atlas: Atlas) -> None:
    found = open_vbem(read_atlas(atlas.path, "vbem"))

    np.testing.assert_array_equal(found.template.shares, template()["shares"])
    assert found.provenance["sha256"] == atlas.card.sha256


@pytest.mark.parametrize(
    "wrong",
    [
        {"sweeps": 0},
        {"per_volume": 0},
        {"labelled_share": 1.5},
        {"pseudo_count": 0.0},
        {"smooth_mm": -1.0},
    ],
)
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match=f"{next(iter(wrong))} is"):
        build(people(), **wrong)  # type: ignore[arg-type]


def test_slices_without_contrast_teach_nothing() -> None:
    flat = replace(people(), image=np.ones_like(people().image))

    with pytest.raises(ConfigError, match="contrast"):
        build(flat)


@pytest.mark.parametrize("name", ["shares", "frame", "mean", "variance"])
def test_an_atlas_of_other_arrays_is_refused(name: str) -> None:
    card = AtlasCard(name="strange", sha256="0" * 64, **CARD)  # type: ignore[arg-type]
    without = {key: values for key, values in template().items() if key != name}
    void = {**template(), name: np.zeros((3, 3), np.float32)}

    for arrays in (without, void):
        with pytest.raises(ModelError, match=r"strange\.npz.*build it again"):
            open_vbem(Atlas(card, arrays, Path("strange.npz")))


def test_an_atlas_of_impossible_numbers_is_refused() -> None:
    card = AtlasCard(name="strange", sha256="0" * 64, **CARD)  # type: ignore[arg-type]
    arrays = {**template(), "variance": np.zeros(5, np.float32)}

    with pytest.raises(ModelError, match="its values go from 0 to 0"):
        open_vbem(Atlas(card, arrays, Path("strange.npz")))


# Preparation


def test_the_core_of_the_cord_is_gray_or_white_and_far_away_is_neither(method: Vbem) -> None:
    windows, _ = drawn(3, slices=1).windows(method.size, method.pixel_mm)
    scan = prepared(*arrays_of(windows), windows.pixel_mm, Preparation())
    cord = windows.cord[0] >= 0.5

    core = ndimage.binary_erosion(cord, iterations=3)
    assert not scan.allowed[0][core][:, WHITE + 1 :].any()
    rim = cord & ~ndimage.binary_erosion(cord)
    assert scan.allowed[0][rim].all()
    far = ~ndimage.binary_dilation(cord, iterations=4)
    assert not scan.allowed[0][far][:, : WHITE + 1].any()
    assert scan.allowed[0].any(axis=-1).all()


def test_a_slope_and_the_unit_of_the_scanner_change_nothing() -> None:
    windows, _ = drawn(3, slices=2).windows(80, 0.3)
    usual = prepared(*arrays_of(windows), 0.3, Preparation()).values
    gains = np.array([7, 21], np.float32).reshape(2, 1, 1)  # the second slice nearer to the coil
    other = replace(windows, image=gains * windows.image)
    scaled = prepared(*arrays_of(other), 0.3, Preparation()).values

    np.testing.assert_allclose(scaled, usual, atol=1e-4)

    slope = np.linspace(-40, 40, 80, dtype=np.float32)
    sloped = replace(windows, image=windows.image + slope)
    leveled = prepared(*arrays_of(sloped), 0.3, Preparation()).values
    cord = ndimage.binary_erosion(windows.cord >= 0.5, np.ones((1, 7, 7)))
    np.testing.assert_allclose(leveled[cord], usual[cord], atol=0.05)


def arrays_of(
    windows: CordWindows,
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.bool_]]:
    return windows.image, windows.cord, windows.inside


# The method


@pytest.mark.parametrize(
    "how",
    [{}, {"contrast": "psir"}, {"contrast": "t1"}, {"contrast": "mt"}, {"gm_wm_ratio": 0.85}],
    ids=["t2star", "psir", "t1", "mt", "dark gray matter"],
)
def test_gray_matter_of_a_phantom_is_found_bright_or_dark(
    method: Vbem, how: dict[str, Any]
) -> None:
    scan = drawn(3, slices=2, **how)

    assert dice(scan.found_by(method), scan.gm) >= 0.75


@pytest.mark.parametrize("change", [ndimage.binary_dilation, ndimage.binary_erosion])
def test_a_cord_wrong_by_a_pixel_is_enough(method: Vbem, change: object) -> None:
    scan = drawn(3, slices=2)
    assert callable(change)
    wrong = replace(scan, cord=np.stack([change(mask) for mask in scan.cord]))

    assert dice(wrong.found_by(method), scan.gm) >= PUBLISHED


def test_bending_improves_on_the_template_as_it_is(method: Vbem) -> None:
    """The template is upright, this cord is turned."""
    scan = drawn(3, slices=2, anatomy=Anatomy(rotation_deg=12.0))
    stiff = replace(method.fitting, warp=WarpPenalty(stiffness=1e9, anchor=1e9))

    found, still = scan.found_by(method), scan.found_by(replace(method, fitting=stiff))

    assert dice(found, scan.gm) > dice(still, scan.gm)


def test_the_lower_bound_never_falls(method: Vbem) -> None:
    windows, _ = drawn(4, slices=2).windows(method.size, method.pixel_mm)

    bounds = method.fitted(windows, np.ones(2, bool)).bounds

    assert len(bounds) > 5
    assert (np.diff(bounds) >= -1e-9 * abs(bounds[0])).all()


def test_the_bound_is_that_of_what_was_found(method: Vbem) -> None:
    """Data given the classes, less what intensities and warps moved from their priors."""
    windows, _ = drawn(4, slices=1).windows(method.size, method.pixel_mm)
    scan = prepared(*arrays_of(windows), windows.pixel_mm, method.preparation)
    prior, template = method.template.prior(1.0), np.log(method.template.shares)
    early = replace(method.fitting, tolerance=1.0, rounds=9)  # ends before its last round

    found = fit(scan, template, method.template.frame, prior, early)

    base = sampled(template, found.places[0]) + np.log(found.weights)
    shares = np.exp(base) / np.exp(base).sum(axis=-1, keepdims=True)
    seen_there = scan.counts[0]
    density = np.exp(log_density(scan.values[0][seen_there][:, None], found.known))
    expected = np.log((shares * scan.allowed[0])[seen_there] * density @ np.ones(5)).sum()
    warp = found.places[0] - aligned(method.size, scan.frames[0], method.template.frame)
    assert penalty(warp, early.warp) > 0
    expected -= divergence(found.known, prior) + penalty(warp, early.warp)
    expected += log_weight_prior(found.weights, early.pseudo_count)
    assert found.bounds[-1] == pytest.approx(expected)


@pytest.mark.parametrize("ratio", [0.6, 1.6])
def test_the_higher_of_the_bounds_of_bright_and_dark_is_kept(method: Vbem, ratio: float) -> None:
    windows, _ = drawn(3, slices=1, gm_wm_ratio=ratio).windows(method.size, method.pixel_mm)
    scan = prepared(*arrays_of(windows), windows.pixel_mm, method.preparation)
    template, frame = np.log(method.template.shares), method.template.frame

    kept = method.fitted(windows, np.ones(1, bool))

    dark, bright = (
        fit(scan, template, frame, method.template.prior(1.0, bright=way), method.fitting)
        for way in (False, True)
    )
    assert (bright.bounds[-1] > dark.bounds[-1]) == (ratio > 1)
    assert kept.bounds[-1] == max(bright.bounds[-1], dark.bounds[-1])


def test_what_the_cord_rules_out_is_never_answered_for(method: Vbem) -> None:
    """A spot as bright as fluid, deep in the cord, stays gray or white matter."""
    windows, _ = drawn(4, slices=1).windows(method.size, method.pixel_mm)
    bright = windows.image[windows.cord < 0.5].max()
    windows.image[0, 38:42, 38:42] = bright
    scan = prepared(*arrays_of(windows), windows.pixel_mm, method.preparation)

    shares = method.fitted(windows, np.ones(1, bool)).shares

    assert not shares[~scan.allowed].any()
    np.testing.assert_allclose(shares[windows.inside].sum(axis=-1), 1)


def test_one_slice_is_enough(method: Vbem) -> None:
    scan = drawn(3, slices=1)

    assert dice(scan.found_by(method), scan.gm) >= 0.75


def test_the_same_windows_give_the_same_result(method: Vbem) -> None:
    windows, _ = drawn(3, slices=1).windows(method.size, method.pixel_mm)

    np.testing.assert_array_equal(method(windows).gm, method(windows).gm)


def test_slices_that_show_nothing_have_no_gray_matter(method: Vbem) -> None:
    """A flat one, one whose cord is nowhere, and one that lies outside of the image."""
    windows, _ = drawn(3, slices=4).windows(method.size, method.pixel_mm)
    windows.image[0] = 400.0
    windows.cord[1] = 0.0
    windows.inside[2] = False

    assert seen(*arrays_of(windows), windows.pixel_mm).tolist() == [False, False, False, True]
    found = method(windows).gm

    assert found.any(axis=(1, 2)).tolist() == [False, False, False, True]
    assert np.isfinite(found).all()


def test_a_flat_slice_alone_has_no_gray_matter(method: Vbem) -> None:
    windows, _ = drawn(3, slices=1).windows(method.size, method.pixel_mm)

    assert not method(replace(windows, image=np.full_like(windows.image, 3))).gm.any()


def test_a_cord_at_the_border_of_the_window_is_no_trouble(method: Vbem) -> None:
    windows, _ = drawn(3, slices=1).windows(method.size, method.pixel_mm)
    moved = replace(
        windows,
        image=np.roll(windows.image, 28, axis=2),
        inside=np.roll(windows.inside, 28, axis=2),
        cord=np.roll(windows.cord, 28, axis=2),
    )
    moved.cord[:, :, :28] = 0

    found = method(moved).gm

    assert np.isfinite(found).all()
    assert not found[moved.cord < 0.5].any()


@pytest.mark.slow
@pytest.mark.real
@pytest.mark.skipif(not DATA.is_dir(), reason=f"no real images at {DATA}; set SCGM_DATA")
@pytest.mark.parametrize("name", ["sub-9418", "t2s_uncropped"])
def test_gray_matter_of_a_real_cord_is_found(name: str) -> None:
    case = read_case(source_of(EVIDENCE[name]))
    assert case.gm is not None
    method = open_vbem(atlas_without(case.source.site))

    found = InCord(method, model_without(case.source.site))(case.stack).gm >= 0.5

    labeled_slices = np.flatnonzero(case.gm.any(axis=(1, 2)))
    assert np.mean([dice(found[z], case.gm[z]) for z in labeled_slices]) >= 0.75


def atlas_without(site: str) -> Atlas:
    """Return the atlas of which an image of that site is no part."""
    for path in sorted(FOLDS.glob("vbem-*.npz")):
        if site not in read_atlas_card(path).training["sites"]:
            return read_atlas(path, "vbem")
    pytest.fail(f"no atlas of vbem in {FOLDS} was built without {site}")
