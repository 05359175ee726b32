"""The library of labeled slices, and how it is stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scgm.artifacts.arrays import ArraySpec, require_arrays
from scgm.errors import ConfigError, ModelError
from scgm.segmenters.classical.labeled_slices import PIXEL_MM, LabeledSlices, cut_again

Floats = NDArray[np.float32]

_FULL = 255  # a share of 1 in the file
_MEAN = 100  # the mean of the cord in the file: images reach up to 2.55 times as much


@dataclass(frozen=True, slots=True, eq=False)
class Library:
    """Labeled slices, each followed by its mirror image: left and right are alike.

    Parameters
    ----------
    image : (A, n, n) float32
        Intensities over their mean inside the cord.
    cord, gm : (A, n, n) float32
        Share of cord and of gray matter, 0 to 1.
    pixel_mm : float
        Distance of samples.
    """

    image: Floats
    cord: Floats
    gm: Floats
    pixel_mm: float


def build(
    slices: LabeledSlices, *, size: int = 100, pixel_mm: float = 0.3
) -> dict[str, NDArray[Any]]:
    """Store labeled slices in few bytes.

    Parameters
    ----------
    slices : LabeledSlices
        Labeled slices.
    size : int
        Samples along each side, even. 100 of 0.3 mm show 30 mm: the cord, and the canal around it.
    pixel_mm : float
        Distance of samples, at least 0.25. The horns are 1 to 2 mm wide, so 0.3 mm draws them with
        some samples; finer ones would only be interpolated, as most scans have 0.3 to 0.5 mm.

    Returns
    -------
    dict
        ``image`` in hundredths of the cord's mean, ``cord`` and ``gm`` in 255ths, all uint8;
        and ``pixel_mm``.

    Raises
    ------
    ConfigError
        If the grid is odd, or does not fit into 32 mm.
    """
    most_mm = slices.gm.shape[1] * PIXEL_MM
    if size < 2 or size % 2 or not PIXEL_MM <= pixel_mm <= most_mm / size:
        msg = (
            f"size={size}, pixel_mm={pixel_mm}: give an even size, and {PIXEL_MM} mm or more that "
            f"make at most {most_mm:g} mm together"
        )
        raise ConfigError(msg)
    image, cord, gm = (
        cut_again(values, size, pixel_mm)[0] for values in (slices.image, slices.cord, slices.gm)
    )
    return {
        "image": _packed(image, _MEAN),
        "cord": _packed(cord, _FULL),
        "gm": _packed(gm, _FULL),
        "pixel_mm": np.array(pixel_mm, np.float32),
    }


# What `build` makes, and `library_of` takes.
ARRAYS = {
    "image": ArraySpec(shape=("J", "n", "n"), kind="u", most=255),
    "cord": ArraySpec(shape=("J", "n", "n"), kind="u", most=255),
    "gm": ArraySpec(shape=("J", "n", "n"), kind="u", most=255),
    "pixel_mm": ArraySpec(least=0.05, most=2),
}
LEAST_SIZE, LEAST_CORD_MM2 = 16, 5.0


def library_of(arrays: Mapping[str, NDArray[Any]], source: object = "the atlas") -> Library:
    """Unpack what `build` stored, and add the mirror images.

    Raises
    ------
    ModelError
        If an array is missing or does not fit the others.
    """
    require_arrays(arrays, ARRAYS, source, "jcscs")
    image = _unpacked(arrays["image"], _MEAN)
    cord, gm = (_unpacked(arrays[name], _FULL) for name in ("cord", "gm"))
    pixel_mm = float(arrays["pixel_mm"])
    least = float((cord >= 0.5).sum(axis=(1, 2)).min()) * pixel_mm**2
    size = image.shape[1]
    if size % 2 or size < LEAST_SIZE or least < LEAST_CORD_MM2:
        msg = (
            f"{source}: slices of {size} samples with {least:g} mm2 of cord are none of jcscs; "
            "build it again with scgm atlas build"
        )
        raise ModelError(msg)
    return Library(_with_mirrors(image), _with_mirrors(cord), _with_mirrors(gm), pixel_mm)


def _with_mirrors(values: Floats) -> Floats:
    return np.concatenate([values, values[:, :, ::-1]])


def _unpacked(values: NDArray[Any], unit: int) -> Floats:
    return np.asarray(values / np.float32(unit), np.float32)


def _packed(values: Floats, unit: int) -> NDArray[np.uint8]:
    return np.rint(np.clip(values * unit, 0, 255)).astype(np.uint8)
