"""Situations of what the image shows: cut cords, cavities, animals, brains, implants."""

from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
from nibabel.testing import data_path
from scipy import ndimage

from experiments.field.situation import (
    SCAN,
    Situation,
    Values,
    cord_of,
    image_of,
    save,
    save_like,
    values_of,
)

HALF = (slice(195, 295), slice(140, 240))
TIGHT = (slice(184, 208), slice(178, 202))
WIDE = (slice(176, 216), slice(170, 210))
VOID = (slice(150, 250), slice(192, 260), slice(6, 10))


def _cropped(window: tuple[slice, slice]) -> Callable[[Path], None]:
    def build(folder: Path) -> None:
        affine = image_of("9418").affine.copy()
        first = [window[0].start, window[1].start, 0, 1]
        affine[:3, 3] = (affine @ first)[:3]
        save(folder / SCAN, values_of("9418")[window], affine)

    return build


def _cut(window: tuple[slice, slice]) -> Callable[[Values], Values]:
    return lambda mask: mask[window]


def _small_pixels(factor: float) -> Callable[[Path], None]:
    def build(folder: Path) -> None:
        affine = image_of("whole").affine @ np.diag([factor, factor, 1, 1])
        save(folder / SCAN, values_of("whole"), affine)

    return build


def _cavity(key: str, width_mm: float) -> Callable[[Path], None]:
    """Return a builder that puts a round cavity, bright as fluid, into the middle of the cord."""

    def build(folder: Path) -> None:
        values, cord = values_of(key), cord_of(key)
        pixel = np.array(image_of(key).header.get_zooms()[:2])
        around = ndimage.binary_dilation(cord, np.ones((3, 3, 1)), iterations=4) & ~cord
        fluid = float(np.percentile(values[around], 75))
        places = np.moveaxis(np.indices(cord.shape[:2]), 0, -1)
        for z in np.flatnonzero(cord.any(axis=(0, 1))):
            middle = np.argwhere(cord[..., z]).mean(axis=0)
            away = np.linalg.norm((places - middle) * pixel / (1.3, 1.0), axis=-1)
            share = np.clip(0.5 + (width_mm / 2 - away) / pixel[1], 0, 1) * cord[..., z]
            values[..., z] += share * (fluid - values[..., z])
        save_like(folder, key, values)

    return build


def _implant(folder: Path) -> None:
    """Take the signal of half of the field of view in four slices."""
    values = values_of("9418")
    values[VOID] = 0
    save_like(folder, "9418", values)


def _brain(folder: Path) -> None:
    """Write the echo-planar brain of nibabel's own test data, first volume."""
    image = nib.load(Path(data_path) / "example4d.nii.gz")
    save(folder / SCAN, np.asarray(image.dataobj[..., 0]), image.affine)


def _smooth_noise(folder: Path) -> None:
    noise = np.random.default_rng(1).standard_normal((128, 128, 9))
    save(folder / SCAN, ndimage.gaussian_filter(noise, (6, 6, 1)), np.diag([0.5, 0.5, 5, 1]))


def _bottle(folder: Path) -> None:
    """Write a bright cylinder with a dark hole, as a phantom for quality control."""
    x, y = np.ogrid[:160, :160]
    away = np.hypot(x - 79.5, y - 79.5)
    slices = 100.0 * (away < 60) * (away > 12)
    noise = np.random.default_rng(2).normal(0, 2, (160, 160, 9))
    save(folder / SCAN, np.abs(slices[..., None] + noise), np.diag([0.5, 0.5, 5, 1]))


_CUT = "spinalcordtoolbox#3983, #2437"
_CAVITY = "model_seg_sci#47"
_BRAIN = "spinalcordtoolbox#5017"

SITUATIONS = (
    Situation(
        number="16",
        name="half of the cord out of view",
        report=_CUT,
        before="wrong, silent",
        build=_cropped(HALF),
        scan="9418",
        wanted="doubt",
        align=_cut(HALF),
    ),
    Situation(
        number="16",
        name="crop to 24 x 24 pixels",
        report=_CUT,
        before="wrong, silent",
        build=_cropped(TIGHT),
        scan="9418",
        wanted="doubt",
        align=_cut(TIGHT),
    ),
    Situation(
        number="16",
        name="crop to 40 x 40 pixels, cord whole",
        report=_CUT,
        before="right",
        build=_cropped(WIDE),
        scan="9418",
        align=_cut(WIDE),
    ),
    Situation(
        number="30",
        name="neck of animal size, pixels x 0.2",
        report="spinalcordtoolbox#4417",
        before="wrong, silent",
        build=_small_pixels(0.2),
        scan="whole",
        wanted="doubt",
    ),
    Situation(
        number="31",
        name="implant: no signal in half of four slices",
        report="model_seg_sci#9",
        before="right",
        build=_implant,
        scan="9418",
        wanted="doubt",
    ),
    Situation(
        number="35",
        name="brain",
        report=_BRAIN,
        before="wrong, flagged",
        build=_brain,
        wanted="doubt",
    ),
    Situation(
        number="35",
        name="smooth noise",
        report=_BRAIN,
        before="wrong, flagged",
        build=_smooth_noise,
        wanted="doubt",
    ),
    Situation(
        number="35",
        name="cylinder with a hole",
        report=_BRAIN,
        before="wrong, flagged",
        build=_bottle,
        wanted="doubt",
    ),
    Situation(
        number="36",
        name="cavity of 3 mm",
        report=_CAVITY,
        before="wrong, silent",
        build=_cavity("cropped", 3),
        scan="cropped",
        wanted="doubt",
    ),
    Situation(
        number="36",
        name="cavity of 6 mm",
        report=_CAVITY,
        before="wrong, flagged",
        build=_cavity("9418", 6),
        scan="9418",
        wanted="doubt",
    ),
)
