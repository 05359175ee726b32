"""The template: an average outline of the cord, and where gray matter lies within it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scgm.artifacts.arrays import ArraySpec
from scgm.artifacts.atlases import Atlas
from scgm.errors import ConfigError, ModelError
from scgm.segmenters.classical.labeled_slices import PIXEL_MM, LabeledSlices, evenly_chosen
from scgm.segmenters.classical.mgac.registration import (
    UPRIGHT,
    DemonsSettings,
    Plane,
    affine,
    axes_of,
    register,
    signed_distance_mm,
    warped,
)

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class CordTemplate:
    """An average cord.

    Parameters
    ----------
    distance_mm : Plane
        Signed distance from the outline of the cord, positive inside.
    gm : Plane
        Share of gray matter, 0 to 1.
    """

    distance_mm: Plane
    gm: Plane

    @property
    def level(self) -> float:
        """Share from which on a sample is gray matter: the mask has the mean area of those seen.

        A mean of shapes that do not coincide is blurred; half of it would be too thin at the horns.
        """
        shares = np.sort(self.gm.values, axis=None)[::-1]
        count = round(float(shares.sum(dtype=np.float64)))
        return max(float(shares[max(count, 1) - 1]), 1e-6)


def build(slices: LabeledSlices, *, per_volume: int = 6) -> dict[str, NDArray[Any]]:
    """Average labeled slices into a template that is its own mirror image.

    Cords are shifted and turned upright, and their outlines averaged, as distances; then each cord
    is warped onto the mean as `Mgac` does it later, and the gray matter that comes along is
    averaged. So the template is not blurred by cords of different sizes. Volumes count equally.

    Parameters
    ----------
    slices : LabeledSlices
        What to learn from.
    per_volume : int
        Most slices of one volume, evenly spaced: neighbors tell little new, and cost time.

    Returns
    -------
    dict
        ``distance_mm`` and ``gm``, (128, 128) float32, and ``pixel_mm``.

    Raises
    ------
    ConfigError
        If *per_volume* makes no sense.
    """
    if per_volume < 1:
        msg = f"per_volume is {per_volume}; give a whole number from 1 on"
        raise ConfigError(msg)
    volumes = evenly_chosen(slices, per_volume)
    chosen = np.concatenate(volumes)
    weights = np.concatenate(
        [np.full(len(own), 1 / len(own) / len(volumes), np.float32) for own in volumes]
    )
    cords = [Plane(signed_distance_mm(slices.cord[k] >= 0.5, PIXEL_MM), PIXEL_MM) for k in chosen]
    upright = [
        warped(cord, affine(UPRIGHT, axes_of(cord).rigid), cord, float(cord.values.min()))
        for cord in cords
    ]
    mean = _mean(upright, weights)
    settings = DemonsSettings()
    gray = [
        warped(Plane(slices.gm[k], PIXEL_MM), register(mean, cord, settings), mean)
        for k, cord in zip(chosen, cords, strict=True)
    ]
    return {
        "distance_mm": mean.values,
        "gm": np.clip(_mean(gray, weights).values, 0, 1),
        "pixel_mm": np.array(PIXEL_MM, np.float32),
    }


# What `build` makes, and `template_of` takes.
ARRAYS = {
    "distance_mm": ArraySpec(shape=("n", "n"), least=-200, most=50),
    "gm": ArraySpec(shape=("n", "n"), least=0, most=1),
    "pixel_mm": ArraySpec(least=0.05, most=2),
}


def template_of(atlas: Atlas) -> CordTemplate:
    """Return the template that an atlas holds.

    Raises
    ------
    ModelError
        If the arrays are not those that `build` makes.
    """
    atlas.require(ARRAYS)
    pixel_mm = float(atlas.arrays["pixel_mm"])
    planes = [Plane(atlas.arrays[name], pixel_mm) for name in ("distance_mm", "gm")]
    if not (planes[0].values > 0).any():
        msg = f"{atlas.path}: the arrays show no cord of mgac; build it again"
        raise ModelError(msg)
    return CordTemplate(*planes)


def _mean(planes: list[Floats], weights: Floats) -> Plane:
    """Return the weighted mean of planes and their mirror images, left for right."""
    mean = np.tensordot(weights, np.stack(planes), 1)
    return Plane(np.asarray((mean + mean[:, ::-1]) / 2, np.float32), PIXEL_MM)
