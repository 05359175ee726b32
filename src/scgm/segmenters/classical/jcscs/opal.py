"""OPAL: a label map from the most similar patches of a library, without registration.

For every pixel PatchMatch finds, several times independently, a patch of the library that resembles
the one around it. Each patch found votes with its entire label patch, weighted by similarity. This
is done with patches of several sizes, of the intensities and of the strength of their edges, and
the maps are averaged (Giraud et al. 2016).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Places = NDArray[np.intp]

_SMALL = 1e-6
_BESIDE = ((-1, 0), (0, -1), (1, 0), (0, 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class OpalSettings:
    """How patches are searched and how they vote.

    Parameters
    ----------
    entries : int
        Images of the library that take part: those most alike as a whole.
    patches : tuple of int
        Samples along each side of a patch; odd. Every size gets a map of its own.
    features : tuple of str
        Names out of `FEATURES`: what is compared. Every one gets a map of its own.
    runs : int
        Independent searches for each map, which is how many patches vote for each pixel.
    rounds : int
        Rounds of propagation and random search in each run.
    reach : int
        How far from the same place a patch may lie, in samples.
    """

    entries: int = 40
    patches: tuple[int, ...] = (7, 11)
    features: tuple[str, ...] = ("intensity", "gradient")
    runs: int = 3
    rounds: int = 5
    reach: int = 4


@dataclass(slots=True, eq=False)
class Matches:
    """The patch found for each run and pixel; all arrays are (K, n, n).

    Parameters
    ----------
    entry, row, column : int
        Which image of the library, and the middle of the patch in it.
    distance : float32
        Sum of squared differences of the two patches.
    """

    entry: Places
    row: Places
    column: Places
    distance: Floats


def gradient(images: Floats) -> Floats:
    """Return the norm of the gradient of images (..., n, n), by central differences."""
    rows, columns = np.gradient(images, axis=(-2, -1))
    return np.asarray(np.hypot(rows, columns), np.float32)


# What patches are compared by.
FEATURES: Mapping[str, Callable[[Floats], Floats]] = {
    "intensity": lambda images: images,
    "gradient": gradient,
}


def label_map(
    target: Floats,
    images: Floats,
    labels: Floats,
    settings: OpalSettings,
    rng: np.random.Generator,
) -> Floats:
    """Return the mean over all sizes of patches and all features of the map of a label.

    Parameters
    ----------
    target : (n, n) float32
        Image.
    images, labels : (A, n, n) float32
        The library, aligned with the target, and the share of the label in it.
    settings : OpalSettings
        How to search.
    rng : numpy.random.Generator
        Source of random numbers.

    Returns
    -------
    (n, n) float32
        From 0 to 1.
    """
    maps = []
    for name in settings.features:
        wanted, offered = FEATURES[name](target), FEATURES[name](images)
        for patch in settings.patches:
            matches = find_matches(wanted, patches(offered, patch), settings, rng)
            maps.append(fuse_patches(matches, labels, patch))
    return np.asarray(np.mean(maps, axis=0), np.float32)


def find_matches(
    target: Floats, offered: Floats, settings: OpalSettings, rng: np.random.Generator
) -> Matches:
    """Find similar patches in a library by PatchMatch.

    Parameters
    ----------
    target : (n, n) float32
        Image.
    offered : (A, n, n, patch * patch) float32
        The `patches` of the library, whose images are aligned by the middle of the cord.
    settings : OpalSettings
        How to search.
    rng : numpy.random.Generator
        Source of random numbers.

    Returns
    -------
    Matches
        K patches for every pixel, K the number of runs.
    """
    search = _Search(target, offered, settings)
    shape = (settings.runs, *target.shape)
    entry = rng.integers(len(offered), size=shape)
    row, column = search.near(rng, settings.reach, shape)
    found = Matches(entry, row, column, search.distance(entry, row, column))
    for turn in range(settings.rounds):
        for step in _BESIDE if turn % 2 == 0 else _BESIDE[::-1]:
            search.propagate(found, step)
        radius = max(settings.reach // 2**turn, 1)
        search.wander(found, rng, radius)
        entry = rng.integers(len(offered), size=shape)
        search.keep_better(found, entry, found.row, found.column)
    return found


class _Search:
    """Patches of target and library, and the steps that improve matches."""

    def __init__(self, target: Floats, offered: Floats, settings: OpalSettings) -> None:
        self.side, self.reach = len(target), settings.reach
        self.wanted = patches(target, math.isqrt(offered.shape[-1]))
        self.offered = offered
        self.home = np.indices((self.side, self.side))

    def distance(self, entry: Places, row: Places, column: Places) -> Floats:
        total = np.empty(entry.shape, np.float32)
        for run, out in enumerate(total):  # run by run: a tenth of the memory
            difference = self.offered[entry[run], row[run], column[run]] - self.wanted
            np.einsum("yxi,yxi->yx", difference, difference, out=out)
        return total

    def near(
        self, rng: np.random.Generator, radius: int, shape: tuple[int, ...]
    ) -> tuple[Places, Places]:
        steps = rng.integers(-radius, radius + 1, size=(2, *shape))
        return self.inside(self.home[0] + steps[0], self.home[1] + steps[1])

    def inside(self, row: Places, column: Places) -> tuple[Places, Places]:
        """Hold places within reach of home, and within the image."""
        low, high = np.maximum(self.home - self.reach, 0), self.home + self.reach
        high = np.minimum(high, self.side - 1)
        return np.clip(row, low[0], high[0]), np.clip(column, low[1], high[1])

    def propagate(self, found: Matches, step: tuple[int, int]) -> None:
        """Offer every pixel the match of its neighbor, moved by one."""
        beside = [np.roll(each, step, (1, 2)) for each in (found.entry, found.row, found.column)]
        row, column = self.inside(beside[1] + step[0], beside[2] + step[1])
        self.keep_better(found, beside[0], row, column)

    def wander(self, found: Matches, rng: np.random.Generator, radius: int) -> None:
        """Offer every pixel a place near its match, in the same image."""
        steps = rng.integers(-radius, radius + 1, size=(2, *found.row.shape))
        row, column = self.inside(found.row + steps[0], found.column + steps[1])
        self.keep_better(found, found.entry, row, column)

    def keep_better(self, found: Matches, entry: Places, row: Places, column: Places) -> None:
        distance = self.distance(entry, row, column)
        better = distance < found.distance
        found.entry = np.where(better, entry, found.entry)
        found.row = np.where(better, row, found.row)
        found.column = np.where(better, column, found.column)
        found.distance = np.where(better, distance, found.distance)


def fuse_patches(matches: Matches, labels: Floats, patch: int) -> Floats:
    """Let every match vote with its label patch.

    A match of distance D at a pixel whose best match has D* weighs exp(1 - D / (D* + e)).

    Parameters
    ----------
    matches : Matches
        K for every pixel.
    labels : (A, n, n) float32
        Share of the label in the library.
    patch : int
        Samples along each side of a patch.

    Returns
    -------
    (n, n) float32
        Weighted mean of the votes.
    """
    best = matches.distance.min(axis=0)
    weight = np.exp(1 - matches.distance / (best + _SMALL))
    half, side = patch // 2, len(best)
    padded = np.pad(labels, [(0, 0), (half, half), (half, half)], mode="edge")
    total, norm = np.zeros_like(best), np.zeros_like(best)
    for down in range(-half, half + 1):
        for right in range(-half, half + 1):
            row, column = matches.row + half + down, matches.column + half + right
            votes = weight * padded[matches.entry, row, column]
            to = _overlap(down, side), _overlap(right, side)
            of = _overlap(-down, side), _overlap(-right, side)
            total[to] += votes.sum(axis=0)[of]
            norm[to] += weight.sum(axis=0)[of]
    return np.asarray(total / norm, np.float32)


def _overlap(step: int, side: int) -> slice:
    return slice(max(step, 0), side + min(step, 0))


def patches(images: Floats, patch: int) -> Floats:
    """Return the patches (..., n, n, patch * patch) of images (..., n, n), edges repeated."""
    half = patch // 2
    around = [(0, 0)] * (images.ndim - 2) + [(half, half)] * 2
    views = sliding_window_view(np.pad(images, around, mode="edge"), (patch, patch), (-2, -1))
    return np.ascontiguousarray(views.reshape(*images.shape, -1))
