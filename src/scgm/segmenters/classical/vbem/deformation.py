"""Where a slice lies in the template: by the outline of its cord, then by a smooth warp."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.special import softmax

from scgm.segmenters.classical.cord_shape import axis_moments

Doubles = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class WarpPenalty:
    """How far the template may be deformed for a slice; lengths in samples of the window.

    Parameters
    ----------
    stiffness : float
        L2 penalty on differences of displacement between neighbors: half of it for each squared
        difference.
    anchor : float
        L2 penalty on displacement: half of it for each squared displacement.
    smooth : float
        Standard deviation of the Gaussian that smooths every step.
    """

    stiffness: float = 2.0
    anchor: float = 0.02
    smooth: float = 3.0


@dataclass(frozen=True, slots=True)
class CordSize:
    """Middle and size of a cord: rows then columns, in samples."""

    middle: tuple[float, float]
    spread: tuple[float, float]


def frame_of(cord: NDArray[Any]) -> CordSize:
    """Return centroid and standard deviations of a cord (n, n); of all samples if it is empty."""
    share = np.asarray(cord if cord.any() else np.ones_like(cord), np.float64)
    means, variances = axis_moments(share, np.arange(len(share)))
    (row, column), (high, wide) = means.tolist(), np.sqrt(variances).tolist()
    return CordSize((row, column), (max(high, 1.0), max(wide, 1.0)))


def aligned(size: int, frame: CordSize, template: CordSize) -> Doubles:
    """Return the places (2, n, n) in the template at which samples of a slice lie."""
    places = np.indices((size, size)).astype(np.float64)
    for axis in (0, 1):
        scale = template.spread[axis] / frame.spread[axis]
        places[axis] = (places[axis] - frame.middle[axis]) * scale + template.middle[axis]
    return places


def sampled(log_template: Doubles, places: Doubles) -> Doubles:
    """Return the template (n, n, K) at places (2, ...), as (..., K), linear between samples."""
    values, _ = _sampled_with_slope(log_template, places, slope=False)
    return values


def penalty(warp: Doubles, settings: WarpPenalty) -> float:
    """Return the penalty on a displacement (2, n, n): minus the logarithm of its prior."""
    bent = sum(float((np.diff(warp, axis=axis) ** 2).sum()) for axis in (1, 2))
    return settings.stiffness / 2 * bent + settings.anchor / 2 * float((warp**2).sum())


def bent(
    warp: Doubles,
    start: Doubles,
    log_template: Doubles,
    shares: Doubles,
    settings: WarpPenalty,
) -> Doubles:
    """Take one step towards the displacement that fits a slice's tissues best.

    A step of Gauss and Newton on ``sum(shares * log(proportions)) - penalty``, smoothed; it is
    halved until it helps, and left out if it never does.

    Parameters
    ----------
    warp : (2, n, n)
        Displacement so far, in samples of the template.
    start : (2, n, n)
        From `aligned`.
    log_template : (n, n, K)
        Logarithms of template and class weights.
    shares : (n, n, K)
        Responsibility of each class for each sample; 0 for samples that do not count.
    """
    values, slope = _sampled_with_slope(log_template, start + warp)
    proportions = softmax(values, axis=-1)
    counts = shares.sum(axis=-1, keepdims=True)
    uphill = np.einsum("yxk,ayxk->ayx", shares - counts * proportions, slope)
    uphill -= settings.anchor * warp + settings.stiffness * _roughness(warp)
    away = slope - np.einsum("yxk,ayxk->ayx", proportions, slope)[..., None]
    curve = np.einsum("yxk,ayxk,byxk->abyx", counts * proportions, away, away, optimize=True)
    step = _newton(uphill, curve, settings)
    now = _gain(values, shares) - penalty(warp, settings)
    for _ in range(6):
        tried = warp + step
        found = _gain(sampled(log_template, start + tried), shares) - penalty(tried, settings)
        if found > now:
            return np.asarray(tried, np.float64)
        step = step / 2
    return warp


def pushed(values: Doubles, places: Doubles, size: int) -> Doubles:
    """Drop values (n, n, K) at places (2, n, n) of the template: the transpose of `sampled`."""
    result = np.zeros((size * size, values.shape[-1]))
    low, part = _corners(places, size)
    for down in (0, 1):
        for right in (0, 1):
            weight = _weight(part, down, right).ravel()
            index = ((low[0] + down) * size + low[1] + right).ravel()
            for k in range(values.shape[-1]):
                result[:, k] += np.bincount(index, weight * values[..., k].ravel(), size * size)
    return result.reshape(size, size, -1)


def _sampled_with_slope(
    template: Doubles, places: Doubles, *, slope: bool = True
) -> tuple[Doubles, Doubles]:
    """Return values (..., K) and their derivatives (2, ..., K) by the place."""
    low, part = _corners(places, len(template))
    corner = [[template[low[0] + y, low[1] + x] for x in (0, 1)] for y in (0, 1)]
    y, x = part[0][..., None], part[1][..., None]
    above = corner[0][0] + x * (corner[0][1] - corner[0][0])
    below = corner[1][0] + x * (corner[1][1] - corner[1][0])
    values = above + y * (below - above)
    if not slope:
        return values, values
    left = corner[0][0] + y * (corner[1][0] - corner[0][0])
    right = corner[0][1] + y * (corner[1][1] - corner[0][1])
    edge = (places > 0) & (places < len(template) - 1)
    return values, np.stack([below - above, right - left]) * edge[..., None]


def _corners(places: Doubles, size: int) -> tuple[NDArray[np.intp], Doubles]:
    held = np.clip(places, 0, size - 1)
    low = np.minimum(held.astype(np.intp), size - 2)
    return low, held - low


def _weight(part: Doubles, down: int, right: int) -> Doubles:
    y = part[0] if down else 1 - part[0]
    return np.asarray(y * (part[1] if right else 1 - part[1]))


def _gain(log_template: Doubles, shares: Doubles) -> float:
    top = log_template.max(axis=-1, keepdims=True)
    log_sum = top[..., 0] + np.log(np.exp(log_template - top).sum(axis=-1))
    return float((shares * log_template).sum() - (shares.sum(axis=-1) * log_sum).sum())


def _roughness(warp: Doubles) -> Doubles:
    """Return the derivative of half the squared differences of neighbors."""
    result = np.zeros_like(warp)
    for axis in (1, 2):
        step = np.diff(warp, axis=axis)
        width = [(0, 0)] * 3
        width[axis] = (1, 1)
        result -= np.diff(np.pad(step, width), axis=axis)
    return result


def _newton(uphill: Doubles, curve: Doubles, settings: WarpPenalty) -> Doubles:
    """Smooth, divide by the smoothed curvature and that of the penalty, smooth again.

    Smoothing is its own transpose, so the step leads uphill.
    """
    sigma = (0, settings.smooth, settings.smooth)
    slope = ndimage.gaussian_filter(uphill, sigma, mode="constant")
    curve = ndimage.gaussian_filter(curve, (0, *sigma), mode="constant")
    own = settings.anchor + settings.stiffness / max(settings.smooth, 1.0) ** 2
    a, b, c = curve[0, 0] + own, curve[0, 1], curve[1, 1] + own
    determinant = a * c - b * b
    step = np.stack([c * slope[0] - b * slope[1], a * slope[1] - b * slope[0]]) / determinant
    return np.asarray(ndimage.gaussian_filter(step, sigma, mode="constant"), np.float64)
