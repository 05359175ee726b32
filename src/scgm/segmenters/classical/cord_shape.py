"""Size and shape of a cord in a window: moments, depth, and the plane that fits its intensities."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Doubles = NDArray[np.float64]


class Moments(NamedTuple):
    """First and second moments of a mask or of weights, in samples.

    Parameters
    ----------
    center : (2,) float64
        Row and column of the centroid.
    points : (2, 2) float64
        Covariance of rows and columns, each sample taken as a point.
    """

    center: Doubles
    points: Doubles

    @property
    def squares(self) -> Doubles:
        """Covariance with each sample taken as a square: its own variance is 1/12."""
        return self.points + np.eye(2) / 12


def moments(weights: NDArray[Any]) -> Moments:
    """Return the moments of weights (n, m), which are not all 0."""
    weight = np.asarray(weights, np.float64).ravel()
    places = np.indices(weights.shape, np.float64).reshape(2, -1)
    center = places @ weight / weight.sum()
    away = places - center[:, None]
    return Moments(center, (weight * away) @ away.T / weight.sum())


def axis_moments(weights: NDArray[Any], places: NDArray[Any]) -> tuple[Doubles, Doubles]:
    """Return mean and variance of weights (n, n) along rows and columns, which lie at *places*.

    Cheaper than `moments`, for a cord that is taken as upright.
    """
    means, variances = [], []
    for other in (1, 0):
        profile = weights.sum(axis=other) / weights.sum()
        means.append(float((profile * places).sum()))
        variances.append(float((profile * (places - means[-1]) ** 2).sum()))
    return np.array(means), np.array(variances)


def depth_mm(mask: NDArray[np.bool_], pixel_mm: float) -> NDArray[np.float32]:
    """Return the distance of each sample of a mask (n, n) from the outside; 0 outside of it.

    Everything beyond the window is outside: a cord that its border cuts has a rim there, too.
    """
    distance = ndimage.distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1]
    return np.asarray(distance * pixel_mm, np.float32)


def plane_of(values: NDArray[Any], places: Doubles) -> tuple[float, Doubles]:
    """Fit a plane to values (N,) at places (N, 2) around their centroid, by least squares.

    Returns
    -------
    level, slope
        Value at the centroid, and its change along both axes (2,).
    """
    design = np.column_stack([np.ones(len(values)), places])
    found = np.linalg.lstsq(design, np.asarray(values, np.float64), rcond=None)[0]
    return float(found[0]), found[1:]
