"""Which vertebral level each slice shows, for methods that use it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from scgm.errors import UsageError
from scgm.image.orientation import AxialStack
from scgm.measurement.level_source import levels_for
from scgm.measurement.levels import LevelKind, level_number
from scgm.measurement.structures import Structures
from scgm.segmentation.options import SegmentOptions
from scgm.segmenters.methods import METHODS


class GivenLevels(NamedTuple):
    """Number of the level in each slice (1 is C1, 8 is T1; NaN where unknown), and remarks."""

    of_slice: NDArray[np.float32] | None = None
    notes: tuple[str, ...] = ()


def given_levels(stack: AxialStack, options: SegmentOptions, method: str) -> GivenLevels:
    """Return what the user says of the levels of a stack.

    Labels anywhere in the plane of a slice vote, as the cord is not known yet.

    Raises
    ------
    UsageError
        If the method uses no levels, or they are not vertebral.
    ImageReadError, GeometryError
        If what is given is no list or image of levels of these slices.
    """
    asked = options.levels()
    if asked.levels_from is None and asked.level_at is None:
        return GivenLevels()
    if method not in METHODS or not METHODS[method].uses_levels:
        using = ", ".join(name for name, spec in METHODS.items() if spec.uses_levels)
        msg = f"method {method} uses no levels; omit them, or use --method {using}"
        raise UsageError(msg)
    everywhere = np.broadcast_to(np.True_, stack.slices.shape)
    count = len(stack.slices)
    structures = Structures("", stack, {"SC": everywhere}, {}, ("",) * count, np.zeros(count, bool))
    found = levels_for(structures, asked)
    assert found is not None
    if found.kind is not LevelKind.VERTEBRAL:
        msg = f"method {method} compares vertebral levels, not {found.kind} ones; give those"
        raise UsageError(msg)
    numbers = [
        np.nan if name is None else level_number(name, found.kind) for name in found.of_slice
    ]
    return GivenLevels(np.array(numbers, np.float32), found.warnings)
