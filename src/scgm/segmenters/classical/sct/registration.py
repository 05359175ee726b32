"""Registration of the inside of cords to their mean: small affine moves in the common space."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from scgm.segmenters.classical.sct.alignment import Floats, Slice, around, moved, sampled

# Usual moves: a shift by a sample (0.3 mm) along rows and columns, 8 % in height and width, and
# a rotation by 0.06 radians (3.4 degrees).
USUAL = np.array([1.0, 1.0, 0.08, 0.08, 0.06])
EVEN = np.array([1.0, 0.0, 1.0, 1.0, 0.0])  # moves that are the same in the mirror
# Penalty on a usual move, as a share of the mean's variation. Among 0.003 to 0.3 the development
# scans have the best result with 0.03.
STIFFNESS = 0.03
ROUNDS = 3  # of the group: the mean no longer changes after that
STEPS = 10


def affine_of(moves: Floats) -> Floats:
    """Return the affine (2, 3) of moves (5,): shifts, logarithms of stretches, angle."""
    cosine, sine = np.cos(moves[4]), np.sin(moves[4])
    turned = np.array([[cosine, sine], [-sine, cosine]])
    stretched = np.exp(moves[2:4, None]) * turned
    return np.asarray(np.hstack([stretched, moves[:2, None]]), np.float64)


def registered(image: Slice, mean: Slice, where: NDArray[np.bool_]) -> Floats:
    """Find the moves (5,) after which an image (n, n) is most like the mean in a region.

    Least squares of the differences over the variation of the mean, and of the moves over those
    that are usual.
    """
    from scipy.optimize import least_squares  # noqa: PLC0415  (slow to import)

    rows, columns = (places[where] for places in around(len(image)))
    wanted = mean[where].astype(np.float64)
    variation = max(float(np.linalg.norm(wanted - wanted.mean())), 1e-6)
    middle = (len(image) - 1) / 2

    def misfit(moves: Floats) -> Floats:
        row, column = moved(affine_of(moves * USUAL), rows, columns)
        differences = sampled(image, row + middle, column + middle) - wanted
        return np.concatenate([differences / variation, np.sqrt(STIFFNESS) * moves])

    found = least_squares(misfit, np.zeros(len(USUAL)), diff_step=0.05, max_nfev=STEPS)
    return np.asarray(found.x * USUAL, np.float64)


def registered_group(
    images: NDArray[np.float32], where: NDArray[np.bool_], *, symmetric: bool
) -> Floats:
    """Find the moves (J, 5) that make images (J, n, n) most like the mean of the moved images.

    The moves are 0 on average: the mean stays where it is. *symmetric* means that the mirror image
    of each is included.
    """
    moves = np.zeros((len(images), len(USUAL)))
    rows, columns = around(images.shape[1])
    middle = (images.shape[1] - 1) / 2
    for _ in range(ROUNDS):
        mean: Slice = np.zeros(images.shape[1:], np.float32)
        for image, move in zip(images, moves, strict=True):
            row, column = moved(affine_of(move), rows, columns)
            mean += sampled(image, row + middle, column + middle) / len(images)
        if symmetric:
            mean = np.asarray((mean + mean[:, ::-1]) / 2, np.float32)
        moves = np.stack([registered(image, mean, where) for image in images])
        drift = moves.mean(axis=0)
        # A group with its mirror images drifts neither aside nor around.
        moves -= drift * EVEN if symmetric else drift
    return moves
