"""Windows cut out of slices and put back: where every sample lies, and how much is kept."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from scgm.image.patches import cut_windows, put_back

PIXEL_MM = (0.5, 0.4)  # height and width


def ramps(shape: tuple[int, int] = (40, 50)) -> NDArray[np.float32]:
    """Return two slices whose values are row and column in mm from the first pixel."""
    rows, columns = np.indices(shape, np.float32)
    return np.stack([rows * PIXEL_MM[0], columns * PIXEL_MM[1]])


CENTRE = np.array([[20.3, 24.7], [20.3, 24.7]], np.float32)


@pytest.mark.parametrize("order", [1, 3])
@pytest.mark.parametrize(("window_mm", "near_mm"), [(0.1, 1e-4), (0.3, 1e-4), (0.9, 0.02)])
def test_a_sample_lies_where_the_window_says(order: int, window_mm: float, near_mm: float) -> None:
    """On a ramp an average over a footprint is the value in its middle.

    A coarse sample counts pixels, each of one value, by the area that it covers: of a pixel of
    p mm that it covers in part, the middle is at most p / 2 off, weighted by a part of p / 0.9.
    """
    values, inside = cut_windows(
        ramps(), PIXEL_MM, CENTRE, size=9, window_mm=window_mm, order=order
    )

    offsets = (np.arange(9) - 4) * window_mm
    assert inside.all()
    rows = np.broadcast_to(20.3 * 0.5 + offsets[:, None], (9, 9))
    columns = np.broadcast_to(24.7 * 0.4 + offsets[None, :], (9, 9))
    np.testing.assert_allclose(values, [rows, columns], rtol=0, atol=near_mm)


@pytest.mark.parametrize("order", [1, 3])
def test_outside_of_the_image_is_zero_and_known(order: int) -> None:
    centre = np.array([[0.0, 25.0]], np.float32)

    values, inside = cut_windows(
        np.full((1, 40, 50), 7, np.float32), PIXEL_MM, centre, size=20, window_mm=0.25, order=order
    )

    # The image starts half a pixel (0.25 mm) below the first center; sample 10 lies at +0.125 mm.
    np.testing.assert_array_equal(inside[0, :, 0], np.arange(20) >= 9)
    np.testing.assert_allclose(values[inside], 7, rtol=1e-6)
    assert not values[~inside].any()


@pytest.mark.parametrize("order", [1, 3])
def test_coarse_samples_average_and_lose_nothing(order: int) -> None:
    """Four pixels of 0.25 mm make one sample of 0.5 mm: their mean, without any spline."""
    rng = np.random.default_rng(0)
    fine = rng.random((1, 8, 8)).astype(np.float32)

    values, _ = cut_windows(
        fine, (0.25, 0.25), np.array([[3.5, 3.5]], np.float32), size=4, window_mm=0.5, order=order
    )

    expected = fine.reshape(1, 4, 2, 4, 2).mean(axis=(2, 4))
    np.testing.assert_allclose(values, expected, rtol=1e-6)


@pytest.mark.parametrize("pixel_mm", [(0.5, 0.25), (0.25, 0.5)])
def test_no_spline_where_the_window_is_coarser_along_one_axis(
    pixel_mm: tuple[float, float],
) -> None:
    """A spline takes single points: it would miss half of the pixels along that axis."""
    values = np.random.default_rng(0).random((1, 20, 20)).astype(np.float32)
    centre = np.array([[9.5, 9.5]], np.float32)

    linear, spline = (
        cut_windows(values, pixel_mm, centre, size=8, window_mm=0.3, order=order)[0]
        for order in (1, 3)
    )

    np.testing.assert_array_equal(spline, linear)


def test_fine_samples_of_cubic_splines_follow_a_parabola() -> None:
    """Halfway between pixels at 0 and 1, x^2 is 0.25; linear interpolation has 0.5 there."""
    parabola = np.broadcast_to((np.arange(41) - 20.0) ** 2, (1, 41, 41)).astype(np.float32)
    centre = np.array([[20.0, 20.5]], np.float32)

    spline, linear = (
        cut_windows(parabola, (1.0, 1.0), centre, size=1, window_mm=0.25, order=order)[0].item()
        for order in (3, 1)
    )

    assert spline == pytest.approx(0.25, abs=1e-3)
    assert linear == pytest.approx(0.5)


def test_a_corner_sample_that_is_half_inside_along_both_axes_keeps_the_value() -> None:
    """A quarter of its footprint is covered: the value is the mean over that quarter."""
    image = np.full((1, 20, 20), 7, np.float32)

    values, inside = cut_windows(
        image, (0.5, 0.5), np.zeros((1, 2), np.float32), size=5, window_mm=0.25
    )

    # Sample 1 lies 0.25 mm before the first center: on the image's edge.
    assert inside[0, 1, 1]
    assert values[0, 1:, 1:].tolist() == [[7.0] * 4] * 4


@settings(max_examples=25, deadline=None)
@given(rows=st.floats(8, 31), columns=st.floats(8, 31), window_mm=st.sampled_from([0.1, 0.3, 0.7]))
def test_a_flipped_image_gives_the_flipped_window(
    rows: float, columns: float, window_mm: float
) -> None:
    image = np.random.default_rng(0).random((1, 40, 40)).astype(np.float32)

    def cut(values: NDArray[np.float32], row: float) -> NDArray[np.float32]:
        centre = np.array([[row, columns]], np.float32)
        return cut_windows(values, (0.5, 0.5), centre, size=9, window_mm=window_mm)[0]

    straight, flipped = cut(image, rows), cut(image[:, ::-1], 39 - rows)
    np.testing.assert_allclose(flipped[:, ::-1], straight, atol=1e-4)


def test_what_is_put_back_lies_where_it_was_cut() -> None:
    mask = np.zeros((1, 40, 50), np.float32)
    mask[0, 12:19, 30:36] = 1
    centre = np.array([[16.2, 31.9]], np.float32)

    window, _ = cut_windows(mask, PIXEL_MM, centre, size=80, window_mm=0.1)
    back = put_back(window, centre, 0.1, shape=(40, 50), pixel_mm=PIXEL_MM)

    np.testing.assert_array_equal(back >= 0.5, mask > 0)


def test_nothing_is_put_outside_of_the_window() -> None:
    window = np.ones((1, 10, 10), np.float32)
    centre = np.array([[20.0, 25.0]], np.float32)

    back = put_back(window, centre, 0.5, shape=(40, 50), pixel_mm=(0.5, 0.5))

    assert back.sum() == pytest.approx(100)  # as much as was in it: the pixels are as large
    rows, columns = np.nonzero(back[0])
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (15, 25, 20, 30)
