"""One cross-section of the cord: outline, fissure, septum, and the butterfly of gray matter."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scgm.phantom.anatomy import Anatomy
from scgm.phantom.levels import Level
from scgm.phantom.shapes import Plane, Point, bent, capsule, ellipse, union
from scgm.phantom.tissues import Tissue

_STEP_MM = 0.08  # of the grid on which the area of the gray matter is adjusted
_ROUGHNESS_MM = 0.06
_LIFT = 0.07  # the cord is flatter in front: sides bent forward, as a share of the half depth


@dataclass(frozen=True, slots=True)
class CordSection:
    """One cross-section of a cord; coordinates in mm from its center, x right, y to the front.

    Parameters
    ----------
    half_width, half_depth : float
        Of the cord in mm.
    gray_area : float
        Area of the gray matter in mm2.
    level : Level
        Positions of the parts of the gray matter.
    asymmetry, stalk_mm : float
        As for `Anatomy`.
    """

    half_width: float
    half_depth: float
    gray_area: float
    level: Level
    asymmetry: float
    stalk_mm: float = 0.0

    @classmethod
    def of(cls, level: Level, anatomy: Anatomy) -> CordSection:
        """Return the section of a person at a level."""
        stretch = math.sqrt(anatomy.aspect)
        return cls(
            half_width=level.width / 2 * anatomy.scale * stretch,
            half_depth=level.depth / 2 * anatomy.scale / stretch,
            gray_area=level.gm_area * anatomy.scale**2 * anatomy.gray_share,
            level=level,
            asymmetry=anatomy.asymmetry,
            stalk_mm=anatomy.stalk_mm,
        )

    def outline(self, x: Plane, y: Plane) -> Plane:
        """Return the depth in the cord, negative inside, in mm."""
        straight = bent(x, y, _LIFT * self.half_depth, self.half_width)
        return ellipse(x, straight, (0, 0), (self.half_width, self.half_depth))

    def paint(self, labels: NDArray[np.uint8], x: Plane, y: Plane) -> None:
        """Set the labels of all points in the cord, in place; other points keep theirs."""
        near = np.hypot(x, y) < max(self.half_width, self.half_depth) + 0.5
        x, y = x[near], y[near]
        part = labels[near]
        inside = self.outline(x, y) < 0
        part[inside] = Tissue.WHITE_MATTER
        part[inside & (self._fissure(x, y) < 0)] = Tissue.FISSURE
        part[inside & (self._septum(x, y) < 0)] = Tissue.SEPTUM
        gray = inside & (self._butterfly(x, y) < self._gray_level())
        part[gray] = Tissue.GRAY_MATTER
        part[gray & (self._horn_cap(x, y) < 0)] = Tissue.GELATINOSA
        if self.stalk_mm:
            part[inside & ~gray & (self.stalk(x, y) < 0)] = Tissue.GELATINOSA
        part[gray & (self._canal(x, y) < 0)] = Tissue.CENTRAL_CANAL
        labels[near] = part

    def _at(self, place: Point) -> Point:
        """Return a place given as shares of the half width and depth in mm."""
        return place[0] * self.half_width, place[1] * self.half_depth

    def _right_half(self, x: Plane, y: Plane) -> tuple[Plane, Plane]:
        """Fold left onto right, after the midline was shifted by the asymmetry."""
        middle = self.asymmetry * np.maximum(1 - (x / self.half_width) ** 2, 0)
        straight = bent(x, y, _LIFT * self.half_depth, self.half_width)
        return np.abs(x - middle * self.half_width), straight

    def _butterfly(self, x: Plane, y: Plane) -> Plane:
        """Return the depth in gray matter of about the right size."""
        level, unit = self.level, self.half_depth
        x, y = self._right_half(x, y)
        medial, lateral = self._at(level.anterior_medial), self._at(level.anterior_lateral)
        base, head = self._at(level.posterior_base), self._at(level.posterior_head)
        tip = self._at(level.posterior_tip)
        neck_r, head_r, tip_r = (radius * unit for radius in level.posterior_radii)
        horn_r = level.anterior_radius * unit
        bridge_y, bridge_r = (value * unit for value in level.commissure)
        blend = 0.12 * unit
        gray = capsule(x, y, medial, lateral, (0.9 * horn_r, horn_r))
        middle = ((medial[0] + lateral[0]) / 2, (medial[1] + lateral[1]) / 2)
        gray = union(gray, capsule(x, y, middle, base, (0.9 * horn_r, 1.2 * neck_r)), blend)
        gray = union(gray, capsule(x, y, base, head, (neck_r, head_r)), blend)
        gray = union(gray, capsule(x, y, head, tip, (head_r, tip_r)), blend)
        gray = union(
            gray, capsule(x, y, (0, bridge_y), (base[0], bridge_y), (bridge_r,) * 2), blend
        )
        if level.lateral_horn > 0:
            ends = (base[0], 0.12 * unit), (base[0] + 0.3 * unit * level.lateral_horn, 0.10 * unit)
            gray = union(gray, capsule(x, y, *ends, (0.12 * unit, 0.04 * unit)), blend)
        # Real edges are not as smooth as those of rods.
        rough: Plane = gray + _ROUGHNESS_MM * np.sin(5.0 * x + 1.0) * np.sin(4.2 * y + 0.4)
        return rough

    def _gray_level(self) -> float:
        """Return the depth at which the gray matter has the wanted area."""
        reach_x, reach_y = self.half_width, 1.2 * self.half_depth
        across = np.arange(-reach_x, reach_x, _STEP_MM) + _STEP_MM / 2
        along = np.arange(-reach_y, reach_y, _STEP_MM)
        x, y = np.meshgrid(across.astype(np.float32), along.astype(np.float32))
        inside = self.outline(x, y) < 0
        depths = self._butterfly(x[inside], y[inside])
        wanted = min(round(self.gray_area / _STEP_MM**2), depths.size - 1)
        return float(np.partition(depths, wanted)[wanted])

    def _fissure(self, x: Plane, y: Plane) -> Plane:
        """Anterior median fissure: a wedge, open in front, down to the white commissure."""
        bridge_y, bridge_r = self.level.commissure
        bottom = (bridge_y + bridge_r + 0.12) * self.half_depth
        return capsule(x, y, (0, bottom), (0, 1.05 * self.half_depth), (0.05, 0.16))

    def _septum(self, x: Plane, y: Plane) -> Plane:
        """Posterior median septum: a sheet from the surface to the gray commissure."""
        bridge_y, bridge_r = self.level.commissure
        top = (bridge_y - bridge_r) * self.half_depth
        return capsule(x, y, (0, top), (0, -1.05 * self.half_depth), (0.04, 0.08))

    def _horn_cap(self, x: Plane, y: Plane) -> Plane:
        """Substantia gelatinosa: the outer part of the posterior horn."""
        x, y = self._right_half(x, y)
        head, tip = self._at(self.level.posterior_head), self._at(self.level.posterior_tip)
        start = (0.5 * (head[0] + tip[0]), 0.5 * (head[1] + tip[1]))
        radius = (self.level.posterior_radii[1] + 0.04) * self.half_depth
        return capsule(x, y, start, tip, (radius, radius))

    def stalk(self, x: Plane, y: Plane) -> Plane:
        """Return the depth in the thin end of the posterior horn, from its tip to the surface."""
        x, y = self._right_half(x, y)
        across, along = self.level.posterior_tip
        outwards = 1.1 / math.hypot(across, along)  # a little further than the surface
        ends = self._at((across, along)), self._at((across * outwards, along * outwards))
        return capsule(x, y, *ends, (self.stalk_mm / 2, self.stalk_mm / 2))

    def _canal(self, x: Plane, y: Plane) -> Plane:
        x, y = self._right_half(x, y)
        return ellipse(x, y, (0, self.level.commissure[0] * self.half_depth), (0.14, 0.10))
