"""SCT: a dictionary of slices, their principal components, and the labels of the nearest.

References
----------
Asman A.J. et al. Groupwise multi-atlas segmentation of the spinal cord's internal structure.
Medical Image Analysis 18, 460-471 (2014).
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scgm.atlases import Atlas
from scgm.atlases.slices import PIXEL_MM as SLICE_MM
from scgm.atlases.slices import LabeledSlices
from scgm.classical.sct.method import (
    PIXEL_MM,
    SIZE,
    Dictionary,
    Sct,
    common_slices,
    fuse,
    make_dictionary,
)
from scgm.windows import cut_windows

__all__ = ["Sct", "build", "open_sct"]

VARIANCE = 0.95  # as published
DECAYS = (0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0)
STEPS = 255  # shares are stored in so many


def build(slices: LabeledSlices, *, mirrored: bool = True) -> dict[str, NDArray[Any]]:
    """Make the dictionary, and estimate how fast similarity falls with distance.

    Parameters
    ----------
    slices : LabeledSlices
        At least of one subject.
    mirrored : bool
        Use every slice twice, as it is and with left and right exchanged.

    Returns
    -------
    dict
        ``image`` (J, 75, 75) float16, normalized; ``gm`` (J, 75, 75) uint8, shares in 255ths;
        ``decay`` ().
    """
    middle = np.full((len(slices.gm), 2), (slices.gm.shape[1] - 1) / 2, np.float32)

    def cut(values: NDArray[np.float32]) -> NDArray[np.float32]:
        pixels = (SLICE_MM, SLICE_MM)
        return cut_windows(values, pixels, middle, size=SIZE, window_mm=PIXEL_MM)[0]

    image, gm = common_slices(cut(slices.image), cut(slices.gm), cut(slices.cord) >= 0.5)
    subject = np.array([slices.subjects[number] for number in slices.volume])
    if mirrored:
        image = np.concatenate([image, image[:, :, ::-1]])
        gm = np.asarray(np.concatenate([gm, gm[:, :, ::-1]]), np.float32)
        subject = np.concatenate([subject, subject])
    return {
        "image": image.astype(np.float16),
        "gm": np.rint(gm * STEPS).astype(np.uint8),
        "decay": np.array(_estimated_decay(image, gm, subject), np.float32),
    }


def _estimated_decay(
    image: NDArray[np.float32], gm: NDArray[np.float32], subject: NDArray[np.str_]
) -> float:
    """Return the decay with the fewest wrong samples, each subject labeled by the others."""
    wrong = dict.fromkeys(DECAYS, 0)
    for name in np.unique(subject):
        others = subject != name
        if not others.any():
            return 1.0  # a single subject: nothing to estimate from
        known = make_dictionary(image[others], gm[others], variance=VARIANCE)
        likely = known.gm.mean(axis=0)
        for index in np.flatnonzero(~others):
            for decay in DECAYS:
                found = fuse(known, image[index], likely, decay=decay, share=0.1)
                wrong[decay] += int(((found >= 0.5) != (gm[index] >= 0.5)).sum())
    return min(wrong, key=lambda decay: wrong[decay])


def open_sct(atlas: Atlas) -> Sct:
    """Return the method with a dictionary."""
    image = atlas.arrays["image"].astype(np.float32)
    gm = np.asarray(atlas.arrays["gm"] / STEPS, np.float32)
    known: Dictionary = make_dictionary(image, gm, variance=VARIANCE)
    card = atlas.card
    provenance = MappingProxyType({"version": card.version, "sha256": card.sha256})
    return Sct(known=known, provenance=provenance, decay=float(atlas.arrays["decay"]))
