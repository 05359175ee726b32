"""The tissue template: shares of the classes around an average cord, learned with the warps."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from scgm.artifacts.arrays import ArraySpec
from scgm.artifacts.atlases import Atlas
from scgm.errors import ConfigError
from scgm.segmenters.classical.labeled_slices import LabeledSlices, cut_again, evenly_chosen
from scgm.segmenters.classical.vbem.deformation import CordSize, aligned, pushed
from scgm.segmenters.classical.vbem.fitting import Fit, FitSettings, fit
from scgm.segmenters.classical.vbem.mixture import NormalWishart
from scgm.segmenters.classical.vbem.preparation import (
    CLASSES,
    GRAY,
    WHITE,
    Preparation,
    Scan,
    prepared,
    seen,
)

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]
Doubles = NDArray[np.float64]

SIZE, PIXEL_MM = 80, 0.3
FLUID_MM = 2.5  # usual width of the fluid around the cord, for the first guess
STRENGTH = 10.0  # weight of the first guess of the intensities while learning, in samples
# First guess of the intensities without any label: gray matter is a small, bright part.
UNLABELED_MEAN, UNLABELED_VARIANCE = (1.5, -0.4), (0.5, 0.5)


@dataclass(frozen=True, slots=True, eq=False)
class TissueTemplate:
    """Shares and intensities of the tissues around an average cord.

    Parameters
    ----------
    shares : (n, n, K)
        Of gray and white matter, fluid, and two tissues further out; each sample sums to 1.
    frame : CordSize
        Middle and size of the cord in it, in samples.
    mean, variance : (K,)
        Of the intensities, in spreads of the cord.
    """

    shares: Doubles
    frame: CordSize
    mean: Doubles
    variance: Doubles

    def prior(self, strength: float, *, bright: bool = True) -> NormalWishart:
        """Return the prior of the intensities, with the weight of *strength* samples.

        Not *bright*: gray matter as far below the mean of the cord as it was above it.
        """
        mean = self.mean.copy()
        if not bright:
            mean[[GRAY, WHITE]] *= -1
        count = np.full(len(mean), strength)
        spread = (count + 2) * self.variance
        return NormalWishart(mean[:, None], count, count + 2, spread[:, None, None])


def build(
    slices: LabeledSlices,
    *,
    sweeps: int = 4,
    labelled_share: float = 1.0,
    pseudo_count: float = 0.5,
    smooth_mm: float = 0.3,
    per_volume: int = 8,
) -> dict[str, NDArray[Any]]:
    """Learn the template, its own mirror image, from labeled slices and unlabeled ones.

    Parameters
    ----------
    slices : LabeledSlices
        What to learn from.
    sweeps : int
        How often all scans are fitted and the template is averaged anew.
    labelled_share : float
        Share of the slices, evenly spaced, whose gray matter label is used; of the others only the
        cord label is.
    pseudo_count : float
        Weight of the first template, in which all classes are alike, as a number of slices.
    smooth_mm : float
        Standard deviation of the Gaussian that smooths the average.
    per_volume : int
        Most slices of one volume, evenly spaced.

    Returns
    -------
    dict
        ``shares`` (80, 80, 5), ``frame`` (2, 2), ``mean`` (5,), ``variance`` (5,), ``pixel_mm``.

    Raises
    ------
    ConfigError
        If a setting makes no sense.
    """
    if sweeps < 1 or per_volume < 1 or not 0 <= labelled_share <= 1:
        msg = (
            f"sweeps is {sweeps}, per_volume is {per_volume}, labelled_share is {labelled_share}; "
            "give whole numbers from 1 on, and a share from 0 to 1"
        )
        raise ConfigError(msg)
    if pseudo_count <= 0 or smooth_mm < 0:
        msg = f"pseudo_count is {pseudo_count}, smooth_mm is {smooth_mm}; give positive numbers"
        raise ConfigError(msg)
    scans = _scans(slices, per_volume, labelled_share)
    learning = _Learning(scans, smooth_mm / PIXEL_MM, pseudo_count)
    template = learning.first()
    for _ in range(sweeps):
        template = learning.sweep(template)
    return {
        "shares": template.shares.astype(np.float32),
        "frame": np.array([template.frame.middle, template.frame.spread], np.float32),
        "mean": template.mean.astype(np.float32),
        "variance": template.variance.astype(np.float32),
        "pixel_mm": np.array(PIXEL_MM, np.float32),
    }


# What `build` makes, and `template_of` takes.
ARRAYS = {
    "shares": ArraySpec(shape=(SIZE, SIZE, CLASSES), least=1e-9, most=1),
    "frame": ArraySpec(shape=(2, 2), least=0.1, most=SIZE),
    "mean": ArraySpec(shape=(CLASSES,), least=-1000),
    "variance": ArraySpec(shape=(CLASSES,), least=1e-6),
    "pixel_mm": ArraySpec(least=PIXEL_MM - 1e-3, most=PIXEL_MM + 1e-3),
}


def template_of(atlas: Atlas) -> TissueTemplate:
    """Return the template that an atlas holds.

    Raises
    ------
    ModelError
        If the arrays are not those that `build` makes.
    """
    atlas.require(ARRAYS)
    names = ("shares", "frame", "mean", "variance")
    shares, frame, mean, variance = (atlas.arrays[name].astype(np.float64) for name in names)
    (row, column), (high, wide) = frame.tolist()
    return TissueTemplate(shares, CordSize((row, column), (high, wide)), mean, variance)


@dataclass(frozen=True, slots=True, eq=False)
class _Learning:
    """All scans, and how their tissues are averaged."""

    scans: list[tuple[Scan, Bools]]
    sigma: float
    pseudo_count: float

    def first(self) -> TissueTemplate:
        """Average what the labels allow, cords aligned by position and size alone.

        Slices without gray matter labels take no part, unless there are no others.
        """
        parts = [_part(scan, labeled) for scan, labeled in self.scans if labeled.any()]
        scans = parts or [scan for scan, _ in self.scans]
        frames = [frame for scan in scans for frame in scan.frames]
        spread = np.mean([frame.spread for frame in frames], axis=0)
        middle = (SIZE - 1) / 2
        frame = CordSize((middle, middle), (float(spread[0]), float(spread[1])))
        guess = _guess(frame)
        fits = []
        for scan in scans:
            places = np.stack([aligned(SIZE, each, frame) for each in scan.frames])
            allowed = scan.allowed * np.stack([_guess(each) for each in scan.frames])
            shares = allowed / allowed.sum(axis=-1, keepdims=True)
            fits.append((shares * scan.counts[..., None], places))
        shares = self._average(fits, guess)
        values = [_moments(scan, shares) for scan, (shares, _) in zip(scans, fits, strict=True)]
        mean, variance = np.mean(values, axis=0)
        if not parts:
            mean[[GRAY, WHITE]], variance[[GRAY, WHITE]] = UNLABELED_MEAN, UNLABELED_VARIANCE
        return TissueTemplate(shares, frame, mean, variance)

    def sweep(self, template: TissueTemplate) -> TissueTemplate:
        """Fit all scans, and average what was found in the template's space."""
        settings = FitSettings(rounds=12)
        prior = template.prior(STRENGTH)
        fits = [
            fit(scan, np.log(template.shares), template.frame, prior, settings)
            for scan, _ in self.scans
        ]
        shares = self._average([(each.shares, each.places) for each in fits], template.shares)
        mean, variance = np.mean([_known(each) for each in fits], axis=0)
        return replace(template, shares=shares, mean=mean, variance=variance)

    def _average(self, found: list[tuple[Doubles, Doubles]], prior: Doubles) -> Doubles:
        """Return mean shares; scans count alike, and their mirror images too."""
        total = np.zeros((SIZE, SIZE, CLASSES))
        slices = sum(len(shares) for shares, _ in found)
        for shares, places in found:
            pushes = [pushed(*each, SIZE) for each in zip(shares, places, strict=True)]
            total += np.mean(pushes, axis=0) * slices / len(found)
        total = ndimage.gaussian_filter((total + total[:, ::-1]) / 2, (self.sigma, self.sigma, 0))
        vague = ndimage.gaussian_filter(prior, (2, 2, 0)) * 0.9 + 0.1 / CLASSES
        total += self.pseudo_count * vague
        return np.asarray(total / total.sum(axis=-1, keepdims=True))


def _scans(
    slices: LabeledSlices, per_volume: int, labelled_share: float
) -> list[tuple[Scan, Bools]]:
    """Return the scans, and for which of their slices the gray matter label is used."""
    how = Preparation()
    scans = []
    for chosen in evenly_chosen(slices, per_volume):
        image, cord, gm, share = (
            cut_again(each[chosen].astype(np.float32), SIZE, PIXEL_MM)[0]
            for each in (slices.image, slices.cord, slices.gm, slices.inside)
        )
        inside = share >= 0.5
        labeled = np.floor((chosen + 1) * labelled_share) > np.floor(chosen * labelled_share)
        good = seen(image, cord, inside, PIXEL_MM)
        if good.any():
            scan = prepared(image[good], cord[good], inside[good], PIXEL_MM, how)
            masks = cord[good] >= 0.5, gm[good] >= 0.5
            scans.append((_restricted(scan, *masks, labeled[good]), labeled[good]))
    if not scans:
        msg = "no slice shows any contrast in its cord; vbem cannot learn from them"
        raise ConfigError(msg)
    return scans


def _restricted(scan: Scan, cord: Bools, gm: Bools, labeled: NDArray[np.bool_]) -> Scan:
    """On slices whose label is used allow only what it says."""
    labels = np.repeat((~cord & ~gm)[..., None], CLASSES, axis=-1)
    labels[..., GRAY] = gm
    labels[..., WHITE] = cord & ~gm
    allowed = np.where(labeled[:, None, None, None], labels, scan.allowed)
    return replace(scan, allowed=allowed)


def _part(scan: Scan, chosen: Bools) -> Scan:
    frames = [frame for frame, taken in zip(scan.frames, chosen, strict=True) if taken]
    return Scan(scan.values[chosen], scan.allowed[chosen], scan.counts[chosen], frames)


def _guess(frame: CordSize) -> Doubles:
    """Return a first guess of the classes around a cord.

    Gray matter lies in the middle of the cord, fluid beside it.
    """
    places = np.indices((SIZE, SIZE)).astype(np.float64)
    shape = (2, 1, 1)
    middle = np.reshape(frame.middle, shape)
    # The outline of a filled ellipse is two standard deviations from its middle.
    radius = np.hypot(*((places - middle) / (2 * np.reshape(frame.spread, shape))))
    beyond_mm = (radius - 1) * 2 * np.mean(frame.spread) * PIXEL_MM
    gray = 0.6 * np.exp(-2 * radius**2)
    inside = 1 / (1 + np.exp(beyond_mm / 0.2))
    fluid = 1 / (1 + np.exp((beyond_mm - FLUID_MM) / 0.4))
    others = (1 - inside) * (1 - fluid)
    left = [inside * gray, inside * (1 - gray), (1 - inside) * fluid, others / 2, others / 2]
    return np.stack(left, axis=-1) * 0.98 + 0.02 / CLASSES


def _moments(scan: Scan, shares: Doubles) -> tuple[Doubles, Doubles]:
    """Return mean and variance of each class; the last two start on either side of their mean."""
    values = scan.values[..., None]
    count = shares.sum(axis=(0, 1, 2)) + 1e-9
    mean = (shares * values).sum(axis=(0, 1, 2)) / count
    variance = (shares * (values - mean) ** 2).sum(axis=(0, 1, 2)) / count + 1e-3
    spread = np.sqrt(variance[-1])
    mean[-2:] += (-spread, spread)
    if mean[GRAY] < mean[WHITE]:
        mean[[GRAY, WHITE]] *= -1
    return mean, variance


def _known(found: Fit) -> tuple[Doubles, Doubles]:
    """Return mean and variance of each class as found; gray matter as if it were bright."""
    mean = found.known.mean[:, 0].copy()
    if mean[GRAY] < mean[WHITE]:
        mean[[GRAY, WHITE]] *= -1
    return mean, 1 / found.known.precision[:, 0, 0]
