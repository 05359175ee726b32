"""GSBME: thresholds by entropy, then objects that make the shape of a slice an outlier go."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from scgm.errors import ConfigError
from scgm.image.patches import CordWindows, Found
from scgm.segmenters.classical.gsbme.entropy import entropy_threshold
from scgm.segmenters.classical.gsbme.preparation import Prepared, gray_is_bright, prepare
from scgm.segmenters.classical.gsbme.shapes import (
    cleaned,
    features,
    outlier_score,
    without_unusual_objects,
)
from scgm.version import __version__

Bools = NDArray[np.bool_]
Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Gsbme:
    """GSBME as a method on windows.

    Parameters
    ----------
    reach : int
        Slices to either side whose histogram a threshold is taken from.
    rim_mm : float
        Width of the rim of the cord that is left out: it mixes with the fluid.
    smooth_mm : float
        Standard deviation of a Gaussian that reduces noise; 0: none.
    bins : int
        Of the histogram.
    share : (least, most)
        Share of the cord within its rim that may be gray matter.
    least_mm2 : float
        Smaller components are removed.
    largest_score : float
        Largest outlier score (robust z) of a usual shape; from slices above it objects are
        discarded.
    gray : {"auto", "bright", "dark"}
        Whether gray matter is brighter or darker than white matter.

    Raises
    ------
    ConfigError
        If a setting is out of range.
    """

    reach: int = 1
    rim_mm: float = 0.75
    smooth_mm: float = 0.0
    bins: int = 128
    share: tuple[float, float] = (0.08, 0.35)
    least_mm2: float = 2.0
    largest_score: float = 3.0
    gray: Literal["auto", "bright", "dark"] = "auto"
    name: str = "gsbme"
    size: int = 96  # 24 mm: the widest cords have 16 mm
    pixel_mm: float = 0.25
    order: int = 1

    def __post_init__(self) -> None:
        least, most = self.share
        if not 0 < least < most < 1:
            msg = f"share is {self.share}; give two rising numbers between 0 and 1"
            raise ConfigError(msg)
        if self.reach < 0 or self.bins < 2 or self.gray not in ("auto", "bright", "dark"):
            msg = (
                f"reach is {self.reach}, bins is {self.bins}, gray is {self.gray!r}; give a reach "
                "from 0 on, at least 2 bins, and auto, bright or dark"
            )
            raise ConfigError(msg)
        if min(self.rim_mm, self.smooth_mm, self.least_mm2, self.largest_score) < 0:
            msg = "one of rim_mm, smooth_mm, least_mm2 and largest_score is negative; change it"
            raise ConfigError(msg)

    @property
    def provenance(self) -> Mapping[str, str | None]:
        """The version of the package: nothing is learned."""
        return {"version": __version__}

    def __call__(self, windows: CordWindows) -> Found:
        """Mark gray matter. A slice without any contrast in its cord gets none."""
        prepared = prepare(windows, smooth_mm=self.smooth_mm, rim_mm=self.rim_mm)
        bright = gray_is_bright(prepared) if self.gray == "auto" else self.gray == "bright"
        if not bright:
            prepared = replace(prepared, values=-prepared.values)
        thresholds = self._thresholds(prepared)
        masks = np.empty_like(prepared.core)
        for k, threshold in enumerate(thresholds):
            masks[k] = self._cut(prepared, k, threshold)
        return Found(self._without_outliers(prepared, masks).astype(np.float32))

    def _thresholds(self, prepared: Prepared) -> Numbers:
        """Return a threshold for each slice: the median of those of all windows that it is in.

        That is the same as a vote of the masks that the windows make.
        """
        index = prepared.index
        of_window = [self._of_window(prepared, k) for k in range(len(index))]
        found = np.empty(len(index))
        for k in range(len(index)):
            covering = np.flatnonzero(np.abs(index - index[k]) <= self.reach)
            found[k] = np.median([of_window[other] for other in covering])
        return found

    def _of_window(self, prepared: Prepared, k: int) -> float:
        near = np.abs(prepared.index - prepared.index[k]) <= self.reach
        values = prepared.values[near][prepared.core[near]]
        return entropy_threshold(values, bins=self.bins, share=self.share)

    def _cut(self, prepared: Prepared, k: int, threshold: float) -> Bools:
        mask = (prepared.values[k] > threshold) & prepared.core[k]
        return cleaned(mask, prepared.depth_mm[k], self.pixel_mm, self.least_mm2)

    def _without_outliers(self, prepared: Prepared, masks: Bools) -> Bools:
        """Discard the objects that make the shape of a slice an outlier beside the others."""
        shapes = np.array([features(*each) for each in zip(masks, prepared.core, strict=True)])
        score = outlier_score(shapes, shapes)
        usual = shapes[score <= self.largest_score]
        result = masks.copy()
        for k in np.flatnonzero(score > self.largest_score):
            result[k] = without_unusual_objects(
                masks[k], prepared.core[k], usual, self.largest_score
            )
        return result


def open_gsbme() -> Gsbme:
    """Return the method with its default settings."""
    return Gsbme()
