"""The multi-atlas method: one outline for all cords, one scale, and the labels of the nearest."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from scgm.atlases import Atlas, AtlasCard
from scgm.atlases.slices import LabeledSlices
from scgm.classical.sct import Sct, build, open_sct
from scgm.classical.sct.alignment import HALF_HEIGHT_MM, HALF_WIDTH_MM, align
from scgm.classical.sct.intensities import normalized
from scgm.classical.sct.method import PIXEL_MM, SIZE, fuse, make_dictionary
from scgm.windows import CordWindows

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


@pytest.mark.parametrize("turn", [0.0, 0.3])
def test_every_ellipse_becomes_the_common_one(turn: float) -> None:
    cord = ellipse(3.4, 5.6, turn=turn)

    common = align(cord, PIXEL_MM).to_common(cord.astype(np.float32)) >= 0.5

    assert dice(common, ellipse(HALF_HEIGHT_MM, HALF_WIDTH_MM)) > 0.96


def test_the_way_back_ends_where_it_began() -> None:
    cord = ellipse(3.6, 6.0, turn=0.2)
    mark = ellipse(1.0, 2.5, turn=-0.3)
    way = align(cord, PIXEL_MM)

    back = way.from_common(way.to_common(mark.astype(np.float32))) >= 0.5

    assert dice(back, mark) > 0.97


def test_a_round_cord_is_not_turned() -> None:
    assert align(ellipse(4.0, 4.1, turn=0.4), PIXEL_MM).turn == 0


def test_white_matter_becomes_0_and_gray_matter_1_whichever_is_brighter() -> None:
    gm, cord = ellipse(1.0, 2.5), ellipse(4.2, 6.5)
    wm = cord & ~gm
    for gray, white in ((120, 80), (30, 90)):
        image = np.where(gm, gray, np.where(wm, white, 7)).astype(np.float32)

        scaled = normalized(image, gm, wm)

        assert np.unique(scaled[gm]).tolist() == [1]
        assert np.unique(scaled[wm]).tolist() == [0]
        assert not scaled[~cord].any()


def test_a_flat_slice_has_no_contrast_to_scale() -> None:
    gm, cord = ellipse(1.0, 2.5), ellipse(4.2, 6.5)

    assert not normalized(np.full((SIZE, SIZE), 5, np.float32), gm, cord & ~gm).any()


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


@pytest.fixture(scope="module")
def method() -> Sct:
    card = AtlasCard(
        name="t", method="sct", version="1", description="", license="", created="", sha256="0" * 64
    )
    return open_sct(Atlas(card, build(labeled()), Path()))


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
    speck = np.zeros_like(seen.cord)
    speck[:, 37:40, 37:40] = 1

    assert not method(seen).gm[seen.cord < 0.5].any()
    assert not method(
        CordWindows(seen.image, seen.inside, speck, seen.index, PIXEL_MM, 5.0)
    ).gm.any()


def test_flat_slices_give_numbers(method: Sct) -> None:
    seen, _ = windows()
    flat = CordWindows(
        np.full_like(seen.image, 3), seen.inside, seen.cord, seen.index, PIXEL_MM, 5.0
    )

    assert np.isfinite(method(flat).gm).all()


def test_a_slice_of_the_dictionary_gets_its_own_label_where_likeness_counts_most() -> None:
    arrays = build(labeled(), mirrored=False)
    image, gm = arrays["image"].astype(np.float32), arrays["gm"].astype(np.float32) / 255
    known = make_dictionary(image, gm, variance=0.9999)

    found = fuse(known, image[4], gm[4], decay=200.0, share=0.5)

    assert dice(found >= 0.5, gm[4] >= 0.5) > 0.99


def test_all_components_give_every_slice_back() -> None:
    arrays = build(labeled())
    image = arrays["image"].astype(np.float32)
    known = make_dictionary(image, arrays["gm"].astype(np.float32), variance=1.0)

    rebuilt = known.mean + known.places @ known.axes

    np.testing.assert_allclose(rebuilt, image[:, known.inner], atol=1e-3)


def test_more_variance_takes_more_components() -> None:
    arrays = build(labeled())
    image, gm = arrays["image"].astype(np.float32), arrays["gm"].astype(np.float32)

    few, many = (len(make_dictionary(image, gm, variance=v).axes) for v in (0.5, 0.95))

    assert few < many
