"""Masks that cannot be measured are named, and nothing is lost of those that can."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from scgm.errors import GeometryError, ImageReadError
from scgm.image.volume import Geometry, Volume
from scgm.measurement.masks import structures_from_masks
from scgm.measurement.measure import measure

AFFINE = np.diag([0.5, 0.5, 5, 1.0])


def volume(values: NDArray[np.generic], name: str = "mask.nii.gz", shift: float = 0) -> Volume:
    affine = AFFINE.copy()
    affine[0, 3] = shift
    i, j, k = values.shape
    return Volume(values.astype(np.float32), Geometry((i, j, k), affine), source=Path(name))


def cord(value: float = 1, slices: int = 3) -> NDArray[np.float32]:
    values = np.zeros((40, 30, slices), np.float32)
    values[10:30, 8:22] = value
    return values


def gm(value: float = 1, slices: int = 3) -> NDArray[np.float32]:
    values = np.zeros((40, 30, slices), np.float32)
    values[15:25, 13:17] = value
    return values


@pytest.mark.parametrize("value", [2, 255, -1, 1.5])
def test_other_values_than_0_and_1_are_refused(value: float) -> None:
    with pytest.raises(ImageReadError) as refused:
        structures_from_masks("x", volume(gm(value), "gm.nii.gz"), volume(cord()))

    assert "gm.nii.gz" in str(refused.value)
    assert f"{value:g}" in str(refused.value)


def test_an_image_in_place_of_a_mask_is_refused_with_its_range() -> None:
    scan = np.arange(40 * 30 * 3, dtype=np.float32).reshape(40, 30, 3)
    with pytest.raises(ImageReadError, match="0 to 3599"):
        structures_from_masks("x", None, volume(scan))


def test_a_map_may_pass_1_by_rounding() -> None:
    structures = structures_from_masks("x", None, volume(cord(1.000002)))

    assert measure(structures).rows[0]["area_mm2"] == pytest.approx(70)


def test_masks_that_are_exchanged_are_refused() -> None:
    with pytest.raises(GeometryError, match="larger than that of the cord; are the two exchanged"):
        structures_from_masks("x", volume(cord()), volume(gm()))


def test_one_mask_given_twice_is_told() -> None:
    twice = structures_from_masks("x", volume(gm()), volume(gm()))

    assert twice.warnings == (
        "x: gray matter and cord are the same in every slice: was one mask given twice?",
    )


def test_empty_masks_are_refused() -> None:
    with pytest.raises(ImageReadError, match="no voxel is in the mask"):
        structures_from_masks("x", volume(gm(0)), volume(cord(0)))
    with pytest.raises(ImageReadError, match="nothing to measure"):
        structures_from_masks("x", None, None)


def test_an_empty_mask_of_gray_matter_leaves_the_cord() -> None:
    rows = measure(structures_from_masks("x", volume(gm(0)), volume(cord()))).rows

    assert {row["status"] for row in rows} == {"no gray matter"}
    assert [row["area_mm2"] for row in rows[:3]] == [None, None, pytest.approx(70)]


def test_masks_on_other_grids_are_refused() -> None:
    with pytest.raises(GeometryError, match=r"far[.]nii[.]gz"):
        structures_from_masks("x", volume(gm(), "far.nii.gz", shift=3), volume(cord()))
    with pytest.raises(GeometryError, match=r"short[.]nii[.]gz: .* that of the other mask \(40"):
        structures_from_masks("x", volume(gm(slices=2), "short.nii.gz"), volume(cord()))
    with pytest.raises(GeometryError, match=r"scan[.]nii[.]gz: .* from those of the masks \(both"):
        structures_from_masks("x", None, volume(cord()), volume(cord(), "scan.nii.gz", shift=3))


def test_probabilities_are_cut_at_a_half_and_summed() -> None:
    soft = gm(0.75)
    soft[14] = gm()[15] * 0.25  # a line of 4 pixels beside it, 1 mm2
    soft[13] = gm()[15] * 0.5
    structures = structures_from_masks("x", volume(soft), volume(cord()))
    row = measure(structures).rows[0]

    assert row["area_mm2"] == pytest.approx(10 + 1)
    assert row["area_soft_mm2"] == pytest.approx(7.5 + 0.25 + 0.5)
    assert "at least 0.5" in " ".join(structures.warnings)


def test_a_cord_at_the_border_is_cut_off_and_has_no_area() -> None:
    at_border = cord()
    at_border[20:, 8:22, 1] = 1
    rows = measure(structures_from_masks("x", volume(gm()), volume(at_border))).rows

    assert [row["status"] for row in rows[::3]] == ["ok", "cut off", "ok"]
    assert all(row["area_mm2"] is None for row in rows[3:6])
    assert all(row["area_mm2"] is not None for row in (*rows[:3], *rows[6:]))


def test_slices_without_a_mask_are_missing_and_not_zero() -> None:
    empty = cord()
    empty[..., 0] = 0
    rows = measure(structures_from_masks("x", None, volume(empty))).rows

    assert (rows[0]["status"], rows[0]["area_mm2"], rows[0]["volume_mm3"]) == (
        "no cord",
        None,
        None,
    )
    assert rows[1]["area_mm2"] == pytest.approx(70)


def test_gray_matter_outside_of_the_cord_is_told() -> None:
    outside = gm()
    outside[2:4, 2, 0] = 1
    structures = structures_from_masks("x", volume(outside), volume(cord()))

    assert "2 of 122 voxels of gray matter lie outside of the cord" in " ".join(structures.warnings)


def test_missing_voxels_of_the_scan_are_left_out() -> None:
    image = np.where(gm() > 0, 100.0, 50.0)
    missing = np.zeros(image.shape, bool)
    missing[15:20, 13:17] = True
    image[missing] = 0
    scan = Volume(
        image.astype(np.float32), Geometry((40, 30, 3), AFFINE), missing=missing, unit=2.0
    )
    row = measure(structures_from_masks("x", volume(gm()), volume(cord()), scan)).rows[0]

    assert (row["mean"], row["sd"]) == (200, 0)
    assert row["contrast_percent"] == pytest.approx(100)
    assert row["cnr"] is None


@pytest.mark.parametrize(
    ("order", "flipped"), [((0, 1, 2), (0, 1)), ((1, 2, 0), ()), ((2, 0, 1), (0,))]
)
def test_missing_voxels_of_a_scan_whose_axes_have_another_order_are_left_out(
    order: tuple[int, int, int], flipped: tuple[int, ...]
) -> None:
    image = np.where(gm() > 0, 100.0, 50.0).astype(np.float32)
    missing = np.zeros(image.shape, bool)
    missing[15:20, 13:17] = True
    image[missing] = 0
    turn = np.eye(4)[:, [*order, 3]]
    shape = [image.shape[axis] for axis in order]
    for axis in flipped:
        turn[:3, 3] += turn[:3, axis] * (shape[axis] - 1)
        turn[:3, axis] *= -1
    i, j, k = shape
    scan = Volume(
        np.flip(image.transpose(order), flipped),
        Geometry((i, j, k), AFFINE @ turn),
        missing=np.flip(missing.transpose(order), flipped),
    )
    row = measure(structures_from_masks("x", volume(gm()), volume(cord()), scan)).rows[0]

    assert (row["mean"], row["sd"]) == (100, 0)


def test_an_empty_mask_beside_a_full_one_is_named() -> None:
    drawn = structures_from_masks("x", volume(gm(0), "gm.nii.gz"), volume(cord()))

    assert drawn.warnings == ("gm.nii.gz: no voxel is in the mask, so its numbers are missing",)
