"""Cords of disks whose areas are given slice by slice: changes along the cord known on paper."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from scgm.measurement.levels import Levels
from scgm.measurement.profile import Profile

Area = Callable[[float], float]
Places = NDArray[np.float64]


def cord_mm2(place: float) -> float:
    """Area of the cord at a place in mm: wider around 40 mm, as in the neck."""
    return 60 + 25 * float(np.exp(-0.5 * ((place - 40) / 12) ** 2))


def gray_mm2(place: float) -> float:
    """Area of the gray matter: widest somewhat lower."""
    return 12 + 8 * float(np.exp(-0.5 * ((place - 32) / 10) ** 2))


def masks(
    places: Places, cord: Area = cord_mm2, gm: Area = gray_mm2, step: float = 0.2
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Draw disks of these areas, one slice for each place."""
    size = int(12 / step)
    x = (np.arange(size) - (size - 1) / 2) * step
    square = x[:, None] ** 2 + x**2
    drawn = []
    for area in (gm, cord):
        slices = [square <= area(place) / np.pi for place in places]
        drawn.append(np.stack(slices, axis=-1).astype(np.uint8))
    return drawn[0], drawn[1]


def affine(slice_mm: float, step: float = 0.2) -> NDArray[np.float64]:
    return np.diag([step, step, slice_mm, 1.0])


def profile(
    places: Places,
    levels: Levels | None = None,
    cord: Area = cord_mm2,
    gm: Area = gray_mm2,
) -> Profile:
    """Return the profile of a cord of these areas, without drawing it."""
    areas = {
        ("GM", "area_mm2"): np.array([gm(place) for place in places]),
        ("SC", "area_mm2"): np.array([cord(place) for place in places]),
    }
    gray, whole = areas.values()
    return Profile(
        name="drawn",
        positions_mm=places - places[0],
        thickness_mm=float(places[1] - places[0]),
        areas=areas,
        features={"GM": gray, "SC": whole, "ratio": gray / whole},
        levels=levels,
        pixel_area_mm2=0.25,
    )


def save(
    folder: Path,
    name: str,
    places: Places,
    cord: Area = cord_mm2,
    gm: Area = gray_mm2,
    step: float = 0.2,
) -> tuple[Path, Path]:
    """Write the masks of a drawn cord; return those of gray matter and cord."""
    files = []
    for what, values in zip(("gm", "cord"), masks(places, cord, gm, step), strict=True):
        files.append(folder / f"{name}_{what}.nii.gz")
        nib.Nifti1Image(values, affine(float(places[1] - places[0]), step)).to_filename(files[-1])
    return files[0], files[1]
