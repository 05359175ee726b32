"""What is measured: masks on axial slices, and what is known of each slice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from scgm.image.orientation import AxialStack

LABELS = ("GM", "WM", "SC")


@dataclass(frozen=True, slots=True, eq=False)
class Structures:
    """Cord, gray and white matter of one image, on Z axial slices.

    Parameters
    ----------
    name : str
        What the image is called in tables.
    stack : AxialStack
        The slices; only its grid is used.
    masks : mapping of (Z, Y, X) bool
        By label: "GM", "WM" (if there is a cord), "SC" for the whole cord.
    measured : mapping of (Z,) bool
        By label, whether its numbers in a slice are those of the whole structure. Where they are
        not, they are missing.
    status : tuple of str
        For each slice "ok", or what to look at.
    flagged : (Z,) bool
        Slices whose numbers are not used in means.
    probabilities : mapping of (Z, Y, X) float32
        By label, where they are known.
    image : (Z, Y, X) float32, optional
        The gray values; NaN where the image has none.
    warnings : tuple of str
        What was odd about the files, one sentence each.
    """

    name: str
    stack: AxialStack
    masks: Mapping[str, NDArray[np.bool_]]
    measured: Mapping[str, NDArray[np.bool_]]
    status: tuple[str, ...]
    flagged: NDArray[np.bool_]
    probabilities: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)
    image: NDArray[np.float32] | None = None
    warnings: tuple[str, ...] = ()

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels that are there, in the order of the tables."""
        return tuple(label for label in LABELS if label in self.masks)

    @property
    def outline(self) -> str:
        """The label whose center is that of the cord: the cord, or gray matter without one."""
        return "SC" if "SC" in self.masks else "GM"
