"""The joined model: where it looks, and what it gives back."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from scgm.networks.cord_finder import CordFinder
from scgm.networks.graph import (
    CordAndGrayMatter,
    along_cord,
    back_matrix,
    coarse_slices,
    cut_windows,
    middle_of,
    presence_of,
    refined_center,
)
from scgm.networks.preparation import (
    COARSE_MM,
    LEARNED_MM,
    SEGMENTED_MM,
    Windows,
    compress,
    standardize,
    window_size,
)
from scgm.networks.resampling import resample
from scgm.networks.unet import UNet

WINDOW = window_size(LEARNED_MM)


def test_presence_is_a_probability_although_empty_slices_count_half_in_training() -> None:
    """A finder that is trained so calls a slice empty by 1/3 where both are equally likely."""
    absent = torch.tensor([0.0, 1 / 3, 0.5, 1.0])

    assert presence_of(absent).tolist() == pytest.approx([1.0, 0.5, 1 / 3, 0.0])


class BrightPlaces(nn.Module):
    """A finder that believes in every bright coarse pixel alike."""

    def forward(self, images: Tensor) -> Tensor:  # noqa: D102
        places = (images.flatten(1) > 0.5).float() * 1000
        return torch.cat([places, torch.zeros(len(images), 1)], dim=1)


class LargePixels(nn.Module):
    """A segmenter that marks everything where pixels are as large as usual, else nothing."""

    def forward(self, windows: Tensor) -> Tensor:  # noqa: D102
        return ((windows[:, 1:] + 0.5) * 50).expand(-1, 2, -1, -1)


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
    model = CordAndGrayMatter(BrightPlaces(), BrightPixels(), Windows(window_mm))
    gm, cord, centre, presence = model(image, spacing, torch.full((1, 2), math.nan))
    place = centre[0] * spacing[1:]

    assert (place - torch.tensor([61.0, 22.0])).norm() < COARSE_MM * 0.7
    assert presence.item() == pytest.approx(1, abs=1e-3)
    found, truth = gm[0] >= 0.5, image[0] > 0.5
    assert (2 * (found & truth).sum() / (found.sum() + truth.sum())).item() > 0.95
    assert bool((gm <= cord + 1e-6).all())


@pytest.mark.parametrize(
    ("pixel", "step", "size"),
    [
        ((0.5, 0.6), 0.25, 112),
        ((0.25, 0.2), 0.25, 112),
        ((0.175, 0.1), 0.175, 160),
        ((0.125, 0.12), 0.125, 224),
        ((0.04, 0.05), 0.125, 224),
    ],
)
def test_windows_follow_the_pixels_of_finer_images(
    pixel: tuple[float, float], step: float, size: int
) -> None:
    """28 mm or a little more: 160 pixels of 0.175 mm are 28 mm, 224 of 0.125 mm, too."""
    found_step, found_size = Windows(finest_mm=0.125).sampled(torch.tensor(pixel))

    assert float(found_step) == pytest.approx(step)
    assert int(found_size) == size


def test_thin_lines_in_a_fine_image_are_seen_in_its_own_pixels() -> None:
    """Bright lines of 0.15 mm: at 0.25 mm they fade, at 0.125 mm they do not."""
    image = torch.zeros(1, 300, 300)
    image[0, :, ::20] = image[0, :, 1::20] = 1.0  # pixels of 0.075 mm, lines 1.5 mm apart
    spacing, centre = torch.tensor([1.0, 0.075, 0.075]), torch.tensor([[150.0, 150.0]])

    def brightest(windows: Windows) -> float:
        step, size = windows.sampled(spacing[1:])
        lines, *_ = cut_windows(image, spacing[1:], centre * 0.075, size, step)
        return float(lines.quantile(0.999))

    standard, fine = brightest(Windows()), brightest(Windows(finest_mm=0.125))
    assert standard < 0.75 * fine


@pytest.mark.parametrize(("pixel", "marked"), [(0.5, True), (0.125, False)])
def test_a_network_may_be_told_the_size_of_its_pixels(pixel: float, marked: bool) -> None:
    """Of usual windows and of those half as large the second channel holds 0 and -1."""
    windows = Windows(finest_mm=0.125, tells_pixel=True)
    model = CordAndGrayMatter(BrightPlaces(), LargePixels(), windows)
    image, spacing = torch.rand(1, 80, 80), torch.tensor([1.0, pixel, pixel])
    gm = model(image, spacing, torch.tensor([[40.0, 40.0]]))[0]

    assert bool(gm[0, 40, 40] > 0.9) == marked


def test_maps_are_averaged_along_the_cord_where_that_is_asked_for() -> None:
    """A dark slice between two bright discs."""
    image = torch.stack([disc((120, 120), (60, 60), torch.ones(2), 3.0) * v for v in (1, 0, 1)])
    spacing, centre = torch.tensor([1.0, 1.0, 1.0]), torch.full((3, 2), 60.0)

    def area(along_mm: float) -> float:
        windows = Windows(along_mm=along_mm)
        gm = CordAndGrayMatter(BrightPlaces(), BrightPixels(), windows)(image, spacing, centre)[0]
        return float(gm[1].sum())

    assert area(0.0) < area(1.0) < area(10.0)


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
    centre = refined_center(places.flatten(1), axis, axis)

    assert centre[0].tolist() == pytest.approx([1.5, 2.25])


def test_compression_ignores_the_unit_and_is_bounded() -> None:
    image = torch.rand(2, 30, 30)
    inside = torch.ones(2, 30, 30)

    assert torch.allclose(compress(image, inside), compress(image * 4096, inside), atol=1e-4)
    assert compress(image * 1e30, inside).max() < 1


def test_standardization_ignores_unit_and_offset() -> None:
    image, inside = torch.rand(2, WINDOW, WINDOW), torch.ones(2, WINDOW, WINDOW)
    first, second = standardize(image, inside), standardize(image * 300 + 1000, inside)

    assert torch.allclose(first, second, atol=1e-2)
    assert standardize(image, torch.zeros_like(inside)).abs().max() == 0


@pytest.mark.parametrize(
    ("side", "pixel", "size"),
    [(32, 0.25, 128), (28, 0.1, 288), (28, 9, 16), (28, 0.7, 48), (28, 0.25, 112)],
)
def test_a_window_has_pixels_that_can_be_halved(side: float, pixel: float, size: int) -> None:
    assert window_size(side, pixel) == size


def test_neighboring_slices_count_by_a_gaussian_of_5_mm() -> None:
    """5 mm apart, one standard deviation, a neighbor counts exp(-1/2) beside 1."""
    smooth = along_cord(torch.eye(2), torch.tensor(5.0))
    neighbor = math.exp(-0.5)

    assert smooth[0].tolist() == pytest.approx([1 / (1 + neighbor), neighbor / (1 + neighbor)])


def test_the_model_looks_along_the_cord_by_the_distance_of_slices() -> None:
    """A slice that shows another bright disc follows neighbors at 1 mm, not those at 50 mm."""
    pixel = torch.tensor([1.0, 1.0])
    image = torch.stack([disc((120, 120), (60.0, x), pixel, 3.0) for x in (40.0, 80.0, 40.0)])
    model = CordAndGrayMatter(BrightPlaces(), BrightPixels())

    columns = [
        model.find(image, torch.tensor([slice_mm, 1.0, 1.0]))[0][1, 1].item()
        for slice_mm in (1.0, 50.0)
    ]

    assert columns == pytest.approx([40.0, 80.0], abs=1.0)


def test_the_center_is_refined_within_4_and_a_half_mm() -> None:
    """Peak 0.5; 4.5 mm further 0.25 that counts, 6 mm and (4.5, 1.5) mm away 0.1 that do not."""
    places = torch.zeros(1, 9, 9)
    places[0, 1, 1], places[0, 1, 4], places[0, 1, 5], places[0, 2, 4] = 0.5, 0.25, 0.1, 0.1
    axis = torch.arange(9.0) * 1.5

    centre = refined_center(places.flatten(1), axis, axis)

    assert centre[0].tolist() == pytest.approx([1.5, 1.5 + 4.5 * 0.25 / 0.75])


def test_faint_places_count_by_their_square_in_the_middle_of_the_cord() -> None:
    """Ten samples of 1 in row 0, ten of 0.5 in row 10: 10 * 0.25 / 1.25 = 2."""
    cord = torch.zeros(1, 11, 10)
    cord[0, 0], cord[0, 10] = 1.0, 0.5
    rows, columns = torch.arange(11.0)[None], torch.arange(10.0)[None]

    middle = middle_of(cord, rows, columns, torch.full((1, 2), -1.0), 1.0)

    assert middle[0].tolist() == pytest.approx([2.0, 4.5])


@pytest.mark.parametrize(
    ("samples", "step_mm", "enough"), [(5, 1, 1), (4, 1, 0), (20, 0.5, 1), (19, 0.5, 0)]
)
def test_a_cord_of_less_than_5_mm2_has_no_middle(samples: int, step_mm: float, enough: int) -> None:
    cord = torch.zeros(1, 1, 30)
    cord[0, 0, :samples] = 1.0
    rows, columns = torch.zeros(1, 1), torch.arange(30.0)[None]

    middle = middle_of(cord, rows, columns, torch.full((1, 2), -1.0), step_mm)

    assert middle[0, 1].item() == pytest.approx((samples - 1) / 2 if enough else -1.0)


def test_standardized_windows_are_clipped_at_5_deviations() -> None:
    image = torch.rand(1, WINDOW, WINDOW)
    image[0, 0, 0], image[0, 0, 1] = 1e4, -1e4
    window = standardize(image, torch.ones_like(image), focus_mm=4.0)

    assert (window.max().item(), window.min().item()) == (5.0, -5.0)


def network_model() -> CordAndGrayMatter:
    """Return the model with networks of random weights, in evaluation mode."""
    torch.manual_seed(0)
    return CordAndGrayMatter(CordFinder((4, 4, 8)), UNet((4, 8, 8)), Windows(0.5)).eval()


def some_stack(seed: int, slices: int = 3) -> Tensor:
    """Return slices (slices, 60, 50) of smooth random intensities."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(1, slices, 12, 10, generator=generator)
    return nn.functional.interpolate(coarse, (60, 50), mode="bilinear")[0]


@torch.no_grad()
@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 1000), scale=st.sampled_from([1.0, 300.0]))
def test_maps_are_probabilities_and_gray_matter_lies_in_the_cord(seed: int, scale: float) -> None:
    stack = scale * some_stack(seed)
    spacing, nowhere = torch.tensor([4.0, 0.7, 0.8]), torch.full((3, 2), math.nan)

    gm, cord, centre, presence = network_model()(stack, spacing, nowhere)

    for values in (gm, cord, presence):
        assert 0 <= float(values.min()) <= float(values.max()) <= 1 + 1e-6
    assert bool((gm <= cord + 1e-6).all())
    assert bool(((centre >= 0) & (centre <= torch.tensor([59.0, 49.0]))).all())


@torch.no_grad()
@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 1000))
def test_slices_with_given_centers_are_segmented_apart_from_each_other(seed: int) -> None:
    """All at once or one by one: the maps are the same."""
    stack, spacing = some_stack(seed), torch.tensor([4.0, 0.7, 0.8])
    centre = torch.tensor([[30.0, 25.0], [31.0, 24.0], [28.5, 26.0]])
    model = network_model()

    whole = model(stack, spacing, centre)
    parts = [model(stack[z : z + 1], spacing, centre[z : z + 1]) for z in range(3)]

    for found, each in zip(whole, zip(*parts, strict=True), strict=True):
        torch.testing.assert_close(found, torch.cat(each), rtol=0, atol=1e-5)


class Brightest(nn.Module):
    """A finder that believes in the brightest place."""

    def forward(self, images: Tensor) -> Tensor:  # noqa: D102
        return torch.cat([images.flatten(1) * 100, torch.zeros(len(images), 1)], dim=1)


class Blob(nn.Module):
    """A segmenter: cord above 1 deviation, gray matter above 2."""

    def forward(self, windows: Tensor) -> Tensor:  # noqa: D102
        return torch.cat([(windows - 1) * 50, (windows - 2) * 50], dim=1)


def blob(row: float, column: float) -> Tensor:
    """Return one slice of 80 mm, pixels of 0.5 mm, with a Gaussian of 2.5 mm at a place in mm."""
    axis = torch.arange(160) * 0.5
    squared = (axis[:, None] - row) ** 2 + (axis[None, :] - column) ** 2
    return torch.exp(-0.5 * squared / 2.5**2)[None]


def found_in(image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return gray matter and cord as masks, and the center in pixels."""
    spacing, nowhere = torch.tensor([4.0, 0.5, 0.5]), torch.full((1, 2), math.nan)
    gm, cord, centre, _ = CordAndGrayMatter(Brightest(), Blob())(image, spacing, nowhere)
    return gm >= 0.5, cord >= 0.5, centre[0]


@settings(max_examples=8, deadline=None)
@given(down=st.integers(-12, 12), right=st.integers(-12, 12))
def test_a_shifted_image_gives_shifted_maps(down: int, right: int) -> None:
    gm, cord, centre = found_in(blob(40.0, 40.0))
    moved_gm, moved_cord, moved_centre = found_in(blob(40.0 + down / 2, 40.0 + right / 2))

    assert int(gm.sum()) > 50
    assert int(cord.sum()) > int(gm.sum())
    assert (moved_centre - centre).tolist() == pytest.approx([down, right], abs=0.05)
    for one, other in ((gm, moved_gm), (cord, moved_cord)):
        shifted = one.roll((down, right), dims=(1, 2))
        assert int((shifted != other).sum()) <= 0.05 * int(one.sum())


@settings(max_examples=8, deadline=None)
@given(row=st.floats(30, 50), column=st.floats(30, 50), axis=st.sampled_from([1, 2]))
def test_a_flipped_image_gives_flipped_maps(row: float, column: float, axis: int) -> None:
    image = blob(row, column)
    gm, cord, centre = found_in(image)
    flipped_gm, flipped_cord, flipped_centre = found_in(image.flip(axis))

    expected = centre.clone()
    expected[axis - 1] = 159 - expected[axis - 1]
    torch.testing.assert_close(flipped_centre, expected, rtol=0, atol=0.05)
    for one, other in ((gm, flipped_gm), (cord, flipped_cord)):
        assert int((one.flip(axis) != other).sum()) <= 0.05 * int(one.sum())
