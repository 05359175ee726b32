"""Where the slices of a volume lie: evenly along a line, or a sentence that says why not."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from scgm.errors import ImageReadError
from scgm.image.volume import Geometry
from scgm.io.dicom.frames import Grid

Vector = NDArray[np.float64]

# Images closer than this lie at one place. Positions are written with few digits.
SAME_PLACE_MM = 0.01
# A slice may lie this far from its even place, in mm and as a share of the distance of slices.
_UNEVEN_MM = 0.02
_UNEVEN_SHARE = 0.01
_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


def in_order(positions: Sequence[Vector], grid: Grid) -> list[int]:
    """Return the order of slices along the normal of their pixels."""
    return list(np.argsort([place @ grid.normal for place in positions], kind="stable"))


def even_step(positions: Sequence[Vector], grid: Grid, thickness_mm: float | None) -> Vector:
    """Return the way from each slice to the next one, in mm.

    It need not be at right angles to the slices: they can be shifted evenly, as by a tilted gantry.

    Parameters
    ----------
    positions : sequence of (3,) float64
        Centers of the first pixels, in order.
    grid : Grid
        Their pixels.
    thickness_mm : float, optional
        What is taken for a single slice; 1 mm where it is None.

    Raises
    ------
    ImageReadError
        If slices are missing, or lie unevenly.
    """
    places = np.array(positions)
    if len(places) == 1:
        return np.asarray(grid.normal * (thickness_mm or 1.0))
    step: Vector = (places[-1] - places[0]) / (len(places) - 1)
    even = places[0] + np.arange(len(places))[:, None] * step
    allowed = max(_UNEVEN_MM, _UNEVEN_SHARE * float(np.linalg.norm(step)))
    if np.linalg.norm(places - even, axis=1).max() > allowed:
        raise ImageReadError(_what_is_uneven(places, grid))
    if abs(step @ grid.normal) < SAME_PLACE_MM:
        msg = "its slices lie side by side in one plane, not one above the other; check the export"
        raise ImageReadError(msg)
    return step


def placed(position: Vector, step: Vector, grid: Grid, count: int) -> Geometry:
    """Return the geometry of a volume with voxels (column, row from the last one, slice).

    Rows are counted from the last one, as dcm2niix does, so that masks lie on the grid of its
    files.
    """
    affine = np.eye(4)
    affine[:3, 0] = grid.along_row * grid.spacing_mm[1]
    affine[:3, 1] = -grid.along_column * grid.spacing_mm[0]
    affine[:3, 2] = step
    affine[:3, 3] = position + grid.along_column * grid.spacing_mm[0] * (grid.rows - 1)
    return Geometry((grid.columns, grid.rows, count), _TO_RAS @ affine)


def _what_is_uneven(places: Vector, grid: Grid) -> str:
    """Tell missing slices from uneven ones."""
    along = places @ grid.normal
    gaps = np.diff(along)
    usual = float(np.median(gaps))
    counts = gaps / usual
    whole = np.round(counts)
    if np.abs(counts - whole).max() < 0.05 and whole.min() >= 1 and whole.max() > 1:
        first = int(np.argmax(whole > 1))
        missing = int((whole - 1).sum())
        return (
            f"{missing} of {len(places) + missing} slices {_is(missing)} missing (the first gap is "
            f"behind slice {first + 1}, of {gaps[first]:.4g} mm where {usual:.4g} mm are usual); "
            "copy the series again, all of it"
        )
    if np.ptp(gaps) <= max(_UNEVEN_MM, _UNEVEN_SHARE * usual):
        return (
            "its slices are shifted against each other by uneven amounts, which no volume can "
            "hold; give them as series of their own"
        )
    return (
        f"its slices lie at uneven distances ({gaps.min():.4g} to {gaps.max():.4g} mm), which no "
        "volume can hold; give each evenly spaced part as a folder of its own"
    )


def _is(count: int) -> str:
    return "is" if count == 1 else "are"
