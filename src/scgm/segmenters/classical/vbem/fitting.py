"""The mixture, the class weights and the warps of a scan, improved in turn."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from scgm.segmenters.classical.vbem.deformation import (
    CordSize,
    WarpPenalty,
    aligned,
    bent,
    penalty,
    sampled,
)
from scgm.segmenters.classical.vbem.mixture import (
    NormalWishart,
    divergence,
    learned,
    log_density,
    log_weight_prior,
    responsibilities,
    reweighted,
)
from scgm.segmenters.classical.vbem.preparation import Scan

Doubles = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class FitSettings:
    """How a scan is fitted.

    Parameters
    ----------
    rounds : int
        Most rounds.
    tolerance : float
        A round that raises the lower bound by less, relative to its size, is the last one.
    still : int
        First rounds, in which intensities are fitted and the template is not deformed.
    pseudo_count : float
        Strength of the prior of the class weights, as a number of samples.
    warp : WarpPenalty
        How far the template may be deformed.
    """

    rounds: int = 30
    tolerance: float = 1e-5
    still: int = 3
    pseudo_count: float = 1000.0
    warp: WarpPenalty = field(default_factory=WarpPenalty)


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """The model fitted to a scan.

    Parameters
    ----------
    shares : (S, n, n, K)
        Responsibility of each class for each sample; 0 where a sample does not count.
    known : NormalWishart
        Of the classes' intensities.
    weights : (K,)
        Of the classes, beside the template.
    places : (S, 2, n, n)
        Where in the template each sample lies.
    bounds : tuple of float
        The lower bound after each round; it never falls.
    """

    shares: Doubles
    known: NormalWishart
    weights: Doubles
    places: Doubles
    bounds: tuple[float, ...]


def fit(
    scan: Scan,
    log_template: Doubles,
    frame: CordSize,
    prior: NormalWishart,
    settings: FitSettings,
) -> Fit:
    """Fit the model to a scan.

    Parameters
    ----------
    scan : Scan
        From `prepared`.
    log_template : (n, n, K)
        Logarithm of the share of each class.
    frame : CordSize
        Middle and size of the template's cord.
    prior : NormalWishart
        Prior of the classes' intensities; they start from it.
    settings : FitSettings
        How to fit.
    """
    counts = scan.counts.ravel()
    values = scan.values.ravel()[counts, None]
    allowed = scan.allowed.reshape(len(counts), -1)[counts]
    start = np.stack([aligned(scan.values.shape[1], each, frame) for each in scan.frames])
    warp = np.zeros_like(start)
    known, weights = prior, np.ones(log_template.shape[-1])
    shares = np.zeros(scan.allowed.shape)
    bounds: list[float] = []
    for number in range(settings.rounds):
        base = sampled(log_template, np.moveaxis(start + warp, 0, 1))
        base = base.reshape(len(counts), -1)[counts]
        joint = base + np.log(weights)
        joint -= logsumexp(joint, axis=1, keepdims=True)
        found, evidence = responsibilities(
            np.where(allowed, joint, -np.inf), log_density(values, known)
        )
        shares.reshape(len(counts), -1)[counts] = found
        cost = divergence(known, prior) + sum(penalty(each, settings.warp) for each in warp)
        bounds.append(evidence - cost + log_weight_prior(weights, settings.pseudo_count))
        if number > settings.still and _settled(bounds, settings.tolerance):
            break
        known = learned(prior, values, found)
        weights = reweighted(weights, np.exp(base), found, settings.pseudo_count)
        if number >= settings.still:
            for k, each in enumerate(warp):
                warp[k] = bent(
                    each, start[k], log_template + np.log(weights), shares[k], settings.warp
                )
    return Fit(shares, known, weights, start + warp, tuple(bounds))


def _settled(bounds: list[float], tolerance: float) -> bool:
    return bounds[-1] - bounds[-2] <= tolerance * abs(bounds[-1])
