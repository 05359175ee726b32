"""The result: masks and probabilities on the grid of the image, and what made them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from scgm.errors import ModelError, UsageError
from scgm.image.orientation import AxialStack, from_axial
from scgm.image.volume import Volume
from scgm.io.nifti.write import as_nifti
from scgm.segmentation.status import SliceStatus

if TYPE_CHECKING:
    from scgm.segmentation.box import Box
    from scgm.segmenters.base import Probabilities


class Label(StrEnum):
    """What a pixel can be. Gray and white matter together are the cord."""

    GM = "gm"
    WM = "wm"
    CORD = "cord"

    @property
    def suffix(self) -> str:
        """The label in file names and tables: GM, WM or SC."""
        return _SUFFIXES[self]

    @classmethod
    def _missing_(cls, value: object) -> Label:
        """Take a label as the tables and file names write it, too, in any case."""
        for label in cls:
            if isinstance(value, str) and value.lower() in (label, label.suffix.lower()):
                return label
        msg = f"there is no label {value!r}; known: GM, WM and SC (or gm, wm and cord)"
        raise UsageError(msg)


_SUFFIXES = {Label.GM: "GM", Label.WM: "WM", Label.CORD: "SC"}
LABELS = tuple(Label)


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """What made a result; goes into its record as it is.

    *given_cord* compares the user's mask or center of the cord with the network's own cord.
    """

    version: str
    method: str
    model: Mapping[str, str | None]
    options: Mapping[str, Any]
    input: Mapping[str, Any]
    warnings: tuple[str, ...]
    seconds: float
    given_cord: Mapping[str, float | int | None] | None = None


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Result:
    """Cord, gray and white matter of one image: the values alone.

    Attributes
    ----------
    volume : Volume
        The image.
    stack : AxialStack
        Its axial slices, Z of them from inferior to superior.
    probabilities : Probabilities
        What the method found, on the pixels of *stack* in *box*; zero in slices without cord.
    threshold : float
        A pixel belongs to a mask where its probability is this or more.
    status : tuple of SliceStatus
        One for each of the Z slices.
    confidence : tuple of float or None
        For each slice the probability that its gray matter agrees with a rater's by a Dice
        coefficient of at least 0.7 (`scgm.image.confidence`); None without cord,
        and throughout for methods and models that cannot tell.
    provenance : Provenance
        What made it.
    box : Box
        The rows and columns of *stack* that *probabilities* has; they are zero elsewhere.
    name : str, optional
        What the result is called; by default the name of the image's file.
    """

    volume: Volume
    stack: AxialStack
    probabilities: Probabilities
    threshold: float
    status: tuple[SliceStatus, ...]
    confidence: tuple[float | None, ...]
    provenance: Provenance
    box: Box
    name: str | None = None

    def __repr__(self) -> str:
        count, flagged = len(self.status), len(self.flagged)
        look = f"{flagged} to look at" if flagged else "none flagged"
        kind, method = type(self).__name__, self.provenance.method
        return f"<{kind} of {self.source_name}: {count} slices, {look}, method {method}>"

    @property
    def labels(self) -> tuple[Label, ...]:
        """The labels that this result has: only gray matter if its method finds no cord.

        Masks and probabilities of the others raise a `ModelError`.
        """
        return (Label.GM,) if self.probabilities.cord is None else LABELS

    @property
    def gm(self) -> Any:
        """Mask of the gray matter, a nibabel image on the image's grid (uint8, 0 or 1)."""
        return self.mask(Label.GM)

    @property
    def wm(self) -> Any:
        """Mask of the white matter: the cord less the gray matter."""
        return self.mask(Label.WM)

    @property
    def cord(self) -> Any:
        """Mask of the whole cord."""
        return self.mask(Label.CORD)

    def mask(self, label: Label | str) -> Any:
        """Return the mask of a label, a nibabel image on the image's grid (uint8, 0 or 1)."""
        return self._native(self.axial_mask(label), np.uint8)

    def probability(self, label: Label | str) -> Any:
        """Return the probability of "gm", "wm" or "cord", a nibabel image (float32, 0 to 1)."""
        return self._native(self.axial_probability(label), np.float32)

    def axial_mask(self, label: Label | str) -> NDArray[np.bool_]:
        """Return the mask of a label on the axial slices, (Z, Y, X)."""
        return self.box.expand(self.boxed_mask(label))

    def axial_probability(self, label: Label | str) -> NDArray[np.float32]:
        """Return the probability of a label on the axial slices, (Z, Y, X), from 0 to 1."""
        return self.box.expand(self.boxed_probability(label))

    def boxed_mask(self, label: Label | str) -> NDArray[np.bool_]:
        """Return the mask of a label in `box`, outside of which it is empty."""
        gm = self.probabilities.gm >= self.threshold
        if Label(label) is Label.GM:
            return gm
        cord = self._cord(label) >= self.threshold
        return cord if Label(label) is Label.CORD else cord & ~gm

    def boxed_probability(self, label: Label | str) -> NDArray[np.float32]:
        """Return the probability of a label in `box`, outside of which it is zero."""
        gm = self.probabilities.gm
        if Label(label) is Label.GM:
            return gm
        cord = self._cord(label)
        return cord if Label(label) is Label.CORD else cord - gm

    @property
    def source_name(self) -> str:
        """Name given by the user, else the image's file name; "image" if it came from memory."""
        if self.name is not None:
            return self.name
        return self.volume.source.name if self.volume.source else "image"

    @property
    def flagged(self) -> tuple[int, ...]:
        """Slices to look at, as indices of the image."""
        return tuple(
            self.stack.native_index(z)
            for z, word in enumerate(self.status)
            if word != SliceStatus.OK
        )

    def _cord(self, label: Label | str) -> NDArray[np.float32]:
        """Return the cord, which *label* needs."""
        if self.probabilities.cord is None:
            msg = (
                f"{self.source_name}: method {self.provenance.method} finds no cord, so there is "
                f"no {Label(label).suffix} of it; use another --method"
            )
            raise ModelError(msg)
        return self.probabilities.cord

    def _native(self, values: NDArray[Any], dtype: type[np.uint8 | np.float32]) -> Any:
        return as_nifti(from_axial(self.stack, values), self.volume, dtype=dtype)
