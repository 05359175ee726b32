"""JCSCS: OPAL marks the cord, then STEPS marks the gray matter in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from scgm.artifacts.atlases import Atlas
from scgm.image.patches import CordWindows, Found
from scgm.segmenters.classical.itk import simpleitk
from scgm.segmenters.classical.jcscs import intensities
from scgm.segmenters.classical.jcscs.library import Library, library_of
from scgm.segmenters.classical.jcscs.opal import OpalSettings, label_map
from scgm.segmenters.classical.jcscs.registration import (
    OutlineMatch,
    SplineSettings,
    outline_start,
    register,
    started,
    warped,
)
from scgm.segmenters.classical.jcscs.steps import FusionSettings, fuse

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

SEED = 2016
RIM_MM = 1.2  # registration looks so far beyond the cord; contrast is measured so far inside it
LEAST_AGREEMENT = 0.7  # Dice of OPAL's cord with the one found before; below it OPAL has failed


class Aligned(NamedTuple):
    """The library, its outlines laid on one cord: coarse maps (A, m, m), and the transforms."""

    image: Floats
    gm: Floats
    starts: list[OutlineMatch]


@dataclass(frozen=True, eq=False)
class Jcscs:
    """JCSCS as a method on windows.

    Parameters
    ----------
    library : Library
        Labeled slices.
    provenance : mapping
        Version and checksum of the atlas.
    candidates : int
        How many atlases are registered to a slice.
    opal, warp, fusion : settings
        Of the three parts.
    """

    library: Library = field(repr=False)
    provenance: Mapping[str, str | None]
    candidates: int = 24
    opal: OpalSettings = field(default_factory=OpalSettings)
    warp: SplineSettings = field(default_factory=SplineSettings)
    fusion: FusionSettings = field(default_factory=FusionSettings)
    name: str = "jcscs"
    order: int = 1

    @property
    def size(self) -> int:
        """Samples along each side of a window: those of the library."""
        return int(self.library.image.shape[1])

    @property
    def pixel_mm(self) -> float:
        """Distance of samples: that of the library."""
        return self.library.pixel_mm

    def __call__(self, windows: CordWindows) -> Found:
        """Mark gray matter, and the cord unless the user supplied it.

        A slice without any contrast in its cord gets no gray matter.

        Raises
        ------
        ModelError
            If SimpleITK is not installed.
        """
        simpleitk("method jcscs")
        around, outside = self._surroundings(windows)
        cord = windows.cord if windows.cord_given else self._opal(around, windows)
        image = intensities.against_cord(windows.image, cord)
        seen = [int(k) for k in np.flatnonzero(image.any(axis=(1, 2)))]
        aligned = {k: self._aligned(cord[k]) for k in seen}
        inside = self._gray_sign(image, cord, aligned)
        image *= np.where(cord >= 0.5, inside, outside).astype(np.float32)
        gm = np.zeros_like(cord)
        for k in seen:
            gm[k] = np.minimum(self._steps(image[k], cord[k], aligned[k]), cord[k])
        return Found(gm, None if windows.cord_given else cord)

    def mark_cord(self, windows: CordWindows) -> Floats:
        """Return the share of cord (N, n, n) that OPAL finds; where it fails, the one given."""
        return self._opal(self._surroundings(windows)[0], windows)

    @cached_property
    def _around(self) -> Floats:
        """Coarse images of the library, as OPAL compares them."""
        images = intensities.coarse(self.library.image)
        return intensities.against_surroundings(images, images > 0, 2 * self.pixel_mm)

    @cached_property
    def _images(self) -> Floats:
        """Images of the library in units of their cord."""
        return intensities.against_cord(self.library.image, self.library.cord)

    def _surroundings(self, windows: CordWindows) -> tuple[Floats, float]:
        """Return coarse images as OPAL compares them, and 1 for bright CSF or -1 for dark CSF."""
        images = intensities.coarse(windows.image)
        inside = intensities.coarse(windows.inside.astype(np.float32)) >= 0.5
        around = intensities.against_surroundings(images, inside, 2 * self.pixel_mm)
        near = intensities.within(images.shape[1], 2 * self.pixel_mm, intensities.AROUND_MM)
        expected = np.broadcast_to(self._around.mean(axis=0), around.shape)
        sign = intensities.sign_of(around, expected, near & inside)
        return around * np.float32(sign), sign

    def _opal(self, around: Floats, windows: CordWindows) -> Floats:
        """Mark the cord; where that fails, keep the cord that was found before."""
        cord = windows.cord.copy()
        labels = intensities.coarse(self.library.cord)
        near = intensities.within(around.shape[1], 2 * self.pixel_mm, intensities.AROUND_MM)
        for image, number, to in zip(around, windows.index, cord, strict=True):
            if not image.any():
                continue
            alike = [intensities.correlation(image, each, near) for each in self._around]
            chosen = best_of(alike, self.opal.entries)
            rng = np.random.default_rng([SEED, int(number)])
            share = one_cord(label_map(image, self._around[chosen], labels[chosen], self.opal, rng))
            fine = ndimage.zoom(share, 2, order=1, grid_mode=True, mode="nearest")
            if dice(fine, to) >= LEAST_AGREEMENT:
                to[:] = fine
        return cord

    def _aligned(self, cord: Floats) -> Aligned:
        starts = [outline_start(cord, each, self.pixel_mm) for each in self.library.cord]
        image, gm = (
            np.stack(
                [
                    started(each, start, 2 * self.pixel_mm)
                    for each, start in zip(intensities.coarse(of), starts, strict=True)
                ]
            )
            for of in (self._images, self.library.gm)
        )
        return Aligned(image, gm, starts)

    def _gray_sign(self, image: Floats, cord: Floats, aligned: Mapping[int, Aligned]) -> float:
        """Return 1 if gray matter is brighter than white matter, -1 if it is darker."""
        numbers = list(aligned)
        if not numbers:
            return 1.0
        rim = round(RIM_MM / (2 * self.pixel_mm))  # bright CSF there would count as white matter
        cores = np.stack([intensities.inner(intensities.coarse(cord[k]), rim) for k in numbers])
        expected = np.stack([aligned[k].gm.mean(axis=0) for k in numbers])
        return intensities.sign_of(intensities.coarse(image[numbers]), expected, cores)

    def _steps(self, image: Floats, cord: Floats, aligned: Aligned) -> Doubles:
        """Return the probability (n, n) of gray matter in a slice."""
        core = intensities.coarse(cord) >= 0.5
        target = intensities.coarse(image)
        alike = [intensities.correlation(target, each, core) for each in aligned.image]
        chosen = best_of(alike, self.candidates)
        rim = round(RIM_MM / self.pixel_mm)
        near = ndimage.binary_dilation(cord >= 0.5, iterations=rim)
        images, decisions = [], []
        for atlas in chosen:
            moving = self._images[atlas]
            start = aligned.starts[atlas]
            transform = register(image, near, moving, start, self.pixel_mm, self.warp)
            images.append(warped(moving, transform, self.pixel_mm))
            gray = warped(self.library.gm[atlas], transform, self.pixel_mm) >= 0.5
            decisions.append(gray & (cord >= 0.5))
        return fuse(image, np.stack(images), np.stack(decisions), self.pixel_mm, self.fusion)


def best_of(scores: Sequence[float], count: int) -> NDArray[np.intp]:
    """Return the numbers of the highest scores, best first; ties go to the first."""
    return np.argsort(-np.asarray(scores), kind="stable")[:count]


def dice(one: Floats, other: Floats) -> float:
    """Return the overlap of two cords; 0 where both are empty."""
    first, second = one >= 0.5, other >= 0.5
    return float(2 * (first & second).sum() / max(first.sum() + second.sum(), 1))


def one_cord(share: Floats) -> Floats:
    """Keep the piece of a cord (n, n) that is nearest to the middle, without holes."""
    pieces, count = ndimage.label(share >= 0.5)
    if not count:
        return np.zeros_like(share)
    middle = (np.array(share.shape) - 1) / 2
    places = np.argwhere(pieces)
    nearest = places[np.hypot(*(places - middle).T).argmin()]
    piece = pieces == pieces[tuple(nearest)]
    whole = ndimage.binary_fill_holes(piece)
    near = ndimage.binary_dilation(whole)
    return np.asarray(np.where(whole & ~piece, 1, share * near), np.float32)


def open_jcscs(atlas: Atlas) -> Jcscs:
    """Return the method with the library of an atlas.

    Raises
    ------
    ModelError
        If the atlas does not hold what `build` makes.
    """
    known = {"atlas": atlas.card.name, "sha256": atlas.card.sha256}
    return Jcscs(library_of(atlas.arrays, atlas.path), known)
