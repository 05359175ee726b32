from __future__ import annotations

import errno
import gzip
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from numpy.typing import NDArray

from scgm.errors import GeometryError, ImageReadError, OutputError, UsageError
from scgm.image.orientation import from_axial, to_axial
from scgm.image.volume import Geometry, Volume
from scgm.io.nifti.write import as_nifti, write_nifti
from scgm.io.read import (
    ReadOptions,
    labels_from_nibabel,
    read_labels,
    read_volume,
    volume_from_nibabel,
)
from tests.helpers.nifti_files import (
    AFFINE,
    NO_FORMS,
    NO_QFORM,
    NO_SFORM,
    SHAPE,
    content,
    refusal,
    scan,
    write,
    write_scan,
)
from tests.helpers.strategies import affines, geometries, rotation

GRID_FIELDS = (
    *("sform_code", "srow_x", "srow_y", "srow_z", "pixdim", "xyzt_units"),
    *("qform_code", "quatern_b", "quatern_c", "quatern_d", "qoffset_x", "qoffset_y", "qoffset_z"),
)


# What is read


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
@pytest.mark.parametrize("kind", [nib.Nifti1Image, nib.Nifti2Image])
@pytest.mark.parametrize("order", ["<", ">"])
def test_a_sound_file_is_read_as_it_is(
    tmp_path: Path, name: str, kind: type[nib.Nifti1Image], order: str
) -> None:
    path = write(tmp_path / name, content(kind=kind, order=order))
    volume = read_volume(path)
    assert np.array_equal(volume.voxels, scan())
    assert volume.geometry.matches(Geometry(SHAPE, AFFINE))
    assert (volume.source, volume.native_shape, volume.warnings) == (path, SHAPE, ())


@pytest.mark.parametrize("dtype", ["u1", "i1", "u2", "i4", "u4", "i8", "u8", "f4", "f8"])
@pytest.mark.parametrize("order", ["<", ">"])
def test_every_type_of_number_gives_the_same_values(tmp_path: Path, dtype: str, order: str) -> None:
    values = (scan() % 100).astype(dtype)
    volume = read_volume(write(tmp_path / "a.nii", content(values, order=order)))
    assert np.array_equal(volume.voxels, values)
    assert volume.voxels.dtype == np.dtype("=f4")


@pytest.mark.parametrize(
    ("slope", "inter", "expected"),
    [
        (2, 10, (2, 10)),
        (-1, 0, (-1, 0)),
        (0, 10, (1, 0)),
        (np.nan, 10, (1, 0)),
        (np.inf, 10, (1, 0)),
        (2, np.nan, (2, 0)),
    ],
)
def test_scaling_of_the_header_is_honored(
    tmp_path: Path, slope: float, inter: float, expected: tuple[float, float]
) -> None:
    path = write_scan(tmp_path / "a.nii", fields={"scl_slope": slope, "scl_inter": inter})
    assert np.array_equal(read_volume(path).voxels, scan() * expected[0] + expected[1])


@pytest.mark.parametrize("slope", [1e-45, 1e-38, 1e-20, 1e18, 1e30, 1e37])
def test_a_tiny_or_huge_slope_leaves_the_values_as_they_are_to_each_other(
    tmp_path: Path, slope: float
) -> None:
    volume = read_volume(write_scan(tmp_path / "a.nii", fields={"scl_slope": slope}))
    assert volume.voxels / volume.voxels[0, 0, 0] == pytest.approx(scan())
    assert volume.voxels[0, 0, 0] * volume.unit == pytest.approx(float(np.float32(slope)))
    assert volume.unit != 1
    assert volume.warnings[0].startswith("its values are stored in units of")


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(affine=affines())
def test_voxels_lie_where_the_forms_of_the_header_say(
    tmp_path: Path, affine: NDArray[np.float64]
) -> None:
    image = nib.Nifti1Image(scan(), None)
    image.set_sform(affine, 1)
    image.set_qform(affine, 1)
    truth = Geometry(SHAPE, image.header.get_sform())
    data = image.to_bytes()
    by_both = read_volume(write(tmp_path / "both.nii", data)).geometry
    assert by_both.matches(truth, tolerance_mm=0)
    image.set_sform(None, 0)
    by_qform = read_volume(write(tmp_path / "qform.nii", image.to_bytes())).geometry
    assert by_qform.matches(Geometry(SHAPE, image.header.get_qform()), tolerance_mm=1e-5)


def test_a_2d_image_is_one_slice(tmp_path: Path) -> None:
    volume = read_volume(write_scan(tmp_path / "a.nii", scan((6, 7))))
    assert volume.voxels.shape == (6, 7, 1)
    assert volume.native_shape == (6, 7)
    assert to_axial(volume).slices.shape == (1, 7, 6)


@pytest.mark.parametrize(
    ("shape", "native"),
    [((6, 7, 5, 1), (6, 7, 5)), ((6, 7, 5, 1, 1), (6, 7, 5)), ((6, 7, 1, 1), (6, 7, 1))],
)
def test_dimensions_of_one_at_the_end_do_not_count(
    tmp_path: Path, shape: tuple[int, ...], native: tuple[int, ...]
) -> None:
    volume = read_volume(write_scan(tmp_path / "a.nii", scan(shape)))
    assert volume.native_shape == native
    assert np.array_equal(volume.voxels, scan(native))


@pytest.mark.parametrize(
    ("name", "packed", "warning"), [("a.nii", True, "is gzip"), ("a.nii.gz", False, "is not gzip")]
)
def test_files_are_opened_by_content_and_not_by_name(
    tmp_path: Path, name: str, packed: bool, warning: str
) -> None:
    path = tmp_path / name
    path.write_bytes(gzip.compress(content()) if packed else content())
    volume = read_volume(path)
    assert np.array_equal(volume.voxels, scan())
    assert len(volume.warnings) == 1
    assert warning in volume.warnings[0]


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
def test_bytes_after_the_voxels_are_only_worth_a_warning(tmp_path: Path, name: str) -> None:
    volume = read_volume(write(tmp_path / name, content() + bytes(100)))
    assert np.array_equal(volume.voxels, scan())
    assert volume.warnings == ("100 bytes after the voxels were ignored",)


def test_an_extension_of_the_header_is_passed_over(tmp_path: Path) -> None:
    image = nib.Nifti1Image(scan(), AFFINE)
    image.header.extensions.append(nib.nifti1.Nifti1Extension("comment", b"John Doe" * 9))
    volume = read_volume(write(tmp_path / "a.nii", image.to_bytes()))
    assert np.array_equal(volume.voxels, scan())
    assert b"John Doe" not in as_nifti(volume.voxels, volume, dtype=np.float32).to_bytes()


# Several volumes


def series() -> NDArray[np.float32]:
    return np.stack([scan() * factor for factor in (1.0, 2.0, 6.0)], axis=-1).astype(np.float32)


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
@pytest.mark.parametrize(("choice", "factor"), [(0, 1), (1, 2), (2, 6), ("mean", 3)])
def test_one_volume_of_a_series_or_their_mean(
    tmp_path: Path, name: str, choice: Any, factor: float
) -> None:
    volume = read_volume(write_scan(tmp_path / name, series()), ReadOptions(volume=choice))
    assert np.array_equal(volume.voxels, scan() * factor)
    assert volume.native_shape == SHAPE


def test_infinite_values_do_not_spoil_a_mean(tmp_path: Path) -> None:
    values = series()
    values[2, 2, 2] = np.inf, -np.inf, np.nan
    path = write_scan(tmp_path / "a.nii", values)
    for volume in (
        read_volume(path, ReadOptions(volume="mean")),
        volume_from_nibabel(nib.load(path), ReadOptions(volume="mean")),
    ):
        means = np.delete(scan().ravel(), np.ravel_multi_index((2, 2, 2), scan().shape)) * 3
        assert volume.voxels[2, 2, 2] == np.percentile(means, 1, method="lower")
        assert volume.voxels[2, 2, 3] == scan()[2, 2, 3] * 3
        assert volume.warnings[0].startswith("1 voxel is NaN")


def test_a_series_asks_for_a_choice(tmp_path: Path) -> None:
    message = refusal(write_scan(tmp_path / "a.nii.gz", series()))
    assert "3 volumes" in message
    assert "--volume N (0 to 2)" in message
    assert "--volume mean" in message


@pytest.mark.parametrize("choice", [3, -1, "median"])
def test_a_volume_that_is_not_there_is_refused(tmp_path: Path, choice: Any) -> None:
    message = refusal(write_scan(tmp_path / "a.nii.gz", series()), volume=choice)
    assert f"not {choice}" in message
    assert "0 to 2" in message


@pytest.mark.parametrize("choice", [0, "mean"])
def test_a_single_volume_may_be_chosen(tmp_path: Path, choice: Any) -> None:
    volume = read_volume(write_scan(tmp_path / "a.nii"), ReadOptions(volume=choice))
    assert np.array_equal(volume.voxels, scan())


def test_a_single_volume_has_no_second(tmp_path: Path) -> None:
    assert "no volume 1" in refusal(write_scan(tmp_path / "a.nii"), volume=1)


# Images in memory


def test_an_image_in_memory_passes_the_same_checks() -> None:
    image = nib.Nifti1Image(series(), AFFINE)
    volume = volume_from_nibabel(image, ReadOptions(volume=1))
    assert np.array_equal(volume.voxels, scan() * 2)
    assert volume.geometry.matches(Geometry(SHAPE, AFFINE))
    with pytest.raises(ImageReadError, match="the image: it holds 3 volumes"):
        volume_from_nibabel(image)
    with pytest.raises(ImageReadError, match="nothing to see"):
        volume_from_nibabel(nib.Nifti1Image(np.zeros(SHAPE, np.float32), AFFINE))
    with pytest.raises(ImageReadError, match="complex"):
        volume_from_nibabel(nib.Nifti1Image(np.zeros(SHAPE, np.complex64), AFFINE))


def test_an_image_from_a_file_gives_what_the_file_gives(tmp_path: Path) -> None:
    path = write_scan(tmp_path / "a.nii", fields={"scl_slope": 2, "scl_inter": 3})
    by_path, by_image = read_volume(path), volume_from_nibabel(nib.load(path))
    assert np.array_equal(by_path.voxels, by_image.voxels)
    assert by_path.geometry.matches(by_image.geometry, tolerance_mm=0)
    assert by_image.source == path


def test_an_image_whose_file_was_cut_short_is_refused(tmp_path: Path) -> None:
    path = write_scan(tmp_path / "a.nii")
    image = nib.load(path)
    path.write_bytes(content()[:-10])
    with pytest.raises(ImageReadError, match=r"a\.nii"):
        volume_from_nibabel(image)


def test_an_image_whose_affine_was_changed_lies_where_it_says_now() -> None:
    image = nib.Nifti1Image(scan().astype(np.float32), AFFINE.copy())
    image.affine[:3, 3] += 7
    image.affine[:3, :3] *= 0.5

    volume = volume_from_nibabel(image)

    assert volume.geometry.matches(Geometry(SHAPE, image.affine))
    written = as_nifti(volume.voxels, volume, dtype=np.float32)
    assert written.affine == pytest.approx(image.affine)
    assert image.header.get_sform() == pytest.approx(AFFINE)  # the image is as it was


def test_an_image_of_another_format_keeps_its_place() -> None:
    image = nib.MGHImage(scan().astype(np.float32), AFFINE)
    volume = volume_from_nibabel(image)
    assert volume.geometry.matches(Geometry(SHAPE, AFFINE))
    written = as_nifti(volume.voxels, volume, dtype=np.float32)
    assert written.affine == pytest.approx(AFFINE)


# What is written


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
@pytest.mark.parametrize("kind", [nib.Nifti1Image, nib.Nifti2Image])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(
    "fields",
    [
        {},
        NO_SFORM,
        NO_QFORM,
        NO_FORMS,
        {"sform_code": 2, "qform_code": 3},
        {"qoffset_y": -38.75},
        {"pixdim": [-1, 0.5, 0.5, 3, 2.2, 0, 0, 7]},
        {**NO_QFORM, "pixdim": [0, 0.7, 0, np.nan, 1, 1, 1, 1]},
    ],
)
def test_the_grid_of_the_input_is_written_bit_for_bit(
    tmp_path: Path,
    fields: Mapping[str, Any],
    order: str,
    kind: type[nib.Nifti1Image],
    dtype: type[np.uint8 | np.float32],
) -> None:
    data = content(fields=fields, kind=kind, order=order)
    volume = read_volume(write(tmp_path / "a.nii", data))
    whole = as_nifti(volume.voxels % 2, volume, dtype=dtype).to_bytes()
    length = 348 if kind is nib.Nifti1Image else 540
    before = kind.header_class(data[:length], order, check=False)
    after = kind.header_class(whole[:length], "<", check=False)
    for field in GRID_FIELDS:
        expected = before[field].astype(before[field].dtype.newbyteorder("<"))
        assert after[field].tobytes() == expected.tobytes(), field


def test_labels_and_probabilities_are_stored_as_they_are(tmp_path: Path) -> None:
    volume = read_volume(write_scan(tmp_path / "a.nii.gz"))
    probability = np.random.default_rng(0).random(SHAPE, np.float32)
    for values, dtype, intent in (
        (probability > 0.5, np.uint8, 1002),
        (probability, np.float32, 0),
    ):
        path = tmp_path / f"{np.dtype(dtype).name}.nii.gz"
        write_nifti(as_nifti(values, volume, dtype=dtype), path)
        image = nib.load(path)
        assert image.get_data_dtype() == dtype
        assert np.array_equal(np.asarray(image.dataobj.get_unscaled()), values)
        assert (image.dataobj.slope, image.dataobj.inter) == (1, 0)
        assert image.header["intent_code"] == intent
        assert image.header["descrip"].item().startswith(b"scgm ")
        assert len(image.header.extensions) == 0
        assert image.shape == SHAPE


@pytest.mark.parametrize("shape", [(6, 7), (6, 7, 1), (6, 7, 5), (6, 7, 5, 1)])
def test_the_shape_of_the_input_is_written(tmp_path: Path, shape: tuple[int, ...]) -> None:
    volume = read_volume(write_scan(tmp_path / "a.nii", scan(shape)))
    write_nifti(as_nifti(volume.voxels, volume, dtype=np.float32), tmp_path / "b.nii")
    written = nib.load(tmp_path / "b.nii")
    assert written.shape == shape[:3]
    assert np.array_equal(written.get_fdata(), scan(shape[:3]))
    assert written.header["pixdim"] == pytest.approx(nib.load(tmp_path / "a.nii").header["pixdim"])


def test_viewers_are_told_the_largest_label_and_the_largest_probability(tmp_path: Path) -> None:
    volume = read_volume(write_scan(tmp_path / "a.nii"))
    labels, fractions = np.zeros(SHAPE, np.uint8), np.full(SHAPE, 0.3, np.float32)
    labels[0, 0, 0] = 4
    assert as_nifti(labels, volume, dtype=np.uint8).header["cal_max"] == 4
    assert as_nifti(fractions, volume, dtype=np.float32).header["cal_max"] == 1


def test_values_of_another_shape_are_not_written(tmp_path: Path) -> None:
    volume = read_volume(write_scan(tmp_path / "a.nii"))
    with pytest.raises(GeometryError, match=r"\(6, 7, 4\)"):
        as_nifti(np.zeros((6, 7, 4)), volume, dtype=np.uint8)


@pytest.mark.parametrize("value", [0.5, -1, 256, np.nan])
def test_what_is_no_label_is_not_written_as_one(tmp_path: Path, value: float) -> None:
    volume = read_volume(write_scan(tmp_path / "a.nii"))
    with pytest.raises(ValueError, match="0 to 255"):
        as_nifti(np.full(SHAPE, value), volume, dtype=np.uint8)


@settings(max_examples=30)
@given(geometries())
def test_a_volume_made_in_memory_is_written_where_it_lies(geometry: Geometry) -> None:
    """The sform always says so; the qform, whose numbers are coarse near half a turn, if it can."""
    volume = Volume(np.zeros(geometry.shape, np.float32), geometry)
    header = as_nifti(volume.voxels, volume, dtype=np.uint8).header
    holds = geometry.matches(Geometry(geometry.shape, header.get_qform()))

    assert header["sform_code"] == 1
    assert geometry.matches(Geometry(geometry.shape, header.get_sform()))
    assert header["qform_code"] == holds


def test_a_plain_volume_made_in_memory_has_both_forms() -> None:
    geometry = Geometry((3, 4, 5), np.diag([0.5, 0.5, 5.0, 1.0]))
    volume = Volume(np.zeros(geometry.shape, np.float32), geometry)
    header = as_nifti(volume.voxels, volume, dtype=np.uint8).header

    assert (header["sform_code"], header["qform_code"]) == (1, 1)


def test_a_sheared_grid_has_no_qform() -> None:
    sheared = AFFINE @ np.array([[1, 0.3, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
    volume = Volume(np.zeros(SHAPE, np.float32), Geometry(SHAPE, sheared))
    image = as_nifti(volume.voxels, volume, dtype=np.uint8)
    assert (image.header["sform_code"], image.header["qform_code"]) == (1, 0)
    assert image.affine == pytest.approx(sheared)


def test_what_is_written_reads_back_the_same(tmp_path: Path) -> None:
    turned = Geometry(
        SHAPE,
        AFFINE
        @ np.block(
            [[rotation((1, 2, 3), 20), np.zeros((3, 1))], [np.zeros((1, 3)), np.ones((1, 1))]]
        ),
    )
    volume = Volume(scan().astype(np.float32), turned)
    write_nifti(as_nifti(volume.voxels, volume, dtype=np.float32), tmp_path / "a.nii.gz")
    again = read_volume(tmp_path / "a.nii.gz")
    assert np.array_equal(again.voxels, volume.voxels)
    assert again.geometry.matches(turned)


# How it is written


def image() -> nib.Nifti1Image:
    volume = Volume(scan().astype(np.float32), Geometry(SHAPE, AFFINE))
    return as_nifti(volume.voxels, volume, dtype=np.float32)


def test_the_same_image_gives_the_same_bytes_under_any_name(tmp_path: Path) -> None:
    write_nifti(image(), tmp_path / "a.nii.gz")
    write_nifti(image(), tmp_path / "another name.nii.gz")
    first = (tmp_path / "a.nii.gz").read_bytes()
    assert first == (tmp_path / "another name.nii.gz").read_bytes()
    assert first[3] == 0  # no name
    assert first[4:8] == bytes(4)  # no time
    write_nifti(image(), tmp_path / "a.nii")
    assert gzip.decompress(first) == (tmp_path / "a.nii").read_bytes()


def test_nothing_is_replaced_unasked(tmp_path: Path) -> None:
    path = tmp_path / "a.nii"
    path.write_bytes(b"precious")
    with pytest.raises(OutputError, match="exists already"):
        write_nifti(image(), path)
    assert path.read_bytes() == b"precious"
    write_nifti(image(), path, overwrite=True)
    assert path.read_bytes() == image().to_bytes()
    assert [file.name for file in tmp_path.iterdir()] == ["a.nii"]


def test_a_folder_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "a.nii").mkdir()
    with pytest.raises(OutputError, match="exists already"):
        write_nifti(image(), tmp_path / "a.nii", overwrite=True)


@pytest.mark.parametrize("name", ["a.png", "a", "a.gz", "a.nii.bz2"])
def test_an_image_has_the_name_of_an_image(tmp_path: Path, name: str) -> None:
    with pytest.raises(OutputError, match=r"\.nii\.gz or \.nii"):
        write_nifti(image(), tmp_path / name)


def test_a_missing_folder_is_reported(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot be written"):
        write_nifti(image(), tmp_path / "missing" / "a.nii")


@pytest.mark.parametrize("function", ["fsync", "replace"])
@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left"), KeyboardInterrupt()])
def test_a_file_appears_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, function: str, error: BaseException
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise error

    path = tmp_path / "a.nii.gz"
    path.write_bytes(b"earlier")
    monkeypatch.setattr(os if function == "fsync" else Path, function, fail)
    expected = OutputError if isinstance(error, OSError) else KeyboardInterrupt
    with pytest.raises(expected):
        write_nifti(image(), path, overwrite=True)
    assert [file.name for file in tmp_path.iterdir()] == ["a.nii.gz"]
    assert path.read_bytes() == b"earlier"


# Real images

DATA = Path(os.environ.get("SCGM_DATA", Path(__file__).parents[4] / "shared" / "data"))


@pytest.mark.slow
@pytest.mark.real
def test_every_real_image_is_read_or_refused_in_one_sentence() -> None:
    files = sorted(DATA.rglob("*.nii.gz"))
    if not files:
        pytest.skip(f"no images in {DATA}; set SCGM_DATA")
    for path in files:
        shape = nib.load(path).shape
        if "warp" in path.name:
            assert "vectors" in refusal(path)
            continue
        if len(shape) == 4:
            assert f"{shape[3]} volumes" in refusal(path)
        volume = read_volume(path, ReadOptions(volume="mean"))
        assert volume.geometry.shape == shape[:3]
        assert volume.geometry.matches(Geometry(shape[:3], nib.load(path).affine), tolerance_mm=0)
        assert np.isfinite(volume.voxels).all()
        assert ("NaN" in " ".join(volume.warnings)) == (path.name == "mtr.nii.gz")


# Labels


def in_time() -> NDArray[np.int16]:
    return scan()[:, :, None, :]


@pytest.mark.parametrize("value", [0, 1])
def test_labels_may_all_be_the_same(tmp_path: Path, value: int) -> None:
    labels = read_labels(write_scan(tmp_path / "a.nii.gz", np.full(SHAPE, value, np.uint8)))
    assert np.array_equal(labels.voxels, np.full(SHAPE, value))
    assert labels.geometry.matches(Geometry(SHAPE, AFFINE))


def test_a_rare_large_label_is_kept(tmp_path: Path) -> None:
    values = np.ones(SHAPE, np.int16)
    values[0, 0, 0] = 2000
    labels = read_labels(write_scan(tmp_path / "a.nii", values))
    assert np.array_equal(labels.voxels, values)
    assert labels.warnings == ()


@pytest.mark.parametrize("image", [False, True])
def test_nan_in_labels_is_outside(tmp_path: Path, image: bool) -> None:
    values = np.full(SHAPE, np.nan, np.float32)
    values[2, 3] = 1
    path = write_scan(tmp_path / "a.nii", values)
    labels = labels_from_nibabel(nib.load(path)) if image else read_labels(path)
    assert np.array_equal(labels.voxels, np.nan_to_num(values))
    assert labels.missing is not None
    assert np.array_equal(labels.missing, np.isnan(values))
    assert labels.warnings == ("205 voxels are NaN or infinite, taken as outside the image",)


def test_infinite_labels_are_refused(tmp_path: Path) -> None:
    values = np.zeros(SHAPE, np.float32)
    values[0, 0, 0] = np.inf
    path = write_scan(tmp_path / "a.nii", values)
    with pytest.raises(ImageReadError, match=r"a\.nii: it holds infinite values"):
        read_labels(path)


@pytest.mark.parametrize("image", [False, True])
@pytest.mark.parametrize("values", [series, in_time])
def test_of_several_masks_none_is_chosen_and_no_option_is_advised_that_commands_lack(
    tmp_path: Path, values: Callable[[], NDArray[Any]], image: bool
) -> None:
    path = write_scan(tmp_path / "a.nii", values())
    with pytest.raises(ImageReadError, match="masks and labels have one; save the one") as refused:
        labels_from_nibabel(nib.load(path)) if image else read_labels(path)
    assert "--" not in str(refused.value)
    assert np.array_equal(read_labels(path, ReadOptions(volume=1)).voxels, values()[..., 1])


# Slices in time, echoes, and the axis of the slices


def test_slices_in_time_are_recognized_and_their_mean_is_not_advised(tmp_path: Path) -> None:
    message = refusal(write_scan(tmp_path / "a.nii", in_time()))
    assert "5 volumes of a single slice each" in message
    assert "--slices-in-time" in message
    assert "mean" not in message


@pytest.mark.parametrize("choice", ["mean", "rms"])
def test_levels_are_not_averaged(tmp_path: Path, choice: Any) -> None:
    path = write_scan(tmp_path / "a.nii", in_time())
    assert "--slices-in-time" in refusal(path, volume=choice)


@pytest.mark.parametrize("image", [False, True])
def test_slices_in_time_become_one_volume_and_are_written_as_they_were(
    tmp_path: Path, image: bool
) -> None:
    path = write_scan(tmp_path / "a.nii", in_time())
    reading = ReadOptions(slices_in_time=True)
    volume = volume_from_nibabel(nib.load(path), reading) if image else read_volume(path, reading)
    assert np.array_equal(volume.voxels, scan())
    assert volume.geometry.matches(Geometry(SHAPE, AFFINE))
    written = as_nifti(volume.voxels, volume, dtype=np.float32)
    assert written.shape == (6, 7, 1, 5)
    assert np.array_equal(np.asarray(written.dataobj), in_time())


def test_one_slice_of_a_series_can_be_chosen(tmp_path: Path) -> None:
    volume = read_volume(write_scan(tmp_path / "a.nii", in_time()), ReadOptions(volume=2))
    assert np.array_equal(volume.voxels, scan()[:, :, 2:3])


@pytest.mark.parametrize("shape", [SHAPE, (6, 7), (6, 7, 5, 2), (6, 7, 1, 1, 5)])
def test_slices_in_time_must_be_there(tmp_path: Path, shape: tuple[int, ...]) -> None:
    message = refusal(write_scan(tmp_path / "a.nii", scan(shape)), slices_in_time=True)
    assert "no slices in the fourth dimension" in message


def echoes() -> NDArray[np.float32]:
    return np.stack([scan() * factor for factor in (3.0, 4.0)], axis=-1)[:, :, :, None, :].astype(
        np.float32
    )


@pytest.mark.parametrize("image", [False, True])
@pytest.mark.parametrize(
    ("choice", "factor"), [(0, 3), (1, 4), ("mean", 3.5), ("rms", np.sqrt(12.5))]
)
def test_echoes_in_the_fifth_dimension_are_chosen_or_combined(
    tmp_path: Path, choice: Any, factor: float, image: bool
) -> None:
    path, reading = write_scan(tmp_path / "a.nii", echoes()), ReadOptions(volume=choice)
    volume = volume_from_nibabel(nib.load(path), reading) if image else read_volume(path, reading)
    assert volume.voxels == pytest.approx(scan() * factor)
    assert volume.native_shape == SHAPE


def test_the_mean_square_is_that_of_the_scaled_values(tmp_path: Path) -> None:
    fields = {"scl_slope": 2, "scl_inter": 10}
    path = write_scan(tmp_path / "a.nii", series(), fields)
    volume = read_volume(path, ReadOptions(volume="rms"))
    parts = np.stack([np.asarray(scan() * factor * 2 + 10, float) for factor in (1, 2, 6)])
    assert volume.voxels == pytest.approx(np.sqrt(np.square(parts).mean(axis=0)))


def test_echoes_ask_for_a_choice(tmp_path: Path) -> None:
    message = refusal(write_scan(tmp_path / "a.nii", echoes()))
    assert "2 volumes along dimension 5, as echoes are" in message
    assert "--volume rms" in message


def test_a_number_of_5000_digits_is_refused_in_a_sentence(tmp_path: Path) -> None:
    message = refusal(write_scan(tmp_path / "a.nii", series()), volume=10**5000)
    assert "3 volumes" in message
    assert len(message) < 300


def test_a_dimension_of_zero_after_the_third_is_one(tmp_path: Path) -> None:
    fields = {"dim": [4, *SHAPE, 0, 0, 0, 0]}
    volume = read_volume(write_scan(tmp_path / "a.nii", fields=fields))
    assert np.array_equal(volume.voxels, scan())
    assert volume.warnings == ("dim[4] is 0 in the header; it was read as 1",)


# Coronal header: i to the right, j up, k to the front, though the slices along k are axial.
CORONAL = np.array([[0.5, 0, 0, 0], [0, 0, 3.0, 0], [0, 0.5, 0, 0], [0, 0, 0, 1]])
SAGITTAL = np.array([[0, 0, 3.0, 0], [0.5, 0, 0, 0], [0, 0.5, 0, 0], [0, 0, 0, 1]])


@pytest.mark.parametrize("affine", [CORONAL, SAGITTAL])
def test_the_axis_of_the_slices_can_be_named(tmp_path: Path, affine: NDArray[np.float64]) -> None:
    path = tmp_path / "a.nii"
    nib.save(nib.Nifti1Image(scan(), affine), path)
    with pytest.raises(ImageReadError, match="--slice-axis k"):
        to_axial(read_volume(path))
    volume = read_volume(path, ReadOptions(slice_axis="k"))
    stack = to_axial(volume)
    assert np.array_equal(stack.slices, scan().T)  # what was up is to the front
    assert stack.spacing_mm == pytest.approx((3, 0.5, 0.5))
    assert np.array_equal(from_axial(stack, stack.slices), volume.voxels)
    assert "along k, as chosen, and not along j" in volume.warnings[-1]


def test_naming_the_usual_axis_changes_nothing(tmp_path: Path) -> None:
    path = write_scan(tmp_path / "a.nii")
    named = read_volume(path, ReadOptions(slice_axis="k"))
    assert np.array_equal(to_axial(named).slices, to_axial(read_volume(path)).slices)
    assert named.warnings == ()


def test_missing_voxels_lie_where_the_slices_show_them(tmp_path: Path) -> None:
    values = scan().astype(np.float32)
    values[1, 2, 3] = np.nan
    stack = to_axial(read_volume(write_scan(tmp_path / "a.nii", values)))
    assert stack.missing is not None
    assert np.argwhere(stack.missing).tolist() == [[3, 2, 4]]  # i runs to the left


def test_an_image_without_gaps_has_no_missing_voxels(tmp_path: Path) -> None:
    volume = read_volume(write_scan(tmp_path / "a.nii"))
    assert volume.missing is None
    assert to_axial(volume).missing is None


@pytest.mark.parametrize(
    "choices",
    [{"voxel_size_from": "zooms"}, {"slice_axis": "z"}, {"volume": 0, "slices_in_time": True}],
)
def test_choices_that_make_no_sense_are_refused(choices: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        ReadOptions(**choices)
