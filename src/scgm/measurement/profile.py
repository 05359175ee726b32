"""Areas and shape along the cord: what two scans of one person are compared by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from scgm.errors import GeometryError
from scgm.measurement.levels import Levels
from scgm.measurement.options import MeasureOptions
from scgm.measurement.plane import plane_of
from scgm.measurement.slices import SliceNumbers, measure_slices
from scgm.measurement.structures import Structures

Values = NDArray[np.float64]
AREAS = ("area_mm2", "area_soft_mm2")
_SHAPES = ("diameter_ap_mm", "diameter_rl_mm")


@dataclass(frozen=True, slots=True, eq=False)
class Profile:
    """One scan along the cord, from inferior to superior.

    Parameters
    ----------
    name : str
        What the image is called.
    positions_mm : (Z,)
        Where the slices lie, along the cord, from the lowest up.
    thickness_mm : float
        Length of cord that a slice stands for.
    areas : mapping of (Z,)
        By label and column ("GM", "area_mm2"); NaN in slices that are flagged or show none.
    features : mapping of (Z,)
        What else changes along the cord, for matching: the same places, NaN where unknown.
    levels : Levels, optional
        Which level each slice shows.
    pixel_area_mm2 : float
        Area of a pixel.
    warnings : tuple of str
        What was odd, one sentence each.
    """

    name: str
    positions_mm: Values
    thickness_mm: float
    areas: Mapping[tuple[str, str], Values]
    features: Mapping[str, Values]
    levels: Levels | None
    pixel_area_mm2: float
    warnings: tuple[str, ...] = ()

    @property
    def ends_mm(self) -> tuple[float, float]:
        """The lower and upper end of what the slices with a value stand for."""
        found = self.positions_mm[self.usable]
        return float(found[0] - self.thickness_mm / 2), float(found[-1] + self.thickness_mm / 2)

    @property
    def usable(self) -> NDArray[np.bool_]:
        """The slices (Z,) of which an area is known."""
        return np.asarray(np.any([np.isfinite(one) for one in self.areas.values()], axis=0))

    def sampled(self, values: Values, at_mm: Values, *, to_ends: bool = False) -> Values:
        """Return values between slices, linearly; NaN further than half a slice from any.

        Beyond the outermost slices nothing is known, unless *to_ends*: then they stand for all of
        their thickness, as a single slice always does. Areas are not compared there, since one of
        two scans may have slices further out.
        """
        known = np.isfinite(values)
        if not known.any():
            return np.full(len(at_mm), np.nan)
        places = self.positions_mm[known]
        away = np.abs(at_mm[:, None] - places).min(axis=1)
        found = np.interp(at_mm, places, values[known])
        inside = away <= self.thickness_mm / 2 + 1e-6
        if len(places) > 1 and not to_ends:
            inside &= (at_mm >= places[0] - 1e-6) & (at_mm <= places[-1] + 1e-6)
        return np.where(inside, found, np.nan)

    def level_at(self, at_mm: Values) -> list[str | None]:
        """Return the level of the slice that each place lies in."""
        if self.levels is None:
            return [None] * len(at_mm)
        nearest = np.abs(at_mm[:, None] - self.positions_mm).argmin(axis=1)
        away = np.abs(at_mm - self.positions_mm[nearest])
        inside = away <= self.thickness_mm / 2 + 1e-6
        return [
            self.levels.of_slice[z] if near else None
            for z, near in zip(nearest, inside, strict=True)
        ]

    def part(self, begin: int, end: int) -> Profile:
        """Return slices from *begin* up to *end*, without it, counted from the lowest of them."""
        levels = self.levels
        return replace(
            self,
            positions_mm=self.positions_mm[begin:end] - self.positions_mm[begin],
            areas={what: values[begin:end] for what, values in self.areas.items()},
            features={what: values[begin:end] for what, values in self.features.items()},
            levels=levels and replace(levels, of_slice=levels.of_slice[begin:end]),
        )


def profile_of(structures: Structures, levels: Levels | None, options: MeasureOptions) -> Profile:
    """Measure a scan along the cord.

    Raises
    ------
    GeometryError
        If no slice can be used.
    """
    numbers = measure_slices(structures, angle_correction=options.angle_correction)
    by_label = {
        label: [one for one in numbers if one.label == label] for label in structures.labels
    }
    out = np.zeros_like(structures.flagged) if options.include_flagged else structures.flagged
    areas = {
        (label, column): values
        for label, ones in by_label.items()
        for column in AREAS
        if np.isfinite(values := _column(ones, column, out)).any()
    }
    if not areas:
        msg = (
            f"{structures.name}: no slice of it can be used, since all are flagged or empty; look "
            "at the masks, or use --include-flagged"
        )
        raise GeometryError(msg)
    outline = by_label[structures.outline]
    distance = plane_of(structures.stack).distance_mm
    positions = _along(_column(outline, "angle_deg", np.zeros_like(out)), distance)
    shapes = {column: _column(outline, column, out) for column in _SHAPES}
    return Profile(
        name=structures.name,
        positions_mm=positions,
        thickness_mm=float(np.diff(positions).max(initial=distance)),
        areas=areas,
        features=_features(areas, shapes),
        levels=levels,
        pixel_area_mm2=structures.stack.pixel_area_mm2,
        warnings=(*structures.warnings, *(levels.warnings if levels else ())),
    )


def _column(ones: list[SliceNumbers], column: str, out: NDArray[np.bool_]) -> Values:
    found = [one.values.get(column) for one in ones]
    values = np.array([np.nan if value is None else value for value in found], np.float64)
    return np.where(out, np.nan, values)


def _along(angles_deg: Values, distance_mm: float) -> Values:
    """Return where slices lie along the cord, which is longer than the way across them."""
    steps = distance_mm / np.cos(np.radians(np.nan_to_num(angles_deg)))
    between = (steps[1:] + steps[:-1]) / 2
    return np.concatenate([[0.0], np.cumsum(between)])


def _features(
    areas: Mapping[tuple[str, str], Values], shapes: Mapping[str, Values]
) -> dict[str, Values]:
    """Return what tells one place of the cord from another."""
    found = {}
    for label in ("GM", "SC"):
        known = [areas[label, column] for column in reversed(AREAS) if (label, column) in areas]
        if known:
            found[label] = known[0]
    if len(found) == 2:
        found["ratio"] = found["GM"] / found["SC"]
    found["shape"] = shapes["diameter_ap_mm"] / shapes["diameter_rl_mm"]
    return found
