"""How sure it is that the gray matter of a slice is right: one number for each slice.

It is the smaller of two probabilities:

- that the mask agrees with a careful rater's by a Dice coefficient of at least 0.7: a logistic
  regression on four numbers that are read off the probabilities of the method. Its coefficients
  belong to one method or model, stand on its card and are fitted on phantoms
  (`scgm.phantom.confidence`);
- that the image shows gray matter at all, by the contrast between what was marked and the cord
  around it. Without contrast every mask is a guess, however likely its shape.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from scgm.errors import ModelError
from scgm.image.orientation import AxialStack
from scgm.image.patches import cut_windows

ENOUGH_DICE = 0.7
# Below it the mask is more likely wrong than right, in the meaning above.
LOW_CONFIDENCE_BELOW = 0.5

FEATURES = ("core", "cord", "outline", "neighbors")
# What stands in for "neighbors" where there is none: the mean of the slices that were fitted to.
NO_NEIGHBORS = "no_neighbors"
COEFFICIENTS = ("intercept", *FEATURES, NO_NEIGHBORS)

# Three standard errors: a contrast at which the mask is as likely a guess as not, and how fast that
# changes. ``python -m experiments.contrast`` measures it.
EVEN_CONTRAST = 3.0
CONTRAST_SLOPE = 2.0
# Samples on which the image is compared with the mask: some 6 to 10 lie in a cross-section of a
# horn. The window holds every cord.
SAMPLE_MM = 0.5
WINDOW_SAMPLES = 56
# The border of the cord mixes with the fluid: two samples, 1 mm.
BORDER_SAMPLES = 2
# With fewer samples nothing can be told. The surface that is removed has six coefficients.
LEAST_SAMPLES = 20
SURFACE_TERMS = 6
# What the slices one, two and three away count, against 1 for the slice itself.
NEIGHBOR_WEIGHTS = (0.75, 0.5, 0.25)
# The mean of several slices varies less by chance, so that it must be larger than that of one.
SHARE_OF_MEAN = 0.8

Floats = NDArray[np.float32]


def slice_confidence(
    features: NDArray[np.float64], contrast: NDArray[np.float64], coefficients: Mapping[str, float]
) -> NDArray[np.float64]:
    """Return the probability that the gray matter of each slice is right.

    Parameters
    ----------
    features : (Z, 4) float64
        From `slice_features`.
    contrast : (Z,) float64
        From `visible_contrast`; NaN where it cannot be told, and then it does not count.
    coefficients : mapping
        From the card of what gave the probabilities: one number for each of `COEFFICIENTS`.

    Returns
    -------
    (Z,) float64
        From 0 to 1; 0 in a slice without gray matter, whose empty mask agrees with no rater's.

    Raises
    ------
    ModelError
        If the coefficients are not those that this version knows.
    """
    if set(coefficients) != set(COEFFICIENTS):
        msg = (
            f"the model's card has coefficients of confidence for {sorted(coefficients)}, this "
            f"version knows {sorted(COEFFICIENTS)}; use the model with the version on its card"
        )
        raise ModelError(msg)
    weights = np.array([coefficients[name] for name in FEATURES])
    filled = features.copy()
    alone = np.isnan(filled[:, -1])
    filled[alone, -1] = coefficients[NO_NEIGHBORS]
    agrees = _logistic(coefficients["intercept"] + filled @ weights)
    shown = _logistic(CONTRAST_SLOPE * (contrast - EVEN_CONTRAST))
    return np.where(np.isnan(agrees), 0.0, np.fmin(agrees, shown))


def fit_confidence(features: NDArray[np.float64], good: NDArray[np.bool_]) -> dict[str, float]:
    """Fit the coefficients by Newton's method; a weak ridge (1) keeps them finite.

    Parameters
    ----------
    features : (N, 4) float64
        From `slice_features`; only the last column may be NaN.
    good : (N,) bool
        Whether the Dice of the slice was enough.
    """
    known = features[~np.isnan(features[:, -1]), -1]
    alone = float(known.mean()) if known.size else 0.0
    filled = np.where(np.isnan(features), alone, features)
    mean, deviation = filled.mean(axis=0), filled.std(axis=0)
    deviation[deviation < 1e-9] = 1.0  # the same in every slice: its coefficient becomes zero
    design = np.column_stack([np.ones(len(filled)), (filled - mean) / deviation])
    ridge = np.diag([1e-6] + [1.0] * len(FEATURES))
    weights = np.zeros(design.shape[1])
    for _ in range(30):
        expected = _logistic(design @ weights)
        slope = design.T @ (expected - good) + ridge @ weights
        curvature = design.T @ (design * (expected * (1 - expected))[:, None]) + ridge
        weights -= np.linalg.solve(curvature, slope)
    raw = weights[1:] / deviation
    intercept = float(weights[0] - raw @ mean)
    named = dict(zip(FEATURES, raw.tolist(), strict=True))
    return {"intercept": intercept, **named, NO_NEIGHBORS: alone}


def _logistic(score: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(1 / (1 + np.exp(-np.clip(score, -50, 50))))


def slice_features(
    gm: Floats,
    cord: Floats,
    centre_px: Floats,
    threshold: float,
) -> NDArray[np.float64]:
    """Return what tells of the agreement with a rater, slice by slice.

    Parameters
    ----------
    gm, cord : (Z, Y, X) float32
        Probabilities of gray matter and of the cord.
    centre_px : (Z, 2) float32
        Row and column of the cord's center; NaN where there is none.
    threshold : float
        Probability from which on a pixel belongs to a mask.

    Returns
    -------
    (Z, 4) float64
        One column for each of `FEATURES`, NaN throughout in a slice without gray matter:

        - core: mean probability of the surest quarter of the pixels of the gray matter;
        - cord: the Dice coefficient that the mask of the cord has to expect if its probabilities
          are true, 2 sum(p m) / (sum(p) + sum(m)) for mask m;
        - outline: log of the squared length of the gray matter's outline over its area. Both are
          counted in pixels, so that their size cancels: 16 for a square, more for a butterfly;
        - neighbors: how well the gray matter agrees with that of the slices above and below,
          moved so that the cords' centers meet: 2 sum(min(p, q)) / (sum(p) + sum(q)), the mean of
          both sides; NaN where neither has any.
    """
    values = np.full((len(gm), len(FEATURES)), np.nan)
    shown = np.flatnonzero((gm >= threshold).any(axis=(1, 2)))
    if not shown.size:
        return values
    box = _box((cord[shown] > 0) | (gm[shown] > 0))
    corner = np.array([side.start for side in box], np.float32)
    near = {int(z): gm[z][box] for z in shown}
    placed = {z: _centered(near[z], centre_px[z] - corner) for z in near}
    for z, shares in near.items():
        mask = shares >= threshold
        count = int(mask.sum())
        surest = np.sort(shares[mask])[-max(count // 4, 1) :]
        beside = [_overlap(placed[z], placed[other]) for other in (z - 1, z + 1) if other in near]
        values[z] = (
            surest.mean(),
            _expected_dice(cord[z][box], threshold),
            np.log(_outline_length(mask) ** 2 / count),
            np.mean(beside) if beside else np.nan,
        )
    return values


def visible_contrast(
    stack: AxialStack, gm: Floats, cord: Floats, threshold: float
) -> NDArray[np.float64]:
    """Return how visible the marked gray matter is against the cord around it, and against noise.

    The difference between gray and white matter over its standard error: the t-value of the
    partial correlation r of image and map within the cord, r sqrt(n / (1 - r^2)). What a smooth
    surface of second order explains, such as the sensitivity of a coil or the fluid around the
    cord, is removed from both first. Scale and offset of the intensities do not matter. Both are
    compared on samples of 0.5 mm; where pixels are larger, n counts pixels.

    Gray matter may be brighter or darker than white matter, but it is the same in all slices of a
    scan. So four fifths of the mean of the slice and those near it, with their signs, are taken as
    well, and the smaller of both magnitudes counts: noise has another sign in each slice.

    Parameters
    ----------
    stack : AxialStack
        The image.
    gm, cord : (Z, Y, X) float32
        Probabilities of gray matter and of the cord.
    threshold : float
        Probability from which on a pixel belongs to a mask.

    Returns
    -------
    (Z,) float64
        At least 0; NaN in a slice without gray matter or with too small a cord. Below
        `EVEN_CONTRAST` the image does not show what was marked.
    """
    signed = np.full(len(gm), np.nan)
    shown = np.flatnonzero((gm >= threshold).any(axis=(1, 2)))
    if not shown.size:
        return signed
    box = _box((cord[shown] > 0) | (gm[shown] > 0))
    for z in shown:
        signed[z] = _signed_contrast(
            stack.slices[z][box], gm[z][box], cord[z][box], stack.spacing_mm[1:]
        )
    beside = SHARE_OF_MEAN * np.abs(_with_neighbors(signed))
    return np.asarray(np.minimum(np.abs(signed), beside))


def _with_neighbors(signed: NDArray[np.float64]) -> NDArray[np.float64]:
    """Weighted mean of each value and those beside it; NaN does not count."""
    reach = len(NEIGHBOR_WEIGHTS)
    kernel = np.array([*reversed(NEIGHBOR_WEIGHTS), 1.0, *NEIGHBOR_WEIGHTS])
    wide = np.pad(np.stack([np.nan_to_num(signed), ~np.isnan(signed)]), ((0, 0), (reach, reach)))
    total, weight = (np.convolve(row, kernel, "valid") for row in wide)
    return np.asarray(total / np.maximum(weight, 1e-12))


def _signed_contrast(
    image: Floats, gm: Floats, cord: Floats, pixel_mm: tuple[float, float]
) -> float:
    """Return the contrast of one slice (Y, X), below 0 where gray matter is dark.

    It is NaN where the cord is too small to tell, and 0 where one of both is even.
    """
    shown, marked, inner = _samples(image, gm, cord, pixel_mm)
    count = int(inner.sum())
    if count < LEAST_SAMPLES:
        return float("nan")
    rows, columns = ((at - at.mean()) / WINDOW_SAMPLES for at in np.nonzero(inner))
    terms = (np.ones(count), rows, columns, rows**2, columns**2, rows * columns)
    basis, _ = np.linalg.qr(np.column_stack(terms))
    first, second = (_without(basis, each[inner]) for each in (shown, marked))
    if first is None or second is None:
        return 0.0
    correlation = float(first @ second)
    pixels = count / max(1.0, pixel_mm[0] * pixel_mm[1] / SAMPLE_MM**2)
    freedom = max(pixels - SURFACE_TERMS - 1, 1.0)
    return float(correlation * np.sqrt(freedom / max(1 - correlation**2, 1e-6)))


def _samples(
    image: Floats, gm: Floats, cord: Floats, pixel_mm: tuple[float, float]
) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """Image and map on samples of 0.5 mm around the cord, and which lie well within the cord."""
    weight = cord.astype(np.float64) ** 2
    total = max(float(weight.sum()), 1e-12)
    middle = [
        float((weight.sum(axis=other) * np.arange(length)).sum() / total)
        for other, length in ((1, cord.shape[0]), (0, cord.shape[1]))
    ]
    # Without its level, which would cost digits where the contrast is small against it.
    level = float(np.median(image[cord >= 0.5])) if (cord >= 0.5).any() else 0.0
    windows, inside = cut_windows(
        np.stack([image - np.float32(level), gm, cord]),
        pixel_mm,
        np.tile(np.array(middle, np.float32), (3, 1)),
        size=WINDOW_SAMPLES,
        window_mm=SAMPLE_MM,
    )
    mask = (windows[2] >= 0.5) & inside[0]
    inner = _eroded(mask, BORDER_SAMPLES)
    if inner.sum() < LEAST_SAMPLES:
        inner = _eroded(mask, 1)
    return windows[0], windows[1], inner


def _without(basis: NDArray[np.float64], values: Floats) -> NDArray[np.float64] | None:
    """Values less what the basis explains, of length 1; None where nothing is left."""
    moved = values.astype(np.float64) - float(values.mean(dtype=np.float64))
    scale = float(np.abs(moved).max())
    if not scale > 0:
        return None
    left = moved / scale
    left = left - basis @ (basis.T @ left)
    length = float(np.linalg.norm(left))
    # Rounding alone leaves some 1e-7 of each value.
    return None if length < 1e-5 * np.sqrt(values.size) else np.asarray(left / length)


def _eroded(mask: NDArray[np.bool_], steps: int) -> NDArray[np.bool_]:
    """Take away, *steps* times, the pixels of a mask that touch others by a side."""
    for _ in range(steps):
        wide = np.pad(mask, 1)
        up, down, left, right = wide[:-2, 1:-1], wide[2:, 1:-1], wide[1:-1, :-2], wide[1:-1, 2:]
        mask = mask & up & down & left & right
    return mask


def _box(shown: NDArray[np.bool_]) -> tuple[slice, slice]:
    """Rows and columns that hold every true pixel of any slice (Z, Y, X)."""
    rows, columns = (np.flatnonzero(shown.any(axis=(0, other))) for other in (2, 1))
    return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)


def _expected_dice(shares: Floats, threshold: float) -> float:
    mask = shares >= threshold
    total = float(shares.sum(dtype=np.float64)) + int(mask.sum())
    return 2 * float(shares[mask].sum(dtype=np.float64)) / total if total else 0.0


def _outline_length(mask: NDArray[np.bool_]) -> int:
    """Count the sides of pixels between a mask (Y, X) and what is around it."""
    padded = np.pad(mask, 1)
    return int(np.diff(padded, axis=0).sum() + np.diff(padded, axis=1).sum())


def _centered(shares: Floats, centre_px: Floats) -> Floats:
    """Return a map with the pixel at the center moved to the middle of twice as large a map."""
    rows, columns = shares.shape
    placed = np.zeros((2 * rows + 1, 2 * columns + 1), np.float32)
    place = np.where(np.isfinite(centre_px), centre_px, (np.array(shares.shape) - 1) / 2)
    # Not rint, which rounds halves to even numbers and so moves one slice up and another down.
    nearest = np.floor(place + 0.5).astype(int)
    top, left = np.array(shares.shape) - np.clip(nearest, 0, shares.shape)
    placed[top : top + rows, left : left + columns] = shares
    return placed


def _overlap(first: Floats, second: Floats) -> float:
    total = float(first.sum(dtype=np.float64) + second.sum(dtype=np.float64))
    return 2 * float(np.minimum(first, second).sum(dtype=np.float64)) / total
