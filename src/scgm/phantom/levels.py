"""Size and shape of the cord and its surroundings, from the neck to the end of the cord.

The numbers are rounded from the anatomical literature: cord about 80 mm2 at C3, 83 mm2 at C5,
48 mm2 at T8 and 67 mm2 at L4; gray matter 14, 17, 5 and 24 mm2. They are defaults for a
plausible average adult, not measurements.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate

import numpy as np

from scgm.errors import ConfigError

SEGMENTS = tuple(
    f"{letter}{number}"
    for letter, count in (("C", 8), ("T", 12), ("L", 5), ("S", 5))
    for number in range(1, count + 1)
)
REGIONS = {"cervical": "C5", "thoracic": "T8", "lumbar": "L4"}

# Lengths along the cord in mm, segment by segment.
_LENGTHS_MM = (
    *(10, 12, 14, 14, 14, 13, 13, 13),
    *(14, 15, 17, 19, 21, 23, 24, 24, 23, 21, 18, 15),
    *(13, 11, 10, 9, 8),
    *(7, 6, 5, 5, 4),
)
_ENDS_MM = tuple(accumulate(_LENGTHS_MM))
_MIDDLES_MM = tuple(end - length / 2 for end, length in zip(_ENDS_MM, _LENGTHS_MM, strict=True))


@dataclass(frozen=True, slots=True)
class Level:
    """Average anatomy at one place along the cord.

    Lengths in mm. Places in the gray matter are shares of the cord's half width (first number) and
    half depth (second), radii there are shares of the half depth; all describe the right half.
    """

    width: float
    depth: float
    gm_area: float
    anterior_medial: tuple[float, float]
    anterior_lateral: tuple[float, float]
    anterior_radius: float
    posterior_base: tuple[float, float]
    posterior_head: tuple[float, float]
    posterior_tip: tuple[float, float]
    posterior_radii: tuple[float, float, float]
    commissure: tuple[float, float]
    lateral_horn: float
    sac: tuple[float, float]
    sac_y: float
    vertebra: tuple[float, float]
    pitch: float
    disc: float


# Place (segment, counted from C1 = 0): width, depth, gray matter area of the cord.
_CORD = np.array(
    [
        (0, 12.0, 8.4, 14.0),
        (1, 12.0, 8.3, 13.5),
        (2, 12.4, 8.2, 14.0),
        (4, 13.2, 8.0, 17.0),
        (5, 13.2, 7.9, 17.5),
        (6, 12.4, 7.6, 16.0),
        (7, 11.2, 7.3, 12.5),
        (8, 10.0, 7.0, 8.5),
        (10, 9.0, 6.8, 5.5),
        (15, 8.8, 6.9, 5.0),
        (18, 8.8, 7.1, 6.0),
        (19, 9.2, 7.5, 9.0),
        (20, 9.8, 7.9, 14.0),
        (22, 10.4, 8.2, 23.0),
        (23, 10.4, 8.2, 24.0),
        (24, 9.4, 7.8, 21.5),
        (25, 8.0, 7.0, 17.0),
        (27, 5.6, 5.2, 9.5),
        (29, 3.0, 2.8, 2.8),
    ]
)

# Place; anterior horn (medial u v, lateral u v, radius); posterior horn (base u v, head u v,
# tip u v, three radii); commissure (v, half thickness); lateral horn (1 there, 0 not).
_GRAY = np.array(
    [
        (0, .16, .34, .28, .30, .15, .23, .00, .40, -.42, .55, -.70, .10, .11, .05, .11, .09, 0),
        (2, .16, .34, .30, .30, .15, .23, .00, .40, -.42, .54, -.70, .10, .11, .05, .11, .09, 0),
        (4, .17, .36, .42, .27, .19, .25, -.02, .40, -.42, .53, -.70, .11, .11, .05, .10, .09, 0),
        (7, .17, .36, .41, .25, .18, .24, -.02, .38, -.42, .50, -.68, .10, .11, .05, .10, .08, 0),
        (9, .15, .36, .22, .28, .11, .19, .02, .34, -.38, .46, -.67, .09, .09, .05, .11, .07, 1),
        (17, .15, .36, .21, .28, .11, .18, .02, .32, -.36, .44, -.66, .09, .09, .05, .11, .07, 1),
        (20, .17, .36, .33, .24, .17, .20, .00, .33, -.38, .42, -.68, .14, .14, .07, .09, .10, 1),
        (22, .19, .36, .44, .17, .26, .22, -.04, .32, -.38, .39, -.70, .19, .19, .09, .06, .16, 0),
        (25, .20, .32, .46, .14, .29, .23, -.06, .32, -.36, .37, -.68, .23, .22, .12, .04, .22, 0),
        (29, .18, .25, .40, .10, .30, .20, -.08, .26, -.32, .30, -.60, .25, .24, .14, .02, .25, 0),
    ]
)  # fmt: skip

# Place; dural sac (half width, half depth, y of its middle seen from the cord's); vertebral body
# (half width, half depth); distance from one vertebra to the next, thickness of a disc.
# The vertebra is the one beside that part of the cord: T12 to L1 beside the segment L4.
_SPINE = np.array(
    [
        (0, 12.0, 8.2, -0.3, 12.0, 7.5, 17.0, 4.0),
        (4, 10.8, 6.1, -0.2, 13.0, 8.0, 17.0, 5.0),
        (8, 9.0, 6.3, -0.4, 14.5, 9.0, 18.0, 5.0),
        (15, 7.6, 7.0, -1.0, 15.0, 14.0, 24.0, 4.5),
        (20, 8.8, 7.8, -0.2, 18.0, 15.0, 28.0, 6.0),
        (23, 9.6, 8.6, 0.9, 20.0, 15.5, 30.0, 7.0),
        (29, 10.5, 9.0, 1.5, 22.0, 16.5, 34.0, 9.0),
    ]
)


def segment_index(region: str) -> int:
    """Return the index of a region or of a segment's name, counted from C1 = 0.

    Raises
    ------
    ConfigError
        If there is no such region.
    """
    name = REGIONS.get(region.lower(), region.upper())
    if name not in SEGMENTS:
        msg = f"region {region!r} is unknown; give cervical, thoracic, lumbar, or one of C1 to S5"
        raise ConfigError(msg)
    return SEGMENTS.index(name)


def place_at(region: str, z_mm: float) -> float | None:
    """Return the place along the cord *z_mm* above the middle of a region.

    Returns
    -------
    float or None
        In segments, 0 for the middle of C1 (also above it); None below the end of the cord.
    """
    along_mm = _MIDDLES_MM[segment_index(region)] - z_mm
    if along_mm > _ENDS_MM[-1]:
        return None
    return float(np.interp(along_mm, _MIDDLES_MM, np.arange(len(SEGMENTS))))


def level_at(place: float) -> Level:
    """Return the average anatomy at a place along the cord, given in segments from C1 = 0."""
    width, depth, gm_area = _row(_CORD, place)
    gray = _row(_GRAY, place)
    spine = _row(_SPINE, place)
    return Level(
        width=width,
        depth=depth,
        gm_area=gm_area,
        anterior_medial=(gray[0], gray[1]),
        anterior_lateral=(gray[2], gray[3]),
        anterior_radius=gray[4],
        posterior_base=(gray[5], gray[6]),
        posterior_head=(gray[7], gray[8]),
        posterior_tip=(gray[9], gray[10]),
        posterior_radii=(gray[11], gray[12], gray[13]),
        commissure=(gray[14], gray[15]),
        lateral_horn=gray[16],
        sac=(spine[0], spine[1]),
        sac_y=spine[2],
        vertebra=(spine[3], spine[4]),
        pitch=spine[5],
        disc=spine[6],
    )


def _row(table: np.ndarray, place: float) -> list[float]:
    """Interpolate every column of a table whose first column is the place."""
    return [float(np.interp(place, table[:, 0], column)) for column in table.T[1:]]
