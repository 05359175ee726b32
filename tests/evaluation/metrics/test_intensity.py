"""MSE, PSNR and the window of the published network: numbers from paper, and scikit-image."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from skimage.metrics import mean_squared_error, peak_signal_noise_ratio

from scgm.errors import GeometryError
from scgm.evaluation.metrics import center_of, mse, paper_window, psnr_db


def test_the_published_psnr_took_255_as_the_peak_of_a_mask() -> None:
    """An MSE of 0.000425 and a PSNR of 81.8469 dB were published for masks of 0 and 1."""
    assert psnr_db(0.000425, peak=255) == pytest.approx(81.8469, abs=5e-5)
    assert psnr_db(0.000425, peak=1) == pytest.approx(33.716, abs=5e-4)


def test_the_published_mse_is_17_wrong_pixels_of_the_window() -> None:
    found, true = np.zeros((2, 200, 200))
    found[100, :17] = 1

    assert mse(found, true) == pytest.approx(0.000425)


def test_an_error_of_a_quarter_of_the_peak_is_12_decibels() -> None:
    """10 log10(4^2) = 12.04 dB."""
    found, true = np.full((4, 4), 0.5), np.full((4, 4), 0.25)

    assert psnr_db(mse(found, true), peak=1) == pytest.approx(20 * math.log10(4))


def test_no_error_is_infinitely_far_from_noise() -> None:
    same = np.eye(4)

    assert mse(same, same) == 0
    assert psnr_db(0, peak=1) == math.inf


@pytest.mark.parametrize("peak", [1, 255])
def test_mse_and_psnr_agree_with_scikit_image(peak: int) -> None:
    found, true = np.random.default_rng(3).random((2, 30, 20)) * peak

    assert mse(found, true) == pytest.approx(mean_squared_error(true, found))
    assert psnr_db(mse(found, true), peak=peak) == pytest.approx(
        peak_signal_noise_ratio(true, found, data_range=peak)
    )


def test_mse_of_masks_depends_on_the_field_of_view() -> None:
    found, true = np.zeros((2, 10, 10), bool)
    found[2, 3] = True

    assert mse(found, true) == pytest.approx(1 / 100)
    assert mse(np.pad(found, 5), np.pad(true, 5)) == pytest.approx(1 / 400)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_map_must_be_finite(bad: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        mse(np.array([bad]), np.zeros(1))


def test_maps_of_different_shape_are_refused() -> None:
    with pytest.raises(GeometryError, match="one grid"):
        mse(np.zeros((2, 2)), np.zeros((2, 3)))


@pytest.mark.parametrize(("error", "peak"), [(-1, 1), (1, 0), (1, -255)])
def test_no_psnr_of_impossible_numbers(error: float, peak: float) -> None:
    with pytest.raises(ValueError, match="must not be negative"):
        psnr_db(error, peak=peak)


def test_a_slice_of_a_quarter_millimeter_is_cropped_and_not_interpolated() -> None:
    """The center 150,170 is that of pixels 50 to 250 and 70 to 270, to half a pixel."""
    values = np.random.default_rng(1).random((320, 320))

    window = paper_window(values, (0.25, 0.25), (149.5, 169.5))

    assert np.array_equal(window, values[50:250, 70:270])


def test_a_mask_with_pixels_of_half_a_millimeter_keeps_its_area() -> None:
    """Every pixel becomes 2 x 2, at the same place, rows as rows and columns as columns."""
    mask = np.zeros((120, 140), bool)
    mask[55:61, 60:75] = np.random.default_rng(2).random((6, 15)) > 0.3
    mask[58, 70] = True

    window = paper_window(mask, (0.5, 0.5), (57.5, 67.5))

    assert window.dtype == bool
    assert np.array_equal(window, mask[8:108, 18:118].repeat(2, 0).repeat(2, 1))


def test_rows_and_columns_have_their_own_spacing() -> None:
    """A square of 10 mm in pixels of 0.5 x 0.25 mm is one of 40 x 40 pixels in the window."""
    mask = np.zeros((120, 240), bool)
    mask[50:70, 100:140] = True

    window = paper_window(mask, (0.5, 0.25), center_of(mask))

    assert np.array_equal(np.argwhere(window).min(axis=0), [80, 80])
    assert np.array_equal(np.argwhere(window).max(axis=0), [119, 119])


def test_a_map_that_rises_evenly_rises_evenly_in_the_window() -> None:
    """Linear interpolation keeps a plane: 0.25 mm further is 0.25 / 0.4 of a pixel further."""
    rows, columns = np.mgrid[:200, :200]

    window = paper_window(2.0 * rows + columns, (0.4, 0.4), (99.6, 99.7))

    assert np.diff(window, axis=0) == pytest.approx(2 * 0.25 / 0.4)
    assert np.diff(window, axis=1) == pytest.approx(0.25 / 0.4)
    assert abs(window.mean() - (2 * 99.6 + 99.7)) <= 0.5 * 3


def test_what_lies_outside_of_the_slice_is_zero() -> None:
    """A slice of 10 x 10 mm in the middle of the window of 50 x 50 mm."""
    window = paper_window(np.ones((20, 20)), (0.5, 0.5), (9.5, 9.5))

    assert window.sum() == 40 * 40
    assert window[80:120, 80:120].all()


@pytest.mark.parametrize("spacing", [0.18, 0.25, 0.3, 0.5])
def test_the_window_is_centered_on_the_mask(spacing: float) -> None:
    mask = np.zeros((320, 320), bool)
    mask[100:130, 200:221] = True

    found = center_of(paper_window(mask, (spacing, spacing), center_of(mask)))

    assert found == pytest.approx((99.5, 99.5), abs=0.5 * spacing / 0.25 + 0.5)


@pytest.mark.parametrize("center", [(math.nan, 3.0), (3.0, math.inf)])
def test_a_window_needs_a_place(center: tuple[float, float]) -> None:
    with pytest.raises(GeometryError, match="finite center"):
        paper_window(np.zeros((9, 9)), (1, 1), center)


def test_a_window_is_cut_from_one_slice() -> None:
    with pytest.raises(GeometryError, match="2D"):
        paper_window(np.zeros((2, 9, 9)), (1, 1), (4, 4))


def test_the_center_of_a_mask_is_that_of_its_pixels() -> None:
    mask: NDArray[np.bool_] = np.zeros((9, 9), bool)
    mask[2, 3] = mask[2, 4] = mask[5, 3] = mask[5, 4] = True

    assert center_of(mask) == (3.5, 3.5)
    assert all(math.isnan(place) for place in center_of(mask & False))


@pytest.mark.parametrize(("center", "first"), [(149.2, 50), (149.8, 50), (150.2, 51), (148.9, 49)])
def test_a_center_between_pixels_moves_the_window_to_whole_pixels(
    center: float, first: int
) -> None:
    """Its edge goes to the nearest edge of a pixel, so nothing is interpolated at 0.25 mm."""
    values = np.random.default_rng(1).random((320, 320))

    window = paper_window(values, (0.25, 0.25), (center, 169.5))

    assert np.array_equal(window, values[first : first + 200, 70:270])


@pytest.mark.parametrize("center", [57.1, 57.3, 57.8])
def test_a_mask_keeps_its_area_wherever_its_center_lies(center: float) -> None:
    """With pixels of 0.5 mm each pixel becomes 2 x 2, none is cut in half."""
    mask = np.zeros((120, 140), bool)
    mask[50:60, 60:75] = np.random.default_rng(2).random((10, 15)) > 0.5

    assert paper_window(mask, (0.5, 0.5), (center, 67.2)).sum() == 4 * mask.sum()
