"""STEPS: fuse the labels of the registered atlases that are most similar at each place.

At each pixel the atlases are ranked by their local correlation with the target; the best are
fused by STAPLE, which estimates their reliability, with a Markov field for smoothness.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]
Doubles = NDArray[np.float64]

_NEIGHBORS = np.array([[0, 1, 0], [1, 0, 1], [0, 1, 0]], np.float64)[..., None]
_LEAST = 1e-12
_TRUST = 0.99  # share of right decisions that every atlas starts with


@dataclass(frozen=True, slots=True, kw_only=True)
class FusionSettings:
    """How atlases are ranked and fused.

    Parameters
    ----------
    sigma_mm : float
        Standard deviation of the Gaussian in which local correlation is taken.
    best : int
        How many atlases decide at each pixel.
    beta : float
        Strength of the Markov field; 0 for none.
    rounds : int
        Most rounds of expectation and maximization.
    tolerance : float
        Rounds end when no probability changes by more.
    """

    sigma_mm: float = 1.06
    best: int = 8
    beta: float = 0.55
    rounds: int = 30
    tolerance: float = 1e-4


def local_correlation(target: Floats, images: Floats, sigma: float) -> Floats:
    """Return the local normalized cross-correlation of images with the target.

    With G a Gaussian of *sigma* samples and <a, b> = G(ab) - G(a) G(b), it is
    <I, J> / sqrt(<I, I> <J, J>); where either is flat it goes to 0.

    Parameters
    ----------
    target : (n, n) float32
        I.
    images : (N, n, n) float32
        J.
    sigma : float
        In samples.

    Returns
    -------
    (N, n, n) float32
        From -1 to 1.
    """

    def smooth(values: Doubles) -> Doubles:
        axes = (values.ndim - 2, values.ndim - 1)
        return np.asarray(ndimage.gaussian_filter(values, sigma, axes=axes), np.float64)

    one, many = target.astype(np.float64), images.astype(np.float64)
    mean_one, mean_many = smooth(one), smooth(many)
    both = smooth(one * many) - mean_one * mean_many
    var_one = np.maximum(smooth(one**2) - mean_one**2, 0) + 1e-3 * one.var()
    var_many = np.maximum(smooth(many**2) - mean_many**2, 0)
    var_many += 1e-3 * many.var(axis=(1, 2), keepdims=True)
    return np.asarray(both / np.sqrt(np.maximum(var_one * var_many, _LEAST)), np.float32)


def top_ranked(scores: Floats, best: int) -> Bools:
    """Mark at each pixel the atlases with the highest scores (N, n, n); ties go to the first."""
    order = np.argsort(-scores, axis=0, kind="stable")
    ranks = np.argsort(order, axis=0, kind="stable")
    return np.asarray(ranks < best, np.bool_)


def disputed(decisions: NDArray[np.intp], kept: Bools) -> Bools:
    """Mark the pixels (n, n) at which the atlases that are kept do not all agree."""
    low = np.where(kept, decisions, np.iinfo(np.intp).max).min(axis=0)
    high = np.where(kept, decisions, -1).max(axis=0)
    return np.asarray(low < high, np.bool_)


def staple(
    decisions: NDArray[np.intp], kept: Bools, where: Bools, settings: FusionSettings
) -> Doubles:
    """Return the probability of each label by expectation and maximization.

    Parameters
    ----------
    decisions : (N, n, n) int
        Label that each atlas gives: 0 to L - 1.
    kept : (N, n, n) bool
        Which atlases count at a pixel; at least one at each.
    where : (n, n) bool
        Pixels that are fused. At the others all atlases that are kept agree; the first one is
        taken there, and they do not contribute to the reliabilities.
    settings : FusionSettings
        How to fuse.

    Returns
    -------
    (n, n, L) float64
        They add up to 1.
    """
    labels = int(decisions.max()) + 1
    first = np.take_along_axis(decisions, kept.argmax(axis=0)[None], axis=0)[0]
    share: Doubles = np.eye(labels)[first]
    if not where.any():
        return share
    given, counts = decisions[:, where], kept[:, where].astype(np.float64)
    said = np.eye(labels)[given] * counts[..., None]  # (N, P, L)
    prior = said.sum(axis=(0, 1)) / counts.sum()
    trust = np.full((len(said), labels, labels), (1 - _TRUST) / max(labels - 1, 1))
    trust[:, range(labels), range(labels)] = _TRUST
    for _ in range(settings.rounds):
        field = settings.beta * ndimage.correlate(share, _NEIGHBORS, mode="nearest")[where]
        log = _log(prior) + field + np.einsum("nps,nsl->pl", said, _log(trust))
        after = np.exp(log - log.max(axis=1, keepdims=True))
        after /= after.sum(axis=1, keepdims=True)
        change = np.abs(after - share[where]).max()
        share[where] = after
        if change < settings.tolerance:
            break
        seen = np.einsum("np,pl->nl", counts, after)[:, None, :]
        trust = (np.einsum("nps,pl->nsl", said, after) + _LEAST * trust) / (seen + _LEAST)
    return share


def _log(values: Doubles) -> Doubles:
    return np.log(np.maximum(values, _LEAST))


def fuse(
    target: Floats, images: Floats, decisions: Bools, pixel_mm: float, settings: FusionSettings
) -> Doubles:
    """Return the probability (n, n) of gray matter.

    Parameters
    ----------
    target : (n, n) float32
        Image.
    images : (N, n, n) float32
        Registered atlases.
    decisions : (N, n, n) bool
        Their gray matter.
    pixel_mm : float
        Distance of samples.
    settings : FusionSettings
        How to fuse.
    """
    scores = local_correlation(target, images, settings.sigma_mm / pixel_mm)
    kept = top_ranked(scores, settings.best)
    labels = decisions.astype(np.intp)
    share = staple(labels, kept, disputed(labels, kept), settings)
    return share[..., 1] if share.shape[-1] > 1 else np.zeros(target.shape)
