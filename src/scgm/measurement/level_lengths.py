"""Levels from one known slice and the average lengths of levels: approximate."""

from __future__ import annotations

from itertools import accumulate

from scgm.errors import UsageError
from scgm.measurement.levels import LevelKind, Levels, level_names, parsed_level

# Average lengths along the cord in mm, from C1 down, as in the template PAM50 of 50 healthy adults
# (De Leener et al., NeuroImage 2018); its spinal levels are those of Frostell et al. 2016, measured
# on it. People differ, the more the further away a slice is.
_LENGTHS_MM = {
    LevelKind.VERTEBRAL: (
        *(10.5, 15.5, 18.5, 18.5, 16.5, 15.5, 17),
        *(21.5, 23, 23, 24.5, 25.5, 25.5, 26.5, 27, 26.5, 29, 31.5, 31.5),
        33,
    ),
    LevelKind.SPINAL: (
        *(7.5, 10.5, 16.5, 16.5, 16.5, 15.5, 15.5, 16),
        *(17, 18.5, 20.5, 23.5, 24.5, 26.5, 26, 25.5, 24.5, 22, 20.5, 18.5),
        *(17, 13, 11.5, 10.5, 8),
        *(7, 7.5, 6.5, 6, 3.5),
    ),
}


def approximate_levels(
    level: str, slice_is: int, positions_mm: tuple[float, ...], kind: LevelKind
) -> Levels:
    """Return the levels of all slices from that of one.

    Parameters
    ----------
    level : str
        The level whose middle the slice shows, as "C3".
    slice_is : int
        That slice, counted from inferior to superior.
    positions_mm : tuple of float
        Where each slice lies along the cord, upwards.
    kind : LevelKind
        What *level* means.

    Raises
    ------
    UsageError
        If the level is unknown, its length is not known, or there is no such slice.
    """
    lengths = _LENGTHS_MM[kind]
    known = level_names(kind)[: len(lengths)]
    name = parsed_level(level, kind)
    if name not in known:
        msg = (
            f"{level[:20]!r} is no {kind} level whose length is known; give one of {known[0]} to "
            f"{known[-1]}"
        )
        raise UsageError(msg)
    if not 0 <= slice_is < len(positions_mm):
        msg = f"there is no slice {slice_is} to put {name} at (there are {len(positions_mm)})"
        raise UsageError(msg)
    ends = tuple(accumulate(lengths))
    middle = ends[known.index(name)] - lengths[known.index(name)] / 2
    here = positions_mm[slice_is]

    def at(position: float) -> str | None:
        depth = middle - (position - here)
        inside = [each for each, end in zip(known, ends, strict=True) if depth < end]
        return inside[0] if inside and depth >= 0 else None

    note = f"levels are approximate: counted from {name} by average lengths"
    return Levels(tuple(map(at, positions_mm)), kind, "approximate", (note,))
