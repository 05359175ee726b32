"""Distances between the boundaries of two masks, in mm.

Measure the distances of all boundary points once, then take any score of them::

    distances = boundary_distances(prediction, reference, spacing_mm)
    hausdorff_mm(distances), assd_mm(distances)

The boundary is the set of pixels of the mask that share an edge (in 3D a face) with a pixel outside
of it; what lies beyond the array is outside. A distance is that between the centers of two pixels,
and every pixel counts once, however much boundary it holds (not weighted by area). Packages differ
in these choices, and by that much in their scores.

Where both masks are empty, a distance is NaN; where one is, it is infinite
(`scgm.evaluation.metrics.arrays` has the rules).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_erosion, find_objects
from scipy.spatial import cKDTree

from scgm.evaluation.metrics.arrays import Mask, as_masks, as_spacing, distance, share

Points = NDArray[np.float64]

# A distance of exactly the tolerance is within it, whatever the last digit of the spacing.
_ROUNDING_MM = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class Distances:
    """Distances from each point of one structure to the nearest point of the other, in mm.

    Parameters
    ----------
    to_reference : (n,) float64
        From each point of the prediction; all infinite where the reference is empty.
    to_prediction : (m,) float64
        From each point of the reference; all infinite where the prediction is empty.
    """

    to_reference: NDArray[np.float64]
    to_prediction: NDArray[np.float64]

    @property
    def pooled(self) -> NDArray[np.float64]:
        """Those of both directions, (n + m,)."""
        return np.concatenate([self.to_reference, self.to_prediction])


def boundary_distances(
    prediction: NDArray[Any], reference: NDArray[Any], spacing_mm: Sequence[float]
) -> Distances:
    """Measure how far the boundaries of two masks are from each other.

    Parameters
    ----------
    prediction, reference : masks of one shape, 2D or 3D
        bool, or numbers that are 0 or 1.
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
        boundary(predicted) * np.array(spacing), boundary(true) * np.array(spacing)
    )


def boundary(mask: Mask) -> NDArray[np.intp]:
    """Return the indices (n, dimensions) of the boundary pixels of a mask."""
    box = bounding_box(mask)
    if box is None:
        return np.empty((0, mask.ndim), np.intp)
    # The rest of the array is background, so that it need not be looked at.
    inside = mask[box]
    edge = np.argwhere(inside & ~binary_erosion(inside))
    pixels: NDArray[np.intp] = edge + [part.start for part in box]
    return pixels


def bounding_box(mask: Mask) -> tuple[slice, ...] | None:
    """Return the slices that hold all of a mask, or None if it is empty."""
    found = find_objects(mask.astype(np.uint8), max_label=1)
    box: tuple[slice, ...] | None = found[0]
    return box


def distances_between(predicted: Points, true: Points) -> Distances:
    """Measure the nearest distances between two sets of points (n, dimensions) in mm."""
    return Distances(_nearest(predicted, true), _nearest(true, predicted))


def _nearest(points: Points, others: Points) -> NDArray[np.float64]:
    if not len(points) or not len(others):
        return np.full(len(points), np.inf)
    nearest: NDArray[np.float64] = cKDTree(others).query(points)[0]
    return nearest


def hausdorff_mm(distances: Distances) -> float:
    """Hausdorff distance: the largest distance, of both directions, in mm.

    References
    ----------
    Huttenlocher, Klanderman, Rucklidge, IEEE TPAMI 15(9), 1993.
    """
    there, back = distances.to_reference, distances.to_prediction
    return distance(there, back, lambda: max(there.max(), back.max()))


def hausdorff95_mm(distances: Distances) -> float:
    """95th percentile Hausdorff distance in mm: the larger of the two directed percentiles.

    Each percentile is interpolated linearly between the sorted distances of its direction; other
    packages take the percentile of the pooled distances, which is smaller or equal.
    """
    there, back = distances.to_reference, distances.to_prediction
    return distance(there, back, lambda: max(np.percentile(there, 95), np.percentile(back, 95)))


def mean_surface_distance_mm(distances: Distances) -> float:
    """Mean absolute surface distance in mm: the mean of the two directed means.

    It counts both directions equally, however many points each has. A score of the SCGM challenge,
    which does not say how it joined the two directions.
    """
    there, back = distances.to_reference, distances.to_prediction
    return distance(there, back, lambda: (there.mean() + back.mean()) / 2)


def assd_mm(distances: Distances) -> float:
    """Average symmetric surface distance in mm: the mean of all distances, pooled.

    References
    ----------
    Heimann et al., IEEE TMI 28(8), 2009.
    """
    there, back = distances.to_reference, distances.to_prediction
    return distance(there, back, distances.pooled.mean)


def surface_dice(distances: Distances, tolerance_mm: float) -> float:
    """Surface Dice (normalized surface distance, NSD): the share of both boundaries that is near.

    Parameters
    ----------
    distances : Distances
        Of the two boundaries.
    tolerance_mm : float
        Largest distance in mm that still is near, inclusive; best the distance between raters.

    Returns
    -------
    float
        From 0 to 1; 1 where both masks are empty, 0 where one is.

    Raises
    ------
    ValueError
        If the tolerance is negative.

    References
    ----------
    Nikolov et al., J Med Internet Res 23(7):e26151, 2021; here each boundary pixel counts once.
    """
    if not tolerance_mm >= 0:
        msg = f"the tolerance must be 0 or more mm, not {tolerance_mm}"
        raise ValueError(msg)
    near = int(np.count_nonzero(distances.pooled <= tolerance_mm + _ROUNDING_MM))
    return share(near, distances.pooled.size, both_empty=True)
