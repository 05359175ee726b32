"""MGAC: registration of outlines, the template, the contour, and all of it together."""

import os
import sys
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage
from skimage.segmentation import inverse_gaussian_gradient, morphological_geodesic_active_contour

from experiments.evidence import EVIDENCE, fold_for, model_without, read_case, source_of
from scgm.artifacts.atlases import Atlas, AtlasCard, read_atlas, write_atlas
from scgm.errors import ConfigError, ModelError
from scgm.evaluation.metrics import dice
from scgm.phantom import Anatomy
from scgm.segmenters.classical.labeled_slices import PIXEL_MM, SIZE, LabeledSlices
from scgm.segmenters.classical.mgac import Mgac, build, open_mgac
from scgm.segmenters.classical.mgac.contour import ContourSettings, edge_map, settle, smoothed
from scgm.segmenters.classical.mgac.registration import (
    DemonsSettings,
    Plane,
    affine,
    axes_of,
    register,
    signed_distance_mm,
    warped,
)
from scgm.segmenters.within_cord import InCord
from tests.helpers.drawn_cords import drawn, labeled_phantoms

DATA = Path(os.environ.get("SCGM_DATA", "../shared/data"))
PUBLISHED = 0.75
CARD = {
    "method": "mgac",
    "version": "0",
    "description": "phantoms",
    "license": "MIT",
    "created": "2026-01-01",
}

Bools = NDArray[np.bool_]


def ellipse(
    half_mm: tuple[float, float], middle_mm: tuple[float, float] = (0, 0), turn_deg: float = 0
) -> Bools:
    """Draw an ellipse, (rows, columns), on 128 samples of 0.25 mm."""
    rows, columns = (np.indices((SIZE, SIZE)) - (SIZE - 1) / 2) * PIXEL_MM
    rows, columns = rows - middle_mm[0], columns - middle_mm[1]
    cos, sin = np.cos(np.deg2rad(turn_deg)), np.sin(np.deg2rad(turn_deg))
    along, across = columns * cos + rows * sin, rows * cos - columns * sin
    return np.asarray((across / half_mm[0]) ** 2 + (along / half_mm[1]) ** 2 <= 1)


def outline(cord: Bools) -> Plane:
    return Plane(signed_distance_mm(cord, PIXEL_MM), PIXEL_MM)


def middle_mm(values: NDArray[np.floating]) -> NDArray[np.float64]:
    return (np.array(ndimage.center_of_mass(values)) - (SIZE - 1) / 2) * PIXEL_MM


@cache
def template() -> dict[str, NDArray[np.float32]]:
    return build(labeled_phantoms([drawn(person, slices=3) for person in (10, 11, 12)]))


@pytest.fixture
def atlas(tmp_path: Path) -> Atlas:
    return write_atlas(tmp_path / "mgac.npz", template(), CARD)


@pytest.fixture
def method(atlas: Atlas) -> Mgac:
    return open_mgac(atlas)


# Registration


def test_signed_distance_of_a_disc_is_its_radius_less_that_of_the_place() -> None:
    rows, columns = (np.indices((SIZE, SIZE)) - (SIZE - 1) / 2) * PIXEL_MM
    away = np.hypot(rows, columns)

    distance = signed_distance_mm(away <= 6, PIXEL_MM)

    np.testing.assert_allclose(distance, 6 - away, atol=PIXEL_MM)
    assert abs((distance - (6 - away)).mean()) < 0.2 * PIXEL_MM


def test_a_cord_that_fills_the_window_ends_at_its_border() -> None:
    distance = signed_distance_mm(np.ones((9, 9), bool), 1.0)

    np.testing.assert_allclose(distance[4], [0.5, 1.5, 2.5, 3.5, 4.5, 3.5, 2.5, 1.5, 0.5])


def test_no_cord_is_far_away() -> None:
    assert (signed_distance_mm(np.zeros((8, 8), bool), 0.5) == -4).all()


def test_what_lies_in_a_cord_comes_along_with_its_outline() -> None:
    """The moving cord is 1.2 times as large and lies 1 mm higher; so does a spot within it."""
    target, moving = ellipse((3, 4.5)), ellipse((3.6, 5.4), middle_mm=(1, 0))
    spot = ellipse((0.8, 0.8), middle_mm=(1 + 1.2 * 0.5, 1.2 * 2))

    transform = register(outline(target), outline(moving), DemonsSettings())

    cord = warped(Plane(moving, PIXEL_MM), transform, outline(target)) >= 0.5
    assert dice(cord, target) > 0.97
    found = middle_mm(warped(Plane(spot, PIXEL_MM), transform, outline(target)))
    np.testing.assert_allclose(found, [0.5, 2], atol=0.25)


def test_a_frame_tells_where_a_cord_lies_how_it_is_turned_and_how_wide_it_is() -> None:
    """An ellipse has a quarter of each half axis squared as its variance along that axis."""
    frame = axes_of(outline(ellipse((3.3, 5), middle_mm=(0.5, -0.7), turn_deg=8)))

    np.testing.assert_allclose(frame.middle_mm, [-0.7, 0.5], atol=0.02)
    np.testing.assert_allclose(np.linalg.norm(frame.axes_mm, axis=0), [2.5, 1.65], atol=0.03)
    np.testing.assert_allclose(
        frame.rigid.axes_mm[:, 0], [np.cos(np.deg2rad(8)), np.sin(np.deg2rad(8))], atol=0.01
    )
    assert np.linalg.det(frame.axes_mm) > 0  # a turn, no mirror image


@pytest.mark.parametrize(("half_mm", "turn_deg"), [((4, 4.4), 20), ((3, 4.5), 60)])
def test_a_round_or_lying_cord_is_taken_as_upright(
    half_mm: tuple[float, float], turn_deg: float
) -> None:
    frame = axes_of(outline(ellipse(half_mm, turn_deg=turn_deg)))

    np.testing.assert_array_equal(frame.rigid.axes_mm, np.eye(2))


def test_frames_lead_a_turned_cord_onto_another_of_its_shape() -> None:
    target, moving = ellipse((2, 3), turn_deg=-5), ellipse((3, 4.5), middle_mm=(1, 2), turn_deg=10)

    transform = affine(axes_of(outline(target)), axes_of(outline(moving)))

    found = warped(Plane(moving, PIXEL_MM), transform, outline(target))
    assert dice(found >= 0.5, target) > 0.98


# The template


def test_the_template_of_one_symmetric_shape_is_that_shape() -> None:
    cord, gm = ellipse((3, 4.5)), ellipse((1, 2))

    learned = build(shapes([cord, cord], [gm, gm], volume=[0, 0]))

    assert dice(learned["distance_mm"] > 0, cord) > 0.98
    assert dice(learned["gm"] >= 0.5, gm) > 0.95
    np.testing.assert_array_equal(learned["gm"], learned["gm"][:, ::-1])


def test_volumes_count_equally_however_many_slices_they_have() -> None:
    cord, gm = ellipse((3, 4.5)), ellipse((1, 2))
    none = np.zeros_like(gm)

    learned = build(shapes([cord] * 4, [gm, none, none, none], volume=[0, 1, 1, 1]))

    assert learned["gm"].max() == pytest.approx(0.5, abs=0.01)


def test_the_mask_of_the_template_has_the_mean_area(method: Mgac) -> None:
    gm = method.template.gm.values

    area = (gm >= method.template.level).sum()

    assert area == pytest.approx(gm.sum(), abs=3)


def test_a_template_of_no_slices_is_refused() -> None:
    with pytest.raises(ConfigError, match="from 1 on"):
        build(shapes([ellipse((3, 4))], [ellipse((1, 2))], volume=[0]), per_volume=0)


def test_cords_are_set_upright_before_they_are_averaged() -> None:
    turned = [ellipse((3, 4.5), middle_mm=(0.5, 0.5), turn_deg=turn) for turn in (12, 4)]
    gray = [ellipse((1, 2), middle_mm=(0.5, 0.5), turn_deg=turn) for turn in (12, 4)]

    learned = build(shapes(turned, gray, volume=[0, 1]))

    assert dice(learned["distance_mm"] > 0, ellipse((3, 4.5))) > 0.98
    assert dice(learned["gm"] >= 0.5, ellipse((1, 2))) > 0.95


def test_a_template_survives_its_file(atlas: Atlas) -> None:
    found = open_mgac(read_atlas(atlas.path, "mgac"))

    np.testing.assert_array_equal(found.template.gm.values, template()["gm"])
    assert found.provenance["sha256"] == atlas.card.sha256


@pytest.mark.parametrize(
    "arrays",
    [
        {"gm": np.zeros((4, 4)), "pixel_mm": np.array(0.25)},
        {"gm": np.zeros((4, 4)), "distance_mm": np.zeros((4, 4)), "pixel_mm": np.zeros(3)},
        {"gm": np.zeros((4, 4)), "distance_mm": np.zeros((4, 4)), "pixel_mm": np.array(0.25)},
        {"gm": np.zeros((3, 4)), "distance_mm": np.ones((4, 4)), "pixel_mm": np.array(0.25)},
    ],
    ids=["no outline", "no pixel", "no cord", "two grids"],
)
def test_an_atlas_of_other_arrays_is_refused(arrays: dict[str, NDArray[np.float64]]) -> None:
    card = AtlasCard(name="strange", sha256="0" * 64, **CARD)  # type: ignore[arg-type]

    with pytest.raises(ModelError, match=r"strange\.npz.*build it again"):
        open_mgac(Atlas(card, arrays, Path("strange.npz")))


def shapes(cords: list[Bools], grays: list[Bools], volume: list[int]) -> LabeledSlices:
    cord, gm = np.stack(cords).astype(np.float32), np.stack(grays).astype(np.float32)
    count = max(volume) + 1
    names = tuple(str(k) for k in range(count))
    distance = np.full(count, 5, np.float32)
    inside = np.ones(cord.shape, bool)
    return LabeledSlices(cord, inside, cord, gm, np.array(volume), distance, names, names, names)


# The contour


def two_tissues() -> tuple[NDArray[np.float32], Bools]:
    """Draw a bright disc of 20 samples in noise, and a start beside its edge."""
    rng = np.random.default_rng(0)
    rows, columns = np.indices((80, 80)) - 39.5
    bright = np.hypot(rows, columns) <= 20
    image = ndimage.gaussian_filter(bright + 0.1 * rng.standard_normal((80, 80)), 2)
    return image.astype(np.float32), np.asarray(np.hypot(rows - 4, columns - 3) <= 20)


@pytest.mark.parametrize(
    "settings",
    [
        ContourSettings(),
        ContourSettings(steps=7, smoothing=3),
        ContourSettings(steps=11, smoothing=1, threshold=None),
        ContourSettings(steps=9, smoothing=1, balloon=-1, threshold=0.4),
        ContourSettings(steps=5, smoothing=0, balloon=0),
    ],
)
def test_the_contour_is_that_of_scikit_image(settings: ContourSettings) -> None:
    """Its smoothing goes on with whichever operator is next: two calls show both orders."""
    image, start = two_tissues()
    edges = edge_map(image, 1000, 3)

    theirs = [
        morphological_geodesic_active_contour(
            inverse_gaussian_gradient(image.astype(np.float64), 1000, 3).astype(np.float32),
            num_iter=settings.steps,
            init_level_set=start.astype(np.int8),
            smoothing=settings.smoothing,
            threshold="auto" if settings.threshold is None else settings.threshold,
            balloon=settings.balloon,
        )
        for _ in range(2)
    ]

    ours = settle(edges, start, settings)
    assert any(np.array_equal(ours, each > 0) for each in theirs)


def test_the_edge_map_of_a_ramp_follows_its_slope() -> None:
    """Smoothing does not change a ramp of slope 0.02: g = 1 / sqrt(1 + 1000 * 0.02)."""
    ramp = np.tile(0.02 * np.arange(60, dtype=np.float32), (60, 1))

    edges = edge_map(ramp, 1000, 3)

    np.testing.assert_allclose(edges[20:40, 20:40], 1 / np.sqrt(21), rtol=1e-3)


def test_the_published_balloon_is_inert() -> None:
    """The edge map is never greater than 1, which the balloon waits for."""
    image, start = two_tissues()
    edges = edge_map(image, 1000, 3)

    blown = settle(edges, start, ContourSettings(balloon=1))

    assert edges.max() <= 1
    np.testing.assert_array_equal(blown, settle(edges, start, ContourSettings(balloon=0)))


@pytest.mark.parametrize(("balloon", "half_side"), [(1, 10 + 4), (-1, 10 - 4)])
def test_a_balloon_that_acts_moves_a_sample_in_each_step(balloon: int, half_side: int) -> None:
    start = np.zeros((60, 60), bool)
    start[20:40, 20:40] = True

    settings = ContourSettings(steps=4, smoothing=0, balloon=balloon, threshold=0.5)
    found = settle(np.ones((60, 60), np.float32), start, settings)

    assert found.sum() == (2 * half_side) ** 2


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("radius", [17, 23])
def test_the_contour_settles_on_an_edge_from_either_side(sign: int, radius: int) -> None:
    """Within the reach of the Gaussian, and whether the inside is bright or dark."""
    rows, columns = np.indices((80, 80)) - 39.5
    away = np.hypot(rows, columns)
    image = (sign * (away <= 20)).astype(np.float32)

    found = settle(edge_map(image, 1000, 3), away <= radius, ContourSettings())

    assert dice(found, away <= 20) > 0.97


@pytest.mark.parametrize("convex_first", [True, False])
def test_smoothing_keeps_straight_edges_and_removes_specks_and_pits(convex_first: bool) -> None:
    half = np.zeros((20, 20), bool)
    half[:, :10] = True
    flawed = half.copy()
    flawed[10, 15], flawed[10, 4] = True, False

    found = smoothed(flawed, convex_first=convex_first)

    np.testing.assert_array_equal(found[1:-1], half[1:-1])


# The method


@pytest.mark.parametrize("contrast", ["t2star", "psir"])
def test_gray_matter_of_a_phantom_is_found_bright_or_dark(method: Mgac, contrast: str) -> None:
    scan = drawn(3, slices=2, contrast=contrast)

    assert dice(scan.found_by(method), scan.gm) >= PUBLISHED - 0.1


@pytest.mark.parametrize("change", [ndimage.binary_dilation, ndimage.binary_erosion])
def test_a_cord_wrong_by_a_pixel_is_enough(method: Mgac, change: object) -> None:
    scan = drawn(3, slices=2)
    assert callable(change)
    wrong = replace(scan, cord=np.stack([change(mask) for mask in scan.cord]))

    assert dice(wrong.found_by(method), scan.gm) >= PUBLISHED - 0.2


def test_the_contour_improves_on_the_template(method: Mgac) -> None:
    scan = drawn(3, slices=2)
    still = replace(method, contour=ContourSettings(steps=0))

    assert dice(scan.found_by(method), scan.gm) > dice(scan.found_by(still), scan.gm)


def test_a_turned_cord_turns_its_gray_matter(method: Mgac) -> None:
    scan = drawn(3, slices=2, anatomy=Anatomy(rotation_deg=12.0))

    assert dice(scan.found_by(method), scan.gm) >= PUBLISHED - 0.05


def test_fluid_unit_and_other_slices_change_nothing(method: Mgac) -> None:
    windows, _ = drawn(3, slices=2).windows(method.size, method.pixel_mm)
    usual = method(windows).gm
    only = replace(
        windows,
        image=np.where(windows.cord >= 0.5, 4 * windows.image, 1e6)[1:].astype(np.float32),
        inside=windows.inside[1:],
        cord=windows.cord[1:],
        index=windows.index[1:],
    )

    np.testing.assert_array_equal(method(only).gm, usual[1:])


def test_slices_that_show_nothing_have_no_gray_matter(method: Mgac) -> None:
    """A flat one, one whose cord is nowhere, and one that lies outside of the image."""
    windows, _ = drawn(3, slices=4).windows(method.size, method.pixel_mm)
    windows.image[0] = 400.0
    windows.cord[1] = 0.0
    windows.inside[2] = False

    found = method(windows).gm

    assert found.any(axis=(1, 2)).tolist() == [False, False, False, True]


def test_a_cord_at_the_border_of_the_window_is_no_trouble(method: Mgac) -> None:
    windows, _ = drawn(3, slices=1).windows(method.size, method.pixel_mm)
    moved = replace(
        windows,
        image=np.roll(windows.image, 100, axis=2),
        inside=np.roll(windows.inside, 100, axis=2),
        cord=np.roll(windows.cord, 100, axis=2),
    )
    moved.cord[:, :, :100] = 0

    found = method(moved).gm

    assert np.isfinite(found).all()
    assert not found[moved.cord < 0.5].any()


def test_without_simpleitk_it_says_what_to_install(
    method: Mgac, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "SimpleITK", None)

    with pytest.raises(ModelError, match=r"pip install '\.\[classical\]'"):
        drawn(3, slices=1).found_by(method)


@pytest.mark.slow
@pytest.mark.real
@pytest.mark.skipif(not DATA.is_dir(), reason=f"no real images at {DATA}; set SCGM_DATA")
@pytest.mark.parametrize("name", ["sub-9418", "t2s_uncropped"])
def test_gray_matter_of_a_site_never_seen_is_found(name: str) -> None:
    case = read_case(source_of(EVIDENCE[name]))
    assert case.gm is not None
    site = case.source.site
    method = open_mgac(read_atlas(fold_for(site, "mgac"), "mgac"))

    found = InCord(method, model_without(site))(case.stack).gm >= 0.5

    with_gray = np.flatnonzero(case.gm.any(axis=(1, 2)))
    assert np.mean([dice(found[z], case.gm[z]) for z in with_gray]) >= 0.72
