"""MGAC: warp the template by the outline of the cord, then move the contour to edges."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from scgm.artifacts.atlases import Atlas
from scgm.image.patches import CordWindows, Found
from scgm.segmenters.classical.itk import simpleitk
from scgm.segmenters.classical.mgac.contour import ContourSettings, edge_map, settle
from scgm.segmenters.classical.mgac.registration import (
    DemonsSettings,
    Plane,
    register,
    signed_distance_mm,
    warped,
)
from scgm.segmenters.classical.mgac.template import CordTemplate, template_of

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]

COARSE = 3  # samples along each side of one sample of the registration
MARGIN_MM = 1.0  # of the box around the cord in which the contour moves


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Mgac:
    """MGAC as a method on windows.

    Parameters
    ----------
    template : CordTemplate
        The average cord that is warped to each slice.
    provenance : mapping
        Version and checksum of the atlas.
    rim_mm : float
        Width of the rim of the cord that is ignored: the edge to the fluid is the strongest of
        all.
    edge_mm : float
        Standard deviation of the Gaussian that smooths the image before edges are computed.
    alpha : float
        Weight of the gradient in the edge map.
    warp, contour : settings
        Of the two parts.
    """

    template: CordTemplate = field(repr=False)
    provenance: Mapping[str, str | None]
    rim_mm: float = 0.5
    edge_mm: float = 0.47
    alpha: float = 1000.0
    warp: DemonsSettings = field(default_factory=DemonsSettings)
    contour: ContourSettings = field(default_factory=ContourSettings)
    name: str = "mgac"
    size: int = 300  # 24 mm: the widest cords have 16 mm
    pixel_mm: float = 0.08  # published: a tenth of a pixel of 0.78 mm
    order: int = 3

    def __call__(self, windows: CordWindows) -> Found:
        """Mark gray matter. A slice without any contrast in its cord gets none.

        Raises
        ------
        ModelError
            If SimpleITK is not installed.
        """
        simpleitk("method mgac")
        gm = np.zeros_like(windows.cord)
        for k, image in enumerate(windows.image):
            cord = (windows.cord[k] >= 0.5) & windows.inside[k]
            distance = signed_distance_mm(cord, windows.pixel_mm)
            core = distance >= min(self.rim_mm, float(distance.max()) / 2)
            scaled = _within(image, core & cord)
            if scaled is not None:
                start = self._warped_template(distance, windows.pixel_mm) & core
                gm[k] = self._settled(scaled, start, cord) & core
        return Found(gm)

    def _warped_template(self, distance_mm: Floats, pixel_mm: float) -> Bools:
        """Return the template's gray matter, warped by the outline of the cord."""
        coarse = Plane(distance_mm[1::COARSE, 1::COARSE], COARSE * pixel_mm)
        if not (coarse.values > 0).any():  # a cord of a sample or two has no shape
            return np.zeros(distance_mm.shape, np.bool_)
        transform = register(coarse, self.template.distance_mm, self.warp)
        share = warped(self.template.gm, transform, Plane(distance_mm, pixel_mm))
        return np.asarray(share >= self.template.level, np.bool_)

    def _settled(self, image: Floats, start: Bools, cord: Bools) -> Bools:
        """Move the contour to edges, in a box around the cord."""
        margin = round(MARGIN_MM / self.pixel_mm)
        (box,) = ndimage.find_objects(ndimage.binary_dilation(cord, iterations=margin).astype(int))
        edges = edge_map(image[box], self.alpha, self.edge_mm / self.pixel_mm)
        result = np.zeros_like(start)
        result[box] = settle(edges, start[box], self.contour)
        return result


def open_mgac(atlas: Atlas) -> Mgac:
    """Return the method with the template of an atlas.

    Raises
    ------
    ModelError
        If the atlas holds no template.
    """
    known = {"version": atlas.card.version, "sha256": atlas.card.sha256}
    return Mgac(template=template_of(atlas), provenance=known)


def _within(image: Floats, core: Bools) -> Floats | None:
    """Scale the core and spread its values outwards, so that no edge is left around it.

    0 and 1 are the 5th and the 95th percentile: white and gray matter, or the reverse, whatever
    the scanner's unit. None where both are the same.
    """
    if not core.any():
        return None
    low, high = (float(each) for each in np.percentile(image[core], (5, 95)))
    if high - low <= 1e-5 * max(abs(low), abs(high)):  # rounding alone is no contrast
        return None
    nearest = ndimage.distance_transform_edt(~core, return_distances=False, return_indices=True)
    return np.asarray((image[tuple(nearest)] - low) / (high - low), np.float32)
