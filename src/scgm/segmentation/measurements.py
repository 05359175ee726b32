"""Areas of cord, gray and white matter, slice by slice."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from scgm.segmentation.result import LABELS, Label, Result
from scgm.segmentation.status import SliceStatus

NOT_FOUND = "not found by this method"


@dataclass(frozen=True, slots=True, kw_only=True)
class SliceMeasurement:
    """One row of the table: one label in one slice. None is 'not measured', never zero.

    Attributes
    ----------
    file
        Name of the image.
    slice
        Index of the slice in the image, as a viewer shows it.
    slice_is
        Index of the slice counted from inferior to superior, from 0.
    label
        "GM", "WM" or "SC".
    area_mm2
        Area of the mask.
    area_soft_mm2
        Sum of the probabilities times the area of a pixel: counts a pixel that is half gray
        matter as half.
    centre_x, centre_y
        Center of the cord in voxels of the image, along its two in-plane axes, as `--centre`
        takes it.
    presence
        How sure it is that the slice shows a cord, from 0 to 1.
    confidence
        How sure it is that the slice's gray matter is right, from 0 to 1: the probability of a Dice
        coefficient of at least 0.7 with a rater's (`scgm.segmentation.confidence`).
    status
        "ok", or what to look at: "no cord", "no gray matter", "low confidence" (below 0.5); "not
        found by this method" for cord and white matter where the method finds gray matter alone.
    """

    file: str
    slice: int
    slice_is: int
    label: str
    area_mm2: float | None
    area_soft_mm2: float | None
    centre_x: float | None
    centre_y: float | None
    presence: float
    confidence: float | None
    status: str


def measure(segmentation: Result) -> list[SliceMeasurement]:
    """Measure every slice: three rows each, from inferior to superior.

    Parameters
    ----------
    segmentation : Result
        The result to measure.

    Returns
    -------
    list of SliceMeasurement
        Areas in mm2. A slice without cord has no areas, not areas of zero.
    """
    pixel = segmentation.stack.pixel_area_mm2
    areas = {label: _areas(segmentation, label, pixel) for label in segmentation.labels}
    return [
        _row(segmentation, label, z, areas.get(label))
        for z in range(len(segmentation.status))
        for label in LABELS
    ]


def _areas(segmentation: Result, label: Label, pixel_mm2: float) -> list[tuple[float, float]]:
    """Area of the mask and soft area in mm2, slice by slice."""
    hard = segmentation.axial_mask(label).sum(axis=(1, 2)) * pixel_mm2
    soft = segmentation.axial_probability(label).sum(axis=(1, 2), dtype=np.float64) * pixel_mm2
    return list(zip(hard.tolist(), soft.tolist(), strict=True))


def _row(
    segmentation: Result, label: Label, z: int, areas: list[tuple[float, float]] | None
) -> SliceMeasurement:
    status = segmentation.status[z]
    finds_cord = segmentation.probabilities.cord is not None
    # Without a cord, a slice without gray matter can be one that the method did not understand.
    seen = status != SliceStatus.NO_CORD if finds_cord else status == SliceStatus.OK
    hard, soft = areas[z] if areas and seen else (None, None)
    x, y = segmentation.stack.point_to_native(*segmentation.probabilities.centre_px[z].tolist())
    return SliceMeasurement(
        file=segmentation.source_name,
        slice=segmentation.stack.native_index(z),
        slice_is=z,
        label=label.suffix,
        area_mm2=hard,
        area_soft_mm2=soft,
        centre_x=x if seen and finds_cord else None,
        centre_y=y if seen and finds_cord else None,
        presence=float(segmentation.probabilities.presence[z]),
        confidence=segmentation.confidence[z],
        status=NOT_FOUND if areas is None else status,
    )
