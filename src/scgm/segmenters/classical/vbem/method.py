"""VBEM: a mixture of Gaussians and a deformable template, fitted to a scan together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from scgm.artifacts.atlases import Atlas
from scgm.image.patches import CordWindows, Found
from scgm.segmenters.classical.vbem.fitting import Fit, FitSettings, fit
from scgm.segmenters.classical.vbem.preparation import GRAY, Preparation, prepared, seen
from scgm.segmenters.classical.vbem.template import PIXEL_MM, SIZE, TissueTemplate, template_of

LEAST_GAIN = 1e-6  # a smaller difference of two bounds, relative to them, is none


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Vbem:
    """VBEM as a method on windows.

    Parameters
    ----------
    template : TissueTemplate
        Deformable tissue template.
    provenance : mapping
        Version and checksum of the atlas.
    strength : float
        Weight of the template's intensities beside those of the scan, as a number of samples.
    preparation, fitting : settings
        Of the two parts.
    """

    template: TissueTemplate = field(repr=False)
    provenance: Mapping[str, str | None]
    strength: float = 1.0
    preparation: Preparation = field(default_factory=Preparation)
    fitting: FitSettings = field(default_factory=FitSettings)
    name: str = "vbem"
    size: int = SIZE
    pixel_mm: float = PIXEL_MM
    order: int = 1

    def __call__(self, windows: CordWindows) -> Found:
        """Mark gray matter. A slice without any contrast in its cord gets none."""
        gm = np.zeros_like(windows.cord)
        good = seen(windows.image, windows.cord, windows.inside, windows.pixel_mm)
        if good.any():
            shares = self.fitted(windows, good).shares
            gm[good] = shares[..., GRAY] * (windows.cord[good] >= 0.5)
        return Found(gm)

    def fitted(self, windows: CordWindows, good: NDArray[np.bool_]) -> Fit:
        """Fit gray matter brighter and darker than white; keep the better fit.

        Parameters
        ----------
        windows : CordWindows
            Of one stack.
        good : (N,) bool
            Which windows to use: those with contrast (`seen`), at least one.
        """
        scan = prepared(
            windows.image[good],
            windows.cord[good],
            windows.inside[good],
            windows.pixel_mm,
            self.preparation,
        )
        log_template = np.log(self.template.shares)
        bright, dark = (
            fit(
                scan,
                log_template,
                self.template.frame,
                self.template.prior(self.strength, bright=bright),
                self.fitting,
            )
            for bright in (True, False)
        )
        gain = dark.bounds[-1] - bright.bounds[-1]
        return dark if gain > LEAST_GAIN * abs(bright.bounds[-1]) else bright


def open_vbem(atlas: Atlas) -> Vbem:
    """Return the method with the template of an atlas.

    Raises
    ------
    ModelError
        If the atlas holds no template.
    """
    known = {"version": atlas.card.version, "sha256": atlas.card.sha256}
    return Vbem(template=template_of(atlas), provenance=known)
