"""Areas that follow on paper from the size and number of pixels."""

from pathlib import Path

import numpy as np
import pytest

from scgm.segmentation.measurements import SliceMeasurement
from scgm.segmentation.pipeline import segment
from scgm.segmenters.registry import OnnxModel, load_model
from tests.helpers.standin import cord_voxels, save_scan, scan, turned, write_model


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> OnnxModel:
    return load_model(write_model(tmp_path_factory.mktemp("model")))


def by_label(rows: list[SliceMeasurement], z: int) -> dict[str, SliceMeasurement]:
    return {row.label: row for row in rows if row.slice_is == z}


@pytest.mark.parametrize("axes", ["RAS", "LPI", "ASR", "SRP"])
def test_an_area_is_the_number_of_pixels_times_their_area(model: OnnxModel, axes: str) -> None:
    """Cord 20 x 16 pixels, gray matter 8 x 4, each 0.5 x 0.5 mm: 80, 8 and 72 mm2."""
    rows = by_label(segment(turned(scan(cord_voxels()), axes), segmenter=model).measurements(), 2)

    assert [rows[label].area_mm2 for label in ("SC", "GM", "WM")] == [80, 8, 72]


def test_pixels_that_are_no_squares_have_the_area_of_rectangles(model: OnnxModel) -> None:
    image = scan(cord_voxels(), np.diag([0.4, 0.5, 5, 1]))
    rows = by_label(segment(image, segmenter=model).measurements(), 2)

    assert [rows[label].area_mm2 for label in ("SC", "GM", "WM")] == pytest.approx([64, 6.4, 57.6])
    assert rows["SC"].area_soft_mm2 == pytest.approx(64)
    assert rows["SC"].pixel_area_mm2 == pytest.approx(0.2)


def test_a_soft_area_counts_a_pixel_by_its_probability(model: OnnxModel) -> None:
    voxels = cord_voxels()
    voxels[34:42, 14, :] = 1.25  # 8 pixels of 0.25 mm2 become a quarter gray matter

    rows = by_label(segment(scan(voxels), segmenter=model).measurements(), 0)

    assert rows["GM"].area_mm2 == pytest.approx(6)
    assert rows["GM"].area_soft_mm2 == pytest.approx(6 + 8 * 0.25 * 0.25)
    assert rows["WM"].area_soft_mm2 == pytest.approx(72 + 8 * 0.25 * 0.75)


def test_what_was_not_seen_is_missing_and_not_zero(model: OnnxModel) -> None:
    voxels = cord_voxels()
    voxels[..., 1] = 0

    rows = by_label(segment(scan(voxels), segmenter=model).measurements(), 1)

    for row in rows.values():
        assert (row.area_mm2, row.area_soft_mm2, row.center_x, row.center_y) == (None,) * 4
        assert row.status == "no cord"
        assert row.presence == 0


def test_gray_matter_that_was_not_found_has_no_area_and_no_zero(model: OnnxModel) -> None:
    """Neither has white matter, which is the cord less the gray matter. Soft areas likewise."""
    voxels = np.clip(cord_voxels(), 0, 1.4)

    rows = by_label(segment(scan(voxels), segmenter=model).measurements(), 0)

    assert {rows[label].status for label in rows} == {"no gray matter"}
    assert all(rows[label].flagged for label in rows)
    for label in ("GM", "WM"):
        assert (rows[label].area_mm2, rows[label].area_soft_mm2) == (None, None)
    assert rows["SC"].area_mm2 == rows["SC"].area_soft_mm2 == 80


def test_ok_is_not_said_where_nothing_can_be_told(model: OnnxModel) -> None:
    """The stand-in's card has no coefficients of confidence."""
    rows = segment(scan(cord_voxels()), segmenter=model).measurements()

    assert {row.status for row in rows} == {"confidence not available"}
    assert {row.confidence for row in rows} == {None}
    assert not any(row.flagged for row in rows)


def test_the_table_says_what_the_areas_are_counted_in(model: OnnxModel) -> None:
    image = scan(cord_voxels())
    image.set_sform(image.affine, 1)
    image.set_qform(image.affine, 1)

    row = segment(image, segmenter=model).measurements()[0]

    assert (row.slice_mm, row.pixel_area_mm2) == (5, 0.25)


def test_slices_are_counted_as_in_the_image_and_from_below(model: OnnxModel) -> None:
    rows = segment(turned(scan(cord_voxels(4)), "LPI"), segmenter=model).measurements()

    assert [(row.slice, row.slice_is) for row in rows if row.label == "GM"] == [
        (3, 0),
        (2, 1),
        (1, 2),
        (0, 3),
    ]


@pytest.mark.parametrize("axes", ["RAS", "LPI", "ASR", "SRP", "PIL"])
def test_the_center_is_where_a_viewer_shows_it(model: OnnxModel, axes: str) -> None:
    """The mean place of the cord's voxels, along the image's own in-plane axes."""
    image = turned(scan(cord_voxels()), axes)
    cord = np.asanyarray(image.dataobj) >= 1
    slice_axis = next(i for i, code in enumerate(axes) if code in "SI")
    expected = np.delete(np.argwhere(cord).mean(axis=0), slice_axis)

    row = segment(image, segmenter=model).measurements()[0]

    assert (row.center_x, row.center_y) == pytest.approx(tuple(expected), abs=1e-4)


def test_a_row_names_its_file(model: OnnxModel, tmp_path: Path) -> None:
    path = save_scan(tmp_path / "sub-01_T2starw.nii.gz")

    rows = segment(path, segmenter=model).measurements()

    assert {row.file for row in rows} == {"sub-01_T2starw.nii.gz"}
    assert len(rows) == 3 * 5
