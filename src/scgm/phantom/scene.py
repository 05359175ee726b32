"""The tissue at any point: the cord with its surroundings, in the body or in a tube."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scgm.phantom.anatomy import Anatomy
from scgm.phantom.body import Body, paint_roots
from scgm.phantom.cord import CordSection
from scgm.phantom.distortion import Distortion
from scgm.phantom.levels import SEGMENTS, level_at, place_at
from scgm.phantom.shapes import Plane, ellipse
from scgm.phantom.tissues import Tissue

_TUBE_MM = 9.5  # inner radius of a specimen's tube; its wall and the air outside have no signal


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """A person or a specimen, placed in the scanner.

    Parameters
    ----------
    anatomy : Anatomy
        Anatomical parameters.
    body : Body
        Surroundings of the cord in vivo.
    distortion : Distortion, optional
        Where tissue appears in the image; by default where it is.
    """

    anatomy: Anatomy
    body: Body
    distortion: Distortion | None = None

    def center_mm(self, z_mm: float) -> tuple[float, float]:
        """Return where the image shows the cord's center, (x, y) from its middle."""
        center = self.anatomy.center_mm(z_mm)
        return center if self.distortion is None else self.distortion.seen_at(center, z_mm)

    def labels(self, x: Plane, y: Plane, z_mm: float, *, cord: bool) -> NDArray[np.uint8]:
        """Return the tissues of points.

        Parameters
        ----------
        x, y : float32 arrays of one shape
            Places in mm to the right and to the front of the image's middle.
        z_mm : float
            Height of all points.
        cord : bool
            Whether the cord and its canal are shown.

        Returns
        -------
        uint8 array of that shape
            Values of `Tissue`.
        """
        if self.distortion is not None:
            y = y + self.distortion.shift_mm(x, y, z_mm)
        x, y = self._from_cord(x, y, z_mm)
        labels = np.empty(x.shape, np.uint8)
        place = place_at(self.anatomy.region, z_mm)
        level = level_at(len(SEGMENTS) if place is None else place)
        section = CordSection.of(level, self.anatomy) if cord and place is not None else None
        if self.anatomy.ex_vivo:
            self._paint_tube(labels, x, y, section)
        else:
            self.body.paint(labels, x, y, level, z_mm)
            if cord:
                width, depth = (half * self.anatomy.canal_scale for half in level.sac)
                self.body.paint_canal(labels, x, y, level, (width, depth))
                paint_roots(labels, x, y, self.body.roots(section, level, z_mm))
        if section is not None:
            section.paint(labels, x, y)
        return labels

    def _paint_tube(
        self, labels: NDArray[np.uint8], x: Plane, y: Plane, section: CordSection | None
    ) -> None:
        """Set the labels of a tube with its medium, and of the dura if it is present."""
        saline = self.anatomy.medium == "saline"
        labels[:] = Tissue.AIR
        labels[np.hypot(x, y) < _TUBE_MM] = Tissue.SALINE if saline else Tissue.FOMBLIN
        if section is not None and self.anatomy.dura:
            depth = ellipse(x, y, (0, 0), (section.half_width + 0.9, section.half_depth + 0.8))
            labels[np.abs(depth) < 0.15] = Tissue.DURA

    def _from_cord(self, x: Plane, y: Plane, z_mm: float) -> tuple[Plane, Plane]:
        """Return places relative to the cord, along its own axes."""
        center_x, center_y = self.anatomy.center_mm(z_mm)
        angle = math.radians(self.anatomy.rotation_deg)
        cos, sin = math.cos(angle), math.sin(angle)
        x, y = x - center_x, y - center_y
        return cos * x + sin * y, cos * y - sin * x
