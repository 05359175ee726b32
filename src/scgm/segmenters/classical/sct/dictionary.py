"""The dictionary of slices, the space of their principal components, and the fusion of labels."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from scgm.segmenters.classical.sct.alignment import Profile, Slice

VARIANCE = 0.95  # as published


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
    """

    image: NDArray[np.float32]
    gm: NDArray[np.float32]
    outline: Profile
    inner: NDArray[np.bool_]
    mean: NDArray[np.float32]
    axes: NDArray[np.float32]
    places: NDArray[np.float32]

    @cached_property
    def mean_image(self) -> Slice:
        """Mean of the normalized intensities, (n, n)."""
        return np.asarray(self.image.mean(axis=0), np.float32)

    @cached_property
    def mean_gm(self) -> Slice:
        """Mean share of gray matter, (n, n)."""
        return np.asarray(self.gm.mean(axis=0), np.float32)

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
    variance: float = VARIANCE,
) -> Dictionary:
    """Span the space of slices (J, n, n) by the components that hold a share of the variance."""
    inner = outline.inner()
    values = image[:, inner]
    mean = values.mean(axis=0)
    _, strength, axes = np.linalg.svd(values - mean, full_matrices=False)
    held = np.cumsum(strength**2) / max(float(np.sum(strength**2)), 1e-12)
    axes = axes[: int(np.searchsorted(held, variance)) + 1]
    return Dictionary(image, gm, outline, inner, mean, axes, (values - mean) @ axes.T)


def fuse(known: Dictionary, image: Slice, *, decay: float, share: float) -> Slice:
    """Return the mean gray matter of the slices that are most like an image (n, n).

    Parameters
    ----------
    image : (n, n) float32
        In the common space, normalized.
    decay : float
        The similarity is exp(-decay * (distance / smallest distance - 1)).
    share : float
        Of the dictionary: the most similar slices that are kept.
    """
    distance = known.distances(image)
    least = float(distance.min())
    similarity = np.exp(-decay * (distance - least) / max(least, 1e-6))
    count = min(len(distance), max(3, round(share * len(distance))))
    nearest = np.argsort(distance, kind="stable")[:count]
    weight = similarity[nearest] / similarity[nearest].sum()
    return np.asarray(np.tensordot(weight, known.gm[nearest], 1), np.float32)
