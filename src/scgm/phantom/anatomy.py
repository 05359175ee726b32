"""Anatomical parameters of a phantom."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from scgm.errors import ConfigError
from scgm.phantom.levels import segment_index

_BOW_REACH_MM = 50.0

MEDIA = ("saline", "fomblin")


@dataclass(frozen=True, slots=True, kw_only=True)
class Anatomy:
    """The cord of one person and what surrounds it; by default an average, symmetric adult.

    Parameters
    ----------
    region : str
        Region in the middle of the scan: "cervical", "thoracic", "lumbar" (which stand for C5, T8,
        L4), or a spinal segment from C1 to S5. Slices above and below show the segments there.
    scale : float
        Factor on width and depth of the cord.
    aspect : float
        Factor on width over depth of the cord; its area stays.
    gray_share : float
        Factor on the area of the gray matter, in addition to that of the cord.
    canal_scale : float
        Factor on width and depth of the dural sac: more or less fluid around the cord.
    asymmetry : float
        How far the midline of the gray matter lies to the right, as a share of the cord's half
        width; -0.3 to 0.3.
    stalk_mm : float
        Width of the thin part of the posterior horns, from their tips to the surface of the cord,
        as fine images ex vivo show it; 0: the horns end at their tips. It adds to the area.
    rotation_deg : float
        Rotation of all anatomy about the cord, from the right (x) to the front (y).
    offset_mm : (x, y)
        Position of the cord in the middle slice, from the middle of the image.
    tilt_mm, bow_mm : (x, y)
        Course of the cord: its displacement 50 mm further up. Further down tilt has the opposite
        direction, bow the same.
    ex_vivo : bool
        A fixed cord in a tube with *medium*, without roots.
    medium : str
        Medium in the tube: "saline" or "fomblin".
    dura : bool
        Whether the cord ex vivo is still in its dura.
    cord : bool
        False for a scan without cord and spinal canal: in vivo the rest of the body, ex vivo the
        medium alone.
    cord_slices : (first, stop), optional
        Slices, counted from the lowest, that show the cord; the others look as without a cord.

    Raises
    ------
    ConfigError
        If a value is out of range.
    """

    region: str = "cervical"
    scale: float = 1.0
    aspect: float = 1.0
    gray_share: float = 1.0
    canal_scale: float = 1.0
    asymmetry: float = 0.0
    stalk_mm: float = 0.0
    rotation_deg: float = 0.0
    offset_mm: tuple[float, float] = (0.0, 0.0)
    tilt_mm: tuple[float, float] = (0.0, 0.0)
    bow_mm: tuple[float, float] = (0.0, 0.0)
    ex_vivo: bool = False
    medium: str = "saline"
    dura: bool = False
    cord: bool = True
    cord_slices: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        segment_index(self.region)
        for name, low, high in (
            ("scale", 0.5, 1.5),
            ("aspect", 0.5, 2.0),
            ("gray_share", 0.5, 1.5),
            ("canal_scale", 0.8, 1.4),
            ("asymmetry", -0.3, 0.3),
            ("stalk_mm", 0.0, 1.0),
        ):
            value = getattr(self, name)
            if not low <= value <= high:
                msg = f"{name} is {value}; give a value from {low} to {high}"
                raise ConfigError(msg)
        places = (self.rotation_deg, *self.offset_mm, *self.tilt_mm, *self.bow_mm)
        if not all(math.isfinite(value) for value in places):
            msg = f"rotation, offset, tilt and bow must be finite, not {places}"
            raise ConfigError(msg)
        if self.cord_slices is not None and not 0 <= self.cord_slices[0] <= self.cord_slices[1]:
            msg = f"cord_slices is {self.cord_slices}; give the first, and the one after the last"
            raise ConfigError(msg)
        if self.medium not in MEDIA:
            msg = f"medium {self.medium!r} is unknown; choose one of {', '.join(MEDIA)}"
            raise ConfigError(msg)

    def center_mm(self, z_mm: float) -> tuple[float, float]:
        """Return the cord's center, (x, y) from the image's middle, at height *z_mm*."""
        up = z_mm / _BOW_REACH_MM
        x, y = (
            offset + tilt * up + bow * up**2
            for offset, tilt, bow in zip(self.offset_mm, self.tilt_mm, self.bow_mm, strict=True)
        )
        return x, y

    def shows_cord(self, slice_index: int) -> bool:
        """Tell whether a slice, counted from the lowest, shows the cord."""
        first, stop = self.cord_slices or (0, slice_index + 1)
        return self.cord and first <= slice_index < stop


def draw_anatomy(
    rng: np.random.Generator, region: str = "cervical", *, ex_vivo: bool = False
) -> Anatomy:
    """Draw the parameters of one person, or of one specimen, at random.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of random numbers.
    region : str
        As for `Anatomy`.
    ex_vivo : bool
        Draw a specimen, which may lie at any angle, in any medium, with or without dura.

    Returns
    -------
    Anatomy
        Areas vary by about 12 % (one standard deviation) in the cord, as between people.

    Raises
    ------
    ConfigError
        If there is no such region.
    """
    spread = np.clip(rng.standard_normal(6), -2, 2)
    return Anatomy(
        region=region,
        scale=float(np.exp(0.06 * spread[0])),
        aspect=float(np.exp(0.06 * spread[1])),
        gray_share=float(np.exp(0.08 * spread[2])),
        canal_scale=float(np.exp(0.05 * spread[3])),
        asymmetry=float(0.04 * spread[4]),
        rotation_deg=float(rng.uniform(-180, 180) if ex_vivo else 4 * spread[5]),
        offset_mm=_pair(rng.normal(0, 0.8 if ex_vivo else 3.0, 2)),
        tilt_mm=_pair(rng.normal(0, 0.5 if ex_vivo else 2.0, 2)),
        bow_mm=_pair(rng.normal(0, 0.5 if ex_vivo else 1.5, 2)),
        ex_vivo=ex_vivo,
        medium=MEDIA[int(rng.integers(len(MEDIA)))],
        dura=bool(rng.random() < 0.3),
    )


def _pair(values: Sequence[float] | np.ndarray) -> tuple[float, float]:
    return float(values[0]), float(values[1])
