"""Situations whose header, shape or orientation is odd."""

from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np

from experiments.field.situation import (
    SCAN,
    Situation,
    Values,
    copy_scan,
    image_of,
    save,
    save_like,
    save_patched,
    values_of,
)

SIZES = r"(?i)(voxel|pixel) sizes?"
PLAIN = ("scan.nii",)
ECHOES = 4


def _with_sform(folder: Path, key: str, sform: Values, code: int, qform_code: int) -> None:
    """Write an image with a wrong sform, its own sizes in pixdim and its own qform."""
    source = image_of(key)
    image = nib.Nifti1Image(np.asarray(source.dataobj), None)
    image.header.set_xyzt_units("mm")
    image.set_qform(source.affine, qform_code)
    image.set_sform(sform, code)
    image.header["pixdim"][1:4] = source.header.get_zooms()[:3]
    image.to_filename(folder / SCAN)


def _scaled(key: str, factor: float, code: int = 4, qform_code: int = 0) -> Callable[[Path], None]:
    def build(folder: Path) -> None:
        sform = image_of(key).affine @ np.diag([factor, factor, factor, 1])
        _with_sform(folder, key, sform, code, qform_code)

    return build


def _unit_axes(folder: Path) -> None:
    sform = image_of("10062").affine.copy()
    sform[:3, :3] /= np.linalg.norm(sform[:3, :3], axis=0)
    _with_sform(folder, "10062", sform, 1, 1)


def _identity(folder: Path) -> None:
    _with_sform(folder, "whole", np.eye(4), 1, 0)


def _wrong_pixdim(folder: Path) -> None:
    pixdim = image_of("9418").header["pixdim"].copy()
    pixdim[1:3] = 1
    save_patched(folder, "9418", pixdim=pixdim, qform_code=0)


def _coronal_header(thickness_mm: float) -> Callable[[Path], None]:
    """Return a builder of axial slices that the header calls coronal."""

    def build(folder: Path) -> None:
        width, height = image_of("9418").header.get_zooms()[:2]
        affine = np.zeros((4, 4))
        affine[0, 0], affine[2, 1], affine[1, 2], affine[3, 3] = width, height, -thickness_mm, 1
        save(folder / SCAN, values_of("9418"), affine)

    return build


def _header_axes(key: str, signs: tuple[int, int]) -> Callable[[Path], None]:
    """Return a builder of a header whose in-plane axes run the other way."""

    def build(folder: Path) -> None:
        affine = image_of(key).affine @ np.diag([*signs, 1, 1])
        save(folder / SCAN, values_of(key), affine)

    return build


def _slices_in_time(folder: Path) -> None:
    save_like(folder, "whole", values_of("whole")[:, :, None, :])


def _echoes(values: Values) -> list[Values]:
    return [values * np.exp(-0.35 * echo) for echo in range(ECHOES)]


def _echoes_in_fifth(folder: Path) -> None:
    echoes = np.stack(_echoes(values_of("whole")), axis=-1)
    save_like(folder, "whole", echoes[:, :, :, None, :])


def _stacked_echoes(folder: Path) -> None:
    save_like(folder, "whole", np.concatenate(_echoes(values_of("whole")), axis=2))


def _repeated(mask: Values) -> Values:
    return np.tile(mask, (1, 1, ECHOES))


def _microns(folder: Path) -> None:
    header = image_of("whole").header
    pixdim = header["pixdim"].copy()
    pixdim[1:4] *= 1000
    rows = {f"srow_{axis}": header[f"srow_{axis}"] * 1000 for axis in "xyz"}
    offsets = {f"qoffset_{axis}": header[f"qoffset_{axis}"] * 1000 for axis in "xyz"}
    save_patched(folder, "whole", pixdim=pixdim, xyzt_units=3, **rows, **offsets)


def _meters(folder: Path) -> None:
    save_patched(folder, "whole", xyzt_units=1)


def _zero_volumes(folder: Path) -> None:
    save_patched(folder, "whole", dim=[4, *image_of("whole").shape, 0, 0, 0, 0])


def _one_flat_slice(folder: Path) -> None:
    image = image_of("whole")
    save(folder / "one.nii.gz", values_of("whole")[:, :, 5:6], image.affine)
    one = nib.load(folder / "one.nii.gz")
    header = one.header.copy()
    header["pixdim"][3], header["sform_code"], header["qform_code"] = 0, 0, 0
    header["vox_offset"] = 352
    voxels = np.asarray(one.dataobj, np.float32)
    header.set_data_dtype(np.float32)
    (folder / "scan.nii").write_bytes(header.binaryblock + bytes(4) + voxels.tobytes(order="F"))
    (folder / "one.nii.gz").unlink()


def _trailing_ones(folder: Path) -> None:
    save_patched(folder, "whole", dim=[5, *image_of("whole").shape, 1, 1, 0, 0], bitpix=7)


def _far_away(folder: Path) -> None:
    affine = image_of("whole").affine.copy()
    affine[:3, 3] += 50_000
    save(folder / SCAN, values_of("whole"), affine)


def _moved_slices(folder: Path) -> None:
    save_like(folder, "9418", _shift_odd(values_of("9418")))


def _shift_odd(values: Values) -> Values:
    """Move every second slice by six pixels, 3 mm."""
    moved = np.array(values)
    moved[..., 1::2] = np.roll(values[..., 1::2], 6, axis=0)
    return moved


def _without_ending(folder: Path) -> None:
    copy_scan(folder, "cropped", "scan")


_SILENT, _LOUD, _RIGHT = "wrong, silent", "wrong, loud", "right"
_UNCLEAR, _REFUSED = "unclear message", "wrong refusal"
_FS36 = "Deep-MI/FastSurfer#36"
_MRTRIX = "MRtrix3/mrtrix3#1439, #1540"

SITUATIONS = (
    Situation(
        number="1",
        name="sform has unit axes",
        report=_FS36,
        before="wrong, said nothing of the size",
        build=_unit_axes,
        scan="10062",
        wanted="doubt",
        says=SIZES,
    ),
    Situation(
        number="1",
        name="pixdim 1 mm beside a right sform",
        report=_FS36,
        before="not tried",
        build=_wrong_pixdim,
        scan="9418",
        says=SIZES,
        arguments=PLAIN,
    ),
    Situation(
        number="2",
        name="sform to a template, x 0.8, code 4",
        report=_MRTRIX,
        before=_SILENT,
        build=_scaled("9669", 0.8),
        scan="9669",
        wanted="doubt",
        says=SIZES,
    ),
    Situation(
        number="2",
        name="sform to a template, x 1.2, code 3",
        report=_MRTRIX,
        before=_SILENT,
        build=_scaled("9669", 1.2, 3),
        scan="9669",
        wanted="doubt",
        says=SIZES,
    ),
    Situation(
        number="2",
        name="sform x 1.1, code 1, no qform",
        report=_MRTRIX,
        before=_SILENT,
        build=_scaled("9418", 1.1, 1),
        scan="9418",
        wanted="doubt",
        says=SIZES,
    ),
    Situation(
        number="2",
        name="sform is the identity",
        report=_MRTRIX,
        before=_SILENT,
        build=_identity,
        scan="whole",
        wanted="doubt",
        says=SIZES,
    ),
    Situation(
        number="17",
        name="axial slices called coronal, 3 mm",
        report="spinalcordtoolbox#366",
        before=_UNCLEAR,
        build=_coronal_header(3),
        scan=None,
        wanted="doubt",
        says=r"--slice-axis|coronal",
    ),
    Situation(
        number="17",
        name="axial slices called coronal, 1 mm",
        report="spinalcordtoolbox#366",
        before="wrong, flagged",
        build=_coronal_header(1),
        scan=None,
        wanted="doubt",
    ),
    Situation(
        number="18",
        name="slices in the fourth dimension",
        report="rordenlab/dcm2niix#313, #11",
        before=_UNCLEAR,
        build=_slices_in_time,
        scan=None,
        wanted="doubt",
        says=r"--slices-in-time",
    ),
    Situation(
        number="18",
        name="the same, mean of all",
        report="rordenlab/dcm2niix#313, #11",
        before=_SILENT,
        build=_slices_in_time,
        scan=None,
        wanted="doubt",
        arguments=(SCAN, "--volume", "mean"),
    ),
    Situation(
        number="19",
        name="echoes in the fifth dimension",
        report="ME-ICA/tedana#1320",
        before=_UNCLEAR,
        build=_echoes_in_fifth,
        scan="whole",
        wanted="doubt",
        says=r"--volume",
    ),
    Situation(
        number="20",
        name="echoes stacked along z",
        report="icometrix/dicom2nifti#70",
        before=_RIGHT,
        build=_stacked_echoes,
        scan="whole",
        align=_repeated,
    ),
    Situation(
        number="25",
        name="file without ending",
        report="nipy/nibabel#1070",
        before=_RIGHT,
        build=_without_ending,
        scan="cropped",
        arguments=("scan",),
    ),
    Situation(
        number="26",
        name="header in microns",
        report="ITK#4595, ANTsX/ANTs#1764",
        before=_RIGHT,
        build=_microns,
        scan="whole",
        arguments=PLAIN,
    ),
    Situation(
        number="27",
        name="unit is meter, numbers are mm",
        report="MRIReco.jl#126",
        before=_UNCLEAR,
        build=_meters,
        scan="whole",
        wanted="doubt",
        says=r"(?i)unit|meter",
        arguments=PLAIN,
    ),
    Situation(
        number="28",
        name="dim[4] is 0",
        report="spinalcordtoolbox#540",
        before=_REFUSED,
        build=_zero_volumes,
        scan="whole",
        arguments=PLAIN,
    ),
    Situation(
        number="28",
        name="one slice, pixdim[3] is 0",
        report="spinalcordtoolbox#540",
        before=_REFUSED,
        build=_one_flat_slice,
        scan="whole",
        arguments=PLAIN,
        align=lambda mask: mask[:, :, 5:6],
    ),
    Situation(
        number="29",
        name="left and right exchanged in the header",
        report="BrkRaw/brkraw#9",
        before="nearly right",
        build=_header_axes("9418", (-1, 1)),
        scan="9418",
    ),
    Situation(
        number="29",
        name="front and back exchanged in the header",
        report="BrkRaw/brkraw#9",
        before="nearly right",
        build=_header_axes("9418", (1, -1)),
        scan="9418",
    ),
    Situation(
        number="34",
        name="odd slices moved by 3 mm",
        report="spinalcordtoolbox#4502",
        before=_RIGHT,
        build=_moved_slices,
        scan="9418",
        align=_shift_odd,
    ),
    Situation(
        number="39",
        name="ones at the end of dim, wrong bitpix",
        report="nipy/nibabel#1034, #299",
        before=_RIGHT,
        build=_trailing_ones,
        scan="whole",
        arguments=PLAIN,
    ),
    Situation(
        number="39",
        name="origin 50 m away",
        report="nipy/nibabel#299",
        before=_RIGHT,
        build=_far_away,
        scan="whole",
    ),
)
