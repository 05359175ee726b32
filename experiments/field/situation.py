"""What one situation is: an input that can be rebuilt, and what a program should do with it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from experiments.evidence import DATA

SCAN = "scan.nii.gz"
MASK = "mask.nii.gz"
TOP = 1000.0

Values = NDArray[Any]
Build = Callable[[Path], None]
# What the result has to be: that of the untransformed image; or refused, flagged or warned of.
Wanted = Literal["result", "doubt"]

_LABEL = "gm-challenge/derivatives/labels/{0}/anat/{0}_run-1_T2starw_{1}.nii.gz"
_IMAGE = "gm-challenge/{0}/anat/{0}_run-1_T2starw.nii.gz"

IMAGES = {
    "9418": _IMAGE.format("sub-9418"),
    "9669": _IMAGE.format("sub-9669"),
    "10062": _IMAGE.format("sub-10062Ses1"),
    "whole": "sct-testing/t2s/t2s_uncropped.nii.gz",
    "cropped": "sct-testing/t2s/t2s.nii.gz",
    "mt": "sct-testing/mt/mt1.nii.gz",
}
CORDS = {
    "9418": _LABEL.format("sub-9418", "seg-manual"),
    "10062": _LABEL.format("sub-10062Ses1", "seg-manual"),
    "cropped": "sct-testing/t2s/t2s_seg.nii.gz",
    "mt": "sct-testing/mt/mt1_seg.nii.gz",
}
# Drawn or corrected by hand.
GRAY_MATTER = {
    "9418": _LABEL.format("sub-9418", "gmseg-manual"),
    "whole": "sct-testing/t2s/t2s_uncropped_gmseg_manual.nii.gz",
    "cropped": "sct-testing/t2s/t2s_gmseg_manual.nii.gz",
    "mt": "sct-testing/mt/mt1_gmseg_goldstandard.nii.gz",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """One input and how ``scgm segment`` has to treat it.

    Parameters
    ----------
    number, name : str
        Of the public report's row, and what is wrong with the input.
    report : str
        Public bug reports with this situation.
    before : str
        What version 0.1.0 did, as looked at by eye when the reports were collected.
    build : callable
        Writes the files of the input into a folder.
    scan : str, callable or None
        Key in `IMAGES` of the image whose result is right here, or what writes that image into a
        folder; None where no gray matter can be seen or where it is unknown, so that no slice may
        be called ok.
    wanted : "result" or "doubt"
        Whether the untransformed result is asked for, or any honest doubt.
    says : str
        Regular expression for the cause of the trouble, looked for in what is printed; "" where
        nothing has to be said.
    arguments : tuple of str
        Of ``scgm segment``, in the folder.
    align : callable
        Brings the untransformed masks (i, j, k) to the voxels of this input.
    """

    number: str
    name: str
    report: str
    before: str
    build: Build
    scan: str | Build | None = None
    wanted: Wanted = "result"
    says: str = ""
    arguments: tuple[str, ...] = (SCAN,)
    align: Callable[[Values], Values] = np.asarray


def path_of(key: str) -> Path:
    """Return the file of an image."""
    return DATA / IMAGES[key]


def image_of(key: str) -> Any:
    """Return an image as nibabel reads it."""
    return nib.load(path_of(key))


def values_of(key: str, top: float = TOP) -> NDArray[np.float64]:
    """Return the gray values of an image; 99.5 % of them lie below *top*."""
    values = np.asarray(image_of(key).dataobj, np.float64)
    return values * (top / float(np.percentile(values, 99.5)))


def cord_of(key: str) -> NDArray[np.bool_]:
    """Return where the cord was drawn."""
    return np.asarray(nib.load(DATA / CORDS[key]).dataobj) > 0


def gray_matter_of(key: str) -> NDArray[np.bool_]:
    """Return where gray matter was drawn."""
    return np.asarray(nib.load(DATA / GRAY_MATTER[key]).dataobj) > 0


def save(file: Path, values: Values, affine: Values, dtype: type = np.float32) -> None:
    """Write values with one affine, in both forms of the header."""
    image = nib.Nifti1Image(values.astype(dtype), affine)
    image.header.set_xyzt_units("mm")
    image.set_sform(affine, 1)
    image.set_qform(affine, 1)
    image.to_filename(file)


def save_like(folder: Path, key: str, values: Values, dtype: type = np.float32) -> None:
    """Write changed gray values of an image at its place."""
    save(folder / SCAN, values, image_of(key).affine, dtype)


def copy_scan(folder: Path, key: str, name: str = SCAN) -> None:
    """Copy an image as it is."""
    (folder / name).write_bytes(path_of(key).read_bytes())


def save_patched(folder: Path, key: str, **fields: Any) -> None:
    """Write an image whose header has other fields."""
    image = image_of(key)
    header = image.header.copy()
    voxels = np.asarray(image.dataobj.get_unscaled(), header.get_data_dtype())
    for name, value in fields.items():
        header[name] = value
    header["magic"], header["vox_offset"] = b"n+1", 352
    content = header.binaryblock + bytes(4) + voxels.tobytes(order="F")
    (folder / "scan.nii").write_bytes(content)
