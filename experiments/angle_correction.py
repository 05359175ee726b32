"""What the correction for the angle between cord and slices does, on cords whose size is known.

Usage: ``python -m experiments.angle_correction``

A straight cord, an ellipse of 13 x 8 mm with two ellipses of gray matter in it, leans to the front,
to the right or in between. Its masks on slices of 0.25 x 0.25 x 5 mm are measured with the
correction and without. Truth is the area of the ellipses, seen along the cord. The table goes to
``docs/results/measurements.md``.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from experiments.markdown import table
from experiments.results_page import replace_section
from scgm.image.volume import Geometry, Volume
from scgm.measurement.masks import structures_from_masks
from scgm.measurement.measure import measure
from scgm.measurement.options import MeasureOptions
from scgm.measurement.rows import Cell

SHAPE, SIZE_MM = (240, 240, 9), (0.25, 0.25, 5.0)
# Off the grid, so that pixels do not favor a side.
MIDDLE_MM = (0.11, 0.07)
# Center and half axes (right-left, front-back) in mm.
CORD = ((0.0, 0.0, 6.5, 4.0),)
GRAY = ((-2.2, 0.0, 0.9, 2.2), (2.2, 0.0, 0.9, 2.2))
TILTS_DEG = (0, 5, 10, 20, 30, 40)
# Where the upper end leans to, from the right.
DIRECTIONS = {"front": 90.0, "right": 0.0, "between": 45.0}
MEASURES = {
    "cord area": ("SC", "area_mm2", np.pi * 6.5 * 4.0),
    "gray matter area": ("GM", "area_mm2", 2 * np.pi * 0.9 * 2.2),
    "cord front-back": ("SC", "diameter_ap_mm", 8.0),
    "cord right-left": ("SC", "diameter_rl_mm", 13.0),
}


def drawn(ellipses: tuple[tuple[float, ...], ...], tilt_deg: float, to_deg: float) -> Volume:
    """Return the mask of straight tubes that lean; along the tube each is an ellipse."""
    affine = np.diag([*SIZE_MM, 1.0])
    affine[:3, 3] = [-(n - 1) / 2 * mm for n, mm in zip(SHAPE, SIZE_MM, strict=True)]
    place = np.indices(SHAPE, np.float64)
    x, y, z = (place[axis] * SIZE_MM[axis] + affine[axis, 3] for axis in range(3))
    x, y = x - MIDDLE_MM[0], y - MIDDLE_MM[1]
    steep, to = np.radians(tilt_deg), np.radians(to_deg)
    # In the plane of the lean, a point is moved along the cord into the plane across it.
    along = x * np.cos(to) + y * np.sin(to)
    moved = along * np.cos(steep) - z * np.sin(steep) - along
    x, y = x + moved * np.cos(to), y + moved * np.sin(to)
    inside: NDArray[np.bool_] = np.any(
        [((x - cx) / a) ** 2 + ((y - cy) / b) ** 2 <= 1 for cx, cy, a, b in ellipses], axis=0
    )
    return Volume(inside.astype(np.float32), Geometry(SHAPE, affine))


def errors(tilt_deg: float, to_deg: float, *, corrected: bool) -> list[float]:
    """Return the error of each measure in percent of the truth."""
    gm, cord = drawn(GRAY, tilt_deg, to_deg), drawn(CORD, tilt_deg, to_deg)
    options = MeasureOptions(by="whole", angle_correction=corrected)
    measured = measure(structures_from_masks("tilted", gm, cord), None, options)
    rows = {row["label"]: row for row in measured}
    return [percent(rows[label][name], truth) for label, name, truth in MEASURES.values()]


def percent(value: Cell, truth: float) -> float:
    """Return how far a value is from the truth."""
    assert isinstance(value, float)
    return 100 * (value - truth) / truth


def main() -> None:
    """Measure all, and write the table."""
    rows = []
    for name, to_deg in DIRECTIONS.items():
        for tilt in TILTS_DEG if name == "front" else TILTS_DEG[1:]:
            plain, corrected = (errors(tilt, to_deg, corrected=one) for one in (False, True))
            cells = (f"{a:+.1f} / {b:+.1f}" for a, b in zip(plain, corrected, strict=True))
            rows.append((f"{tilt}", name if tilt else "-", *cells))
    content = table(("tilt, degrees", "leans to the", *MEASURES), rows)
    replace_section("angle-correction", content)
    print(content)


if __name__ == "__main__":
    main()
