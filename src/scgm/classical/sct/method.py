"""The dictionary of slices, the space of their principal components, and the fusion of labels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from scgm.classical.sct.alignment import HALF_HEIGHT_MM, HALF_WIDTH_MM, Slice, align
from scgm.classical.sct.intensities import denoised, normalized
from scgm.windows import CordWindows, Found

SIZE, PIXEL_MM = 75, 0.3  # as published: 22.5 mm squared
FEWEST_SAMPLES = 30  # a cord of less than 3 mm2 has no shape


@dataclass(frozen=True, slots=True, eq=False)
class Dictionary:
    """Slices in the common space with their labels, and the space that they span.

    Parameters
    ----------
    gm : (J, n, n) float32
        Share of gray matter.
    inner : (n, n) bool
        Where all of them are compared: the common cord without its rim.
    mean : (P,), axes : (K, P), places : (J, K) float32
        Mean of the normalized intensities there, principal components, and where each slice lies.
    """

    gm: NDArray[np.float32]
    inner: NDArray[np.bool_]
    mean: NDArray[np.float32]
    axes: NDArray[np.float32]
    places: NDArray[np.float32]

    def distances(self, image: Slice) -> NDArray[np.float32]:
        """Return how far a normalized slice (n, n) lies from each of the dictionary."""
        place = (image[self.inner] - self.mean) @ self.axes.T
        return np.asarray(np.linalg.norm(self.places - place, axis=1), np.float32)


def make_dictionary(
    image: NDArray[np.float32], gm: NDArray[np.float32], *, variance: float
) -> Dictionary:
    """Span the space of slices (J, n, n) by the components that hold a share of the variance."""
    inner = inner_cord(image.shape[1])
    values = image[:, inner]
    mean = values.mean(axis=0)
    _, strength, axes = np.linalg.svd(values - mean, full_matrices=False)
    held = np.cumsum(strength**2) / max(float(np.sum(strength**2)), 1e-12)
    axes = axes[: int(np.searchsorted(held, variance)) + 1]
    return Dictionary(gm, inner, mean, axes, (values - mean) @ axes.T)


def inner_cord(size: int) -> NDArray[np.bool_]:
    """Return the common outline without its outer tenth, where an error of the cord would show."""
    rows, columns = (np.indices((size, size)) - (size - 1) / 2) * PIXEL_MM
    inside: NDArray[np.bool_] = np.hypot(rows / HALF_HEIGHT_MM, columns / HALF_WIDTH_MM) <= 0.9
    return inside


def fuse(known: Dictionary, image: Slice, likely: Slice, *, decay: float, share: float) -> Slice:
    """Return the mean gray matter of the slices that are most like an image (n, n).

    Parameters
    ----------
    image : (n, n) float32
        In the common space, in the scanner's unit.
    likely : (n, n) float32
        Where gray matter is expected, to normalize the intensities by.
    decay : float
        The similarity is exp(-decay * distance over the smallest distance).
    share : float
        Of the dictionary: the most similar slices that are kept.
    """
    gray = likely >= min(0.5, 0.9 * float(likely.max()))
    scaled = normalized(image, gray & known.inner, (likely < 0.3) & known.inner)
    distance = known.distances(scaled)
    similarity = np.exp(-decay * (distance / max(float(distance.min()), 1e-6) - 1))
    count = max(3, round(share * len(distance)))
    nearest = np.argsort(distance, kind="stable")[:count]
    weight = similarity[nearest] / similarity[nearest].sum()
    return np.asarray(np.tensordot(weight, known.gm[nearest], 1), np.float32)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sct:
    """The method, with every number that it goes by.

    Parameters
    ----------
    known : Dictionary
        Labeled slices.
    provenance : mapping
        Version and checksum of the atlas.
    decay : float
        Of the similarity with the distance; estimated when the atlas is built.
    share : float
        Share of the dictionary that votes.
    rounds : int
        How often the intensities are normalized by the gray matter found last.
    """

    known: Dictionary
    provenance: Mapping[str, str | None]
    decay: float
    share: float = 0.1
    rounds: int = 2
    size: int = SIZE
    pixel_mm: float = PIXEL_MM
    order: int = 3
    name: str = field(default="sct", init=False)

    def __call__(self, windows: CordWindows) -> Found:
        """Return the share of similar slices that have gray matter at each sample."""
        gm = np.zeros_like(windows.image)
        for found, image, cord in zip(gm, windows.image, windows.cord >= 0.5, strict=True):
            if cord.sum() >= FEWEST_SAMPLES:
                found[:] = self._slice(image, cord)
        return Found(gm)

    def _slice(self, image: Slice, cord: NDArray[np.bool_]) -> Slice:
        way = align(cord, self.pixel_mm)
        common = way.to_common(denoised(image, cord))
        likely = self.known.gm.mean(axis=0)
        for _ in range(self.rounds):
            likely = fuse(self.known, common, likely, decay=self.decay, share=self.share)
        return np.asarray(way.from_common(likely) * cord, np.float32)


def common_slices(
    image: NDArray[np.float32], gm: NDArray[np.float32], cord: NDArray[np.bool_]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Bring labeled slices (J, n, n) to the common space; intensities by their own labels."""
    inner = inner_cord(image.shape[1])
    images, grays = [], []
    for values, gray, mask in zip(image, gm, cord, strict=True):
        way = align(mask, PIXEL_MM)
        marked = way.to_common(gray)
        scaled = way.to_common(denoised(values, mask))
        images.append(normalized(scaled, (marked >= 0.5) & inner, (marked < 0.5) & inner))
        grays.append(marked)
    return np.stack(images), np.stack(grays)
