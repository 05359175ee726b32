"""JCSCS: patches and registered atlases that vote, each part against what paper says."""

import os
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import SimpleITK
from numpy.typing import NDArray
from scipy import ndimage

from scgm.artifacts.atlases import read_atlas, write_atlas
from scgm.datasets import read_dataset
from scgm.errors import ConfigError, ModelError
from scgm.image.orientation import to_axial
from scgm.image.patches import CordWindows, Found, cut_windows
from scgm.phantom import Acquisition, draw_anatomy, make_phantom
from scgm.segmenters.classical.jcscs import Jcscs, build, open_jcscs
from scgm.segmenters.classical.jcscs.intensities import against_cord, against_surroundings, sign_of
from scgm.segmenters.classical.jcscs.library import library_of
from scgm.segmenters.classical.jcscs.method import one_cord
from scgm.segmenters.classical.jcscs.opal import (
    Matches,
    OpalSettings,
    find_matches,
    fuse_patches,
    gradient,
    label_map,
    patches,
)
from scgm.segmenters.classical.jcscs.registration import (
    SplineSettings,
    outline_start,
    register,
    started,
    warped,
)
from scgm.segmenters.classical.jcscs.steps import (
    FusionSettings,
    disputed,
    local_correlation,
    staple,
    top_ranked,
)
from scgm.segmenters.classical.labeled_slices import LabeledSlices, labeled_slices

Floats = NDArray[np.float32]

# Its registrations take seconds each.
pytestmark = pytest.mark.slow

DATA = Path(os.environ.get("SCGM_DATA", "../shared/data"))
SIDE, PIXEL_MM = 40, 0.5
SLICES = 2  # of each phantom


def dice(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> float:
    return float(2 * (one & other).sum() / (one.sum() + other.sum()))


def blob(row: float, column: float, height: float, width: float) -> Floats:
    """Return an ellipse with a soft edge, in samples."""
    rows, columns = np.indices((SIDE, SIDE))
    radius = np.hypot((rows - row) / height, (columns - column) / width)
    share = np.clip((1 - radius) * min(height, width) + 0.5, 0, 1)
    return np.asarray(share, np.float32)


def noise(seed: int, *shape: int) -> Floats:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


# OPAL


def test_an_image_finds_itself_and_its_own_label() -> None:
    image, label = noise(0, SIDE, SIDE), blob(20, 19, 6, 9)
    settings = OpalSettings(runs=4, rounds=8)

    found = find_matches(image, patches(image[None], 5), settings, np.random.default_rng(0))

    assert (found.distance.min(axis=0) == 0).mean() > 0.99
    voted = fuse_patches(found, label[None], 5)
    assert dice(voted >= 0.5, label >= 0.5) > 0.98


def test_a_label_moves_with_its_image() -> None:
    image, label = noise(1, SIDE, SIDE), blob(20, 19, 6, 9)
    library, labels = np.roll(image, (2, -3), (0, 1))[None], np.roll(label, (2, -3), (0, 1))[None]
    settings = OpalSettings(runs=4, rounds=8)

    found = find_matches(image, patches(library, 5), settings, np.random.default_rng(0))

    voted = fuse_patches(found, labels, 5)
    assert dice(voted >= 0.5, label >= 0.5) > 0.98


def test_matches_stay_within_reach_and_tell_their_true_distance() -> None:
    image, library = noise(2, SIDE, SIDE), noise(3, 6, SIDE, SIDE)
    offered = patches(library, 3)
    settings = OpalSettings(runs=3, rounds=3, reach=4)

    found = find_matches(image, offered, settings, np.random.default_rng(0))

    rows, columns = np.indices((SIDE, SIDE))
    assert np.abs(found.row - rows).max() <= 4
    assert np.abs(found.column - columns).max() <= 4
    difference = offered[found.entry, found.row, found.column] - patches(image, 3)
    np.testing.assert_allclose(found.distance, (difference**2).sum(axis=-1), rtol=1e-4)


def test_a_match_twice_as_far_weighs_less_by_a_factor_of_e() -> None:
    here = np.zeros((2, 1, 1), np.intp)
    entry = np.array([0, 1], np.intp)[:, None, None]
    matches = Matches(entry, here, here, np.array([5, 10], np.float32)[:, None, None])
    labels = np.array([1, 0], np.float32)[:, None, None]

    voted = fuse_patches(matches, labels, patch=1)

    np.testing.assert_allclose(voted, 1 / (1 + np.exp(-1)), rtol=1e-5)


def test_the_gradient_of_a_slope_is_its_steepness_whatever_its_sign() -> None:
    rows, columns = np.indices((SIDE, SIDE), np.float32)
    slope = 3 * rows - 4 * columns

    np.testing.assert_allclose(gradient(np.stack([slope, -slope])), 5, rtol=1e-5)


@pytest.mark.parametrize("patch", [3, 7])
def test_one_size_and_one_feature_are_a_single_search(patch: int) -> None:
    image, library, labels = (
        noise(9, SIDE, SIDE),
        noise(10, 2, SIDE, SIDE),
        noise(11, 2, SIDE, SIDE),
    )
    settings = OpalSettings(patches=(patch,), features=("intensity",), runs=2, rounds=2)

    found = label_map(image, library, labels, settings, np.random.default_rng(3))

    matches = find_matches(image, patches(library, patch), settings, np.random.default_rng(3))
    np.testing.assert_array_equal(found, fuse_patches(matches, labels, patch))


def test_maps_of_all_sizes_and_features_are_averaged() -> None:
    """The intensities match the first image alone, and their edges the second one alone."""
    rows = np.arange(SIDE, dtype=np.float32)[:, None] * np.ones((1, SIDE), np.float32)
    target = rows % 8
    library = np.stack([target, -target + 100])  # as different as can be, with the same edges
    labels = np.stack([np.ones_like(target), np.zeros_like(target)])
    # Edges do not tell the two apart: each image is drawn as often as the other.
    both = OpalSettings(patches=(3, 5), runs=8, rounds=1)
    one = OpalSettings(patches=(3, 5), features=("intensity",), runs=8, rounds=1)
    edges = OpalSettings(patches=(3, 5), features=("gradient",), runs=8, rounds=1)

    found, by_one, by_edges = (
        label_map(target, library, labels, each, np.random.default_rng(0)).mean()
        for each in (both, one, edges)
    )

    assert by_one > 0.95
    assert 0.3 < by_edges < 0.7
    assert found == pytest.approx((by_one + by_edges) / 2, abs=0.05)


def test_one_cord_is_kept_the_nearest_to_the_middle_without_holes() -> None:
    cord, other = blob(20, 20, 6, 8), blob(4, 4, 3, 3)
    pierced = np.maximum(cord, other)
    pierced[20, 20] = 0

    kept = one_cord(pierced)

    np.testing.assert_array_equal(kept >= 0.5, cord >= 0.5)
    assert not one_cord(np.zeros((SIDE, SIDE), np.float32)).any()


# Intensities


def test_units_of_the_cord_do_not_depend_on_the_scanner() -> None:
    image, cord = noise(4, 1, SIDE, SIDE), blob(20, 20, 6, 8)[None]
    inside = np.ones(image.shape, np.bool_)

    np.testing.assert_allclose(
        against_cord(7 * image + 300, cord), against_cord(image, cord), atol=1e-3
    )
    np.testing.assert_allclose(
        against_surroundings(7 * image + 300, inside, 0.6),
        against_surroundings(image, inside, 0.6),
        atol=1e-3,
    )


def test_the_sign_is_that_of_all_slices_together() -> None:
    pattern = noise(5, 3, SIDE, SIDE)
    everywhere = np.ones(pattern.shape, np.bool_)
    one_against = pattern * np.array([1, 1, -1], np.float32)[:, None, None]

    assert sign_of(pattern, pattern, everywhere) == 1
    assert sign_of(-pattern, pattern, everywhere) == -1
    assert sign_of(one_against, pattern, everywhere) == 1
    assert sign_of(np.ones_like(pattern), pattern, everywhere) == 1


# Registration


def test_outlines_fall_on_each_other() -> None:
    target, atlas = blob(22, 17, 6, 9), blob(18, 21, 8, 7)

    start = outline_start(target, atlas, PIXEL_MM)

    np.testing.assert_allclose(start.scale, [8 / 6, 7 / 9], rtol=0.02)
    assert dice(started(atlas, start, PIXEL_MM) >= 0.5, target >= 0.5) > 0.97


def butterfly() -> tuple[Floats, Floats, Floats]:
    """Return an image, its outline, and a label that only its contrast can place."""
    outline, label = blob(20, 20, 7, 11), blob(20, 14, 4, 3)
    return outline + 2 * label + blob(22, 26, 3, 4), outline, label


@pytest.mark.parametrize("sign", [1, -1], ids=["alike", "negative"])
def test_registration_undoes_a_turn(sign: int) -> None:
    atlas, outline, label = butterfly()
    turn = SimpleITK.Euler2DTransform((0.0, 0.0), float(np.deg2rad(12)), (0.4, -0.3))
    target, region, expected = (warped(each, turn, PIXEL_MM) for each in (atlas, outline, label))
    start = outline_start(region, outline, PIXEL_MM)

    way = register(sign * target, region > 0.1, atlas, start, PIXEL_MM, SplineSettings())

    assert dice(started(label, start, PIXEL_MM) >= 0.5, expected >= 0.5) < 0.85
    assert dice(warped(label, way, PIXEL_MM) >= 0.5, expected >= 0.5) > 0.95


def test_the_spline_undoes_a_bend_as_far_as_it_may() -> None:
    atlas, outline, label = butterfly()
    rows, columns = np.indices(atlas.shape)
    places = [rows, columns + 2 * np.cos(rows * 2 * np.pi / 12)]
    target, region, expected = (
        ndimage.map_coordinates(each, places, order=1) for each in (atlas, outline, label)
    )
    start = outline_start(region, outline, PIXEL_MM)

    overlap = []
    for most_mm in (0.01, 1.5):
        settings = SplineSettings(mesh_mm=2.0, most_mm=most_mm)
        way = register(target, region > 0.1, atlas, start, PIXEL_MM, settings)
        overlap.append(dice(warped(label, way, PIXEL_MM) >= 0.5, expected >= 0.5))

    assert overlap[0] < 0.9
    assert overlap[1] > 0.95


def test_flat_images_stay_where_their_outline_brought_them() -> None:
    target, atlas = blob(22, 17, 6, 9), blob(18, 21, 8, 7)
    start = outline_start(target, atlas, PIXEL_MM)
    flat = np.ones((SIDE, SIDE), np.float32)

    way = register(flat, target >= 0.5, flat, start, PIXEL_MM, SplineSettings())

    moved = warped(atlas, way, PIXEL_MM)
    np.testing.assert_allclose(moved, started(atlas, start, PIXEL_MM), atol=0.02)


# STEPS


def test_local_correlation_ignores_gain_and_offset_but_not_sign() -> None:
    image = noise(6, SIDE, SIDE)
    flat = np.ones_like(image)

    found = local_correlation(image, np.stack([3 * image + 5, -image, flat]), sigma=3)

    np.testing.assert_allclose(found[0], 1, atol=0.01)
    np.testing.assert_allclose(found[1], -1, atol=0.01)
    np.testing.assert_allclose(found[2], 0, atol=1e-3)


def test_local_correlation_is_local() -> None:
    image, other = noise(7, SIDE, SIDE), noise(8, SIDE, SIDE)
    half = np.where(np.arange(SIDE) < SIDE // 2, image, other)

    found = local_correlation(image, half[None], sigma=2)[0]

    assert found[:, :10].min() > 0.95
    assert abs(found[:, 30:].mean()) < 0.1


def test_the_best_are_kept_at_each_pixel_and_ties_go_to_the_first() -> None:
    scores = np.array([[1, 5], [3, 5], [2, 5]], np.float32)[:, None]

    kept = top_ranked(scores, 2)

    np.testing.assert_array_equal(kept[:, 0], [[False, True], [True, True], [True, False]])


def test_only_atlases_that_count_can_dispute() -> None:
    decisions = np.array([[1, 1], [1, 2], [2, 2]])[:, None]
    kept = np.array([[True, True], [True, True], [False, False]])[:, None]

    np.testing.assert_array_equal(disputed(decisions, kept), [[False, True]])


def raters(count: int = 5, seed: int = 0) -> NDArray[np.intp]:
    """Return masks of one ellipse by raters, each with errors of its own."""
    rng = np.random.default_rng(seed)
    truth = blob(20, 20, 8, 12) >= 0.5
    errors = [rng.random(truth.shape) < rate for rate in np.linspace(0.02, 0.2, count)]
    return np.stack([truth ^ wrong for wrong in errors]).astype(np.intp)


def test_staple_of_all_atlases_without_a_field_is_that_of_simpleitk() -> None:
    decisions = raters()
    everywhere = np.ones(decisions.shape, np.bool_)
    settings = FusionSettings(beta=0, rounds=200, tolerance=1e-9)
    theirs = SimpleITK.STAPLEImageFilter()
    theirs.SetForegroundValue(1)
    images = [SimpleITK.GetImageFromArray(each.astype(np.uint8)) for each in decisions]

    found = staple(decisions, everywhere, everywhere[0], settings)

    expected = SimpleITK.GetArrayFromImage(theirs.Execute(images))
    np.testing.assert_allclose(found[..., 1], expected, atol=1e-4)


def test_staple_follows_the_atlases_that_others_bear_out() -> None:
    truth = (blob(20, 20, 8, 12) >= 0.5).astype(np.intp)
    wrong = np.roll(truth, 9, axis=1)
    decisions = np.stack([truth, truth, truth, wrong, wrong])
    kept = np.ones(decisions.shape, np.bool_)

    found = staple(decisions, kept, disputed(decisions, kept), FusionSettings(beta=0))

    np.testing.assert_array_equal(found.argmax(axis=-1), truth)


def test_atlases_that_are_not_kept_have_no_vote() -> None:
    good = raters(2, seed=1)
    bad = np.ones((3, SIDE, SIDE), np.intp)
    decisions = np.concatenate([bad, good])
    kept = np.zeros(decisions.shape, np.bool_)
    kept[3:] = True
    settings = FusionSettings()

    found = staple(decisions, kept, disputed(decisions, kept), settings)

    alone = staple(good, kept[3:], disputed(good, kept[3:]), settings)
    np.testing.assert_allclose(found, alone)


def test_the_field_removes_a_lonely_pixel() -> None:
    decisions = np.zeros((4, 9, 9), np.intp)
    decisions[:2, 4, 4] = 1
    decisions[2:, :, 0] = 1  # each half errs somewhere
    kept = np.ones(decisions.shape, np.bool_)
    where = disputed(decisions, kept)

    lonely = staple(decisions, kept, where, FusionSettings(beta=0, rounds=1))
    joined = staple(decisions, kept, where, FusionSettings(beta=2, rounds=1))

    assert joined[4, 4, 1] < lonely[4, 4, 1] / 100
    np.testing.assert_allclose(joined.sum(axis=-1), 1)


# The library, and the whole method


def phantom_slices(seeds: range, **scan: float) -> LabeledSlices:
    """Return slices of each of several phantoms, as they are read from a data set."""
    parts: list[tuple[Floats, ...]] = []
    for seed in seeds:
        anatomy = draw_anatomy(np.random.default_rng(seed))
        acquisition = Acquisition(shape=(SLICES, 128, 128), spacing_mm=(5, 0.4, 0.4), **scan)  # type: ignore[arg-type]
        phantom = make_phantom(anatomy, acquisition, seed=seed)
        cord, gm = phantom.cord_fraction.T, phantom.gm_fraction.T
        middle = np.array([np.argwhere(each >= 0.5).mean(axis=0) for each in cord], np.float32)
        slices = to_axial(phantom.volume).slices
        cut = [
            cut_windows(each, (0.4, 0.4), middle, size=128, window_mm=0.25)[0]
            for each in (slices, cord, gm)
        ]
        mean = (cut[0] * cut[1]).sum(axis=(1, 2)) / cut[1].sum(axis=(1, 2))
        parts.append((cut[0] / mean[:, None, None], *cut[1:]))
    image, cords, grays = (np.concatenate(each) for each in zip(*parts, strict=True))
    names = tuple(f"phantom-{seed}" for seed in seeds)
    volume = np.repeat(np.arange(len(names)), SLICES)
    inside = np.ones(image.shape, np.bool_)
    distance = np.full(len(names), 5, np.float32)
    return LabeledSlices(image, inside, cords, grays, volume, distance, names, names, names)


def windows_of(slices: LabeledSlices, *, given: bool = False) -> tuple[CordWindows, Floats]:
    """Return slices as windows whose cord is one sample too thick, and their gray matter."""
    known = library_of(build(slices))
    half = len(known.image) // 2  # the others are mirrored
    rim = np.stack([np.roll(known.cord, step, axis) for step in (-1, 1) for axis in (1, 2)])
    cord = known.cord if given else rim.max(axis=0)
    share = (cord >= 0.5).astype(np.float32)[:half]
    inside = np.ones(share.shape, np.bool_)
    found = CordWindows(known.image[:half], inside, share, np.arange(half), 0.3, 5.0, given)
    return found, known.gm[:half]


@pytest.fixture(scope="module")
def method() -> Jcscs:
    return Jcscs(library_of(build(phantom_slices(range(6)))), {}, candidates=6)


@pytest.fixture(scope="module")
def unseen() -> tuple[CordWindows, Floats]:
    return windows_of(phantom_slices(range(20, 21), snr=15.0))


@pytest.fixture(scope="module")
def found(method: Jcscs, unseen: tuple[CordWindows, Floats]) -> Found:
    return method(unseen[0])


def test_a_library_is_read_as_it_was_built_and_mirrored() -> None:
    slices = phantom_slices(range(2))

    library = library_of(build(slices, size=128, pixel_mm=0.25))

    np.testing.assert_allclose(library.gm[:4], slices.gm, atol=0.003)
    np.testing.assert_allclose(library.cord[:4], slices.cord, atol=0.003)
    np.testing.assert_allclose(library.image[:4], np.minimum(slices.image, 2.55), atol=0.006)
    np.testing.assert_array_equal(library.gm[4:], library.gm[:4, :, ::-1])


def test_a_library_on_disk_opens_as_the_method(tmp_path: Path) -> None:
    known = {"method": "jcscs", "version": "1", "description": "", "license": "", "created": ""}
    write_atlas(tmp_path / "mine.npz", build(phantom_slices(range(1))), known)

    opened = open_jcscs(read_atlas(tmp_path / "mine.npz", "jcscs"))

    assert (opened.name, opened.size) == ("jcscs", 100)
    assert opened.pixel_mm == pytest.approx(0.3)
    assert opened.provenance["atlas"] == "mine"


def test_an_atlas_that_lacks_an_array_is_refused() -> None:
    arrays = build(phantom_slices(range(1)))
    del arrays["gm"]

    with pytest.raises(ModelError, match="gm"):
        library_of(arrays)


@pytest.mark.parametrize(("size", "pixel_mm"), [(99, 0.3), (140, 0.3), (100, 0.2)])
def test_a_grid_that_the_slices_do_not_fill_is_refused(size: int, pixel_mm: float) -> None:
    with pytest.raises(ConfigError, match=f"size={size}"):
        build(phantom_slices(range(1)), size=size, pixel_mm=pixel_mm)


def test_gray_matter_and_cord_of_a_phantom_never_seen_are_found(
    found: Found, unseen: tuple[CordWindows, Floats]
) -> None:
    windows, gm = unseen

    assert dice(found.gm >= 0.5, gm >= 0.5) > 0.69
    assert found.cord is not None
    assert dice(found.cord >= 0.5, windows.cord >= 0.5) > 0.9
    assert (found.gm <= found.cord + 1e-6).all()


@pytest.mark.parametrize(
    "change",
    [lambda image: 3 - image, lambda image: 1000 * image],
    ids=["negative", "other unit"],
)
def test_contrast_may_be_turned_around_and_scaled(
    method: Jcscs,
    found: Found,
    unseen: tuple[CordWindows, Floats],
    change: Callable[[Floats], Floats],
) -> None:
    windows, _ = unseen

    other = method(replace(windows, image=change(windows.image)))

    assert dice(found.gm >= 0.5, other.gm >= 0.5) > 0.95


def test_a_given_cord_is_taken_as_it_is(method: Jcscs) -> None:
    windows, gm = windows_of(phantom_slices(range(20, 21), snr=15.0), given=True)

    found = method(windows)

    assert found.cord is None
    assert not found.gm[windows.cord < 0.5].any()
    assert dice(found.gm >= 0.5, gm >= 0.5) > 0.69


def test_a_given_cord_may_be_almost_a_millimeter_too_thick(method: Jcscs) -> None:
    windows, gm = windows_of(phantom_slices(range(20, 21), snr=15.0), given=True)
    thick = ndimage.binary_dilation(windows.cord >= 0.5, np.ones((1, 3, 3)), iterations=3)

    found = method(replace(windows, cord=thick.astype(np.float32)))

    assert dice(found.gm >= 0.5, gm >= 0.5) > 0.69


def test_slices_without_contrast_get_no_gray_matter_and_no_nan(
    method: Jcscs, unseen: tuple[CordWindows, Floats]
) -> None:
    windows, _ = unseen
    image = windows.image.copy()
    image[0], image[1] = 0, 7

    found = method(replace(windows, image=image))

    assert found.cord is not None
    assert np.isfinite(found.gm).all()
    assert not found.gm.any()
    np.testing.assert_array_equal(found.cord, windows.cord)


def test_a_second_run_finds_the_same(
    method: Jcscs, found: Found, unseen: tuple[CordWindows, Floats]
) -> None:
    np.testing.assert_array_equal(method(unseen[0]).gm, found.gm)


def test_without_simpleitk_it_says_what_to_install(
    method: Jcscs, unseen: tuple[CordWindows, Floats], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "SimpleITK", None)

    with pytest.raises(ModelError, match=r"pip install '\.\[classical\]'"):
        method(unseen[0])


@pytest.mark.slow
@pytest.mark.real
@pytest.mark.skipif(not DATA.is_dir(), reason=f"no real images at {DATA}; set SCGM_DATA")
def test_gray_matter_of_a_site_never_seen_is_found() -> None:
    dataset = read_dataset(DATA / "gm-challenge")
    others = sorted({case.site for case in dataset.labeled if case.site} - {"UCL"})
    library = library_of(build(labeled_slices(dataset, leave_out=("UCL",))))
    windows, gm = windows_of(labeled_slices(dataset, leave_out=others))
    some = slice(2, None, 8)
    seen = CordWindows(
        windows.image[some], windows.inside[some], windows.cord[some], windows.index[some], 0.3, 3.0
    )

    found = Jcscs(library, {}, candidates=10)(seen)

    assert dice(found.gm >= 0.5, gm[some] >= 0.5) > 0.7
