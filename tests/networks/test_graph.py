"""The joined model: where it looks, and what it gives back."""

import math

import pytest
import torch
from torch import Tensor, nn

from scgm.networks.graph import (
    CordAndGrayMatter,
    along_cord,
    back_matrix,
    coarse_slices,
    cut_windows,
    refined_centre,
)
from scgm.networks.preparation import (
    COARSE_MM,
    LEARNED_MM,
    SEGMENTED_MM,
    compress,
    standardise,
    window_size,
)
from scgm.networks.resampling import resample

WINDOW = window_size(LEARNED_MM)


class BrightPlaces(nn.Module):
    """A finder that believes in every bright coarse pixel alike."""

    def forward(self, images: Tensor) -> Tensor:  # noqa: D102
        places = (images.flatten(1) > 0.5).float() * 1000
        return torch.cat([places, torch.zeros(len(images), 1)], dim=1)


class BrightPixels(nn.Module):
    """A segmenter: cord above -0.5 deviations, gray matter above 2.6."""

    def forward(self, windows: Tensor) -> Tensor:  # noqa: D102
        return torch.cat([(windows + 0.5) * 50, (windows - 2.6) * 50], dim=1)


def disc(
    shape: tuple[int, int], centre_mm: tuple[float, float], pixel: Tensor, radius: float
) -> Tensor:
    rows = torch.arange(shape[0])[:, None] * pixel[0] - centre_mm[0]
    columns = torch.arange(shape[1])[None, :] * pixel[1] - centre_mm[1]
    return (rows**2 + columns**2 <= radius**2).float()


@pytest.mark.parametrize("window_mm", [0.25, 0.1, 0.4])
@pytest.mark.parametrize("pixel", [(0.5, 0.5), (0.3, 0.9), (1.1, 0.7)])
def test_a_bright_disc_is_found_and_put_back_where_it_was(
    pixel: tuple[float, float], window_mm: float
) -> None:
    """Center within a coarse pixel, mask as it was but for its border; oblong pixels, too."""
    spacing = torch.tensor([4.0, *pixel])
    shape = (int(90 / pixel[0]), int(70 / pixel[1]))
    image = disc(shape, (61.0, 22.0), spacing[1:], 2.0)[None]
    model = CordAndGrayMatter(BrightPlaces(), BrightPixels(), window_mm)
    gm, cord, centre, presence = model(image, spacing, torch.full((1, 2), math.nan))
    place = centre[0] * spacing[1:]

    assert (place - torch.tensor([61.0, 22.0])).norm() < COARSE_MM * 0.7
    assert presence.item() == pytest.approx(1, abs=1e-3)
    found, truth = gm[0] >= 0.5, image[0] > 0.5
    assert (2 * (found & truth).sum() / (found.sum() + truth.sum())).item() > 0.95
    assert bool((gm <= cord + 1e-6).all())


def test_a_given_center_is_kept() -> None:
    image = torch.rand(2, 80, 80)
    model = CordAndGrayMatter(BrightPlaces(), BrightPixels())
    given = torch.tensor([[30.0, 41.5], [math.nan, math.nan]])
    _, _, centre, presence = model(image, torch.tensor([4.0, 0.5, 0.5]), given)

    assert centre[0].tolist() == pytest.approx([30.0, 41.5])
    assert presence[0].item() == 1


def test_probabilities_are_zero_outside_the_window() -> None:
    """The window is 28 mm wide: 20 mm off its center there is nothing."""
    image = torch.ones(1, 200, 200)
    model = CordAndGrayMatter(BrightPlaces(), nn.Identity())
    model.segmenter = BrightPixels()
    _, cord, _, _ = model(image, torch.tensor([1.0, 0.5, 0.5]), torch.tensor([[100.0, 100.0]]))

    assert cord[0, 100, 100 - 40] == 0
    assert cord[0, 100 + 40, 100] == 0


def test_a_window_and_back_returns_what_was_there() -> None:
    """A smooth image of 0.5 mm pixels survives the way to 0.25 mm and back."""
    pixel = torch.tensor([0.5, 0.5])
    axis = torch.arange(120) * 0.5
    image = (torch.sin(axis / 6)[:, None] * torch.cos(axis / 7)[None, :])[None]
    centre = torch.tensor([[30.2, 29.7]])
    windows, inside, (rows, columns) = cut_windows(image, pixel, centre, window_size(SEGMENTED_MM))
    back = resample(windows, back_matrix(rows, 120, pixel[0]), back_matrix(columns, 120, pixel[1]))

    assert bool((inside == 1).all())
    assert (back - image)[0, 35:85, 35:85].abs().max() < 5e-3


def test_small_images_are_padded_to_the_size_that_the_finder_knows() -> None:
    coarse, (rows, columns) = coarse_slices(torch.rand(2, 40, 50), torch.tensor([0.5, 0.5]))

    assert coarse.shape == (2, 128, 128)
    # The image's middle, (40 - 1) / 2 * 0.5 mm, is the grid's middle.
    assert rows.mean().item() == pytest.approx(9.75)
    assert columns.mean().item() == pytest.approx(12.25)


def test_large_images_get_a_larger_grid() -> None:
    coarse, _ = coarse_slices(torch.rand(1, 300, 200), torch.tensor([1.0, 1.0]))

    assert coarse.shape == (1, math.ceil(300 / COARSE_MM / 16) * 16, 144)


def test_neighboring_slices_outvote_one() -> None:
    """One slice that points elsewhere follows its neighbors 1 mm away, not those 50 mm away."""
    maps = torch.zeros(5, 3)
    maps[:, 0] = 1
    maps[2] = torch.tensor([0.0, 1.0, 0.0])

    assert along_cord(maps, torch.tensor(1.0))[2].argmax() == 0
    assert along_cord(maps, torch.tensor(50.0))[2].argmax() == 1


def test_the_center_is_refined_between_pixels() -> None:
    """Two equal neighbors: the center lies halfway between them."""
    places = torch.zeros(1, 4, 4)
    places[0, 1, 1] = places[0, 1, 2] = 0.5
    axis = torch.arange(4.0) * 1.5
    centre = refined_centre(places.flatten(1), axis, axis)

    assert centre[0].tolist() == pytest.approx([1.5, 2.25])


def test_compression_ignores_the_unit_and_is_bounded() -> None:
    image = torch.rand(2, 30, 30)
    inside = torch.ones(2, 30, 30)

    assert torch.allclose(compress(image, inside), compress(image * 4096, inside), atol=1e-4)
    assert compress(image * 1e30, inside).max() < 1


def test_standardization_ignores_unit_and_offset() -> None:
    image, inside = torch.rand(2, WINDOW, WINDOW), torch.ones(2, WINDOW, WINDOW)
    first, second = standardise(image, inside), standardise(image * 300 + 1000, inside)

    assert torch.allclose(first, second, atol=1e-2)
    assert standardise(image, torch.zeros_like(inside)).abs().max() == 0


@pytest.mark.parametrize(
    ("side", "pixel", "size"),
    [(32, 0.25, 128), (28, 0.1, 288), (28, 9, 16), (28, 0.7, 48), (28, 0.25, 112)],
)
def test_a_window_has_pixels_that_can_be_halved(side: float, pixel: float, size: int) -> None:
    assert window_size(side, pixel) == size
