"""Phantoms: areas, places and noise are as asked for."""

import math
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from scgm.errors import ConfigError
from scgm.phantom import (
    EX_VIVO,
    Acquisition,
    Anatomy,
    Phantom,
    Tissue,
    draw_anatomy,
    make_phantom,
    tissue_fractions,
)
from scgm.phantom.acquisition import draw_bias, measured
from scgm.phantom.body import Body
from scgm.phantom.cord import CordSection
from scgm.phantom.levels import SEGMENTS, level_at, place_at
from scgm.phantom.tissues import CONTRASTS, CORD_TISSUES, signals

CORD = list(CORD_TISSUES)
# One slice around the cord, with nothing added to what is there.
PURE = Acquisition(
    shape=(1, 48, 48), spacing_mm=(2.0, 0.5, 0.5), snr=math.inf, texture=0, bias=0, sampled_share=1
)


def fractions(anatomy: Anatomy, acquisition: Acquisition = PURE) -> NDArray[np.float32]:
    """Return the shares (slice, tissue, row, column)."""
    rng = np.random.default_rng(0)
    return np.stack(list(tissue_fractions(anatomy, acquisition.shape, acquisition.spacing_mm, rng)))


def areas(phantom: Phantom) -> tuple[float, float]:
    """Return the areas of gray matter and cord in mm2, mean over slices."""
    _, height, width = phantom.acquisition.spacing_mm
    per_slice = height * width / phantom.acquisition.shape[0]
    return (
        float(phantom.gm_fraction.sum()) * per_slice,
        float(phantom.cord_fraction.sum()) * per_slice,
    )


def middle(values: NDArray[np.float32], phantom: Phantom) -> NDArray[np.float64]:
    """Return the place of the center of mass in mm."""
    weights = values.astype(np.float64)
    indices = np.indices(values.shape).reshape(3, -1) @ weights.ravel() / weights.sum()
    affine = phantom.volume.geometry.affine
    return np.asarray(affine[:3, :3] @ indices + affine[:3, 3])


@pytest.mark.parametrize(
    ("region", "cord_mm2", "gray_mm2"),
    [
        ("C3", (75, 80), (12, 18)),
        ("cervical", (80, 85), (12, 18)),
        ("thoracic", (45, 50), (4, 6)),
        ("lumbar", (62, 68), (20, 25)),
    ],
)
def test_areas_are_within_15_percent_of_the_literature(
    region: str, cord_mm2: tuple[float, float], gray_mm2: tuple[float, float]
) -> None:
    gray, cord = areas(make_phantom(Anatomy(region=region), PURE))

    assert 0.85 * cord_mm2[0] <= cord <= 1.15 * cord_mm2[1]
    assert 0.85 * gray_mm2[0] <= gray <= 1.15 * gray_mm2[1]


def test_the_cord_is_an_ellipse_of_the_width_and_depth_of_its_level() -> None:
    _, cord = areas(make_phantom(Anatomy(region="C5"), PURE))

    assert cord == pytest.approx(math.pi / 4 * 13.2 * 8.0, rel=0.01)


@pytest.mark.parametrize("region", ["C3", "C5", "T8", "L4", "S3"])
def test_the_masks_have_the_area_of_the_shares(region: str) -> None:
    phantom = make_phantom(
        Anatomy(region=region), replace(PURE, shape=(1, 160, 160), spacing_mm=(2, 0.1, 0.1))
    )
    gray, cord = areas(phantom)

    assert 0.01 * phantom.gm.sum() == pytest.approx(gray, rel=0.03)
    assert 0.01 * phantom.cord.sum() == pytest.approx(cord, rel=0.03)


def test_sizes_follow_the_parameters() -> None:
    gray, cord = areas(make_phantom(Anatomy(), PURE))
    grown = areas(make_phantom(Anatomy(scale=1.1, aspect=1.2, gray_share=1.3), PURE))

    assert grown[0] / gray == pytest.approx(1.21 * 1.3, rel=0.02)
    assert grown[1] / cord == pytest.approx(1.21, rel=0.01)  # the aspect keeps the area


def test_aspect_is_width_over_depth() -> None:
    def ratio(aspect: float) -> float:
        cord = make_phantom(Anatomy(region="T8", aspect=aspect), PURE).cord_fraction[..., 0]
        return float(cord.sum(axis=0).max() / cord.sum(axis=1).max())

    assert ratio(1.3) / ratio(1.0) == pytest.approx(1.3, rel=0.03)


@pytest.mark.parametrize("ex_vivo", [False, True])
@pytest.mark.parametrize("cord", [False, True])
def test_shares_of_tissues_sum_to_one(ex_vivo: bool, cord: bool) -> None:
    shares = fractions(Anatomy(ex_vivo=ex_vivo, cord=cord, offset_mm=(5, -3)))

    assert shares.min() >= 0
    np.testing.assert_allclose(shares.sum(axis=1), 1, atol=1e-6)


def test_gray_and_white_matter_make_up_the_cord() -> None:
    phantom = make_phantom()

    assert np.all(phantom.gm_fraction <= phantom.cord_fraction + 1e-6)
    assert not np.any(phantom.gm & phantom.wm)
    np.testing.assert_array_equal(phantom.gm | phantom.wm, phantom.cord)


def test_the_scan_is_ras_and_centered() -> None:
    geometry = make_phantom(Anatomy(), replace(PURE, shape=(3, 20, 30))).volume.geometry

    assert geometry.shape == (30, 20, 3)
    np.testing.assert_array_equal(np.diag(geometry.affine), [0.5, 0.5, 2.0, 1.0])
    center = geometry.affine @ [29 / 2, 19 / 2, 1, 1]
    np.testing.assert_allclose(center, [0, 0, 0, 1])


@pytest.mark.parametrize("region", ["cervical", "thoracic", "lumbar"])
def test_posterior_horns_are_thin_and_reach_near_the_surface(region: str) -> None:
    fine = replace(PURE, shape=(1, 160, 160), spacing_mm=(2, 0.1, 0.1))
    phantom = make_phantom(Anatomy(region=region), fine)
    right = slice(80, None)
    gray, cord = phantom.gm[right, :, 0], phantom.cord[right, :, 0]
    widths = gray.sum(axis=0)
    rows = np.flatnonzero(widths)
    back, front = rows[0], rows[-1]

    def to_surface(row: int, step: int) -> int:
        """Count rows from the end of a horn to the edge of the cord, along its column."""
        column = int(np.median(np.flatnonzero(gray[:, row])))
        edge = np.flatnonzero(cord[column])[0 if step < 0 else -1]
        return abs(int(edge) - int(row))

    assert to_surface(back, -1) < to_surface(front, 1)
    third = (front - back) // 4
    assert widths[back : back + third].mean() < 0.7 * widths[front - third : front].mean()
    # Between the posterior horns lies white matter, down to the commissure.
    assert not phantom.gm[78:82, : int(rows.mean()) - 8].any()


def test_the_fissure_is_in_front_and_the_septum_behind() -> None:
    shares = fractions(Anatomy())[0]
    rows = np.arange(48) - 23.5

    assert (shares[Tissue.FISSURE].sum(axis=1) @ rows) > 0
    assert (shares[Tissue.SEPTUM].sum(axis=1) @ rows) < 0


def test_the_windpipe_and_the_vertebra_are_in_front_and_the_spinous_process_behind() -> None:
    shares = fractions(Anatomy(), replace(PURE, shape=(1, 160, 160), spacing_mm=(2, 1, 1)))[0]

    def at(y_mm: int) -> Tissue:
        return Tissue(int(shares[:, 80 + y_mm, 80].argmax()))

    assert at(15) == Tissue.BONE_MARROW
    assert at(39) == Tissue.AIR
    assert at(-15) in (Tissue.BONE_CORTEX, Tissue.BONE_MARROW)
    assert at(-75) == Tissue.AIR
    assert at(5) == at(-5) == Tissue.CSF


def test_the_cord_lies_in_fluid() -> None:
    shares = fractions(Anatomy())[0]
    cord = shares[CORD].sum(axis=0)
    rim = (cord > 0) & (cord < 1)

    others = shares[[Tissue.CSF, Tissue.NERVE_ROOT]].sum(axis=0)
    np.testing.assert_allclose((cord + others)[rim], 1, atol=1e-6)


def root_areas_mm2(region: str) -> float:
    """Return the area of nerve roots within 12 mm of the middle of the cord."""
    return float(fractions(Anatomy(region=region))[0, Tissue.NERVE_ROOT].sum()) * 0.25


def test_eight_nerve_roots_run_through_the_fluid_of_the_neck() -> None:
    """Ellipses of half axes 0.55 and 0.45 mm: 0.78 mm2 each, in part behind each other."""
    assert 4 * 0.78 <= root_areas_mm2("C5") <= 8 * 0.78 * 1.05


def test_beside_the_last_segments_many_roots_run_down() -> None:
    """28 strands more than in the neck, of which many lie behind each other."""
    assert root_areas_mm2("L4") > 14 * 0.78


def test_nerve_roots_run_outwards_and_down() -> None:
    """1 mm further down each lies further out, but for those that leave there."""
    body = Body.draw("C5", np.random.default_rng(0))
    level = level_at(SEGMENTS.index("C5"))
    section = CordSection.of(level, Anatomy())
    above, below = (np.array(body.roots(section, level, z_mm)) for z_mm in (0.0, -1.0))
    outwards = np.abs(below[:, 0]) - np.abs(above[:, 0])

    assert len(above) == 8
    assert (outwards > 0).sum() >= 6


def test_discs_alternate_with_vertebrae() -> None:
    """At C5: 5 mm of disc in every 17 mm, and the vertebra in the middle of the scan."""
    tall = replace(PURE, shape=(45, 1, 1), spacing_mm=(0.5, 1.0, 1.0))
    in_front = Anatomy(offset_mm=(0.0, -15.0))
    shares = fractions(in_front, tall)[:, :, 0, 0]
    height_mm = (np.arange(45) - 22) * 0.5
    disc = height_mm[shares[:, Tissue.DISC] > 0.5]
    marrow = height_mm[(shares[:, Tissue.BONE_MARROW] > 0.5) & (np.abs(height_mm) < 8)]

    assert np.abs(marrow).max() == pytest.approx(6, abs=0.75)  # up to half of 17 - 5 mm
    for side in (-1, 1):
        one = disc[np.sign(disc) == side]
        assert one.mean() == pytest.approx(side * 8.5, abs=0.5)
        assert np.ptp(one) + 0.5 == pytest.approx(5, abs=0.75)


def test_without_asymmetry_left_mirrors_right() -> None:
    phantom = make_phantom(Anatomy(), PURE)

    np.testing.assert_allclose(phantom.gm_fraction, phantom.gm_fraction[::-1], atol=1e-6)
    np.testing.assert_allclose(phantom.cord_fraction, phantom.cord_fraction[::-1], atol=1e-6)


def test_asymmetry_moves_the_gray_matter_to_the_right_in_the_same_cord() -> None:
    even, uneven = (make_phantom(Anatomy(asymmetry=share), PURE) for share in (0.0, 0.1))

    assert middle(uneven.gm_fraction, uneven)[0] > 0.4
    np.testing.assert_array_equal(even.cord_fraction, uneven.cord_fraction)


def test_thin_horns_reach_the_surface_and_are_as_wide_as_asked_for() -> None:
    """Twice as wide is twice the area; both sides alike; from the horn's tip to the surface."""
    fine = replace(PURE, shape=(1, 300, 300), spacing_mm=(1.0, 0.05, 0.05))
    none, thin, wide = (
        make_phantom(Anatomy(ex_vivo=True, stalk_mm=width), fine) for width in (0.0, 0.2, 0.4)
    )
    added = [(each.gm_fraction - none.gm_fraction)[..., 0] for each in (thin, wide)]
    surface = ndimage.binary_dilation(~none.cord[..., 0]) & none.cord[..., 0]

    assert added[1].sum() == pytest.approx(2 * added[0].sum(), rel=0.1)
    np.testing.assert_allclose(added[0], added[0][::-1], atol=1e-5)
    assert added[0].min() >= 0
    assert (added[0] > 0.5)[surface].sum() * 0.05 == pytest.approx(2 * 0.2, rel=0.6)
    np.testing.assert_array_equal(thin.cord_fraction, none.cord_fraction)


def test_rotation_goes_from_the_right_to_the_front() -> None:
    straight = make_phantom(Anatomy(ex_vivo=True), PURE)
    turned = make_phantom(Anatomy(ex_vivo=True, rotation_deg=90), PURE)

    for name in ("gm_fraction", "cord_fraction"):
        expected = np.rot90(getattr(straight, name), axes=(0, 1))
        assert np.abs(getattr(turned, name) - expected).mean() < 1e-3
    assert np.abs(turned.gm_fraction - straight.gm_fraction).max() == 1


def test_the_cord_follows_its_course() -> None:
    anatomy = Anatomy(offset_mm=(3, -2), tilt_mm=(4, 0), bow_mm=(0, 2))
    high = replace(PURE, shape=(21, 64, 64), spacing_mm=(5, 0.5, 0.5))

    phantom = make_phantom(anatomy, high)

    places = [middle(phantom.cord_fraction[..., k : k + 1], phantom)[:2] for k in (0, 10, 20)]
    ends = zip(places, [(-1, 0), (3, -2), (7, 0)], strict=True)
    # The outline is bent a little, so that its middle lies just in front of the origin.
    for place, (x, y) in ends:
        assert place[0] == pytest.approx(x, abs=0.02)
        assert place[1] == pytest.approx(y, abs=0.12)


def test_a_thick_slice_is_the_mean_of_thin_ones() -> None:
    anatomy = Anatomy(region="C8", tilt_mm=(8, 3))
    thick = fractions(anatomy, replace(PURE, shape=(1, 48, 48), spacing_mm=(10, 0.5, 0.5)))
    thin = fractions(anatomy, replace(PURE, shape=(2, 48, 48), spacing_mm=(5, 0.5, 0.5)))

    np.testing.assert_allclose(thick[0, CORD], thin[:, CORD].mean(axis=0), atol=1e-6)
    assert np.abs(thin[0, CORD] - thin[1, CORD]).max() > 0.5  # they differ


def test_higher_slices_are_nearer_to_the_head() -> None:
    assert place_at("C5", 0) == SEGMENTS.index("C5")
    assert place_at("C5", 14) == SEGMENTS.index("C4")
    assert place_at("C5", 1000) == 0
    assert place_at("S5", -3) is None


def test_below_its_end_there_is_no_cord_but_fluid() -> None:
    low = replace(PURE, shape=(5, 48, 48), spacing_mm=(5, 0.5, 0.5))
    shares = fractions(Anatomy(region="S5"), low)

    assert shares[0, CORD].max() == 0
    assert shares[0, Tissue.CSF].sum() > 100
    assert shares[4, CORD].max() == 1


@pytest.mark.parametrize("ex_vivo", [False, True])
def test_a_scan_without_cord_has_empty_masks(ex_vivo: bool) -> None:
    phantom = make_phantom(Anatomy(ex_vivo=ex_vivo, cord=False), PURE)

    assert not phantom.gm.any()
    assert not phantom.cord_fraction.any()
    shares = fractions(Anatomy(ex_vivo=ex_vivo, cord=False))
    assert not shares[:, [Tissue.CSF, Tissue.NERVE_ROOT, Tissue.DURA]].any()


def test_only_the_slices_asked_for_show_the_cord() -> None:
    anatomy = Anatomy(ex_vivo=True, medium="fomblin", cord_slices=(1, 3))
    phantom = make_phantom(anatomy, replace(PURE, shape=(5, 48, 48)))
    expected = [False, True, True, False, False]

    assert phantom.cord.any(axis=(0, 1)).tolist() == expected
    # The medium is dark, so that only the cord is seen.
    assert (phantom.volume.voxels.max(axis=(0, 1)) > 100).tolist() == expected


def test_a_cord_outside_the_image_is_not_shown() -> None:
    phantom = make_phantom(Anatomy(offset_mm=(40, 0)), PURE)

    assert not phantom.cord_fraction.any()


def test_without_noise_every_pixel_is_the_mean_signal_of_its_tissues() -> None:
    # Nothing is symmetric, so that a flip or a transposition is seen.
    anatomy = Anatomy(offset_mm=(2, -1), asymmetry=0.1, rotation_deg=20)
    phantom = make_phantom(anatomy, PURE, seed=4)
    shares = fractions(anatomy)[0, CORD]
    whole = shares.sum(axis=0) == 1
    expected = np.tensordot(signals("t2star")[CORD], shares, 1)

    seen = phantom.volume.voxels[..., 0].T
    np.testing.assert_allclose(seen[whole], expected[whole], rtol=1e-5)
    np.testing.assert_allclose(phantom.cord_fraction[..., 0].T, shares.sum(axis=0), atol=1e-6)


@pytest.mark.parametrize("sampled_share", [1.0, 0.6])
def test_noise_is_that_of_the_snr(sampled_share: float) -> None:
    scan = replace(
        EX_VIVO,
        shape=(1, 300, 300),
        texture=0,
        bias=0,
        snr=25,
        sampled_share=sampled_share,
    )
    deviation = signals("exvivo")[Tissue.WHITE_MATTER] / 25
    with_noise = make_phantom(Anatomy(ex_vivo=True, cord=False), scan).volume.voxels[..., 0]
    without = make_phantom(
        Anatomy(ex_vivo=True, cord=False), replace(scan, snr=math.inf)
    ).volume.voxels[..., 0]

    fluid = np.s_[70:230, 70:230]
    # Where the signal is strong only the channel in its direction counts.
    assert np.std((with_noise - without)[fluid]) == pytest.approx(deviation, rel=0.05)
    if sampled_share == 1:  # else edges ring into the corners
        air = with_noise[:25, :25]
        assert air.mean() == pytest.approx(deviation * math.sqrt(math.pi / 2), rel=0.05)


def test_a_uniform_image_does_not_ring() -> None:
    image = np.full((20, 30), 7, np.float32)
    scan = replace(PURE, sampled_share=0.5)

    np.testing.assert_allclose(measured(image, scan, 0, np.random.default_rng()), image, rtol=1e-6)


def test_truncation_makes_edges_ring() -> None:
    image = np.zeros((64, 64), np.float32)
    image[:, 20:44] = 1
    scan = replace(PURE, sampled_share=0.5)

    seen = measured(image, scan, 0, np.random.default_rng())

    # The first overshoot at a step is 9 % of its height, in the limit of many samples.
    assert 1.05 < seen.max() < 1.15


def test_a_ghost_lies_half_a_field_of_view_away() -> None:
    image = np.zeros((40, 40), np.float32)
    image[5:10, 8:20] = 100

    seen = measured(image, replace(PURE, ghosting=0.2), 0, np.random.default_rng())

    np.testing.assert_allclose(seen, 0.9 * image + 0.1 * np.roll(image, 20, axis=0), atol=1e-3)


def test_bias_is_smooth_and_none_is_none() -> None:
    rng = np.random.default_rng(1)

    np.testing.assert_array_equal(draw_bias((2, 5, 6), 0.0, rng), 1)
    field = draw_bias((1, 50, 60), 0.4, rng)
    assert field.max() / field.min() > 1.1
    assert np.abs(np.diff(np.log(field))).max() < 0.05


@pytest.mark.parametrize(("contrast", "brighter"), [("t2star", True), ("mt", True), ("t1", False)])
def test_gray_matter_is_brighter_or_darker_as_in_the_contrast(
    contrast: str, brighter: bool
) -> None:
    phantom = make_phantom(Anatomy(region="L4"), replace(PURE, contrast=contrast))
    voxels = phantom.volume.voxels

    gray = voxels[phantom.gm_fraction == 1].mean()
    assert (gray > voxels[phantom.wm & (phantom.gm_fraction == 0)].mean()) == brighter


def test_the_ratio_of_gray_to_white_matter_can_be_chosen() -> None:
    values = signals("t2star", 0.8)

    assert values[Tissue.GRAY_MATTER] == pytest.approx(0.8 * values[Tissue.WHITE_MATTER])


def test_a_seed_gives_the_same_scan_again_and_another_gives_another() -> None:
    scan = Acquisition(shape=(2, 48, 48))
    first, again, other = (make_phantom(Anatomy(), scan, seed=seed) for seed in (3, 3, 4))

    np.testing.assert_array_equal(first.volume.voxels, again.volume.voxels)
    assert not np.array_equal(first.volume.voxels, other.volume.voxels)
    np.testing.assert_array_equal(first.gm_fraction, other.gm_fraction)  # the same person


def test_people_differ_and_can_be_drawn_again() -> None:
    def draw(seed: int) -> Anatomy:
        return draw_anatomy(np.random.default_rng(seed), "thoracic")

    assert draw(1) == draw(1)
    assert draw(1) != draw(2)
    drawn = [draw_anatomy(np.random.default_rng(n)).scale ** 2 for n in range(200)]
    assert np.std(drawn) == pytest.approx(0.12, abs=0.03)


def test_ex_vivo_nothing_but_cord_dura_and_medium_is_there() -> None:
    shares = fractions(Anatomy(ex_vivo=True, medium="fomblin", dura=True))[0]

    there = {Tissue(int(index)) for index in np.flatnonzero(shares.max(axis=(1, 2)))}
    assert there == {*CORD_TISSUES, Tissue.FOMBLIN, Tissue.DURA, Tissue.AIR}


@pytest.mark.parametrize("ex_vivo", [False, True])
@pytest.mark.parametrize("contrast", CONTRASTS)
@pytest.mark.parametrize("region", ["cervical", "thoracic", "lumbar"])
def test_every_region_and_contrast_can_be_made(region: str, contrast: str, ex_vivo: bool) -> None:
    anatomy = draw_anatomy(np.random.default_rng(5), region, ex_vivo=ex_vivo)
    scan = EX_VIVO if ex_vivo else Acquisition()

    phantom = make_phantom(anatomy, replace(scan, contrast=contrast, shape=(1, *scan.shape[1:])))

    assert phantom.gm.any()
    assert phantom.volume.voxels.std() > 0


def test_computing_band_by_band_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = fractions(Anatomy())
    monkeypatch.setattr("scgm.phantom.rendering._POINTS_AT_ONCE", 2000)

    np.testing.assert_array_equal(fractions(Anatomy()), whole)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"region": "C9"}, "C9"),
        ({"scale": 3.0}, "scale"),
        ({"asymmetry": math.nan}, "asymmetry"),
        ({"stalk_mm": -0.1}, "stalk_mm"),
        ({"rotation_deg": math.inf}, "rotation"),
        ({"medium": "gin"}, "gin"),
        ({"cord_slices": (3, 1)}, "cord_slices"),
    ],
)
def test_an_impossible_anatomy_is_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Anatomy(**options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"shape": (0, 5, 5)}, "shape"),
        ({"spacing_mm": (5.0, 0.0, 0.5)}, "spacing"),
        ({"spacing_mm": (5.0, 0.5)}, "spacing"),
        ({"contrast": "ct"}, "ct"),
        ({"snr": 0.0}, "snr"),
        ({"sampled_share": 1.5}, "sampled_share"),
    ],
)
def test_an_impossible_acquisition_is_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Acquisition(**options)  # type: ignore[arg-type]


def test_an_unknown_contrast_has_no_signals() -> None:
    with pytest.raises(ConfigError, match="ct"):
        signals("ct")
