"""Areas of cord, gray and white matter, slice by slice."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from scgm.measurement.plane import plane_of
from scgm.segmentation.result import LABELS, Label, Result
from scgm.segmentation.status import CONFIDENCE_NOT_AVAILABLE, SliceStatus

NOT_FOUND = "not found by this method"
NOT_FLAGGED = (SliceStatus.OK, CONFIDENCE_NOT_AVAILABLE)


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
    center_x, center_y
        Center of the cord in voxels of the image, along its two in-plane axes, as `--center`
        takes it.
    presence
        How sure it is that the slice shows a cord, from 0 to 1.
    confidence
        How sure it is that the slice's gray matter is right, from 0 to 1: the probability of a Dice
        coefficient of at least 0.7 with a rater's (`scgm.image.confidence`).
    status
        "ok", or what to look at (`scgm.segmentation.status.SliceStatus`); "confidence not
        available" in place of "ok" for a method that cannot tell; "not found by this method" for
        cord and white matter where the method finds gray matter alone.
    slice_mm
        Distance between slices.
    pixel_area_mm2
        Area of one pixel, which the areas are counted in.
    voxel_size_from
        Field of the header that gives the voxel size: "sform", "qform" or "pixdim"; or "dicom".
    """

    file: str
    slice: int
    slice_is: int
    label: str
    area_mm2: float | None
    area_soft_mm2: float | None
    center_x: float | None
    center_y: float | None
    presence: float
    confidence: float | None
    status: str
    slice_mm: float
    pixel_area_mm2: float
    voxel_size_from: str | None

    @property
    def flagged(self) -> bool:
        """Whether the slice needs a look before this row is used."""
        return self.status not in NOT_FLAGGED


def measure(segmentation: Result) -> list[SliceMeasurement]:
    """Measure every slice: three rows each, from inferior to superior.

    Parameters
    ----------
    segmentation : Result
        The result to measure.

    Returns
    -------
    list of SliceMeasurement
        Areas in mm2. A slice without cord, or whose cord is cut off, has no areas, not areas of
        zero; one in which no gray matter was found has none of gray and white matter.
    """
    pixel, apart = segmentation.stack.pixel_area_mm2, plane_of(segmentation.stack).distance_mm
    areas = {label: _areas(segmentation, label, pixel) for label in segmentation.labels}
    return [
        _row(segmentation, label, z, areas.get(label), apart)
        for z in range(len(segmentation.status))
        for label in LABELS
    ]


def _areas(segmentation: Result, label: Label, pixel_mm2: float) -> list[tuple[float, float]]:
    """Area of the mask and soft area in mm2, slice by slice."""
    hard = segmentation.boxed_mask(label).sum(axis=(1, 2)) * pixel_mm2
    soft = segmentation.boxed_probability(label).sum(axis=(1, 2), dtype=np.float64) * pixel_mm2
    return list(zip(hard.tolist(), soft.tolist(), strict=True))


def _row(
    segmentation: Result,
    label: Label,
    z: int,
    areas: list[tuple[float, float]] | None,
    slice_mm: float,
) -> SliceMeasurement:
    status = segmentation.status[z]
    measured = status.has_cord_area if label is Label.CORD else status.has_gray_matter_area
    hard, soft = areas[z] if areas and measured else (None, None)
    center = segmentation.probabilities.centre_px[z].tolist()
    x, y = segmentation.stack.point_to_native(*center)
    has_center = status is not SliceStatus.NO_CORD and Label.CORD in segmentation.labels
    return SliceMeasurement(
        file=segmentation.source_name,
        slice=segmentation.stack.native_index(z),
        slice_is=z,
        label=label.suffix,
        area_mm2=hard,
        area_soft_mm2=soft,
        center_x=x if has_center else None,
        center_y=y if has_center else None,
        presence=float(segmentation.probabilities.presence[z]),
        confidence=segmentation.confidence[z],
        status=NOT_FOUND if areas is None else status_word(segmentation, z),
        slice_mm=slice_mm,
        pixel_area_mm2=segmentation.stack.pixel_area_mm2,
        voxel_size_from=segmentation.volume.voxel_size_from,
    )


def status_word(segmentation: Result, z: int) -> str:
    """Return the status, but never "ok" where nothing can be told."""
    status = segmentation.status[z]
    if status is SliceStatus.OK and segmentation.confidence[z] is None:
        return CONFIDENCE_NOT_AVAILABLE
    return status
