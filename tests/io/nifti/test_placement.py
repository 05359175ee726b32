from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from scgm.image.volume import Geometry
from scgm.io.nifti.write import as_nifti
from scgm.io.read import ReadOptions, read_volume
from tests.helpers.nifti_files import (
    AFFINE,
    NO_FORMS,
    NO_QFORM,
    NO_SFORM,
    SHAPE,
    pixdim,
    refusal,
    scan,
    write_scan,
)

PIXDIM = (0.5, 0.5, 3.0)


def rows(factor: float = 1.0, *, unit_axes: bool = False) -> dict[str, Any]:
    """Return an sform whose voxels are *factor* times as large, or 1 mm along each axis."""
    affine = AFFINE.copy()
    affine[:3, :3] *= factor
    if unit_axes:
        affine[:3, :3] = np.sign(AFFINE[:3, :3])
    return {f"srow_{letter}": row for letter, row in zip("xyz", affine[:3], strict=True)}


@pytest.mark.parametrize("qform", [{}, NO_QFORM])
@pytest.mark.parametrize(
    ("factor", "areas"),
    [(0.8, "56% larger"), (1.2, "31% smaller"), (1.02, "4% smaller"), (0.98, "4% larger")],
)
def test_voxel_sizes_that_disagree_are_named_with_what_they_do_to_areas(
    tmp_path: Path, factor: float, areas: str, qform: dict[str, Any]
) -> None:
    """Areas by pixdim are 1 / factor ** 2 of those by the sform."""
    volume = read_volume(write_scan(tmp_path / "a.nii", fields={**rows(factor), **qform}))
    assert volume.geometry.voxel_size_mm == pytest.approx(np.multiply(PIXDIM, factor))
    assert volume.voxel_size_from == "sform"
    (warning,) = volume.warnings
    assert f"{0.5 * factor:.4g} x {0.5 * factor:.4g} x {3 * factor:.4g} mm by the sform" in warning
    assert "0.5 x 0.5 x 3 mm by " in warning
    assert f"areas by pixdim are {areas}" in warning
    assert "--voxel-size-from" in warning


@pytest.mark.parametrize("factor", [0.995, 1.005])
def test_sizes_that_differ_by_less_than_a_hundredth_agree(tmp_path: Path, factor: float) -> None:
    assert read_volume(write_scan(tmp_path / "a.nii", fields=rows(factor))).warnings == ()


def test_a_thickness_that_differs_leaves_areas_as_they_are(tmp_path: Path) -> None:
    path = write_scan(tmp_path / "a.nii", fields={**NO_QFORM, "pixdim": pixdim(0.5, 0.5, 3.6)})
    assert "so areas are the same" in read_volume(path).warnings[0]


def test_the_thickness_is_that_of_the_axis_along_the_body(tmp_path: Path) -> None:
    """The first axis of the voxels goes up, the others to the right and to the front."""
    sform = {"srow_x": (0, 0.5, 0, 0), "srow_y": (0, 0, 0.5, 0), "srow_z": (3, 0, 0, 0)}
    fields = {**NO_QFORM, **sform, "pixdim": pixdim(3.6, 0.5, 0.5)}
    volume = read_volume(write_scan(tmp_path / "a.nii", fields=fields))
    assert "so areas are the same" in volume.warnings[0]


@pytest.mark.parametrize("code", [3, 4, 5])
@pytest.mark.parametrize(("qform", "source"), [({}, "qform"), (NO_QFORM, "pixdim")])
def test_a_template_gives_no_voxel_size(
    tmp_path: Path, code: int, qform: dict[str, Any], source: str
) -> None:
    fields = {**rows(0.8), **qform, "sform_code": code}
    volume = read_volume(write_scan(tmp_path / "a.nii", fields=fields))
    assert volume.geometry.voxel_size_mm == pytest.approx(PIXDIM)
    assert volume.voxel_size_from == source
    assert f"the size by {source} is used" in volume.warnings[0]


def test_a_template_of_the_same_size_is_as_good_as_any(tmp_path: Path) -> None:
    volume = read_volume(write_scan(tmp_path / "a.nii", fields={"sform_code": 4}))
    assert (volume.voxel_size_from, volume.warnings) == ("sform", ())


@pytest.mark.parametrize(("qform", "source"), [({}, "qform"), (NO_QFORM, "pixdim")])
def test_axes_of_length_one_give_no_voxel_size(
    tmp_path: Path, qform: dict[str, Any], source: str
) -> None:
    fields = {**rows(unit_axes=True), **qform}
    volume = read_volume(write_scan(tmp_path / "a.nii", fields=fields))
    assert volume.geometry.voxel_size_mm == pytest.approx(PIXDIM)
    assert np.sign(volume.geometry.affine[:3, :3]) == pytest.approx(np.sign(AFFINE[:3, :3]))
    assert volume.voxel_size_from == source


def test_where_no_size_is_sure_the_image_is_refused(tmp_path: Path) -> None:
    fields = {**NO_QFORM, "sform_code": 4, "pixdim": pixdim(1, 1, 1)}
    path = write_scan(tmp_path / "a.nii", fields=fields)
    message = refusal(path)
    assert "0.5 x 0.5 x 3 mm by the sform, 1 x 1 x 1 mm by pixdim" in message
    assert "--voxel-size-from sform or pixdim" in message
    volume = read_volume(path, ReadOptions(voxel_size_from="sform"))
    assert volume.geometry.matches(Geometry(SHAPE, AFFINE))


@pytest.mark.parametrize(("source", "factor"), [("sform", 0.8), ("qform", 1), ("pixdim", 1)])
@pytest.mark.parametrize("code", [1, 4])
def test_the_user_decides(tmp_path: Path, source: Any, factor: float, code: int) -> None:
    path = write_scan(tmp_path / "a.nii", fields={**rows(0.8), "sform_code": code})
    volume = read_volume(path, ReadOptions(voxel_size_from=source))
    assert volume.geometry.voxel_size_mm == pytest.approx(np.multiply(PIXDIM, factor))
    assert volume.voxel_size_from == source
    assert f"the size by {source} is used" in volume.warnings[0]
    header = as_nifti(volume.voxels, volume, dtype=np.float32).header
    assert header["srow_y"] == pytest.approx(rows(0.8)["srow_y"])  # the grid stays the image's


@pytest.mark.parametrize("source", ["sform", "qform", "pixdim"])
def test_a_choice_among_equal_sizes_says_nothing(tmp_path: Path, source: Any) -> None:
    volume = read_volume(write_scan(tmp_path / "a.nii"), ReadOptions(voxel_size_from=source))
    assert volume.geometry.matches(Geometry(SHAPE, AFFINE))
    assert (volume.voxel_size_from, volume.warnings) == (source, ())


@pytest.mark.parametrize(
    ("fields", "source", "words"),
    [
        (NO_SFORM, "sform", "its sform is not set"),
        (NO_QFORM, "qform", "its qform is not set"),
        ({"pixdim": pixdim(0.5, 0, 3)}, "pixdim", "its pixdim has voxels of 0.5 x 0 x 3 mm"),
        ({"pixdim": pixdim(0.5, 0, 3)}, "qform", "its qform is impossible"),
        ({"srow_x": np.nan}, "sform", "its sform is impossible"),
    ],
)
def test_a_choice_that_the_header_does_not_offer_is_refused(
    tmp_path: Path, fields: dict[str, Any], source: str, words: str
) -> None:
    path = write_scan(tmp_path / "a.nii", fields=fields)
    message = refusal(path, voxel_size_from=source)
    assert words in message
    assert "--voxel-size-from" in message


@pytest.mark.parametrize(
    ("fields", "source"), [({}, "sform"), (NO_SFORM, "qform"), (NO_FORMS, "pixdim")]
)
def test_what_gave_the_voxel_size_is_kept(
    tmp_path: Path, fields: dict[str, Any], source: str
) -> None:
    volume = read_volume(write_scan(tmp_path / "a.nii", fields=fields))
    assert volume.voxel_size_from == source
    assert volume.geometry.voxel_size_mm == pytest.approx(PIXDIM)


@pytest.mark.parametrize(
    ("code", "factor", "words"),
    [
        (1, 1.0, "the header says meters, but its numbers look like mm"),
        (2, 1e-3, "the header says mm, but its numbers look like meters"),
        (2, 1e3, "the header says mm, but its numbers look like microns"),
        (3, 1.0, "the header says microns, but its numbers look like mm"),
    ],
)
def test_a_unit_that_does_not_fit_the_numbers_is_named(
    tmp_path: Path, code: int, factor: float, words: str
) -> None:
    fields = {**rows(factor), **NO_QFORM, "xyzt_units": code}
    assert words in refusal(write_scan(tmp_path / "a.nii", fields=fields))


@pytest.mark.parametrize("thickness", [0, -2.0, np.nan])
@pytest.mark.parametrize("shape", [(6, 7), (6, 7, 1)])
@pytest.mark.parametrize("forms", [{}, NO_SFORM, NO_FORMS])
def test_one_slice_needs_no_thickness_and_is_written_with_one(
    tmp_path: Path, shape: tuple[int, ...], thickness: float, forms: dict[str, Any]
) -> None:
    fields = {**forms, "pixdim": pixdim(0.5, 0.5, thickness)}
    volume = read_volume(write_scan(tmp_path / "a.nii", scan(shape), fields))
    assert volume.geometry.voxel_size_mm[:2] == pytest.approx((0.5, 0.5))
    assert any("thickness" in warning for warning in volume.warnings)
    image = as_nifti(volume.voxels, volume, dtype=np.float32)
    again = type(image).from_bytes(image.to_bytes())
    assert again.shape == shape
    assert np.isfinite(again.affine).all()
