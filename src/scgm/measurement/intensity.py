"""Gray values of the structures, and how gray and white matter differ."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Numbers = dict[str, float | None]


def intensity(image: NDArray[np.float32], mask: NDArray[np.bool_]) -> Numbers:
    """Return mean and SD of the gray values in a mask; missing pixels (NaN) are left out."""
    values = image[mask].astype(np.float64)
    values = values[np.isfinite(values)]
    if not len(values):
        return {"mean": None, "sd": None}
    return {"mean": float(values.mean()), "sd": float(values.std())}


def contrast(gm: Numbers, wm: Numbers) -> Numbers:
    """Return how gray matter differs from white matter: in percent of white matter, and of noise.

    The contrast-to-noise ratio is the difference of the means over the root mean square of both
    SDs. Positive: gray matter is brighter.
    """
    if gm["mean"] is None or wm["mean"] is None or gm["sd"] is None or wm["sd"] is None:
        return {"contrast_percent": None, "cnr": None}
    difference = gm["mean"] - wm["mean"]
    noise = float(np.sqrt((gm["sd"] ** 2 + wm["sd"] ** 2) / 2))
    return {
        "contrast_percent": 100 * difference / wm["mean"] if wm["mean"] > 0 else None,
        "cnr": difference / noise if noise else None,
    }
