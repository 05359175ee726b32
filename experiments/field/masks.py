"""Situations of what is given beside the image: masks of the cord, centers."""

from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
from scipy import ndimage

from experiments.evidence import DATA
from experiments.field.situation import (
    CORDS,
    MASK,
    SCAN,
    Situation,
    Values,
    copy_scan,
    cord_of,
    gray_matter_of,
    image_of,
    save,
)

WITH_CORD = (SCAN, "--cord", MASK)


def _given(key: str, make: Callable[[Values], Values]) -> Callable[[Path], None]:
    """Return a builder of an image with a mask that *make* makes of the drawn cord."""

    def build(folder: Path) -> None:
        copy_scan(folder, key)
        mask = make(cord_of(key))
        dtype = np.float32 if mask.dtype.kind == "f" else np.uint8
        image = nib.Nifti1Image(mask.astype(dtype), image_of(key).affine, image_of(key).header)
        image.header.set_data_dtype(dtype)
        image.header["scl_slope"], image.header["scl_inter"] = 1, 0
        image.to_filename(folder / MASK)

    return build


def _center_line(cord: Values) -> Values:
    line = np.zeros_like(cord)
    for z in np.flatnonzero(cord.any(axis=(0, 1))):
        i, j = (round(float(place)) for place in ndimage.center_of_mass(cord[..., z]))
        line[i, j, z] = True
    return line


def _widened(cord: Values) -> Values:
    near = ndimage.generate_binary_structure(3, 1)
    near[:, :, (0, 2)] = False  # in plane alone
    return np.asarray(ndimage.binary_dilation(cord, near, iterations=6))


def _mask_with_affine(key: str, change: Callable[[Values], Values]) -> Callable[[Path], None]:
    """Return a builder of a right mask whose affine is nearly that of the image."""

    def build(folder: Path) -> None:
        copy_scan(folder, key)
        save(folder / MASK, cord_of(key), change(image_of(key).affine), np.uint8)

    return build


def _by_qform(folder: Path) -> None:
    copy_scan(folder, "10062")
    save(folder / MASK, cord_of("10062"), image_of("10062").get_qform(), np.uint8)


def _canonical(folder: Path) -> None:
    copy_scan(folder, "9418")
    nib.as_closest_canonical(nib.load(DATA / CORDS["9418"])).to_filename(folder / MASK)


def _only_scan(folder: Path) -> None:
    copy_scan(folder, "9418")


_CANAL = "spinalcordtoolbox#2629, model_seg_sci#47"
_CHECKED = r"(?i)mask|cord"

SITUATIONS = (
    Situation(
        number="5",
        name="center line as the cord",
        report="spinalcordtoolbox#1330, #290",
        before="wrong, flagged",
        build=_given("9418", _center_line),
        scan="9418",
        wanted="doubt",
        says=r"(?i)cent(er|re)[ -]?line|--center",
        arguments=WITH_CORD,
    ),
    Situation(
        number="6",
        name="canal as the cord",
        report=_CANAL,
        before="wrong, silent",
        build=_given("9418", _widened),
        scan="9418",
        wanted="doubt",
        says=_CHECKED,
        arguments=WITH_CORD,
    ),
    Situation(
        number="6",
        name="gray matter as the cord",
        report=_CANAL,
        before="wrong, silent",
        build=_given("9418", lambda _: gray_matter_of("9418")),
        scan="9418",
        wanted="doubt",
        says=_CHECKED,
        arguments=WITH_CORD,
    ),
    Situation(
        number="6",
        name="cord moved by 6 mm",
        report=_CANAL,
        before="wrong, silent",
        build=_given("9418", lambda cord: np.roll(cord, 12, axis=0)),
        scan="9418",
        wanted="doubt",
        says=_CHECKED,
        arguments=WITH_CORD,
    ),
    Situation(
        number="6",
        name="cord inverted",
        report=_CANAL,
        before="wrong, flagged",
        build=_given("9418", np.logical_not),
        scan="9418",
        wanted="doubt",
        says=_CHECKED,
        arguments=WITH_CORD,
    ),
    Situation(
        number="7",
        name="NaN outside of the mask",
        report="qMRLab/qMRLab#364",
        before="unclear message",
        build=_given("cropped", lambda cord: np.where(cord, 1.0, np.nan)),
        scan="cropped",
        arguments=WITH_CORD,
    ),
    Situation(
        number="7",
        name="mask of probabilities below 0.5",
        report="qMRLab/qMRLab#364",
        before="unclear message",
        build=_given("cropped", lambda cord: cord * 0.4),
        scan="cropped",
        wanted="doubt",
        says=r"0\.5|0\.4",
        arguments=WITH_CORD,
    ),
    Situation(
        number="7",
        name="mask with the value 2",
        report="qMRLab/qMRLab#364",
        before="not tried",
        build=_given("cropped", lambda cord: cord * 2),
        scan="cropped",
        arguments=WITH_CORD,
    ),
    Situation(
        number="8",
        name="mask with the qform of the image",
        report="spinalcordtoolbox#4530",
        before="wrong refusal",
        build=_by_qform,
        scan="10062",
        arguments=WITH_CORD,
    ),
    Situation(
        number="8",
        name="mask with an affine of 4 decimals",
        report="CBICA/CaPTk#646",
        before="wrong refusal",
        build=_mask_with_affine("9418", lambda affine: affine.round(4)),
        scan="9418",
        arguments=WITH_CORD,
    ),
    Situation(
        number="9",
        name="mask stored in another order",
        report="spinalcordtoolbox#3279",
        before="wrong refusal",
        build=_canonical,
        scan="9418",
        arguments=WITH_CORD,
    ),
    Situation(
        number="16",
        name="center 8 mm off",
        report="spinalcordtoolbox#3983",
        before="wrong, silent",
        build=_only_scan,
        scan="9418",
        wanted="doubt",
        arguments=(SCAN, "--centre", "211.4,190.3"),
    ),
)
