"""The method: align a slice, scale it, find the most similar slices and take their labels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from scgm.image.patches import CordWindows, Found
from scgm.segmenters.classical.sct.alignment import Alignment, Slice, align
from scgm.segmenters.classical.sct.dictionary import Dictionary, fuse
from scgm.segmenters.classical.sct.intensities import contrast, denoised, levels
from scgm.segmenters.classical.sct.registration import affine_of, registered

SIZE, PIXEL_MM = 75, 0.3  # as published: 22.5 mm squared
SHARE = 0.1  # of the dictionary; 0.05 to 0.1 serve the development scans alike
FEWEST_SAMPLES = 30  # a cord of less than 3 mm2 has no shape


class _Target(NamedTuple):
    """A slice that is to be labeled: denoised, with its cord, alignment and vertebral level."""

    number: int
    image: Slice
    cord: NDArray[np.bool_]
    alignment: Alignment
    level: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sct:
    """SCT as a method on windows, with all its settings.

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
        How often a slice is registered and scaled, each time by the result of the round before.
    masks : bool
        Whether labels vote with their masks, or with their shares.
    """

    known: Dictionary = field(repr=False)
    provenance: Mapping[str, str | None]
    decay: float
    share: float = SHARE
    rounds: int = 2
    masks: bool = True
    size: int = SIZE
    pixel_mm: float = PIXEL_MM
    order: int = 3
    name: str = field(default="sct", init=False)

    def __call__(self, windows: CordWindows) -> Found:
        """Return the share of similar slices that have gray matter at each sample."""
        gm = np.zeros_like(windows.image)
        targets = [
            self._target(windows, number)
            for number, cord in enumerate(windows.cord)
            if np.count_nonzero(cord >= 0.5) >= FEWEST_SAMPLES
        ]
        # A scan has one contrast, which all slices decide together.
        brighter = sum(self._contrast(target) for target in targets) >= 0
        for target in targets:
            gm[target.number] = self._slice(target, brighter=brighter)
        return Found(gm)

    def _target(self, windows: CordWindows, number: int) -> _Target:
        share, image, inside = (
            values[number] for values in (windows.cord, windows.image, windows.inside)
        )
        cord = share >= 0.5
        if (seen := cord & inside).any():  # the image may end within the cord
            image = np.where(inside, image, np.median(image[seen])).astype(np.float32)
        level = np.nan if windows.levels is None else float(windows.levels[number])
        return _Target(number, denoised(image, cord), cord, align(share, self.known.outline), level)

    def _contrast(self, target: _Target) -> float:
        common = target.alignment.to_common(target.image)
        return contrast(common, *self.known.tissues(self.known.gm_at(target.level)))

    def _slice(self, target: _Target, *, brighter: bool) -> Slice:
        """Register to the mean of the dictionary, then fuse; scale by the tissues found so far."""
        known, alignment = self.known, target.alignment
        everywhere = np.ones_like(target.cord)
        by_outline = alignment.to_common(target.image)
        common, gm = by_outline, known.gm_at(target.level)
        for _ in range(self.rounds):
            scale = levels(common, *known.tissues(gm), brighter=brighter)
            image = scale.scaled(by_outline, everywhere)
            moves = registered(image, known.mean_image, known.inner)
            alignment = replace(target.alignment, affine=affine_of(moves))
            common = alignment.to_common(target.image)
        for _ in range(self.rounds):
            scale = levels(common, *known.tissues(gm), brighter=brighter)
            image = scale.scaled(common, known.inner)
            gm = fuse(
                known,
                image,
                decay=self.decay,
                share=self.share,
                level=target.level,
                masks=self.masks,
            )
        return np.asarray(alignment.from_common(gm) * target.cord, np.float32)
