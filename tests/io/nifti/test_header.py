from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest

from scgm.image.volume import Geometry
from scgm.io.nifti.write import as_nifti
from scgm.io.read import read_volume
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

SINGULAR = {"srow_x": 0, "srow_y": 0, "srow_z": 0}


@pytest.mark.parametrize(
    "fields",
    [
        SINGULAR,
        {"srow_x": np.nan},
        {"srow_y": [0.5, 0, 0, 0]},
        {"srow_x": [1e30, 0, 0, 0]},
        {"sform_code": 77},
    ],
    ids=["zero", "nan", "singular", "huge", "code"],
)
def test_the_qform_is_used_where_the_sform_makes_no_sense(
    tmp_path: Path, fields: Mapping[str, Any]
) -> None:
    # Along y the slanted one has the axis of x, so that its axes lie in one plane.
    volume = read_volume(write_scan(tmp_path / "a.nii", fields={"srow_x": AFFINE[0], **fields}))
    assert volume.geometry.matches(Geometry(SHAPE, AFFINE))
    assert len(volume.warnings) == 1
    assert volume.warnings[0].startswith("the sform ")
    assert volume.warnings[0].endswith("the qform is used")
    header = as_nifti(volume.voxels, volume, dtype=np.float32).header
    assert (header["sform_code"], header["qform_code"]) == (0, 1)


@pytest.mark.parametrize(
    "fields",
    [
        {"quatern_b": 0.9, "quatern_c": 0.9},
        {"quatern_b": np.nan},
        {"pixdim": pixdim(0.5, 0, 3)},
        {"pixdim": pixdim(0.5, -0.5, 3)},
        {"pixdim": pixdim(0.5, np.nan, 3)},
        {"pixdim": pixdim(0.5, 1e6, 3)},
        {"qoffset_x": np.inf},
    ],
)
def test_the_sform_is_used_where_the_qform_makes_no_sense(
    tmp_path: Path, fields: Mapping[str, Any]
) -> None:
    volume = read_volume(write_scan(tmp_path / "a.nii", fields=fields))
    assert volume.geometry.matches(Geometry(SHAPE, AFFINE))
    assert len(volume.warnings) == 1
    assert volume.warnings[0].startswith("the qform ")
    image = as_nifti(volume.voxels, volume, dtype=np.float32)
    assert (image.header["sform_code"], image.header["qform_code"]) == (1, 0)
    again = nib.Nifti1Image.from_bytes(image.to_bytes())
    assert again.affine == pytest.approx(AFFINE)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({**SINGULAR, "quatern_b": 0.9, "quatern_c": 0.9}, "its sform"),
        ({**SINGULAR, **NO_QFORM}, "its sform"),
        ({**NO_SFORM, "quatern_b": 0.9, "quatern_c": 0.9}, "its qform is impossible"),
        ({**NO_SFORM, "pixdim": pixdim(0.5, 0.0001, 3)}, "0.5 x 0.0001 x 3 mm"),
        ({**NO_FORMS, "pixdim": pixdim(0, 0.5, 3)}, "0 x 0.5 x 3 mm"),
        ({**NO_FORMS, "pixdim": pixdim(0.5, 60, 3)}, "0.5 x 60 x 3 mm"),
        ({**NO_FORMS, "pixdim": pixdim(0.5, np.nan, 3)}, "impossible"),
        ({**NO_FORMS, "pixdim": pixdim(0.5, -0.5, 3)}, "negative"),
        ({"xyzt_units": 1}, "500 x 500 x 3000 mm"),
    ],
)
def test_voxels_of_unknown_place_or_size_are_refused(
    tmp_path: Path, fields: Mapping[str, Any], words: str
) -> None:
    assert words in refusal(write_scan(tmp_path / "a.nii", fields=fields))


@pytest.mark.parametrize("size", [0.01, 50.0])
def test_voxels_from_a_hundredth_to_fifty_millimeters_are_possible(
    tmp_path: Path, size: float
) -> None:
    path = write_scan(tmp_path / "a.nii", fields={**NO_SFORM, "pixdim": pixdim(size, 1, 1)})
    assert read_volume(path).geometry.voxel_size_mm == pytest.approx((size, 1, 1))


@pytest.mark.parametrize(("code", "unit", "factor"), [(1, "meters", 1e-3), (3, "microns", 1e3)])
def test_other_units_are_turned_into_millimeters_with_a_warning(
    tmp_path: Path, code: int, unit: str, factor: float
) -> None:
    rows = AFFINE[:3] * factor
    fields = {
        **{f"srow_{letter}": row for letter, row in zip("xyz", rows, strict=True)},
        **{f"qoffset_{letter}": row[3] for letter, row in zip("xyz", rows, strict=True)},
        "pixdim": [-1, 0.5 * factor, 0.5 * factor, 3 * factor, 1, 1, 1, 1],
        "xyzt_units": code,
    }
    volume = read_volume(write_scan(tmp_path / "a.nii", fields=fields))
    assert volume.geometry.matches(Geometry(SHAPE, AFFINE))
    assert len(volume.warnings) == 1
    assert unit in volume.warnings[0]
    header = as_nifti(volume.voxels, volume, dtype=np.float32).header
    assert header["xyzt_units"] == code
    assert header["srow_x"] == pytest.approx(rows[0])


def test_without_forms_left_and_right_are_unknown(tmp_path: Path) -> None:
    path = write_scan(tmp_path / "a.nii", fields=NO_FORMS)
    volume = read_volume(path)
    assert volume.geometry.affine == pytest.approx(np.diag([0.5, 0.5, 3, 1]))
    assert len(volume.warnings) == 1
    assert "left and right are unknown" in volume.warnings[0]
    written = nib.Nifti1Image.from_bytes(
        as_nifti(volume.voxels, volume, dtype=np.float32).to_bytes()
    ).header
    assert (written["sform_code"], written["qform_code"]) == (0, 0)


@pytest.mark.parametrize("fields", [NO_FORMS, {**NO_SFORM}])
def test_a_2d_image_needs_no_thickness(tmp_path: Path, fields: Mapping[str, Any]) -> None:
    flat = {**fields, "pixdim": pixdim(0.5, 0.5, 0)}
    volume = read_volume(write_scan(tmp_path / "a.nii", scan((6, 7)), flat))
    assert volume.geometry.voxel_size_mm == pytest.approx((0.5, 0.5, 1))
    assert any("thickness" in warning for warning in volume.warnings)


def test_forms_that_disagree_are_named_with_their_distance(tmp_path: Path) -> None:
    volume = read_volume(write_scan(tmp_path / "a.nii", fields={"qoffset_y": -40 + 1.25}))
    assert volume.warnings == ("sform and qform differ by up to 1.25 mm; the sform is used",)
    assert volume.geometry.matches(Geometry(SHAPE, AFFINE))


def test_forms_that_differ_by_rounding_agree(tmp_path: Path) -> None:
    assert read_volume(write_scan(tmp_path / "a.nii", fields={"qoffset_y": -40.01})).warnings == ()


def test_a_handedness_of_zero_means_right_handed(tmp_path: Path) -> None:
    fields = {**NO_SFORM, "pixdim": [0, 0.5, 0.5, 3, 1, 1, 1, 1]}
    volume = read_volume(write_scan(tmp_path / "a.nii", fields=fields))
    assert np.linalg.det(volume.geometry.affine[:3, :3]) == pytest.approx(0.75)
    image = as_nifti(volume.voxels, volume, dtype=np.float32)
    again = type(image).from_bytes(image.to_bytes())
    assert again.header["pixdim"][0] == 1
    np.testing.assert_allclose(again.affine, volume.geometry.affine, atol=1e-5)
