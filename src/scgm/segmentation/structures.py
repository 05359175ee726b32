"""What is measured of a result: its masks on axial slices, and what its status says of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from scgm.measurement.masks import on_slices
from scgm.measurement.structures import Structures
from scgm.segmentation.measurements import NOT_FLAGGED, status_word
from scgm.segmentation.result import Label, Result
from scgm.segmentation.status import SliceStatus


def structures_of(result: Result) -> Structures:
    """Return a result as structures that can be measured."""
    return Structures(
        name=result.source_name,
        stack=result.stack,
        masks={label.suffix: result.axial_mask(label) for label in result.labels},
        measured={label.suffix: measured(label, result.status) for label in result.labels},
        status=tuple(status_word(result, z) for z in range(len(result.status))),
        flagged=np.array([status not in NOT_FLAGGED for status in result.status]),
        probabilities={label.suffix: result.axial_probability(label) for label in result.labels},
        image=on_slices(result.volume, result.stack),
    )


def measured(label: Label, statuses: tuple[SliceStatus, ...]) -> NDArray[np.bool_]:
    """Return the slices (Z,) in which the numbers of a label are those of the whole structure."""
    if label is Label.CORD:
        return np.array([status.has_cord_area for status in statuses])
    return np.array([status.has_gray_matter_area for status in statuses])
