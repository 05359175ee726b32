"""What is said of each slice, and of the whole image."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from scgm.segmentation.confidence import LOW_CONFIDENCE_BELOW
from scgm.segmenters.base import Probabilities


class SliceStatus(StrEnum):
    """What a user should know of one slice before the numbers of it are used."""

    OK = "ok"
    NO_CORD = "no cord"
    NO_GRAY_MATTER = "no gray matter"
    LOW_CONFIDENCE = "low confidence"


def slice_statuses(
    found: Probabilities,
    seen: NDArray[np.bool_],
    confidence: Sequence[float | None],
    threshold: float,
) -> tuple[SliceStatus, ...]:
    """Return one status for each slice; the first that applies, in the order of `SliceStatus`."""
    gray = np.asarray((found.gm >= threshold).any(axis=(1, 2)))
    unseen = SliceStatus.NO_GRAY_MATTER if found.cord is None else SliceStatus.NO_CORD
    return tuple(
        unseen if not cord else _of_cord(gray=bool(gm), confidence=sure)
        for cord, gm, sure in zip(seen, gray, confidence, strict=True)
    )


def _of_cord(*, gray: bool, confidence: float | None) -> SliceStatus:
    if not gray:
        return SliceStatus.NO_GRAY_MATTER
    if confidence is not None and confidence < LOW_CONFIDENCE_BELOW:
        return SliceStatus.LOW_CONFIDENCE
    return SliceStatus.OK


def remarks(found: Probabilities, statuses: Sequence[SliceStatus]) -> tuple[str, ...]:
    """Return one sentence for each status that needs a look, and one where there is no cord."""
    counts = [(word, statuses.count(word)) for word in SliceStatus if word != SliceStatus.OK]
    lines = [f"{count} of {len(statuses)} slices: {word}" for word, count in counts if count]
    if found.cord is None:
        lines.append("this method finds no cord: cord and white matter are missing")
    return tuple(lines)
