"""From which presence on a slice shows a cord; chosen by ``python -m experiments.presence``."""

import numpy as np
from numpy.typing import NDArray

MIN_PRESENCE = 0.5
# A cord does not end and begin again: slices between two that show it, not far apart, need less.
MIN_PRESENCE_BETWEEN = 0.25
BETWEEN_MM = 30.0


def is_present(
    presence: NDArray[np.float32],
    slice_mm: float,
    limit: float = MIN_PRESENCE,
    between: float = MIN_PRESENCE_BETWEEN,
) -> NDArray[np.bool_]:
    """Tell for each slice of a stack (Z,) whether its presence is enough for a cord.

    Parameters
    ----------
    presence
        (Z,) from 0 to 1, in the order of the slices.
    slice_mm
        From the middle of a slice to that of the next, in mm.
    limit, between
        What a slice needs, and what one between two that have it needs.
    """
    surely, place = presence >= limit, np.arange(len(presence))
    most = int(BETWEEN_MM / slice_mm + 0.01)  # slices from the one before to the one after
    before = np.maximum.accumulate(np.where(surely, place, -most - 1))
    after = np.minimum.accumulate(np.where(surely, place, len(place) + most)[::-1])[::-1]
    return np.asarray(surely | ((after - before <= most) & (presence >= between)))
