"""Distances between boundaries and skeletons: squares, points, and independent packages."""

import math
from collections.abc import Callable

import numpy as np
import pytest
import SimpleITK as sitk
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt, gaussian_filter
from scipy.spatial.distance import directed_hausdorff

from scgm.errors import GeometryError
from scgm.evaluation.metrics import (
    Distances,
    assd_mm,
    boundary,
    boundary_distances,
    hausdorff95_mm,
    hausdorff_mm,
    mean_surface_distance_mm,
    median_distance_mm,
    skeleton,
    skeleton_distances,
    surface_dice,
)

Mask = NDArray[np.bool_]
MEASURES: tuple[Callable[[Distances], float], ...] = (
    hausdorff_mm,
    hausdorff95_mm,
    mean_surface_distance_mm,
    assd_mm,
    median_distance_mm,
)


def box(shape: tuple[int, ...], *sides: tuple[int, int]) -> Mask:
    """Fill a box from the first to before the second index along each axis."""
    mask = np.zeros(shape, bool)
    mask[tuple(slice(*side) for side in sides)] = True
    return mask


def pixels(shape: tuple[int, ...], *indices: tuple[int, ...]) -> Mask:
    mask = np.zeros(shape, bool)
    for index in indices:
        mask[index] = True
    return mask


def blobs(seed: int, shape: tuple[int, ...] = (6, 24, 20)) -> tuple[Mask, Mask]:
    """Two random masks with smooth outlines, in several parts, some at the edge of the array."""
    noise = np.random.default_rng(seed).standard_normal((2, *shape))
    one, other = (gaussian_filter(each, 2) for each in noise)
    return one > np.quantile(one, 0.7), other > np.quantile(other, 0.75)


@pytest.mark.parametrize("shift", range(8))
@pytest.mark.parametrize("spacing", [(1.0, 1.0), (0.5, 0.25), (0.3, 2.0)])
def test_a_square_shifted_by_k_pixels_is_k_pixels_away(
    shift: int, spacing: tuple[float, float]
) -> None:
    """The leading side moved by k columns, and no pixel of the boundary by more."""
    true = box((30, 30), (5, 15), (5, 15))
    found = box((30, 30), (5, 15), (5 + shift, 15 + shift))

    distances = boundary_distances(found, true, spacing)

    assert hausdorff_mm(distances) == pytest.approx(shift * spacing[1])


def test_every_score_of_two_parallel_lines_is_their_distance() -> None:
    """Two lines of 6 pixels in rows 2 and 5, rows 0.5 mm apart."""
    distances = boundary_distances(
        box((9, 9), (2, 3), (1, 7)), box((9, 9), (5, 6), (1, 7)), (0.5, 0.25)
    )

    assert [measure(distances) for measure in MEASURES] == pytest.approx([1.5] * 5)


def test_the_two_directions_are_joined_as_stated() -> None:
    """One pixel at column 0, against two at columns 1 and 5: distances 1, and 1 and 5."""
    one, two = pixels((1, 6), (0, 0)), pixels((1, 6), (0, 1), (0, 5))

    distances = boundary_distances(one, two, (1, 1))

    assert distances.to_reference.tolist() == [1]
    assert distances.to_prediction.tolist() == [1, 5]
    assert hausdorff_mm(distances) == 5
    assert mean_surface_distance_mm(distances) == pytest.approx((1 + 3) / 2)
    assert assd_mm(distances) == pytest.approx(7 / 3)
    assert median_distance_mm(distances) == 3
    assert hausdorff95_mm(distances) == pytest.approx(1 + 0.95 * 4)


def test_hd95_is_the_larger_of_the_two_directed_percentiles() -> None:
    """Pooled, the one far pixel among 40 would be beyond the percentile and not be seen."""
    true = box((1, 60), (0, 1), (0, 39))
    found = pixels((1, 60), (0, 0), (0, 48))

    distances = boundary_distances(found, true, (1, 1))

    assert hausdorff95_mm(distances) == pytest.approx(
        max(0.95 * 10, np.percentile(np.minimum(np.arange(39), np.abs(48 - np.arange(39))), 95))
    )


def test_surface_dice_is_the_share_of_both_boundaries_that_is_near() -> None:
    """Of the three boundary pixels two are 1 mm away and one is 5 mm away."""
    distances = boundary_distances(pixels((1, 6), (0, 0)), pixels((1, 6), (0, 1), (0, 5)), (0.3, 1))

    shares = [surface_dice(distances, tolerance) for tolerance in (0, 0.99, 1, 4.99, 5)]

    assert shares == pytest.approx([0, 0, 2 / 3, 2 / 3, 1])


def test_a_distance_of_exactly_the_tolerance_is_near_in_spite_of_rounding() -> None:
    """3 x 0.1 mm is more than 0.3 mm by the last digit of a float."""
    distances = boundary_distances(pixels((1, 4), (0, 0)), pixels((1, 4), (0, 3)), (1, 0.1))

    assert surface_dice(distances, 0.3) == 1


def test_the_boundary_is_what_touches_the_outside_by_an_edge() -> None:
    """Of 4 x 4 pixels, 12; at the edge of the array too; of a cube of 3, all but the middle."""
    assert len(boundary(box((9, 9), (2, 6), (2, 6)))) == 12
    assert len(boundary(box((4, 4), (0, 4), (0, 4)))) == 12
    assert len(boundary(box((5, 5, 5), (1, 4), (1, 4), (1, 4)))) == 26


def test_the_boundary_of_a_hole_is_a_boundary() -> None:
    """The edge of a hole of one pixel in the middle of 7 x 7 is 2 pixels from the outline."""
    true = box((9, 9), (1, 8), (1, 8))
    found = true.copy()
    found[4, 4] = False

    assert hausdorff_mm(boundary_distances(found, true, (1, 1))) == 2


def test_slices_count_with_their_own_spacing() -> None:
    """One pixel, four slices of 5 mm further, one row of 0.5 mm further."""
    distances = boundary_distances(
        pixels((6, 3, 3), (0, 1, 1)), pixels((6, 3, 3), (4, 2, 1)), (5, 0.5, 0.25)
    )

    assert hausdorff_mm(distances) == pytest.approx(math.hypot(20, 0.5))


@pytest.mark.parametrize("seed", range(4))
def test_hausdorff_agrees_with_simpleitk_and_scipy_on_boundaries(seed: int) -> None:
    spacing = (2.5, 0.5, 0.3)
    found, true = blobs(seed)
    ours = boundary_distances(found, true, spacing)
    points = [boundary(mask) * np.array(spacing) for mask in (found, true)]
    images = [drawn(boundary(mask), mask.shape, spacing) for mask in (found, true)]
    theirs = sitk.HausdorffDistanceImageFilter()
    theirs.Execute(*images)

    assert ours.to_reference.max() == pytest.approx(directed_hausdorff(*points)[0])
    assert ours.to_prediction.max() == pytest.approx(directed_hausdorff(*points[::-1])[0])
    assert hausdorff_mm(ours) == pytest.approx(theirs.GetHausdorffDistance(), rel=1e-5)
    assert mean_surface_distance_mm(ours) == pytest.approx(
        theirs.GetAverageHausdorffDistance(), rel=1e-5
    )


def drawn(points: NDArray[np.intp], shape: tuple[int, ...], spacing: tuple[float, ...]) -> object:
    """Make an image of SimpleITK, which counts axes from the last."""
    mask = np.zeros(shape, np.uint8)
    mask[tuple(points.T)] = 1
    image = sitk.GetImageFromArray(mask)
    image.SetSpacing(spacing[::-1])
    return image


@pytest.mark.parametrize("seed", range(3))
def test_all_distances_are_those_of_a_distance_transform(seed: int) -> None:
    """The long way round: no box, no tree, the whole array."""
    spacing = (2.5, 0.5, 0.3)
    found, true = blobs(seed)
    edges = [np.zeros(mask.shape, bool) for mask in (found, true)]
    for edge, mask in zip(edges, (found, true), strict=True):
        edge[tuple(boundary(mask).T)] = True

    ours = boundary_distances(found, true, spacing)

    expected = distance_transform_edt(~edges[1], sampling=spacing)[edges[0]]
    assert ours.to_reference == pytest.approx(expected)


@pytest.mark.parametrize("measure", MEASURES)
def test_distances_are_symmetric_and_turn_and_scale_with_the_image(
    measure: Callable[[Distances], float],
) -> None:
    found, true = blobs(11)
    spacing = (2.5, 0.5, 0.3)
    expected = measure(boundary_distances(found, true, spacing))
    flipped = boundary_distances(found[::-1, ::-1], true[::-1, ::-1], spacing)
    turned = boundary_distances(found.transpose(2, 0, 1), true.transpose(2, 0, 1), (0.3, 2.5, 0.5))

    assert measure(boundary_distances(true, found, spacing)) == pytest.approx(expected)
    assert measure(flipped) == pytest.approx(expected)
    assert measure(turned) == pytest.approx(expected)
    scaled = boundary_distances(found, true, [3 * size for size in spacing])
    assert measure(scaled) == pytest.approx(3 * expected)


def test_more_background_changes_no_distance() -> None:
    found, true = blobs(12)
    wide, wide_true = np.pad(found, 5), np.pad(true, 5)

    near = boundary_distances(found, true, (2, 1, 1))

    assert boundary_distances(wide, wide_true, (2, 1, 1)).pooled == pytest.approx(near.pooled)
    assert skeleton_distances(wide, wide_true, (2, 1, 1)).pooled == pytest.approx(
        skeleton_distances(found, true, (2, 1, 1)).pooled
    )


@pytest.mark.parametrize("distances_of", [boundary_distances, skeleton_distances])
@pytest.mark.parametrize("shape", [(8, 8), (3, 8, 8)])
def test_without_a_structure_there_is_no_distance(
    distances_of: Callable[..., Distances], shape: tuple[int, ...]
) -> None:
    """Both empty: NaN, and surface Dice 1. One empty: infinitely far, and surface Dice 0."""
    spacing = (1.0,) * len(shape)
    empty, some = np.zeros(shape, bool), pixels(shape, (1,) * len(shape))

    both = distances_of(empty, empty, spacing)
    missed, invented = distances_of(empty, some, spacing), distances_of(some, empty, spacing)

    for measure in MEASURES:
        assert math.isnan(measure(both))
        assert measure(missed) == math.inf
        assert measure(invented) == math.inf
    assert surface_dice(both, 1) == 1
    assert surface_dice(missed, 1) == surface_dice(invented, 1) == 0


def test_equal_masks_have_no_distance_between_them() -> None:
    found, _ = blobs(13)

    for distances in (
        boundary_distances(found, found, (1, 1, 1)),
        skeleton_distances(found, found, (1, 1, 1)),
    ):
        assert [measure(distances) for measure in MEASURES] == [0] * 5
        assert surface_dice(distances, 0) == 1


def test_the_skeleton_of_a_bar_is_its_middle_line() -> None:
    """A bar 3 pixels thick thins to its middle row, but for its ends."""
    lines = skeleton(box((9, 30), (3, 6), (2, 28)))

    assert set(lines[:, 0]) <= {3, 4, 5}
    assert np.count_nonzero(lines[:, 0] == 4) >= 22
    assert len(lines) <= 26


def test_a_bar_that_is_thicker_has_the_same_skeleton() -> None:
    """Two bars around the same middle line, 3 and 5 pixels thick, differ at their ends only."""
    thin, thick = box((15, 40), (6, 9), (2, 38)), box((15, 40), (5, 10), (2, 38))

    assert hausdorff_mm(skeleton_distances(thin, thick, (1, 1))) <= 2
    assert median_distance_mm(skeleton_distances(thin, thick, (1, 1)), with_zeros=True) == 0


def test_lines_are_their_own_skeletons() -> None:
    """Rows 3 mm apart: each pixel of the one line is 3 mm from the other."""
    distances = skeleton_distances(
        box((9, 20), (1, 2), (3, 15)), box((9, 20), (7, 8), (3, 15)), (0.5, 0.25)
    )

    assert distances.pooled.tolist() == [3] * 24


def test_the_median_can_leave_out_what_lies_right() -> None:
    """Of 5 points 3 lie on the other line; the others are 2 and 4 away."""
    distances = Distances(np.array([0, 0, 0, 2, 4.0]), np.zeros(3))

    assert median_distance_mm(distances) == 3
    assert median_distance_mm(distances, with_zeros=True) == 0


@pytest.mark.parametrize("size", range(1, 8))
def test_something_remains_of_every_mask_that_is_thinned(size: int) -> None:
    square = box((9, 9), (1, 1 + size), (0, size))

    lines = skeleton(square)

    assert 1 <= len(lines) <= 2 * size
    assert square[tuple(lines.T)].all()


def test_slices_are_thinned_one_by_one() -> None:
    volume = np.stack([box((9, 20), (2, 5), (3, 15)), np.zeros((9, 20), bool)] * 2)

    lines = skeleton(volume)

    assert set(lines[:, 0]) == {0, 2}
    for z in (0, 2):
        assert np.array_equal(lines[lines[:, 0] == z][:, 1:], skeleton(volume[z]))


@pytest.mark.parametrize("spacing", [(1,), (1, 1, 1), (1, 0), (1, -1), (1, math.nan)])
def test_a_spacing_that_does_not_fit_is_refused(spacing: tuple[float, ...]) -> None:
    mask = pixels((3, 3), (1, 1))

    with pytest.raises(GeometryError, match="2 positive numbers"):
        boundary_distances(mask, mask, spacing)
    with pytest.raises(GeometryError, match="2 positive numbers"):
        skeleton_distances(mask, mask, spacing)


@pytest.mark.parametrize("tolerance", [-0.1, math.nan])
def test_a_tolerance_below_zero_is_refused(tolerance: float) -> None:
    with pytest.raises(ValueError, match="tolerance"):
        surface_dice(Distances(np.zeros(1), np.zeros(1)), tolerance)
