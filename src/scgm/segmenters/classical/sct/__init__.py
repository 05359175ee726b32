"""SCT: a dictionary of slices, their principal components, and the labels of the nearest ones.

References
----------
Asman A.J. et al. Groupwise multi-atlas segmentation of the spinal cord's internal structure.
Medical Image Analysis 18, 460-471 (2014).
"""

from __future__ import annotations

from types import MappingProxyType

import numpy as np

from scgm.artifacts.arrays import ArraySpec
from scgm.artifacts.atlases import Atlas
from scgm.errors import ModelError
from scgm.measurement.levels import LevelKind, level_names
from scgm.segmenters.classical.sct.alignment import Profile
from scgm.segmenters.classical.sct.building import STEPS, build, dictionary_of
from scgm.segmenters.classical.sct.method import SIZE, Sct

__all__ = ["Sct", "build", "open_sct"]


LAST_LEVEL = len(level_names(LevelKind.VERTEBRAL))
# What `build` makes, and `open_sct` takes.
ARRAYS = {
    "image": ArraySpec(shape=("J", SIZE, SIZE), least=-1000, most=1000),
    "gm": ArraySpec(shape=("J", SIZE, SIZE), kind="u", most=STEPS),
    "half_width": ArraySpec(least=3, most=SIZE / 2),
    "middle": ArraySpec(shape=(SIZE,), least=-SIZE / 2, most=SIZE / 2),
    "half_height": ArraySpec(shape=(SIZE,), least=0, most=SIZE / 2),
    "mirrored": ArraySpec(kind="b"),
    "decay": ArraySpec(least=0, most=1000),
}
# An atlas of an earlier version has no levels.
LEVELS = {"level": ArraySpec(shape=("J",), kind="u", most=LAST_LEVEL)}
LEAST_INNER = 20  # samples in which slices are compared


def open_sct(atlas: Atlas) -> Sct:
    """Return the method with a dictionary.

    Raises
    ------
    ModelError
        If the atlas holds no dictionary.
    """
    atlas.require(ARRAYS | LEVELS if "level" in atlas.arrays else ARRAYS)
    arrays, card = atlas.arrays, atlas.card
    outline = Profile(float(arrays["half_width"]), arrays["middle"], arrays["half_height"])
    inner = outline.inner()
    shares = arrays["gm"].mean(axis=0)[inner]
    if shares.size < LEAST_INNER or shares.min() == shares.max():
        msg = (
            f"{atlas.path}: its outline holds no cord, or no gray and white matter; "
            "build it again with scgm atlas build"
        )
        raise ModelError(msg)
    mirrored = bool(arrays["mirrored"])
    image = arrays["image"].astype(np.float32)
    gm = np.asarray(arrays["gm"] / STEPS, np.float32)
    level = arrays["level"] if "level" in arrays else np.zeros(len(image), np.uint8)
    provenance = MappingProxyType({"version": card.version, "sha256": card.sha256})
    known = dictionary_of(image, gm, level, outline, mirrored=mirrored)
    return Sct(known=known, provenance=provenance, decay=float(arrays["decay"]))
