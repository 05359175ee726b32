"""DICOM in: values and places of voxels, against the standard's equation and two other readers."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import dcm2niix
import highdicom
import nibabel as nib
import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from scgm.errors import ImageReadError
from scgm.image.volume import Volume
from scgm.io.dicom.read import series_in
from scgm.io.read import ReadOptions, image_checksum, read_volume
from tests.helpers.dicom_files import (
    Slab,
    enhanced,
    ge,
    mosaic,
    pattern,
    philips,
    philips_enhanced,
    save,
    slices,
)

Made = list[Any]


def turned(x_deg: float, y_deg: float, z_deg: float) -> tuple[tuple[float, ...], NDArray[Any]]:
    """Return directions of rows and columns turned in space, and their normal."""
    a, b, c = np.deg2rad((x_deg, y_deg, z_deg))
    about_x = [[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]]
    about_y = [[np.cos(b), 0, np.sin(b)], [0, 1, 0], [-np.sin(b), 0, np.cos(b)]]
    about_z = [[np.cos(c), -np.sin(c), 0], [np.sin(c), np.cos(c), 0], [0, 0, 1]]
    turn = np.array(about_x) @ about_y @ about_z
    return (*turn[:, 0], *turn[:, 1]), turn[:, 2]


OBLIQUE, NORMAL = turned(22, -11, 7)
STRAIGHT = Slab(pattern())
SLANTED = Slab(pattern(), orientation=OBLIQUE, step=4 * NORMAL)
SAGITTAL = Slab(pattern(), orientation=(0, 1, 0, 0, 0, -1), step=(-4, 0, 0))
SIGNED = Slab(pattern().astype(np.int16) - 400)

KINDS: dict[str, tuple[Slab, Callable[[Slab], Made]]] = {
    "axial": (STRAIGHT, slices),
    "from above": (replace(STRAIGHT, step=(0, 0, -4)), slices),
    "oblique": (SLANTED, slices),
    "sagittal": (SAGITTAL, slices),
    "signed": (SIGNED, slices),
    "enhanced": (SLANTED, lambda slab: [enhanced(slab)]),
    "mosaic": (SLANTED, lambda slab: [mosaic(slab)]),
    "mosaic from above": (
        Slab(pattern((7, 10, 8)), orientation=OBLIQUE, step=-4 * NORMAL),
        lambda slab: [mosaic(slab)],
    ),
    "philips": (SLANTED, lambda slab: philips(slab, 1, 0, 1)),
    "ge": (SLANTED, ge),
}
KINDS["philips enhanced"] = (SLANTED, lambda slab: [philips_enhanced(slab, 1.0)])
SHEARED = Slab(pattern(), step=(0.5, 1.0, 4.0))


def require_every_voxel(volume: Volume, slab: Slab, factor: float = 1, more: float = 0) -> None:
    """Make sure that each pixel's number lies where the standard puts it."""
    to_voxel = np.linalg.inv(volume.geometry.affine)
    for (k, row, column), number in np.ndenumerate(slab.pictures):
        place = to_voxel @ (*slab.place(k, row, column), 1)
        nearest = np.round(place[:3]).astype(int)
        assert np.abs(place[:3] - nearest).max() < 1e-3
        assert volume.voxels[tuple(nearest)] == pytest.approx(number * factor + more, rel=1e-5)


@pytest.mark.parametrize("kind", [*KINDS, "sheared"])
def test_every_pixel_lies_where_the_standard_puts_it(tmp_path: Path, kind: str) -> None:
    slab, make = KINDS.get(kind, (SHEARED, slices))

    volume = read_volume(save(tmp_path / "in", make(slab)))

    assert volume.voxels.size == slab.pictures.size
    require_every_voxel(volume, slab)


@pytest.mark.parametrize("kind", KINDS)
def test_dcm2niix_agrees_about_place_and_values(tmp_path: Path, kind: str) -> None:
    slab, make = KINDS[kind]
    folder = save(tmp_path / "in", make(slab))
    (tmp_path / "out").mkdir()

    command = [dcm2niix.bin, "-f", "scan", "-o", str(tmp_path / "out"), str(folder)]
    subprocess.run(command, check=True, capture_output=True)

    other: Any = nib.load(next((tmp_path / "out").glob("*.nii")))
    volume = read_volume(folder)
    if kind == "mosaic from above":  # the same places, counted from the other end
        turn = np.diag([1.0, 1, -1, 1])
        turn[2, 3] = other.shape[2] - 1
        np.testing.assert_allclose(other.affine @ turn, volume.geometry.affine, atol=1e-3)
        np.testing.assert_array_equal(other.get_fdata()[..., ::-1], volume.voxels)
        return
    np.testing.assert_allclose(other.affine, volume.geometry.affine, atol=1e-3)
    np.testing.assert_allclose(other.get_fdata(), volume.voxels, rtol=1e-6)


@pytest.mark.parametrize("kind", ["axial", "from above", "oblique", "sagittal", "signed", "ge"])
def test_highdicom_agrees_about_place_and_values(tmp_path: Path, kind: str) -> None:
    slab, make = KINDS[kind]
    folder = save(tmp_path / "in", make(slab))

    volume = read_volume(folder)

    other = highdicom.get_volume_from_series(make(slab))
    require_same(volume, np.diag([-1, -1, 1, 1]) @ other.affine, other.array)


def test_highdicom_agrees_about_an_enhanced_file(tmp_path: Path) -> None:
    folder = save(tmp_path / "in", [enhanced(SLANTED, slopes=(2.5,))])

    other = highdicom.imread(next(folder.iterdir())).get_volume()

    require_same(read_volume(folder), np.diag([-1, -1, 1, 1]) @ other.affine, other.array)


def require_same(volume: Volume, affine: NDArray[Any], values: NDArray[Any]) -> None:
    """Make sure that two volumes in any order of axes have the same values at the same places."""
    ours = nib.as_closest_canonical(nib.Nifti1Image(volume.voxels, volume.geometry.affine))
    theirs = nib.as_closest_canonical(nib.Nifti1Image(values.astype(np.float32), affine))
    np.testing.assert_allclose(ours.affine, theirs.affine, atol=1e-3)
    np.testing.assert_allclose(np.asarray(ours.dataobj), np.asarray(theirs.dataobj), rtol=1e-6)


def test_a_path_may_be_a_text(tmp_path: Path) -> None:
    folder = save(tmp_path / "in", slices(STRAIGHT))

    (series,) = series_in(str(folder))

    assert series.number == series_in(folder)[0].number


def test_slope_and_intercept_are_applied(tmp_path: Path) -> None:
    folder = save(tmp_path / "in", slices(STRAIGHT, RescaleSlope=2.5, RescaleIntercept=-100))

    require_every_voxel(read_volume(folder), STRAIGHT, 2.5, -100)


def test_each_slice_has_its_own_slope(tmp_path: Path) -> None:
    made = slices(STRAIGHT)
    for k, one in enumerate(made):
        one.RescaleSlope, one.RescaleIntercept = k + 1, 0
    scaled = replace(STRAIGHT, pictures=STRAIGHT.pictures * np.arange(1, 6)[:, None, None])

    require_every_voxel(read_volume(save(tmp_path / "in", made)), scaled)


def test_philips_private_scale_leads_back_to_the_measured_values(tmp_path: Path) -> None:
    """(number * slope + intercept) / (slope * private slope) = number / 0.004 + 10 / 0.01."""
    folder = save(tmp_path / "in", philips(STRAIGHT, 2.5, 10, 0.004))

    require_every_voxel(read_volume(folder), STRAIGHT, 1 / 0.004, 10 / 0.01)


def test_philips_keeps_the_private_scale_of_each_frame_of_an_enhanced_file(tmp_path: Path) -> None:
    folder = save(tmp_path / "in", [philips_enhanced(SLANTED, 0.004, slopes=(2.5,))])

    require_every_voxel(read_volume(folder), SLANTED, 1 / 0.004)


def echoes(numbers: tuple[int, ...] = (300, 400), **more: Any) -> Made:
    """Return a series whose slices have these values at echoes of 5, 10, ... ms, but for one."""
    made: Made = []
    for index, number in enumerate(numbers):
        pictures = np.full((3, 8, 8), number, np.uint16)
        pictures[1, 2, 3] = 0
        made += slices(
            replace(STRAIGHT, pictures=pictures),
            start=1 + 3 * index,
            EchoTime=5 * (index + 1),
            EchoNumbers=index + 1,
            **more,
        )
    return made


@pytest.mark.parametrize(
    ("choice", "value"), [("rms", np.sqrt(125_000)), ("mean", 350), (0, 300), (1, 400)]
)
def test_echoes_are_combined_or_chosen(tmp_path: Path, choice: Any, value: float) -> None:
    """The root mean square of 300 and 400 is sqrt((90,000 + 160,000) / 2)."""
    folder = save(tmp_path / "in", echoes())

    volume = read_volume(folder, ReadOptions(volume=choice))

    assert volume.geometry.shape == (8, 8, 3)
    assert np.median(volume.voxels) == pytest.approx(value)
    assert volume.voxels[3, 5, 1] == 0  # row 2 of 8 is the sixth from the last
    note = "echoes (echo times 5, 10 ms)"
    assert any(note in line for line in volume.warnings) == isinstance(choice, str)


def test_echoes_of_an_enhanced_file_are_scaled_before_they_are_combined(tmp_path: Path) -> None:
    slab = replace(STRAIGHT, pictures=pattern((3, 8, 8)))
    folder = save(tmp_path / "in", [enhanced(slab, (5, 10), (2, 3))])

    volume = read_volume(folder, ReadOptions(volume="rms"))

    first, second = slab.pictures * 2.0, (slab.pictures + 100) * 3.0
    combined = np.sqrt((first**2 + second**2) / 2)
    require_every_voxel(volume, replace(slab, pictures=combined))


def test_echoes_are_not_guessed(tmp_path: Path) -> None:
    folder = save(tmp_path / "in", echoes((300, 400, 500)))

    with pytest.raises(ImageReadError, match=r"3 echoes \(echo times 5, 10, 15 ms\).*--volume rms"):
        read_volume(folder)
    with pytest.raises(ImageReadError, match=r"no volume 3; choose with"):
        read_volume(folder, ReadOptions(volume=3))


def test_a_single_volume_is_its_own_root_mean_square(tmp_path: Path) -> None:
    folder = save(tmp_path / "in", slices(STRAIGHT))

    volume = read_volume(folder, ReadOptions(volume="rms"))

    require_every_voxel(volume, STRAIGHT)
    with pytest.raises(ImageReadError, match="a single volume"):
        read_volume(folder, ReadOptions(volume=1))


def test_phase_images_among_the_magnitude_are_left_out(tmp_path: Path) -> None:
    phase = replace(STRAIGHT, pictures=pattern(seed=2))
    folder = save(tmp_path / "in", [*ge(STRAIGHT), *ge(phase, 1, InstanceNumber=99)])

    volume = read_volume(folder)

    require_every_voxel(volume, STRAIGHT)
    assert volume.warnings == ("images of other parts of the signal are left out (5 of phase)",)


@pytest.mark.parametrize(
    "make",
    [
        lambda: ge(STRAIGHT, 1),
        lambda: slices(STRAIGHT, ImageType=["ORIGINAL", "PRIMARY", "P", "ND"]),
        lambda: philips(STRAIGHT, 1, 0, 1, ImageType=["ORIGINAL", "PRIMARY", "PHASE MAP", "P"]),
    ],
)
def test_phase_alone_is_refused(tmp_path: Path, make: Callable[[], Made]) -> None:
    with pytest.raises(ImageReadError, match=r"it shows the phase .* give the magnitude"):
        read_volume(save(tmp_path / "in", make()))


def test_a_folder_and_its_zip_are_the_same_image(tmp_path: Path) -> None:
    folder = save(tmp_path / "in", slices(SLANTED))
    packed = Path(shutil.make_archive(str(tmp_path / "scan"), "zip", folder))

    one, other = read_volume(folder), read_volume(packed)

    np.testing.assert_array_equal(one.voxels, other.voxels)
    assert one.geometry.matches(other.geometry)
    assert one.sha256 == other.sha256 == image_checksum(packed) == image_checksum(folder)


def test_the_checksum_is_that_of_the_series_alone(tmp_path: Path) -> None:
    folder = save(tmp_path / "in", slices(SLANTED))
    before = image_checksum(folder)
    save(folder, slices(Slab(pattern(seed=3)), SeriesNumber=6))

    assert image_checksum(folder, ReadOptions(series=5)) == before
    assert image_checksum(folder, ReadOptions(series=6)) != before


def test_the_only_slice_of_a_folder_can_be_given_as_a_file(tmp_path: Path) -> None:
    slab = replace(STRAIGHT, pictures=pattern((1, 9, 8)))
    folder = save(tmp_path / "in", slices(slab, SliceThickness=3))

    volume = read_volume(next(folder.iterdir()))

    assert volume.geometry.voxel_size_mm == pytest.approx((0.5, 0.6, 3))
    require_every_voxel(volume, slab)


def test_files_without_the_mark_are_known(tmp_path: Path) -> None:
    """Old archives write neither preamble nor file meta information."""
    folder = tmp_path / "in"
    folder.mkdir()
    for index, one in enumerate(slices(STRAIGHT)):
        bare = Dataset()
        bare.update(one)
        bare.save_as(folder / str(index), implicit_vr=True, little_endian=True)

    require_every_voxel(read_volume(folder), STRAIGHT)


def test_the_axis_of_the_slices_can_be_named(tmp_path: Path) -> None:
    folder = save(tmp_path / "in", slices(SAGITTAL))

    assert read_volume(folder, ReadOptions(slice_axis="k")).slice_axis == 2


@pytest.mark.parametrize(
    "options", [ReadOptions(voxel_size_from="qform"), ReadOptions(slices_in_time=True)]
)
def test_options_of_nifti_are_refused(tmp_path: Path, options: ReadOptions) -> None:
    with pytest.raises(ImageReadError, match=r"it is DICOM, where --.* has no meaning"):
        read_volume(save(tmp_path / "in", slices(STRAIGHT)), options)


def test_a_series_of_a_nifti_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "a.nii.gz"
    nib.Nifti1Image(pattern().astype(np.int16), np.eye(4)).to_filename(file)

    with pytest.raises(ImageReadError, match="--series chooses from DICOM"):
        read_volume(file, ReadOptions(series="5"))


def test_directions_with_few_digits_still_stand_at_right_angles(tmp_path: Path) -> None:
    rough = tuple(round(value, 4) for value in OBLIQUE)
    folder = save(tmp_path / "in", slices(replace(SLANTED, orientation=rough)))

    across = read_volume(folder).geometry.affine[:3, :2]

    np.testing.assert_allclose(np.linalg.norm(across, axis=0), (0.5, 0.6), rtol=1e-6)


def test_axial_means_what_the_standard_says() -> None:
    """Rows run to the patient's left, columns to the back: RAS x and y fall along them."""
    first, right, below = (STRAIGHT.place(0, *at) for at in ((0, 0), (0, 1), (1, 0)))

    np.testing.assert_allclose(right - first, (-0.5, 0, 0))
    np.testing.assert_allclose(below - first, (0, -0.6, 0))
