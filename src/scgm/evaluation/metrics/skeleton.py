"""Distances between the skeletons of two masks, which tell whether thin parts lie right.

A skeleton is what remains of a mask when it is thinned to lines, slice by slice, by the algorithm
of Zhang and Suen (Comm. ACM 27(3), 1984). Scores of the SCGM challenge; its tool was that of the
Spinal Cord Toolbox, which thins and measures slice by slice.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scgm.evaluation.metrics.arrays import Mask, as_masks, as_spacing, distance
from scgm.evaluation.metrics.surface import Distances, bounding_box, distances_between


def skeleton_distances(
    prediction: NDArray[Any], reference: NDArray[Any], spacing_mm: Sequence[float]
) -> Distances:
    """Measure how far the skeletons of two masks are from each other.

    The largest distance, `scgm.evaluation.metrics.hausdorff_mm` of the result, is the skeletonized
    Hausdorff distance; `median_distance_mm` is the skeletonized median distance.

    Parameters
    ----------
    prediction, reference : (Y, X) or (Z, Y, X) masks of one shape
        bool, or numbers that are 0 or 1. In 3D each slice is thinned by itself, and distances are
        those in space.
    spacing_mm : sequence of float
        Distance between neighboring pixels in mm along each axis of the arrays.

    Raises
    ------
    GeometryError
        If the shapes differ, or the spacing does not fit them.
    ValueError
        If a value is neither 0 nor 1.
    """
    predicted, true = as_masks(prediction, reference)
    spacing = as_spacing(spacing_mm, true.ndim)
    return distances_between(
        skeleton(predicted) * np.array(spacing), skeleton(true) * np.array(spacing)
    )


def skeleton(mask: Mask) -> NDArray[np.intp]:
    """Return the indices (n, dimensions) of the skeleton of a mask (Y, X) or (Z, Y, X).

    It has at least one pixel in each slice in which the mask has one. Thinning takes pixels from
    one side first, so the skeleton of a mirrored mask can be mirrored only to a pixel.
    """
    if mask.ndim == 2:
        return _thinned(mask)
    slices = [_thinned(each) for each in mask]
    return np.concatenate([np.insert(each, 0, z, axis=1) for z, each in enumerate(slices)])


def _thinned(mask: Mask) -> NDArray[np.intp]:
    from skimage.morphology import skeletonize  # noqa: PLC0415  (slow to import)

    box = bounding_box(mask)
    if box is None:
        return np.empty((0, 2), np.intp)
    # A margin, so that a mask at the edge of the image is thinned as in the middle.
    lines = skeletonize(np.pad(mask[box], 1))
    pixels: NDArray[np.intp] = np.argwhere(lines) + [part.start - 1 for part in box]
    return pixels


def median_distance_mm(distances: Distances, *, with_zeros: bool = False) -> float:
    """Median distance in mm: the larger of the two directed medians.

    Parameters
    ----------
    distances : Distances
        Of two skeletons.
    with_zeros : bool
        Count points that lie on the other skeleton. The Spinal Cord Toolbox, and so presumably the
        challenge, leaves them out, which makes a good result look worse; 0 where no other is left.

    Returns
    -------
    float
        NaN where both skeletons are empty, inf where one is.
    """
    there, back = distances.to_reference, distances.to_prediction
    return distance(
        there, back, lambda: max(_median(each, with_zeros=with_zeros) for each in (there, back))
    )


def _median(values: NDArray[np.float64], *, with_zeros: bool) -> float:
    kept = values if with_zeros else values[values > 0]
    return float(np.median(kept)) if kept.size else 0.0
