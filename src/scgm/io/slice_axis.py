"""The axis of the slices where the user names it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from scgm.image.orientation import axis_map
from scgm.io.options import NativeAxis


def named_axis(
    affine: NDArray[np.float64], named: NativeAxis | None
) -> tuple[int | None, list[str]]:
    """Return the axis of the slices that the user names, and a warning if the header differs."""
    if named is None:
        return None, []
    axis, usual = "ijk".index(named), axis_map(affine).order[0]
    if axis == usual:
        return axis, []
    return axis, [
        f"the slices lie along {named}, as chosen, and not along {'ijk'[usual]}, as "
        "the header says, so front and back, left and right may be wrong"
    ]
