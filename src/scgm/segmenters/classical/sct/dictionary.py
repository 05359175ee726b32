"""The dictionary of slices, the space of their principal components, and the fusion of labels."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from scgm.segmenters.classical.sct.alignment import Profile, Slice

VARIANCE = 0.95  # as published
PER_LEVEL = 2.5  # as published: one level away, a slice weighs exp(-2.5) of what it would


@dataclass(frozen=True, eq=False)
class Dictionary:
    """Slices in the common space with their labels, and the space that they span.

    Parameters
    ----------
    image, gm : (J, n, n) float32
        Normalized intensities, and share of gray matter.
    outline : Profile
        The common outline.
    inner : (n, n) bool
        Where slices are compared: the outline without its rim.
    mean : (P,), axes : (K, P), places : (J, K) float32
        Mean of the intensities there, principal components, and where each slice lies.
    level : (J,) float32
        Number of the vertebral level of each slice; NaN where it is not known.
    """

    image: NDArray[np.float32]
    gm: NDArray[np.float32]
    outline: Profile
    inner: NDArray[np.bool_]
    mean: NDArray[np.float32]
    axes: NDArray[np.float32]
    places: NDArray[np.float32]
    level: NDArray[np.float32]

    @cached_property
    def mean_image(self) -> Slice:
        """Mean of the normalized intensities, (n, n)."""
        return np.asarray(self.image.mean(axis=0), np.float32)

    @cached_property
    def mean_gm(self) -> Slice:
        """Mean share of gray matter, (n, n)."""
        return np.asarray(self.gm.mean(axis=0), np.float32)

    def level_weights(self, level: float) -> NDArray[np.float32]:
        """Return how much each slice of the dictionary weighs by its vertebral level.

        exp(-2.5 |difference|), as published. A slice whose level is not known weighs as much as
        those of known level do on average; without a level to compare with, all weigh the same.
        """
        known = np.isfinite(self.level)
        if not np.isfinite(level) or not known.any():
            return np.ones(len(self.level), np.float32)
        weights = np.exp(-PER_LEVEL * np.abs(self.level - level))
        return np.asarray(np.where(known, weights, weights[known].mean()), np.float32)

    def gm_at(self, level: float) -> Slice:
        """Return the mean share of gray matter (n, n) at a vertebral level; NaN: of all."""
        weights = self.level_weights(level)
        if weights.min() == weights.max():
            return self.mean_gm
        return np.asarray(np.tensordot(weights / weights.sum(), self.gm, 1), np.float32)

    def distances(self, image: Slice) -> NDArray[np.float32]:
        """Return how far a normalized slice (n, n) lies from each of the dictionary."""
        place = (image[self.inner] - self.mean) @ self.axes.T
        return np.asarray(np.linalg.norm(self.places - place, axis=1), np.float32)

    def tissues(self, gm: Slice) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Return where gray and white matter surely are, by the shares of gray matter (n, n).

        Both have a sample at least: where the shares are low, the highest are gray; where they are
        all the same, the mean tells.
        """
        highest, lowest = float(gm[self.inner].max()), float(gm[self.inner].min())
        if highest == lowest:
            gm = self.mean_gm
            highest, lowest = float(gm[self.inner].max()), float(gm[self.inner].min())
        gray = self.inner & (gm >= min(0.5, 0.9 * highest))
        return gray, self.inner & (gm <= max(0.3, lowest)) & ~gray


def make_dictionary(
    image: NDArray[np.float32],
    gm: NDArray[np.float32],
    outline: Profile,
    *,
    level: NDArray[np.uint8] | None = None,
    variance: float = VARIANCE,
) -> Dictionary:
    """Span the space of slices (J, n, n) by the components that hold a share of the variance.

    *level* (J,) are the numbers of their vertebral levels, 0 where they are not known.
    """
    inner = outline.inner()
    values = image[:, inner]
    mean = values.mean(axis=0)
    _, strength, axes = np.linalg.svd(values - mean, full_matrices=False)
    held = np.cumsum(strength**2) / max(float(np.sum(strength**2)), 1e-12)
    axes = axes[: int(np.searchsorted(held, variance)) + 1]
    places = (values - mean) @ axes.T
    numbers = np.zeros(len(image)) if level is None else level.astype(np.float64)
    known = np.where(numbers > 0, numbers, np.nan).astype(np.float32)
    return Dictionary(image, gm, outline, inner, mean, axes, places, known)


def fuse(
    known: Dictionary,
    image: Slice,
    *,
    decay: float,
    share: float,
    level: float = np.nan,
    masks: bool = True,
) -> Slice:
    """Return the mean gray matter of the slices that are most like an image (n, n).

    Parameters
    ----------
    image : (n, n) float32
        In the common space, normalized.
    decay : float
        The similarity is exp(-decay * (distance / smallest distance - 1)).
    share : float
        Of the dictionary: the most similar slices that are kept.
    level : float
        Vertebral level of the image; NaN where it is not known. The similarity of a slice is
        multiplied by `Dictionary.level_weights`.
    masks : bool
        Whether a label votes with its mask, the shares from 0.5 on, or with the shares themselves.
    """
    distance = known.distances(image)
    least = float(distance.min())
    similarity = np.exp(-decay * (distance - least) / max(least, 1e-6))
    count = min(len(distance), max(3, round(share * len(distance))))
    similarity = similarity * known.level_weights(level)
    nearest = np.lexsort((distance, -similarity))[:count]  # among equally similar ones the nearest
    weight = similarity[nearest] / similarity[nearest].sum()
    votes = known.gm[nearest]
    return np.asarray(np.tensordot(weight, votes >= 0.5 if masks else votes, 1), np.float32)
