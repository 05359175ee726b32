"""Sprites and labels: unpacked again, they show what is in the image."""

import base64
import io
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from scgm.image.orientation import to_axial
from scgm.image.volume import Geometry, Volume
from scgm.io.read import volume_from_array
from scgm.report.images import ImageFolders, read_image
from scgm.report.masks import Masks, read_masks
from scgm.report.pictures import (
    CORD_BIT,
    GM_BIT,
    LEVELS,
    MOST_SLICES,
    THUMBNAIL,
    pictures,
    thumbnail,
)
from scgm.report.records import read_record
from tests.helpers.results import save_result
from tests.helpers.standin import cord_voxels


def opened(address: str) -> np.ndarray[Any, np.dtype[np.uint8]]:
    content = base64.b64decode(address.removeprefix("data:image/webp;base64,"))
    return np.asarray(Image.open(io.BytesIO(content)).convert("L"))


def drawn(path: Path) -> dict[str, Any]:
    record = read_record(path)
    stack = read_image(record, ImageFolders.of(()))
    return pictures(stack, read_masks(record, stack))


def labels_of(made: dict[str, Any]) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Return the codes (slices, rows, columns)."""
    codes = np.frombuffer(zlib.decompress(base64.b64decode(made["labels"])), np.uint8)
    return codes.reshape(-1, made["window"]["height"], made["window"]["width"])


def tile(sprite: dict[str, Any], place: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    sheet = opened(sprite["src"])
    row, column = divmod(place, sprite["across"])
    height, width = sprite["height"], sprite["width"]
    return sheet[row * height : (row + 1) * height, column * width : (column + 1) * width]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    voxels = cord_voxels()
    voxels[34, 14, 0] = 1.6
    return drawn(save_result(tmp_path_factory.mktemp("result"), voxels=voxels))


def test_masks_are_packed_without_loss(made: dict[str, Any]) -> None:
    codes = labels_of(made)

    assert codes.shape == (5, 64, 64)  # 32 mm in pixels of 0.5 mm
    assert ((codes & GM_BIT) > 0).sum(axis=(1, 2)).tolist() == [32] * 5
    assert ((codes & CORD_BIT) > 0).sum(axis=(1, 2)).tolist() == [320] * 5


def test_probability_has_sixteen_steps(made: dict[str, Any]) -> None:
    codes = labels_of(made)[0]

    assert sorted(set((codes & LEVELS).ravel().tolist())) == [0, 9, 15]  # 0.6 x 15 = 9


def test_the_cord_is_in_the_middle_of_its_window(made: dict[str, Any]) -> None:
    rows, columns = np.nonzero(labels_of(made)[0] & CORD_BIT)

    assert rows.mean() == pytest.approx(31.5, abs=0.5)
    assert columns.mean() == pytest.approx(31.5, abs=0.5)


def test_pictures_are_mirrored_to_anterior_up_and_left_on_the_right(made: dict[str, Any]) -> None:
    shown = tile(made["window"], 2)
    gm = (labels_of(made)[2] & GM_BIT)[::-1, ::-1] > 0

    assert shown[gm].mean() > 200
    assert shown[~gm].mean() < 50


def test_the_thumbnail_shows_the_slice_in_the_middle() -> None:
    voxels = np.random.default_rng(0).normal(size=(64, 64, 5)).astype(np.float32)
    voxels[20:40, 26:36, 2] += 40
    geometry = Geometry((64, 64, 5), np.diag([0.5, 1.0, 5, 1]))
    stack = to_axial(Volume(voxels, geometry))
    cord = np.zeros(stack.slices.shape, bool)
    cord[:, 30:32, 29:31] = True

    small = opened(thumbnail(stack, Masks(cord, cord, None)))

    assert small.shape == (THUMBNAIL, THUMBNAIL)  # 32 mm both ways: 10 mm have 13.75 pixels
    assert [(small > 128).sum(axis=axis).max() for axis in (0, 1)] == pytest.approx([14, 14], abs=1)


def test_the_box_is_where_the_window_lies_on_the_slice(made: dict[str, Any]) -> None:
    """The cord's middle is column 39.5 of 60 and row 17.5 of 50; pictures are mirrored."""
    left, top, width, height = made["boxes"][0]

    assert (width, height) == pytest.approx((64 / 60, 64 / 50), abs=1e-3)
    assert left + width / 2 == pytest.approx(1 - 40 / 60, abs=0.01)
    assert top + height / 2 == pytest.approx(1 - 18 / 50, abs=0.01)


def test_without_probabilities_and_cord_there_is_the_mask_of_gray_matter() -> None:
    voxels = np.random.default_rng(0).normal(size=(30, 30, 2)).astype(np.float32)
    stack = to_axial(volume_from_array(voxels, np.diag([1.0, 1, 5, 1])))
    gm = np.zeros(stack.slices.shape, bool)
    gm[1, 3:5, 4:9] = True

    codes = labels_of(pictures(stack, Masks(gm, None, None)))

    assert set(np.unique(codes)) == {0, GM_BIT}
    assert (codes > 0).sum(axis=(1, 2)).tolist() == [0, 10]


def test_a_volume_of_many_fine_slices_stays_small() -> None:
    """Ex vivo: 0.05 mm, so that a window has 640 pixels across; every fourth is shown."""
    voxels = np.random.default_rng(0).normal(size=(40, 40, 3 * MOST_SLICES)).astype(np.float32)
    stack = to_axial(volume_from_array(voxels, np.diag([0.05, 0.05, 0.5, 1])))
    empty = np.zeros(stack.slices.shape, bool)

    made = pictures(stack, Masks(empty, empty, None))

    assert len(made["slices"]) == MOST_SLICES
    assert (made["slices"][0], made["slices"][-1]) == (0, 3 * MOST_SLICES - 1)
    assert (made["step"], made["window"]["width"]) == (4, 160)
    assert made["window"]["mm"] == [32.0, 32.0]
