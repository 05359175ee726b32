"""All numbers of one slice, label by label."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scgm.measurement.axis import Axis, symmetry_axis
from scgm.measurement.centerline import Crossing, crossings
from scgm.measurement.intensity import contrast, intensity
from scgm.measurement.parts import asymmetries, commissure_mm, part_areas
from scgm.measurement.plane import Plane, plane_of
from scgm.measurement.shape import Outline
from scgm.measurement.structures import Structures

Values = dict[str, float | None]


@dataclass(frozen=True, slots=True)
class SliceNumbers:
    """The numbers of one label in one slice, by column; what was not measured is missing."""

    z: int
    label: str
    values: Values


def measure_slices(structures: Structures, *, angle_correction: bool = True) -> list[SliceNumbers]:
    """Measure every slice, from inferior to superior, each label that there is.

    Parameters
    ----------
    structures : Structures
        What to measure.
    angle_correction : bool
        Whether areas and lengths are those across the cord, not those of the slice. Where the
        angle is not known, they are those of the slice.
    """
    plane = plane_of(structures.stack)
    outline = structures.outline
    lines = crossings(structures.masks[outline], structures.measured[outline], plane)
    rows = []
    for z, crossing in enumerate(lines):
        if not any(structures.measured[label][z] for label in structures.labels):
            rows += [SliceNumbers(z, label, {}) for label in structures.labels]
            continue
        one = _Slice(structures, z, plane, crossing, angle_correction)
        rows += [SliceNumbers(z, label, one.numbers(label)) for label in structures.labels]
    return rows


class _Slice:
    """One slice, cut to the part that holds the masks."""

    def __init__(
        self,
        structures: Structures,
        z: int,
        plane: Plane,
        crossing: Crossing | None,
        angle_correction: bool,  # noqa: FBT001  (private)
    ) -> None:
        self._structures, self._z, self._plane, self._crossing = structures, z, plane, crossing
        flat = crossing.flattening if crossing and angle_correction else np.eye(2)
        self._to_mm = flat @ plane.pixel_to_mm
        together = np.any([structures.masks[label][z] for label in structures.labels], axis=0)
        self._window = _window(together)
        self._outlines = {
            label: Outline(structures.masks[label][z][self._window], self._to_mm)
            for label in structures.labels
            if structures.measured[label][z] and structures.masks[label][z].any()
        }
        self._axis = self._find_axis()
        self._intensities = self._find_intensities()

    def _find_axis(self) -> Axis | None:
        """Return the frame of the cord; without a cord there is none."""
        cord = self._outlines.get("SC")
        if cord is None:
            return None
        gm = self._outlines.get("GM")
        return symmetry_axis(cord, [gm] if gm else [])

    def _find_intensities(self) -> dict[str, Values]:
        if self._structures.image is None:
            return {}
        image = self._structures.image[self._z][self._window]
        return {label: intensity(image, one.mask) for label, one in self._outlines.items()}

    def numbers(self, label: str) -> Values:
        """Return the numbers of a label; none if it is not there, or not wholly seen."""
        outline = self._outlines.get(label)
        if outline is None:
            return {}
        in_slice = outline.area_mm2 / outline.pixel_mm2 * self._structures.stack.pixel_area_mm2
        values: Values = {
            "area_mm2": outline.area_mm2,
            "area_soft_mm2": self._soft_area(label),
            "area_uncorrected_mm2": in_slice,
            "volume_mm3": in_slice * self._plane.distance_mm,
            **self._angles(),
            **self._shape(outline),
            **self._intensities.get(label, {}),
        }
        if self._axis is not None:
            areas = part_areas(outline, self._axis)
            values |= areas | asymmetries(areas)
        return values | (self._gray_matter(outline) if label == "GM" else {})

    def _soft_area(self, label: str) -> float | None:
        known = self._structures.probabilities.get(label)
        if known is None:
            return None
        pixel = abs(float(np.linalg.det(self._to_mm)))
        return float(known[self._z].sum(dtype=np.float64)) * pixel

    def _angles(self) -> Values:
        if self._crossing is None:
            return {}
        return {
            "angle_deg": self._crossing.angle_deg,
            "angle_ap_deg": self._crossing.angle_ap_deg,
            "angle_rl_deg": self._crossing.angle_rl_deg,
        }

    def _shape(self, outline: Outline) -> Values:
        axis = self._axis or Axis(outline.center, 0.0)
        return {
            "diameter_ap_mm": outline.diameter(axis.anterior),
            "diameter_rl_mm": outline.diameter(axis.right),
            "extent_ap_mm": outline.extent(axis.anterior),
            "extent_rl_mm": outline.extent(axis.right),
            "orientation_deg": outline.orientation_deg,
            "eccentricity": outline.eccentricity,
            "solidity": outline.solidity,
            "axis_deg": None if self._axis is None else self._axis.angle_deg,
        }

    def _gray_matter(self, gm: Outline) -> Values:
        """Return what compares gray matter with the rest of the cord."""
        cord = self._outlines.get("SC")
        values: Values = {}
        if cord is not None and self._axis is not None:
            values["gm_cord_ratio"] = gm.area_mm2 / cord.area_mm2
            values["commissure_mm"] = commissure_mm(gm, self._axis)
        if {"GM", "WM"} <= self._intensities.keys():
            values |= contrast(self._intensities["GM"], self._intensities["WM"])
        return values


def _window(mask: NDArray[np.bool_]) -> tuple[slice, slice]:
    """Return the rows and columns around a mask, with a margin of a pixel."""
    spans = []
    for axis in (1, 0):
        found = np.flatnonzero(mask.any(axis=axis))
        first, last = (found[0], found[-1]) if len(found) else (0, 0)
        spans.append(slice(max(int(first) - 1, 0), int(last) + 2))
    return spans[0], spans[1]
