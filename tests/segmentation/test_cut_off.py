"""A cord that goes on beyond the image or beyond the window is flagged, and not measured."""

import numpy as np
import pytest
from numpy.typing import NDArray

from scgm.segmentation.cut_off import cut_by_image, cut_by_window
from scgm.segmentation.pipeline import segment
from scgm.segmenters.registry import OnnxModel, load_model
from tests.helpers.standin import scan, write_model

HALF_MM = (4.5, 6.5)  # a cord of 92 mm2
ROWS, COLUMNS = np.ogrid[:80, :80]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> OnnxModel:
    return load_model(write_model(tmp_path_factory.mktemp("model")))


def cord(pixel_mm: float) -> NDArray[np.bool_]:
    """Return a cord in the middle of 80 x 80 pixels."""
    half = np.array(HALF_MM) / pixel_mm
    return np.asarray(((ROWS - 40) / half[0]) ** 2 + ((COLUMNS - 40) / half[1]) ** 2 <= 1)


def cropped(pixel_mm: float, side: str, beyond: int) -> NDArray[np.bool_]:
    """Crop it so that the image ends *beyond* pixels before the cord does; negative: after it."""
    mask = cord(pixel_mm)
    first, last = np.flatnonzero(mask.any(axis=1))[[0, -1]]
    left, right = np.flatnonzero(mask.any(axis=0))[[0, -1]]
    return {
        "top": mask[first + beyond :],
        "bottom": mask[: last + 1 - beyond],
        "left": mask[:, left + beyond :],
        "right": mask[:, : right + 1 - beyond],
    }[side]


@pytest.mark.parametrize("side", ["top", "bottom", "left", "right"])
@pytest.mark.parametrize("pixel_mm", [0.3, 0.5, 0.8])
def test_the_border_of_the_image_cuts_a_cord_or_does_not(side: str, pixel_mm: float) -> None:
    size = (pixel_mm, pixel_mm)
    for beyond in (1, round(2 / pixel_mm), round(4 / pixel_mm)):
        assert cut_by_image(cropped(pixel_mm, side, beyond)[None], size).tolist() == [True]
    for beyond in (-1, -2, -10):
        assert cut_by_image(cropped(pixel_mm, side, beyond)[None], size).tolist() == [False]


@pytest.mark.parametrize(("length_px", "cut"), [(6, False), (7, True)])
def test_7_mm_in_the_two_outermost_lines_are_a_cut_and_6_mm_are_none(
    length_px: int, cut: bool
) -> None:
    """Two lines of 6 pixels of 0.5 mm have 6 mm."""
    mask = np.zeros((1, 40, 40), bool)
    mask[0, :20, 10 : 10 + length_px] = True

    assert cut_by_image(mask, (0.5, 0.5)).tolist() == [cut]


def test_a_cord_that_is_cut_off_is_flagged_and_not_measured(model: OnnxModel) -> None:
    """Slices 0 and 2 are whole; in slice 1 the cord goes on beyond the image."""
    voxels = np.zeros((80, 80, 3), np.float32)
    gray = ((ROWS - 40) / 3) ** 2 + ((COLUMNS - 40) / 6) ** 2 <= 1
    voxels[:] = (cord(0.5) * 1.0 + gray)[..., None]
    voxels[..., 1] = np.roll(voxels[..., 1], 40 - 6, axis=0) * (ROWS > 40)

    result = segment(scan(voxels), segmenter=model)

    assert result.status == ("ok", "cut off", "ok")
    assert result.flagged == (1,)
    assert "1 of 3 slices: cut off" in result.provenance.warnings
    rows = [row for row in result.measurements() if row.slice == 1]
    assert {(row.area_mm2, row.area_soft_mm2) for row in rows} == {(None, None)}
    assert result.axial_mask("cord")[1].any()


def window(shift_px: int) -> NDArray[np.float32]:
    """Return a map (1, Y, X) of a window of 28 mm in the middle, and a cord beside that."""
    inside = (abs(ROWS - 40) <= 28) & (abs(COLUMNS - 40) <= 28)
    values = np.where(np.roll(cord(0.5), shift_px, axis=1), 0.95, 1e-6) * inside
    return np.asarray(values[None], np.float32)


@pytest.mark.parametrize(("shift_px", "cut"), [(0, False), (12, False), (18, True), (24, True)])
def test_the_window_of_a_network_cuts_a_cord(shift_px: int, cut: bool) -> None:
    """The window ends 28 pixels from its middle, the cord 13 pixels from its own."""
    assert cut_by_window(window(shift_px), 0.5, (0.5, 0.5)).tolist() == [cut]


def test_a_cord_alone_is_no_window() -> None:
    assert cut_by_window(window(0) * (window(0) > 0.5), 0.5, (0.5, 0.5)).tolist() == [False]


@pytest.mark.parametrize(("width_px", "cut"), [(39, False), (40, True)])
def test_a_map_of_20_mm_is_a_window_and_a_narrower_one_a_cord(width_px: int, cut: bool) -> None:
    """Its pixels have 0.5 mm; it ends as abruptly as a window does."""
    cord_alone = np.zeros((1, 80, 80), np.float32)
    cord_alone[0, 20:40, 20 : 20 + width_px] = 0.95

    assert cut_by_window(cord_alone, 0.5, (0.5, 0.5)).tolist() == [cut]


def test_an_empty_slice_is_not_cut() -> None:
    assert cut_by_window(np.zeros((1, 9, 9), np.float32), 0.5, (0.5, 0.5)).tolist() == [False]
