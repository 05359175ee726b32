"""From structures to a table."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from scipy.ndimage import label

from scgm.errors import UsageError
from scgm.measurement.levels import Levels, parsed_range, range_text
from scgm.measurement.norms import norms_of
from scgm.measurement.options import DEFAULT_MEASURE, MeasureOptions
from scgm.measurement.rows import rows_of
from scgm.measurement.scores import Asked, scored
from scgm.measurement.slices import SliceNumbers, measure_slices
from scgm.measurement.structures import Structures
from scgm.measurement.table import Table

# Beyond this, a correction by the cosine of the angle is no small one.
_STEEP_DEG = 30.0


def measure(
    structures: Structures, levels: Levels | None = None, options: MeasureOptions = DEFAULT_MEASURE
) -> Table:
    """Measure cord, gray and white matter.

    Parameters
    ----------
    structures : Structures
        The masks.
    levels : Levels, optional
        Which level each slice shows.
    options : MeasureOptions
        What the rows stand for.

    Returns
    -------
    Table
        A row for each slice, level or range, and for each label.

    Raises
    ------
    UsageError
        If the table needs levels and none are given, or a range is none.
    GeometryError
        If no slice shows a level that was asked for.
    DataSetError
        If the norms cannot be read.
    """
    if options.norms is not None and levels is None:
        msg = "norms are by level; give a label image or a text file of levels, or that of a slice"
        raise UsageError(msg)
    numbers = measure_slices(structures, angle_correction=options.angle_correction)
    rows = rows_of(structures, numbers, levels, options)
    notes = (
        *structures.warnings,
        *(f"{structures.name}: {line}" for line in _pieces(structures)),
        *(levels.warnings if levels else ()),
        *(f"{structures.name}: {line}" for line in _missing_levels(levels, options)),
        *(f"{structures.name}: {line}" for line in _remarks(numbers)),
    )
    table = Table(tuple(rows), tuple(dict.fromkeys(notes)))
    if options.norms is None:
        return table
    norms, remarks = norms_of(Path(options.norms))
    table = Table(table.made_of, (*table.warnings, *remarks))
    return scored(table, norms, Asked(options.age, options.sex))


def _pieces(structures: Structures) -> tuple[str, ...]:
    """Name the slices whose cord is in several pieces, which have no common shape."""
    outline = structures.masks.get("SC")
    if outline is None:
        return ()
    usable = np.flatnonzero(structures.measured["SC"])
    split = [z for z in usable if label(outline[z], np.ones((3, 3)))[1] > 1]
    if not split:
        return ()
    listed = ", ".join(str(structures.stack.native_index(int(z))) for z in split[:10])
    more = ", ..." if len(split) > 10 else ""
    return (
        f"the cord is in several pieces in slices {listed}{more}: look at the mask before its "
        "shape is used",
    )


def _missing_levels(levels: Levels | None, options: MeasureOptions) -> tuple[str, ...]:
    """Name the levels that were asked for and that no slice shows."""
    if levels is None or options.levels is None:
        return ()
    wanted = parsed_range(options.levels, levels.kind)
    missing = [name for name in wanted if name not in levels.of_slice]
    if not missing:
        return ()
    return (f"no slice shows {range_text(missing, levels.kind)}: not in the table",)


def _remarks(numbers: list[SliceNumbers]) -> tuple[str, ...]:
    """Say what the user may not expect of the angles."""
    measured = [one.values for one in numbers if one.values]
    angles = [angle for one in measured if (angle := one.get("angle_deg")) is not None]
    if measured and not angles:
        return (
            "the angle between cord and slices is not known from a single slice: areas are those "
            "of the slice",
        )
    steep = float(np.max(angles, initial=0.0))
    if steep > _STEEP_DEG:
        return (
            f"the cord crosses slices at up to {steep:.0f} degrees: look at the masks before the "
            "areas are used",
        )
    return ()
