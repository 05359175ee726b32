"""Windows cut out of slices and put back: where every sample lies, and how much is kept."""

import numpy as np
import pytest
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


def test_coarse_samples_average_and_lose_nothing() -> None:
    """Four pixels of 0.25 mm make one sample of 0.5 mm: their mean."""
    rng = np.random.default_rng(0)
    fine = rng.random((1, 8, 8)).astype(np.float32)

    values, _ = cut_windows(
        fine, (0.25, 0.25), np.array([[3.5, 3.5]], np.float32), size=4, window_mm=0.5
    )

    expected = fine.reshape(1, 4, 2, 4, 2).mean(axis=(2, 4))
    np.testing.assert_allclose(values, expected, rtol=1e-6)


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
