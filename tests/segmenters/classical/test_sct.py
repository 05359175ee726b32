"""The multi-atlas method: one outline for all cords, one scale, and the labels of the nearest."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from scgm.artifacts.atlases import Atlas, AtlasCard, read_atlas
from scgm.image.patches import CordWindows
from scgm.segmenters.classical.labeled_slices import LabeledSlices
from scgm.segmenters.classical.sct import Sct, build, open_sct
from scgm.segmenters.classical.sct.alignment import Profile, align, mean_profile
from scgm.segmenters.classical.sct.dictionary import Dictionary, fuse, make_dictionary
from scgm.segmenters.classical.sct.intensities import Levels, levels, noise_of
from scgm.segmenters.classical.sct.method import PIXEL_MM, SIZE
from scgm.segmenters.classical.sct.registration import (
    USUAL,
    affine_of,
    registered,
    registered_group,
)
from tests.helpers.drawn_cords import drawn

Mask = NDArray[np.bool_]


def ellipse(
    height_mm: float,
    width_mm: float,
    *,
    turn: float = 0.0,
    size: int = SIZE,
    pixel_mm: float = PIXEL_MM,
) -> Mask:
    rows, columns = (np.indices((size, size)) - (size - 1) / 2) * pixel_mm
    along = columns * np.cos(turn) + rows * np.sin(turn)
    across = rows * np.cos(turn) - columns * np.sin(turn)
    inside: Mask = np.hypot(across / height_mm, along / width_mm) <= 1
    return inside


def dice(one: Mask, other: Mask) -> float:
    return float(2 * (one & other).sum() / (one.sum() + other.sum()))


@pytest.fixture(scope="module")
def outline() -> Profile:
    """Return the mean of a small and a large cord."""
    return mean_profile([soft(ellipse(3.2, 5.0)), soft(ellipse(4.8, 7.4))], symmetric=True)


def soft(mask: Mask) -> NDArray[np.float32]:
    return mask.astype(np.float32)


def comb(*, right: float = 0.0) -> NDArray[np.float32]:
    """Return three narrow blurred bars, shifted to the right by samples."""
    rows, columns = np.indices((SIZE, SIZE)) - (SIZE - 1) / 2
    teeth = sum(np.exp(-(((columns - right - place) / 2) ** 2)) for place in (-12, 0, 13))
    return np.asarray(np.exp(-((rows / 6) ** 2)) * teeth, np.float32)


def test_the_mean_outline_is_the_mean_of_the_cords(outline: Profile) -> None:
    assert outline.half_width * PIXEL_MM == pytest.approx((5.0 + 7.4) / 2, abs=0.15)
    assert outline.half_height.max() * PIXEL_MM == pytest.approx((3.2 + 4.8) / 2, abs=0.15)
    assert np.abs(outline.middle).max() < 0.1


def bent(*, lopsided: bool = False) -> NDArray[np.float32]:
    """Return a cord whose sides hang down by 1 mm, the right one alone if lopsided."""
    rows, columns = (np.indices((SIZE, SIZE)) - (SIZE - 1) / 2) * PIXEL_MM
    hanging = (columns / 6) ** 2 * (columns > 0 if lopsided else 1.0)
    inside: Mask = np.hypot((rows + hanging) / 4, columns / 6) <= 1
    return soft(inside)


def test_a_bent_cord_becomes_a_bent_outline() -> None:
    cord = bent()
    shape = mean_profile([cord], symmetric=True)

    rows = np.arange(SIZE) - (SIZE - 1) / 2
    drawn = np.abs(rows[:, None] - shape.middle) <= shape.half_height
    assert dice(align(cord, shape).to_common(cord) >= 0.5, drawn) > 0.96
    assert shape.middle[SIZE // 2] - shape.middle[SIZE // 2 + 15] > 1


def test_a_symmetric_outline_has_two_equal_sides() -> None:
    cord = bent(lopsided=True)
    for symmetric in (True, False):
        shape = mean_profile([cord], symmetric=symmetric)

        assert np.allclose(shape.middle, shape.middle[::-1], atol=1e-9) is symmetric


@pytest.mark.parametrize("turn", [0.0, 0.3])
def test_every_ellipse_becomes_the_common_one(turn: float, outline: Profile) -> None:
    cord = soft(ellipse(3.4, 5.6, turn=turn))

    common = align(cord, outline).to_common(cord) >= 0.5

    assert dice(common, ellipse(4.0, 6.2)) > 0.96


def test_the_way_back_ends_where_it_began(outline: Profile) -> None:
    mark = np.roll(ellipse(1.0, 2.5, turn=-0.3), (3, 5), (0, 1))
    moves = np.array([3.0, -4.0, 0.3, -0.2, 0.4])
    way = replace(align(soft(ellipse(3.6, 6.0, turn=0.2)), outline), affine=affine_of(moves))

    back = way.from_common(way.to_common(soft(mark))) >= 0.5

    assert dice(back, mark) > 0.97


def test_a_cord_half_a_pixel_off_is_aligned_half_a_pixel_off(outline: Profile) -> None:
    cord = soft(ellipse(3.6, 6.0))
    between = np.asarray((cord + np.roll(cord, 1, axis=1)) / 2, np.float32)

    apart = align(between, outline).center - align(cord, outline).center

    np.testing.assert_allclose(apart, [0, 0.5], atol=0.02)


def test_a_long_cord_is_turned_by_the_angle_it_has(outline: Profile) -> None:
    for turn in (0.3, -0.2):
        assert align(soft(ellipse(3.6, 6.0, turn=turn)), outline).turn == pytest.approx(
            turn, abs=0.02
        )


def test_a_round_cord_is_not_turned(outline: Profile) -> None:
    assert align(soft(ellipse(4.0, 4.1, turn=0.4)), outline).turn == 0


def test_a_moved_image_is_moved_back() -> None:
    everywhere = np.ones((SIZE, SIZE), bool)

    moves = registered(comb(right=1.5), comb(), everywhere)

    # What the mean has at a place lies 1.5 columns further right. The misfit per shift squared is
    # 1 / 2**2 of the variation, usual moves cost 0.03: 11 % of the way are not gone.
    assert moves[1] == pytest.approx(1.5 * 0.89, abs=0.08)
    assert np.abs(moves / USUAL)[[0, 2, 3, 4]].max() < 0.1


def test_a_group_meets_in_its_middle() -> None:
    everywhere = np.ones((SIZE, SIZE), bool)
    images = np.stack([comb(right=-1), comb(right=1)])

    moves = registered_group(images, everywhere, symmetric=False)

    # Each stays back by a tenth (see above), and so does their mean.
    np.testing.assert_allclose(moves[:, 1], [-0.9, 0.9], atol=0.1)
    np.testing.assert_allclose(moves.mean(axis=0), 0, atol=1e-9)


def test_a_group_with_its_mirror_images_meets_in_the_middle() -> None:
    everywhere = np.ones((SIZE, SIZE), bool)
    even = np.asarray(comb() + comb()[:, ::-1], np.float32)
    aside = np.stack([np.roll(even, 1, axis=1)] * 2)

    moves = registered_group(aside, everywhere, symmetric=True)
    alone = registered_group(aside, everywhere, symmetric=False)

    assert (moves[:, 1] > 0.7).all()
    np.testing.assert_allclose(alone, 0, atol=1e-6)


def test_white_matter_becomes_0_and_gray_matter_1_whichever_is_brighter() -> None:
    gm, cord = ellipse(1.0, 2.5), ellipse(4.2, 6.5)
    wm = cord & ~gm
    for gray, white in ((120, 80), (30, 90)):
        image = np.where(gm, gray, np.where(wm, white, 7)).astype(np.float32)
        image[wm & (np.indices(wm.shape)[1] // 2 == 12)] = 300  # what is not tissue moves no median

        scaled = levels(image, gm, wm, brighter=gray > white).scaled(image, cord)

        assert np.unique(scaled[gm]).tolist() == [1]
        assert np.median(scaled[wm]) == 0
        assert not scaled[~cord].any()


def test_a_slice_whose_contrast_contradicts_the_scan_is_scaled_by_its_range() -> None:
    gm, cord = ellipse(1.0, 2.5), ellipse(4.2, 6.5)
    image = np.where(gm, 30, 90).astype(np.float32)

    assert levels(image, gm, cord & ~gm, brighter=True) == Levels(white=30, gray=90)


def test_a_flat_slice_has_no_contrast_to_scale() -> None:
    gm, cord = ellipse(1.0, 2.5), ellipse(4.2, 6.5)
    flat = np.full((SIZE, SIZE), 5, np.float32)

    assert not levels(flat, gm, cord & ~gm, brighter=True).scaled(flat, cord).any()


def labeled(count: int = 12, seed: int = 0) -> LabeledSlices:
    """Return drawn slices of three people: a bar of gray matter of varied place and size."""
    rng = np.random.default_rng(seed)
    cords, grays, images = [], [], []
    for _ in range(count):
        high, wide = rng.uniform(3.4, 4.4), rng.uniform(5.5, 7)
        cord = ellipse(high, wide, size=128, pixel_mm=0.25)
        gm = ellipse(0.3 * high, rng.uniform(0.4, 0.7) * wide, size=128, pixel_mm=0.25)
        image = np.where(gm, 1.3, np.where(cord, 0.9, 2.0))
        images.append(image + rng.normal(0, 0.05, image.shape))
        cords.append(cord)
        grays.append(gm)
    return LabeledSlices(
        image=np.array(images, np.float32),
        inside=np.ones((count, 128, 128), bool),
        cord=np.array(cords, np.float32),
        gm=np.array(grays, np.float32),
        volume=np.repeat(np.arange(3), count // 3),
        distance_mm=np.full(3, 5, np.float32),
        names=("a", "b", "c"),
        sites=("x", "y", "z"),
        subjects=("1", "2", "3"),
    )


CARD = AtlasCard(
    name="t", method="sct", version="1", description="", license="", created="", sha256="0" * 64
)


@pytest.fixture(scope="module")
def method() -> Sct:
    return open_sct(Atlas(CARD, build(labeled()), Path()))


def windows(seed: int = 9, *, sign: float = 1.0) -> tuple[CordWindows, Mask]:
    """Return slices that are not in the dictionary, and their gray matter."""
    rng = np.random.default_rng(seed)
    cord = np.stack([ellipse(4.0, 6.2), ellipse(3.6, 5.8, turn=0.15)])
    gm = np.stack([ellipse(1.2, 3.4), ellipse(1.1, 3.0, turn=0.15)])
    image = 100 + sign * 30 * gm + rng.normal(0, 5, gm.shape)
    image[~cord] = 180
    everywhere = np.ones(gm.shape, bool)
    seen = CordWindows(
        image.astype(np.float32), everywhere, cord.astype(np.float32), np.arange(2), PIXEL_MM, 5.0
    )
    return seen, gm


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_gray_matter_is_found_bright_or_dark(method: Sct, sign: float) -> None:
    seen, gm = windows(sign=sign)

    found = method(seen).gm

    assert all(dice(one >= 0.5, other) > 0.8 for one, other in zip(found, gm, strict=True))


def test_a_mirrored_slice_is_labeled_as_the_mirror(method: Sct) -> None:
    seen, _ = windows()
    mirrored = CordWindows(
        seen.image[:, :, ::-1], seen.inside, seen.cord[:, :, ::-1], seen.index, PIXEL_MM, 5.0
    )

    found, other = method(seen).gm, method(mirrored).gm

    # Not equal to the bit: denoising goes through a slice from one corner to the other.
    for one, turned in zip(found[:, :, ::-1] >= 0.5, other >= 0.5, strict=True):
        assert dice(one, turned) > 0.95


def test_nothing_is_marked_outside_of_the_cord_nor_in_a_speck(method: Sct) -> None:
    seen, _ = windows()
    hole = seen.cord.copy()
    hole[:, 34:40, 34:40] = 0
    speck = np.zeros_like(seen.cord)
    speck[:, 37:40, 37:40] = 1

    assert not method(replace(seen, cord=hole)).gm[hole < 0.5].any()
    assert not method(
        CordWindows(seen.image, seen.inside, speck, seen.index, PIXEL_MM, 5.0)
    ).gm.any()


def test_flat_slices_give_numbers(method: Sct) -> None:
    seen, _ = windows()
    flat = CordWindows(
        np.full_like(seen.image, 3), seen.inside, seen.cord, seen.index, PIXEL_MM, 5.0
    )

    assert np.isfinite(method(flat).gm).all()


def test_gray_matter_that_lies_off_in_its_cord_is_found_there(method: Sct) -> None:
    seen, gm = windows()
    image = np.where(seen.cord > 0, np.roll(seen.image, 3, axis=1), seen.image)

    found = method(replace(seen, image=image)).gm >= 0.5

    # The dictionary knows no such slice: only registration leads there, less its cost.
    rows = np.arange(SIZE)
    for one, other in zip(found, gm, strict=True):
        way = one.sum(axis=1) @ rows / one.sum() - other.sum(axis=1) @ rows / other.sum()
        assert 2 < way < 3.2


def test_the_other_slices_tell_no_more_than_the_sign_of_the_contrast(method: Sct) -> None:
    for faint_sign, alike in ((0.3, True), (-0.3, False)):
        clear, faint = windows()[0], windows(10, sign=faint_sign)[0]
        first = replace(
            faint,
            image=np.concatenate([clear.image, faint.image[:1]]),
            inside=np.concatenate([clear.inside, faint.inside[:1]]),
            cord=np.concatenate([clear.cord, faint.cord[:1]]),
            index=np.arange(3),
        )

        alone, among = method(faint).gm[0], method(first).gm[2]

        assert np.array_equal(alone, among) is alike


def test_an_image_that_ends_within_the_cord_is_labeled_in_the_rest(method: Sct) -> None:
    seen, gm = windows()
    inside = seen.inside.copy()
    inside[:, :, :28] = False
    cut = np.where(inside, seen.image, 0).astype(np.float32)

    found = method(replace(seen, image=cut, inside=inside)).gm >= 0.5

    for one, other in zip(found & inside, gm & inside, strict=True):
        assert dice(one, other) > 0.93


def stored(*, mirrored: bool = True, variance: float = 0.95) -> Dictionary:
    arrays = build(labeled(), mirrored=mirrored)
    profile = Profile(float(arrays["half_width"]), arrays["middle"], arrays["half_height"])
    gm = np.asarray(arrays["gm"] / 255, np.float32)
    return make_dictionary(arrays["image"].astype(np.float32), gm, profile, variance=variance)


def test_a_slice_of_the_dictionary_gets_its_own_label_where_likeness_counts_most() -> None:
    known = stored(mirrored=False, variance=0.9999)

    found = fuse(known, known.image[4], decay=200.0, share=0.5)

    assert dice(found >= 0.5, known.gm[4] >= 0.5) > 0.99


def test_labels_vote_with_their_masks_or_with_their_shares() -> None:
    known = stored(mirrored=False, variance=0.9999)
    soft = replace(known, gm=np.float32(0.6) * known.gm)

    votes, shares = (
        fuse(soft, soft.image[4], decay=200.0, share=0.01, masks=masks) for masks in (True, False)
    )

    assert votes.max() == pytest.approx(1)
    assert shares.max() == pytest.approx(0.6, abs=0.01)


def test_all_components_give_every_slice_back() -> None:
    known = stored(variance=1.0)

    rebuilt = known.mean + known.places @ known.axes

    np.testing.assert_allclose(rebuilt, known.image[:, known.inner], atol=1e-3)


def test_more_variance_takes_more_components() -> None:
    few, many = (len(stored(variance=variance).axes) for variance in (0.5, 0.95))

    assert few < many


# Vertebral levels


def leveled(levels: list[int]) -> Dictionary:
    """Return a dictionary of slices that look alike; each has gray matter of its own."""
    outline = mean_profile([soft(ellipse(4.0, 6.2))], symmetric=True)
    image = np.tile(comb(), (len(levels), 1, 1))
    gm = np.zeros_like(image)
    for number in range(len(levels)):
        gm[number, 10 + number] = 1
    return make_dictionary(image, gm, outline, level=np.array(levels, np.uint8))


def test_a_slice_two_levels_away_weighs_less_by_a_factor_of_e_to_the_fifth() -> None:
    """Published: exp(-2.5 |difference of levels|)."""
    known = leveled([3, 4, 5])

    found = fuse(known, comb(), decay=0, share=1, level=3.0)

    weights = np.exp(-2.5 * np.arange(3))
    np.testing.assert_allclose(found[10:13, 0], weights / weights.sum(), rtol=1e-5)


def test_level_and_likeness_are_multiplied() -> None:
    """The slice of the same level is twice as far: exp(-decay) beside exp(-2.5) of the other."""
    known = replace(leveled([3, 4]), places=np.array([[2.0], [1.0]], np.float32))
    known = replace(known, axes=np.zeros((1, known.mean.size), np.float32))

    found = fuse(known, comb(), decay=1.0, share=1, level=3.0)

    expected = np.exp(-1.0) / (np.exp(-1.0) + np.exp(-2.5))
    assert found[10, 0] == pytest.approx(expected, rel=1e-5)


def test_a_slice_of_unknown_level_weighs_as_the_known_ones_do_on_average() -> None:
    known = leveled([0, 3, 4])

    weights = known.level_weights(3.0)

    np.testing.assert_allclose(weights[1:], [1, np.exp(-2.5)], rtol=1e-6)
    assert weights[0] == pytest.approx((1 + np.exp(-2.5)) / 2)


@pytest.mark.parametrize(("levels", "level"), [([3, 4, 5], np.nan), ([0, 0, 0], 3.0)])
def test_without_levels_all_slices_count_alike(levels: list[int], level: float) -> None:
    found = fuse(leveled(levels), comb(), decay=0, share=1, level=level)

    np.testing.assert_allclose(found[10:13, 0], 1 / 3, rtol=1e-6)


def test_the_slices_that_are_kept_are_those_of_the_level() -> None:
    known = leveled([5, 5, 5, 3, 3, 3])

    found = fuse(known, comb(), decay=0, share=0.5, level=3.0)

    np.testing.assert_allclose(found[10:16, 0], [0, 0, 0, 1 / 3, 1 / 3, 1 / 3], rtol=1e-5)


def test_tissues_are_expected_where_they_are_at_that_level() -> None:
    """Normalized per level, as published: medians are taken there."""
    known = leveled([3, 6])

    np.testing.assert_allclose(known.gm_at(3.0)[[10, 11], 0], [1, 0], atol=1e-3)
    np.testing.assert_allclose(known.gm_at(6.0)[[10, 11], 0], [0, 1], atol=1e-3)
    np.testing.assert_allclose(known.gm_at(np.nan)[[10, 11], 0], 0.5)


def test_the_level_of_a_slice_decides_which_labels_it_gets(method: Sct) -> None:
    """Half of the dictionary is said to be of another level, and has no gray matter at all."""
    known = method.known
    half = np.arange(len(known.gm)) % 2 == 0
    gm = np.where(half[:, None, None], known.gm, 0).astype(np.float32)
    level = np.where(half, 3, 7).astype(np.float32)
    split = replace(method, known=replace(known, gm=gm, level=level))
    scan, truth = windows()
    at_3, at_7 = (
        split(replace(scan, levels=np.full(len(truth), number, np.float32))).gm >= 0.5
        for number in (3, 7)
    )

    assert dice(at_3, truth) > 0.7
    assert at_7.sum() < 0.2 * at_3.sum()


def test_levels_are_stored_and_read_for_both_sides(method: Sct) -> None:
    slices = labeled()
    level = np.arange(1, 1 + len(slices.gm), dtype=np.uint8)

    arrays = build(replace(slices, level=level))

    opened, old = (
        open_sct(Atlas(CARD, {name: arrays[name] for name in names}, Path("mine.npz")))
        for names in (set(arrays), set(arrays) - {"level"})
    )
    np.testing.assert_array_equal(opened.known.level, np.tile(level, 2))
    assert np.isnan(old.known.level).all()
    assert np.isnan(method.known.level).all()


def test_labels_of_the_dictionary_are_laid_on_each_other() -> None:
    known = labeled()
    rolled = [np.roll(gm, 4 * (-1) ** number, axis=0) for number, gm in enumerate(known.gm)]

    common = build(replace(known, gm=np.stack(rolled)))["gm"].astype(float)

    # 1 mm forward and backward are 3.3 samples: they meet, less the cost of moving.
    middle = common.sum(axis=2) @ np.arange(SIZE) / common.sum(axis=(1, 2))
    assert np.abs(middle - (SIZE - 1) / 2).max() < 1.5


def test_mirrored_slices_are_not_stored_twice_but_used(method: Sct) -> None:
    count = len(build(labeled())["image"])

    assert count == len(labeled().gm)
    assert len(method.known.gm) == 2 * count
    np.testing.assert_array_equal(method.known.gm[count:], method.known.gm[:count, :, ::-1])


def test_there_is_always_some_of_both_tissues(method: Sct) -> None:
    known = method.known
    for gm in (np.zeros((SIZE, SIZE), np.float32), known.mean_gm, known.gm[0]):
        gray, white = known.tissues(gm)

        assert gray.any()
        assert white.any()
        assert not (gray & white).any()


def test_the_negative_of_a_scan_has_the_same_gray_matter(method: Sct) -> None:
    seen, _ = windows()

    found, other = method(seen).gm, method(replace(seen, image=400 - 3 * seen.image)).gm

    np.testing.assert_allclose(found, other, atol=1e-3)


def test_a_stack_without_a_cord_gives_no_slices(method: Sct) -> None:
    seen, _ = windows()
    none = CordWindows(
        seen.image[:0], seen.inside[:0], seen.cord[:0], seen.index[:0], PIXEL_MM, 5.0
    )

    assert method(none).gm.shape == (0, SIZE, SIZE)


@pytest.mark.parametrize("away", [(0, 30), (0, -30), (30, 30), (-30, 0)])
def test_a_cord_cut_by_the_window_is_marked_inside_of_it(
    method: Sct, away: tuple[int, int]
) -> None:
    rows, columns = np.indices((SIZE, SIZE)) - (SIZE - 1) / 2 - np.array(away)[:, None, None]
    cord = soft(np.hypot(rows * PIXEL_MM / 4, columns * PIXEL_MM / 6) <= 1)[None]
    image = np.random.default_rng(0).normal(100, 10, cord.shape).astype(np.float32)
    cut = CordWindows(image, np.ones(cord.shape, bool), cord, np.arange(1), PIXEL_MM, 5.0)

    found = method(cut).gm

    assert np.isfinite(found).all()
    assert not found[cord == 0].any()


def two_kinds(rare: tuple[int, ...]) -> LabeledSlices:
    """Return slices of three people, alike but for the *rare* ones, whose gray matter is narrow."""
    known = labeled()
    cord = ellipse(4.0, 6.2, size=128, pixel_mm=0.25)
    gm = np.stack(
        [
            ellipse(1.2, 1.5 if number in rare else 4.0, size=128, pixel_mm=0.25)
            for number in range(len(known.gm))
        ]
    )
    noise = np.random.default_rng(1).normal(0, 0.01, gm.shape)
    image = np.where(gm, 1.3, np.where(cord, 0.9, 2.0)) + noise
    cords = np.repeat(soft(cord)[None], len(gm), axis=0)
    return replace(known, image=image.astype(np.float32), gm=gm.astype(np.float32), cord=cords)


def test_likeness_counts_where_it_finds_the_rare_slices_of_other_people() -> None:
    # Of the three most similar slices of the other people, one is rare: it is outvoted at decay 0.
    assert build(two_kinds((0, 4)), mirrored=False)["decay"] > 0


def test_no_one_is_labeled_by_own_slices_when_the_decay_is_estimated() -> None:
    # One rare slice: nobody else has one like it, and no decay helps. Its own would, if it counted.
    assert build(two_kinds((0,)), mirrored=False)["decay"] == 0


def test_a_single_person_makes_a_dictionary() -> None:
    assert build(replace(labeled(), subjects=("1", "1", "1")))["decay"] == 1


def test_the_shipped_dictionary_is_small_and_says_which_it_is() -> None:
    atlas = read_atlas("sct", "sct")

    assert atlas.path.stat().st_size < 1_000_000
    assert open_sct(atlas).provenance["sha256"] == atlas.card.sha256


@pytest.mark.parametrize("gm_wm_ratio", [None, 0.8])
def test_gray_matter_of_a_phantom_is_found_by_the_shipped_dictionary(
    gm_wm_ratio: float | None,
) -> None:
    phantom = drawn(slices=3, gm_wm_ratio=gm_wm_ratio)

    found = phantom.found_by(open_sct(read_atlas("sct", "sct")))

    # The published mean on people is 0.69 with a deviation of 0.07.
    assert np.mean([dice(*pair) for pair in zip(found, phantom.gm, strict=True)]) > 0.59


@pytest.mark.parametrize("deviation", [0.05, 2.0])
def test_noise_is_estimated_beside_an_edge(deviation: float) -> None:
    """The median ignores the few samples at the border of two tissues."""
    image = np.where(np.arange(100) < 50, 10.0, 30.0) + np.zeros((100, 1))
    image = image + np.random.default_rng(0).normal(0, deviation, image.shape)

    noise = noise_of(image.astype(np.float32), np.ones(image.shape, bool))

    assert noise == pytest.approx(deviation, rel=0.08)
