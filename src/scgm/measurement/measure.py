"""From structures to a table."""

from __future__ import annotations

import numpy as np

from scgm.measurement.levels import Levels
from scgm.measurement.options import DEFAULT_MEASURE, MeasureOptions
from scgm.measurement.rows import rows_of
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
    """
    numbers = measure_slices(structures, angle_correction=options.angle_correction)
    rows = rows_of(structures, numbers, levels, options)
    notes = (*structures.warnings, *(levels.warnings if levels else ()), *_remarks(numbers))
    return Table(tuple(rows), tuple(dict.fromkeys(notes)))


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
