"""What is kept of the DICOM files of a volume: which file shows which slice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scgm.io.dicom.frames import Frame
from scgm.io.dicom.identity import Identifiers


@dataclass(frozen=True, slots=True, eq=False)
class Scan:
    """The slices of a volume as they were in DICOM.

    Parameters
    ----------
    volumes : tuple of tuple of Frame
        For each volume that the voxels were made of, its slices, in the order of the last axis.
    step : (3,) float64
        Way from each slice to the next in mm, as DICOM has it.
    about : mapping
        What the record of a result says of it.
    identifiers : Identifiers
        What names the patient.
    """

    volumes: tuple[tuple[Frame, ...], ...]
    step: NDArray[np.float64]
    about: Mapping[str, Any]
    identifiers: Identifiers

    @property
    def frames(self) -> tuple[Frame, ...]:
        """The slices of the first volume."""
        return self.volumes[0]


def pictures(values: NDArray[Any]) -> NDArray[Any]:
    """Return voxels (i, j, k) as DICOM has them: (slice, row, column)."""
    return np.ascontiguousarray(values.T[:, ::-1])
