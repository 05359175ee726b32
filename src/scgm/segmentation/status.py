"""What is said of each slice, and of the whole image."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from scgm.image.confidence import LOW_CONFIDENCE_BELOW
from scgm.image.orientation import AxialStack
from scgm.segmentation.cut_off import Sides, cut_by_image, cut_by_window
from scgm.segmenters.base import Probabilities

# A cord may lack so much of its area and still be measured.
MOST_MISSING = 0.02
CONFIDENCE_NOT_AVAILABLE = "confidence not available"


class SliceStatus(StrEnum):
    """What a user should know of one slice before its numbers are used.

    Where several apply, the first in this order is given.
    """

    NO_CORD = "no cord"
    CUT_OFF = "cut off"
    MISSING_VALUES = "missing values"
    CORD_IN_DOUBT = "cord mask in doubt"
    NO_GRAY_MATTER = "no gray matter"
    LOW_CONFIDENCE = "low confidence"
    OK = "ok"

    @property
    def has_cord_area(self) -> bool:
        """Whether the area of the cord in such a slice is that of the whole cord."""
        return self not in (SliceStatus.NO_CORD, SliceStatus.CUT_OFF)

    @property
    def has_gray_matter_area(self) -> bool:
        """Whether the areas of gray and white matter in such a slice can be measured."""
        return self.has_cord_area and self is not SliceStatus.NO_GRAY_MATTER


def nothing_ok(statuses: Sequence[SliceStatus]) -> str:
    """Say what is wrong with an image without a single slice that is ok; empty for others."""
    if SliceStatus.OK in statuses:
        return ""
    words = ", ".join(f"{n} {word}" for word, n in Counter(statuses).items())
    return f"no slice is ok ({words})"


def slice_faults(
    cord: NDArray[np.float32] | None,
    own_cord: NDArray[np.float32] | None,
    stack: AxialStack,
    threshold: float,
    at_border: Sides,
) -> dict[SliceStatus, NDArray[np.bool_]]:
    """Return the slices (Z,) whose cord is not wholly seen.

    Parameters
    ----------
    cord : (Z, Y, X) float32, optional
        Probability of the cord, with the user's mask in place of the method's if there is one.
    own_cord : (Z, Y, X) float32, optional
        Probability of the cord as the method found it.
    stack : AxialStack
        The same part of the image.
    threshold : float
        Probability from which on a pixel counts.
    at_border : four bool
        Which sides of that part are those of the image.
    """
    if cord is None or own_cord is None:
        return {}
    pixel_mm = stack.spacing_mm[1:]
    mask = cord >= threshold
    by_window = cut_by_window(own_cord, threshold, pixel_mm, at_border)
    faults = {SliceStatus.CUT_OFF: cut_by_image(mask, pixel_mm, at_border) | by_window}
    if stack.missing is not None:
        missing = (mask & stack.missing).sum(axis=(1, 2))
        faults[SliceStatus.MISSING_VALUES] = missing > MOST_MISSING * mask.sum(axis=(1, 2))
    return faults


def slice_statuses(
    found: Probabilities,
    confidence: Sequence[float | None],
    threshold: float,
    faults: Mapping[SliceStatus, NDArray[np.bool_]],
) -> tuple[SliceStatus, ...]:
    """Return one status for each slice: the first that applies, in the order of `SliceStatus`.

    Parameters
    ----------
    found : Probabilities
        What was found in Z slices.
    confidence : sequence of float or None
        How sure each slice is; None where it cannot be told.
    threshold : float
        Probability from which on a pixel counts.
    faults : mapping of (Z,) bool
        For the statuses that others decide, the slices that have them.
    """
    unsure = [value is not None and value < LOW_CONFIDENCE_BELOW for value in confidence]
    applies: dict[SliceStatus, NDArray[np.bool_]] = {
        **faults,
        SliceStatus.NO_GRAY_MATTER: np.all(found.gm < threshold, axis=(1, 2)),
        SliceStatus.LOW_CONFIDENCE: np.array(unsure),
        SliceStatus.OK: np.ones(len(found.gm), bool),
    }
    # Without a cord, a slice without gray matter can be one that the method did not understand.
    if found.cord is None:
        applies.pop(SliceStatus.NO_CORD, None)
    ordered = [(status, applies[status]) for status in SliceStatus if status in applies]
    return tuple(
        next(status for status, slices in ordered if slices[z]) for z in range(len(found.gm))
    )


def remarks(
    found: Probabilities, statuses: Sequence[SliceStatus], *, has_confidence: bool
) -> tuple[str, ...]:
    """Return one sentence for each status that needs a look, and for what the method cannot do."""
    counts = [(word, statuses.count(word)) for word in SliceStatus if word is not SliceStatus.OK]
    lines = [f"{count} of {len(statuses)} slices: {word}" for word, count in counts if count]
    if found.cord is None:
        lines.append("this method finds no cord: cord and white matter are missing")
    if not has_confidence:
        lines.append(f"{CONFIDENCE_NOT_AVAILABLE} for this method or model: look at every slice")
    return tuple(lines)
