"""A mixture of Gaussians with unknown means and precisions, by variational Bayes.

Every sample n has mixing proportions of its own: the classes' shares in a tissue template, times a
weight for each class. What is known of a class beforehand is a Normal-Wishart distribution.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln, logsumexp, psi

Doubles = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class NormalWishart:
    """What is known of the mean and the precision of K classes in D channels.

    Parameters
    ----------
    mean : (K, D)
        Expected means.
    beta : (K,)
        Weight of the prior of the mean, as a number of samples.
    nu : (K,)
        Degrees of freedom: weight of the prior of the precision, in samples; above D - 1.
    spread : (K, D, D)
        Inverse of the Wishart's scale matrix: *nu* times the covariance that is expected.
    """

    mean: Doubles
    beta: Doubles
    nu: Doubles
    spread: Doubles

    @property
    def precision(self) -> Doubles:
        """Expected precision (K, D, D)."""
        return np.asarray(self.nu[:, None, None] * np.linalg.inv(self.spread), np.float64)

    @property
    def log_precision(self) -> Doubles:
        """Expected logarithm (K,) of the determinant of the precision."""
        channels = self.mean.shape[1]
        half = (self.nu[:, None] - np.arange(channels)) / 2
        digamma = psi(half).sum(axis=1)
        return np.asarray(digamma + channels * np.log(2) - np.linalg.slogdet(self.spread)[1])


def log_density(values: Doubles, known: NormalWishart) -> Doubles:
    """Return the expected logarithm (N, K) of each class's density at samples (N, D)."""
    channels = values.shape[1]
    away = values[:, None, :] - known.mean
    distance = np.einsum("nkd,kde,nke->nk", away, known.precision, away, optimize=True)
    constant = known.log_precision - channels * (np.log(2 * np.pi) + 1 / known.beta)
    return np.asarray((constant - distance) / 2, np.float64)


def responsibilities(log_shares: Doubles, density: Doubles) -> tuple[Doubles, float]:
    """Return how far each class answers for each sample, and the logarithm of the evidence.

    Parameters
    ----------
    log_shares : (N, K)
        Logarithms of the mixing proportions; minus infinity for a class that a label rules out.
    density : (N, K)
        From `log_density`.
    """
    joint = log_shares + density
    total = np.asarray(logsumexp(joint, axis=1, keepdims=True))
    return np.asarray(np.exp(joint - total), np.float64), float(total.sum())


def learned(prior: NormalWishart, values: Doubles, shares: Doubles) -> NormalWishart:
    """Return what is known after samples (N, D) were seen, class k for *shares* (N, K) of each."""
    count = shares.sum(axis=0)
    mean = shares.T @ values / np.maximum(count, 1e-12)[:, None]
    beta = prior.beta + count
    spread = np.empty(prior.spread.shape)
    for k in range(len(count)):
        away, moved = values - mean[k], mean[k] - prior.mean[k]
        within = (shares[:, k, None] * away).T @ away
        between = prior.beta[k] * count[k] / beta[k] * np.outer(moved, moved)
        spread[k] = prior.spread[k] + within + between
    weighted = prior.beta[:, None] * prior.mean + count[:, None] * mean
    return NormalWishart(weighted / beta[:, None], beta, prior.nu + count, spread)


def divergence(known: NormalWishart, prior: NormalWishart) -> float:
    """Return how far knowledge has moved from what was known before (Kullback-Leibler, nats)."""
    channels = known.mean.shape[1]
    moved = known.mean - prior.mean
    pull = np.einsum("kd,kde,ke->k", moved, known.precision, moved)
    ratio = prior.beta / known.beta
    normal = (channels * (ratio - 1 - np.log(ratio)) + prior.beta * pull) / 2
    trace = np.einsum("kde,ked->k", prior.spread, known.precision)
    wishart = (
        _log_normalizer(known)
        - _log_normalizer(prior)
        + ((known.nu - prior.nu) * known.log_precision - known.nu * channels + trace) / 2
    )
    return float((normal + wishart).sum())


def reweighted(
    weights: Doubles, template: Doubles, shares: Doubles, pseudo_count: float
) -> Doubles:
    """Return better weights (K,) of the classes.

    One step uphill on the sum of ``shares * log(proportions)``, with the proportions
    ``weights * template`` made to sum to 1; a gamma prior with its peak at 1 and the
    weight of *pseudo_count* samples keeps weights above 0.

    Parameters
    ----------
    weights : (K,)
        So far.
    template : (N, K)
        Of each class at each sample; need not sum to 1.
    shares : (N, K)
        How far each class answers for each sample.
    """
    expected = (template / (template @ weights)[:, None]).sum(axis=0)
    return np.asarray((shares.sum(axis=0) + pseudo_count) / (expected + pseudo_count))


def log_weight_prior(weights: Doubles, pseudo_count: float) -> float:
    """Return the logarithm of the prior of weights, up to a constant: 0 where all are 1."""
    return float(pseudo_count * (np.log(weights) - weights + 1).sum())


def _log_normalizer(known: NormalWishart) -> Doubles:
    channels = known.mean.shape[1]
    half = (known.nu[:, None] - np.arange(channels)) / 2
    constant = channels * (channels - 1) / 4 * np.log(np.pi) + gammaln(half).sum(axis=1)
    log_spread = np.linalg.slogdet(known.spread)[1]
    return np.asarray(known.nu / 2 * (log_spread - channels * np.log(2)) - constant)
