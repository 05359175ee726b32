"""Cross-sections of the phantom's cord, level by level, to learn from: tissues at 0.1 mm."""

from __future__ import annotations

from functools import cache

import numpy as np

from scgm.phantom.anatomy import Anatomy
from scgm.phantom.body import Body
from scgm.phantom.levels import SEGMENTS
from scgm.phantom.scene import Scene
from scgm.phantom.tissues import CONTRASTS, Tissue, signals
from scgm.studio.bundle import pack

PIXEL_MM = 0.1
WINDOW_MM = 28.0


@cache
def packed_sections() -> bytes:
    """Return the tissues of every level as a block (`scgm.studio.bundle`).

    ``sections`` (levels, rows, columns) holds values of `Tissue`, rows from posterior to anterior,
    columns toward the patient's right; ``signals`` gives the signal of each for every contrast.
    """
    count = round(WINDOW_MM / PIXEL_MM)
    places = ((np.arange(count) - (count - 1) / 2) * PIXEL_MM).astype(np.float32)
    x, y = np.meshgrid(places, places)
    sections = np.stack([_section(level, x, y) for level in SEGMENTS])
    fields = {
        "levels": list(SEGMENTS),
        "pixel": PIXEL_MM,
        "tissues": [tissue.name for tissue in Tissue],
        "signals": {name: signals(name).tolist() for name in CONTRASTS if name != "exvivo"},
    }
    return pack(fields, {"sections": sections})


def _section(level: str, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    anatomy = Anatomy(region=level)
    scene = Scene(anatomy, Body.draw(level, np.random.default_rng(0)))
    return scene.labels(x, y, 0.0, cord=True)
