"""Left and right, anterior and posterior parts of a structure, in the cord's own frame."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates

from scgm.measurement.axis import Axis
from scgm.measurement.shape import Outline

# A pixel that an axis crosses is shared out by so many points along each edge.
_POINTS = 6
_STEP_MM = 0.02


def part_areas(outline: Outline, axis: Axis) -> dict[str, float]:
    """Return the areas of the halves and quarters of a mask in mm2, by the name of the column.

    Left and right are the patient's.
    """
    inside = (np.arange(_POINTS) + 0.5) / _POINTS - 0.5
    offsets = np.stack(np.meshgrid(inside, inside), axis=-1).reshape(-1, 2) @ outline.to_mm.T
    points = (outline.points[:, None] + offsets - axis.center).reshape(-1, 2)
    right, anterior = points @ axis.right > 0, points @ axis.anterior > 0
    share = outline.pixel_mm2 / len(offsets)

    def area(where: NDArray[np.bool_]) -> float:
        return float(where.sum()) * share

    return {
        "left_mm2": area(~right),
        "right_mm2": area(right),
        "anterior_mm2": area(anterior),
        "posterior_mm2": area(~anterior),
        "anterior_left_mm2": area(anterior & ~right),
        "anterior_right_mm2": area(anterior & right),
        "posterior_left_mm2": area(~anterior & ~right),
        "posterior_right_mm2": area(~anterior & right),
    }


def asymmetries(areas: dict[str, float]) -> dict[str, float | None]:
    """Return left less right in percent of the mean of both, for the whole and its halves."""
    return {
        f"asymmetry_{name}percent": _asymmetry(areas[f"{name}left_mm2"], areas[f"{name}right_mm2"])
        for name in ("", "anterior_", "posterior_")
    }


def _asymmetry(left: float, right: float) -> float | None:
    return 200 * (left - right) / (left + right) if left + right else None


def commissure_mm(gm: Outline, axis: Axis) -> float | None:
    """Return how wide the gray matter is on the midline, from front to back.

    Where it crosses the midline more than once, the part nearest the center of the cord counts.
    None if no gray matter lies on the midline.
    """
    reach = gm.extent(axis.anterior)
    along = np.arange(-reach, reach, _STEP_MM)
    points = axis.center + np.outer(along, axis.anterior)
    columns, rows = np.linalg.solve(gm.to_mm, points.T)
    inside = map_coordinates(gm.mask.astype(np.float32), [rows, columns], order=1) >= 0.5
    if not inside.any():
        return None
    edges = np.flatnonzero(np.diff(np.concatenate([[False], inside, [False]]).astype(int)))
    runs = edges.reshape(-1, 2)
    distance = [np.abs(along[start:end]).min() for start, end in runs]
    start, end = runs[int(np.argmin(distance))]
    return float(end - start) * _STEP_MM
