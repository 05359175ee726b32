"""SCT: a dictionary of slices, their principal components, and the labels of the nearest.

References
----------
Asman A.J. et al. Groupwise multi-atlas segmentation of the spinal cord's internal structure.
Medical Image Analysis 18, 460-471 (2014).
"""

from __future__ import annotations

from types import MappingProxyType

import numpy as np

from scgm.artifacts.atlases import Atlas
from scgm.segmenters.classical.sct.alignment import Profile
from scgm.segmenters.classical.sct.building import STEPS, both_sides, build
from scgm.segmenters.classical.sct.dictionary import make_dictionary
from scgm.segmenters.classical.sct.method import Sct

__all__ = ["Sct", "build", "open_sct"]


def open_sct(atlas: Atlas) -> Sct:
    """Return the method with a dictionary."""
    arrays, card = atlas.arrays, atlas.card
    outline = Profile(float(arrays["half_width"]), arrays["middle"], arrays["half_height"])
    mirrored = bool(arrays["mirrored"])
    image = both_sides(arrays["image"].astype(np.float32), mirrored=mirrored)
    gm = both_sides(np.asarray(arrays["gm"] / STEPS, np.float32), mirrored=mirrored)
    provenance = MappingProxyType({"version": card.version, "sha256": card.sha256})
    known = make_dictionary(image, gm, outline)
    return Sct(known=known, provenance=provenance, decay=float(arrays["decay"]))
