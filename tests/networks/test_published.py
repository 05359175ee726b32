"""How the published network is run: its window, its grid and its numbers."""

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from scgm.networks.published import CROP, Alignment, Constants, published_mask

SPACING_MM = (3.0, 0.5, 0.5)


def image(rows: int = 120, columns: int = 140) -> NDArray[np.float32]:
    return np.random.default_rng(0).normal(100, 20, (3, rows, columns)).astype(np.float32)


class Watched:
    """Stand in for the network: keeps what it is given, and says yes to what *marks* marks."""

    def __init__(
        self, marks: Any = lambda slices: torch.ones_like(slices, dtype=torch.bool)
    ) -> None:
        self.seen: list[Tensor] = []
        self.marks = marks

    def __call__(self, slices: Tensor) -> Tensor:
        """Keep the slices, and mark them."""
        self.seen.append(slices)
        return torch.where(self.marks(slices), 50.0, -50.0)


def run(network: Watched, slices: NDArray[np.float32], **choices: Any) -> NDArray[np.bool_]:
    stand_in: Any = network
    return published_mask(stand_in, slices, SPACING_MM, **choices)


def given(network: Watched) -> NDArray[np.float32]:
    values: NDArray[np.float32] = torch.cat(network.seen)[:, 0].numpy()
    return values


def test_all_windows_together_have_mean_0_and_deviation_1() -> None:
    network = Watched()
    run(network, image())

    assert given(network).shape == (3, CROP, CROP)
    assert given(network).mean() == pytest.approx(0, abs=1e-4)
    assert given(network).std() == pytest.approx(1, abs=1e-4)


def test_constants_take_their_place() -> None:
    network = Watched()
    run(network, np.full((3, 120, 140), 100, np.float32), constants=Constants(90, 5))

    np.testing.assert_allclose(given(network), 2, atol=1e-5)


def test_the_window_is_50_mm_in_the_middle() -> None:
    """Of 120 x 140 pixels of 0.5 mm: 100 x 100, from row 10 and column 20 on."""
    mask = run(Watched(), image())

    expected = np.zeros((3, 120, 140), bool)
    expected[:, 10:110, 20:120] = True
    np.testing.assert_array_equal(mask, expected)


def test_the_window_lies_where_it_is_told() -> None:
    """Around pixel (40, 95): rows -10 to 90, columns 45 to 145, as far as there are any."""
    centers = np.tile(np.array([39.75, 94.25]), (3, 1))
    centers[1] = np.nan

    mask = run(Watched(), image(), centers_px=centers)

    assert np.argwhere(mask[0]).min(axis=0).tolist() == [0, 45]
    assert np.argwhere(mask[0]).max(axis=0).tolist() == [89, 139]
    np.testing.assert_array_equal(mask[1], run(Watched(), image())[1])


@pytest.mark.parametrize("place", [(60, 70), (33, 92)])
def test_what_is_marked_lies_where_it_is_seen(place: tuple[int, int]) -> None:
    """A bright disc: a flip, a transposition or a shift by a pixel would miss it."""
    rows, columns = np.ogrid[:120, :140]
    disc = (rows - place[0]) ** 2 + 4 * (columns - place[1]) ** 2 <= 8**2
    slices = np.where(disc, 1000, 100).astype(np.float32)[None].repeat(3, axis=0)

    mask = run(Watched(lambda seen: seen > 2), slices)

    np.testing.assert_array_equal(mask, slices == 1000)


@pytest.mark.parametrize(
    ("alignment", "expected"),
    [("border", [0, 0.25, 0.75, 1.25]), ("first voxel", [0, 0.5, 1, 1.5])],
)
def test_where_the_fine_grid_begins(alignment: Alignment, expected: list[float]) -> None:
    """A slope of 1 a pixel from right to left, in fine pixels of half the size.

    With the border as the border of both, the first fine pixel lies a quarter of a pixel before the
    first native one, whose value it takes.
    """
    slope = np.tile(np.arange(100)[::-1], (3, 100, 1)).astype(np.float32)
    network = Watched()

    run(network, slope, constants=Constants(0, 1), alignment=alignment)

    np.testing.assert_allclose(given(network)[0, :4, 0], expected, atol=1e-5)


def test_a_small_slice_is_mirrored_at_its_border() -> None:
    """60 x 60 pixels make 120 x 120 fine ones, with 40 of the mirror image on each side."""
    network = Watched()
    run(network, image(60, 60), constants=Constants(0, 1))

    window = given(network)[0]
    np.testing.assert_array_equal(window[:40], window[79:39:-1])
    np.testing.assert_array_equal(window[:, 160:], window[:, 159:119:-1])
    assert run(Watched(), image(60, 60)).all()
