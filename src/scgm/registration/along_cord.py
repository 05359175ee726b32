"""Which place along one cord corresponds to which along another."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from scgm.errors import GeometryError, UsageError
from scgm.measurement.levels import Levels, level_names, parsed_level

Doubles = NDArray[np.float64]

_FAR_MM = 1e5


@dataclass(frozen=True, slots=True, eq=False)
class Cord:
    """What is known of a cord along its slices, from inferior to superior.

    Parameters
    ----------
    name : str
        What messages call it.
    there : (Z,) bool
        Slices with a cord.
    step_mm : float
        Distance between slices.
    levels : Levels, optional
        Which level each slice shows.
    """

    name: str
    there: NDArray[np.bool_]
    step_mm: float
    levels: Levels | None = None

    @property
    def ends(self) -> tuple[float, float]:
        """Lower and upper end of the cord, in slices."""
        found = np.flatnonzero(self.there)
        return float(found[0]) - 0.5, float(found[-1]) + 0.5


@dataclass(frozen=True, slots=True, eq=False)
class AlongCord:
    """Corresponding places of two cords, in slices (with a fraction), both increasing.

    Between two of them, the correspondence is linear; beyond the last, a millimeter is a
    millimeter.
    """

    native: Doubles
    template: Doubles
    native_mm: float
    template_mm: float
    how: str
    warnings: tuple[str, ...] = ()

    def to_template(self, slices: Doubles) -> Doubles:
        """Return the places in the template of places in the native cord."""
        return np.interp(slices, self._far(self.native, self.native_mm), self._far_template)

    def to_native(self, slices: Doubles) -> Doubles:
        """Return the places in the native cord of places in the template."""
        return np.interp(slices, self._far_template, self._far(self.native, self.native_mm))

    @property
    def _far_template(self) -> Doubles:
        return self._far(self.template, self.template_mm)

    @staticmethod
    def _far(places: Doubles, step_mm: float) -> Doubles:
        far = _FAR_MM / step_mm
        return np.concatenate([[places[0] - far], places, [places[-1] + far]])


def by_levels(native: Cord, template: Cord) -> AlongCord:
    """Lay borders between levels on each other; where none is common, the middles of levels.

    Raises
    ------
    UsageError
        If the kinds of level differ.
    GeometryError
        If no level is common.
    """
    here, there = native.levels, template.levels
    assert here is not None
    assert there is not None
    if here.kind != there.kind:
        msg = (
            f"{native.name}: its levels are {here.kind}, those of {template.name} {there.kind}; "
            "give both of one kind (--level-kind, --template-levels)"
        )
        raise UsageError(msg)
    of_native, of_template = _borders(here), _borders(there)
    common = sorted(of_native.keys() & of_template.keys(), key=lambda pair: of_native[pair])
    if common:
        knots = [(of_native[pair], of_template[pair]) for pair in common]
        return _along(native, template, knots, "levels")
    levels = [name for name in _shown(here) if name in there.of_slice]
    if not levels:
        msg = (
            f"{native.name}: it shows {_listed(here)}, and {template.name} shows {_listed(there)}; "
            "no level is common, so they cannot be laid on each other"
        )
        raise GeometryError(msg)
    middles = "the middle of" if len(levels) == 1 else "the middles of"
    note = (
        f"{native.name}: only {middles} {' and '.join(levels)} "
        f"{'says' if len(levels) == 1 else 'say'} where along the cord it lies"
    )
    knots = [(_middle(here, name), _middle(there, name)) for name in reversed(levels)]
    return _along(native, template, knots, "levels", note)


def by_one_slice(native: Cord, template: Cord, known: tuple[int, str]) -> AlongCord:
    """Lay one slice on the middle of the level that it shows.

    Raises
    ------
    UsageError, GeometryError
        If the template has no levels, or not this one.
    """
    slice_is, word = known
    levels = template.levels
    if levels is None:
        msg = f"{template.name}: it has no levels; give them with --template-levels"
        raise UsageError(msg)
    name = parsed_level(word, levels.kind)
    if name is None or name not in levels.of_slice:
        msg = f"{template.name}: it shows {_listed(levels)}, not {word[:20]}; give another level"
        raise GeometryError(msg)
    note = f"{native.name}: along the cord, only slice and level {name} are given; approximate"
    knot = (float(slice_is), _middle(levels, name))
    return _along(native, template, [knot], "one slice", note)


def end_to_end(native: Cord, template: Cord) -> AlongCord:
    """Lay the ends of one cord on those of the other; this is right only if both are the same."""
    note = (
        f"{native.name}: no levels are known, so its ends were laid on those of {template.name}; "
        "give levels (--levels-from or --level-at) unless both show the same part of the cord"
    )
    knots = list(zip(native.ends, template.ends, strict=True))
    return _along(native, template, knots, "end to end", note)


def _along(
    native: Cord,
    template: Cord,
    knots: list[tuple[float, float]],
    how: str,
    *notes: str,
) -> AlongCord:
    here, there = np.array(knots, float).T
    if (np.diff(here) <= 0).any() or (np.diff(there) <= 0).any():
        msg = f"{native.name}: its levels are not in order from the head down; check them"
        raise GeometryError(msg)
    return AlongCord(here, there, native.step_mm, template.step_mm, how, notes)


def _borders(levels: Levels) -> dict[tuple[str, str], float]:
    """Return where each two neighboring levels meet, in slices, by (lower, upper)."""
    order = level_names(levels.kind)
    known = [(z, name) for z, name in enumerate(levels.of_slice) if name is not None]
    return {
        (lower, upper): (z + above) / 2
        for (z, lower), (above, upper) in pairwise(known)
        if order.index(lower) == order.index(upper) + 1
    }


def _middle(levels: Levels, name: str) -> float:
    return float(np.mean([z for z, each in enumerate(levels.of_slice) if each == name]))


def _shown(levels: Levels) -> list[str]:
    """Return the levels of the slices, from the head down."""
    return [name for name in level_names(levels.kind) if name in levels.of_slice]


def _listed(levels: Levels) -> str:
    names = _shown(levels)
    return names[0] if len(names) == 1 else f"{names[0]} to {names[-1]}"
