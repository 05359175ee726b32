"""How sure it is that the gray matter of a slice is right: one number for each slice.

It is the probability that the mask of gray matter agrees with a careful rater's by a Dice
coefficient of at least 0.7, by a logistic regression on four numbers that are read off the
probabilities. Its coefficients belong to one model and stand on that model's card;
``python -m experiments.confidence`` fits them on phantoms.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from scgm.errors import ModelError

ENOUGH_DICE = 0.7
# Below it the mask is more likely wrong than right, in the meaning above.
LOW_CONFIDENCE_BELOW = 0.5

FEATURES = ("core", "cord", "outline", "neighbors")
# What stands in for "neighbors" where there is none: the mean of the slices that were fitted to.
NO_NEIGHBORS = "no_neighbors"
COEFFICIENTS = ("intercept", *FEATURES, NO_NEIGHBORS)


def slice_confidence(
    features: NDArray[np.float64], coefficients: Mapping[str, float]
) -> NDArray[np.float64]:
    """Return the probability that the Dice coefficient is at least 0.7, slice by slice.

    Parameters
    ----------
    features : (Z, 4) float64
        From `slice_features`.
    coefficients : mapping
        From the card of the model that gave the probabilities: one number for each of
        `COEFFICIENTS`.

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
    score = coefficients["intercept"] + filled @ weights
    return np.where(np.isnan(score), 0.0, 1 / (1 + np.exp(-np.clip(score, -50, 50))))


def slice_features(
    gm: NDArray[np.float32],
    cord: NDArray[np.float32],
    centre_px: NDArray[np.float32],
    threshold: float,
) -> NDArray[np.float64]:
    """Return what the confidence of each slice is judged by.

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


def _box(shown: NDArray[np.bool_]) -> tuple[slice, slice]:
    """Rows and columns that hold every true pixel of any slice (Z, Y, X)."""
    rows, columns = (np.flatnonzero(shown.any(axis=(0, other))) for other in (2, 1))
    return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)


def _expected_dice(shares: NDArray[np.float32], threshold: float) -> float:
    mask = shares >= threshold
    total = float(shares.sum(dtype=np.float64)) + int(mask.sum())
    return 2 * float(shares[mask].sum(dtype=np.float64)) / total if total else 0.0


def _outline_length(mask: NDArray[np.bool_]) -> int:
    """Count the sides of pixels between a mask (Y, X) and what is around it."""
    padded = np.pad(mask, 1)
    return int(np.diff(padded, axis=0).sum() + np.diff(padded, axis=1).sum())


def _centered(shares: NDArray[np.float32], centre_px: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return a map with the pixel at the center moved to the middle of twice as large a map."""
    rows, columns = shares.shape
    placed = np.zeros((2 * rows + 1, 2 * columns + 1), np.float32)
    place = np.where(np.isfinite(centre_px), centre_px, (np.array(shares.shape) - 1) / 2)
    # Not rint, which rounds halves to even numbers and so moves one slice up and another down.
    nearest = np.floor(place + 0.5).astype(int)
    top, left = np.array(shares.shape) - np.clip(nearest, 0, shares.shape)
    placed[top : top + rows, left : left + columns] = shares
    return placed


def _overlap(first: NDArray[np.float32], second: NDArray[np.float32]) -> float:
    total = float(first.sum(dtype=np.float64) + second.sum(dtype=np.float64))
    return 2 * float(np.minimum(first, second).sum(dtype=np.float64)) / total
