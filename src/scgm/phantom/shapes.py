"""Plane shapes as functions that are negative inside: values in mm, near the edge a distance.

All take coordinates in mm (arrays of one shape) and return an array of that shape.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.float32]
Point = tuple[float, float]


def ellipse(x: Plane, y: Plane, center: Point, radii: Point) -> Plane:
    """Return the depth in an ellipse; exact on its edge and, for a circle, everywhere."""
    across, along = (x - center[0]) / radii[0], (y - center[1]) / radii[1]
    depth: Plane = (np.sqrt(across * across + along * along) - 1) * min(radii)
    return depth


def capsule(x: Plane, y: Plane, start: Point, end: Point, radii: Point) -> Plane:
    """Return the depth in a rod with round ends, whose radius changes linearly between them."""
    dx, dy = end[0] - start[0], end[1] - start[1]
    share = ((x - start[0]) * dx + (y - start[1]) * dy) / (dx * dx + dy * dy)
    along: Plane = np.asarray(np.clip(share, 0, 1), np.float32)
    away: Plane = np.hypot(x - start[0] - along * dx, y - start[1] - along * dy)
    depth: Plane = away - (radii[0] + (radii[1] - radii[0]) * along)
    return depth


def union(first: Plane, second: Plane, blend_mm: float) -> Plane:
    """Join two shapes, with a fillet of about *blend_mm* where they meet."""
    near = np.maximum(blend_mm - np.abs(first - second), 0)
    joined: Plane = np.minimum(first, second) - near * near / (4 * blend_mm)
    return joined


def bent(x: Plane, y: Plane, lift_mm: float, half_width_mm: float) -> Plane:
    """Return y such that a shape of that half width bends forward at its sides; keeps areas."""
    return y - lift_mm * (x / half_width_mm) ** 2
