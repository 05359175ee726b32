"""An axial slice above the cord: brain stem, cerebellum and skull, for what is no cord."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scgm.phantom.shapes import Plane, capsule, ellipse, union
from scgm.phantom.tissues import Tissue


@dataclass(frozen=True, slots=True)
class BrainSlice:
    """A slice through the posterior fossa; lengths in mm, y from the middle of the brain stem.

    Parameters
    ----------
    height : float
        From 0, just above the first cervical segment, to 1, the middle of the medulla: the stem
        gets wider, and the cerebellum behind it larger.
    phases : (4,) float64
        Angles that determine folds and muscles.
    scale : float
        Factor on all lengths.
    """

    height: float
    phases: NDArray[np.float64]
    scale: float

    @classmethod
    def draw(cls, rng: np.random.Generator) -> BrainSlice:
        """Draw a slice of one person."""
        return cls(float(rng.random()), rng.uniform(0, 2 * np.pi, 4), float(rng.uniform(0.9, 1.1)))

    def labels(self, x: Plane, y: Plane) -> NDArray[np.uint8]:
        """Return the tissues of points: x to the right, y to the front."""
        x, y = x / np.float32(self.scale), y / np.float32(self.scale)
        labels = np.full(x.shape, Tissue.AIR, np.uint8)
        self._paint_head(labels, x, y)
        self._paint_fossa(labels, x, y)
        self._paint_stem(labels, x, y)
        return labels

    def _paint_head(self, labels: NDArray[np.uint8], x: Plane, y: Plane) -> None:
        head = ellipse(x, y, (0, 8), (76, 92))
        labels[head < 0] = Tissue.SKIN
        labels[head < -2] = Tissue.FAT
        labels[head < -7] = Tissue.MUSCLE
        sheets = np.sin(x / 4 + 3 * np.sin(y / 11 + self.phases[0])) > 0.93
        labels[(head < -7) & sheets] = Tissue.FASCIA
        face = ellipse(x, y, (0, 55), (42, 38))
        labels[face < 0] = Tissue.BONE_MARROW
        labels[ellipse(x, y, (0, 48), (16, 13)) < 0] = Tissue.AIR
        for side in (-1, 1):
            labels[ellipse(x, y, (34 * side, 20), (3.5, 3.0)) < 0] = Tissue.VESSEL

    def _paint_fossa(self, labels: NDArray[np.uint8], x: Plane, y: Plane) -> None:
        """Skull, fluid, and the cerebellum: two tonsils that become hemispheres."""
        width, depth = 18 + 34 * self.height, 15 + 26 * self.height
        middle = (0.0, -depth + 12.0)
        fossa = ellipse(x, y, middle, (width, depth))
        labels[fossa < 6] = Tissue.BONE_CORTEX
        labels[fossa < 4.5] = Tissue.BONE_MARROW
        labels[fossa < 1.5] = Tissue.BONE_CORTEX
        labels[fossa < 0] = Tissue.CSF
        size = 6 + 20 * self.height
        for side in (-1, 1):
            place = (side * (size + 0.8), -10 - 0.8 * size)
            lobe = ellipse(x, y, place, (size, 0.85 * size))
            folds = np.sin(1.6 * lobe + 2.0 * np.sin(np.arctan2(y - place[1], x - place[0]) * 3))
            labels[(lobe < 0) & (fossa < -1)] = Tissue.GRAY_MATTER
            labels[(lobe < -1.5) & (folds > 0.2) & (fossa < -1)] = Tissue.WHITE_MATTER

    def _paint_stem(self, labels: NDArray[np.uint8], x: Plane, y: Plane) -> None:
        """Medulla with its pyramids in front, its nuclei behind, and a canal or ventricle."""
        half = (6.5 + 3.0 * self.height, 5.2 + 2.5 * self.height)
        stem = ellipse(x, y, (0, 0), half)
        for side in (-1, 1):
            pyramid = ellipse(x, y, (0.35 * half[0] * side, 0.75 * half[1]), (2.6, 2.2))
            stem = union(stem, pyramid, 1.0)
        labels[stem < 0] = Tissue.WHITE_MATTER
        core = ellipse(x, y, (0, -0.15 * half[1]), (0.62 * half[0], 0.55 * half[1]))
        mottled = np.sin(1.3 * x + self.phases[1]) * np.sin(1.5 * y + self.phases[2]) > -0.1
        labels[(core < 0) & mottled] = Tissue.GRAY_MATTER
        cleft = capsule(x, y, (0, half[1] + 1.5), (0, 0.55 * half[1]), (0.5, 0.2))
        labels[(cleft < 0) & (stem < 0.5)] = Tissue.CSF
        canal = 0.3 + 3.2 * max(self.height - 0.4, 0)
        place = (0.0, -half[1] * (0.3 + 0.6 * self.height))
        labels[ellipse(x, y, place, (canal, 0.5 * canal + 0.2)) < 0] = Tissue.CSF
