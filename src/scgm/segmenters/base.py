"""What a method is given and what it returns: one call, the same for every method."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from scgm.errors import GeometryError, ModelError
from scgm.image.orientation import AxialStack


@dataclass(frozen=True, slots=True, eq=False)
class CordHint:
    """What the user knows of the cord, in the pixels of an `AxialStack`.

    Parameters
    ----------
    centre_px : (Z, 2) float32, optional
        Row and column of the cord's center in each slice; NaN where it is to be found.
    mask : (Z, Y, X) bool, optional
        The cord itself. A slice without any pixel has no cord.
    levels : (Z,) float32, optional
        Number of the vertebral level that each slice shows (1 is C1, 8 is T1); NaN where it is not
        known.
    """

    centre_px: NDArray[np.float32] | None = None
    mask: NDArray[np.bool_] | None = None
    levels: NDArray[np.float32] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Probabilities:
    """How likely each pixel of an `AxialStack` is gray matter, and cord.

    The gray matter is held below the cord in every pixel, so that the white matter (the cord
    less the gray matter) is never negative.

    Parameters
    ----------
    gm, cord : (Z, Y, X) float32
        Values from 0 to 1; what a method returns outside of that is cut off. *cord* is None for a
        method that marks gray matter alone (`gray_matter_alone`).
    centre_px : (Z, 2) float32
        Row and column of the cord's center; NaN where there is no cord.
    presence : (Z,) float32
        How sure it is that the slice shows a cord, from 0 to 1.

    Raises
    ------
    GeometryError
        If the shapes do not fit each other.
    ModelError
        If a probability is not a finite number.
    """

    gm: NDArray[np.float32]
    cord: NDArray[np.float32] | None
    centre_px: NDArray[np.float32]
    presence: NDArray[np.float32]

    @classmethod
    def gray_matter_alone(cls, gm: NDArray[np.float32]) -> Probabilities:
        """Return what a method found that marks gray matter (Z, Y, X) and no cord.

        A slice is as sure to show a cord as its most probable pixel is gray matter.
        """
        centre = np.full((len(gm), 2), np.nan, np.float32)
        return cls(gm, None, centre, gm.max(axis=(1, 2)))

    def __post_init__(self) -> None:
        _require_shapes(self)
        _require_numbers(gm=self.gm, cord=self.cord, presence=self.presence)
        cord = None if self.cord is None else _clipped(self.cord, np.ones(len(self.gm)))
        object.__setattr__(self, "cord", cord)
        most = np.ones(len(self.gm)) if cord is None else cord
        object.__setattr__(self, "gm", _clipped(self.gm, most))
        object.__setattr__(self, "presence", np.clip(self.presence, 0, 1, dtype=np.float32))

    def __repr__(self) -> str:
        what = "gray matter" if self.cord is None else "gray matter and cord"
        return f"<Probabilities of {what}: (slices, rows, columns) {self.gm.shape}>"

    def only(self, keep: NDArray[np.bool_]) -> Probabilities:
        """Return the same with zeros wherever *keep* (any shape that broadcasts) is false."""
        cord = None if self.cord is None else self.cord * keep
        return replace(self, gm=self.gm * keep, cord=cord)


class Segmenter(Protocol):
    """A method: slices in, probabilities on the same pixels out."""

    @property
    def name(self) -> str:
        """What results call this method or model."""

    @property
    def method_name(self) -> str:
        """The method in the table of methods (`scgm.methods`), whatever the model's name."""

    @property
    def threshold(self) -> float:
        """The probability from which on a pixel counts, where the user names none."""

    @property
    def confidence(self) -> Mapping[str, float] | None:
        """Coefficients that tell how sure a slice is (`scgm.image.confidence`), or None."""

    @property
    def provenance(self) -> Mapping[str, str | None]:
        """What identifies the method for good: version, hash of the model file, ..."""

    def __call__(self, stack: AxialStack, hint: CordHint | None = None) -> Probabilities:
        """Find cord and gray matter in every slice of *stack*."""


def _clipped(values: NDArray[np.float32], most: NDArray[Any]) -> NDArray[np.float32]:
    """Return values from 0 to *most*, which has one entry for each slice; a copy if any changes."""
    fits = values.dtype == np.float32 and all(
        pixels.min() >= 0 and (pixels <= limit).all()
        for pixels, limit in zip(values, most, strict=True)
    )
    if fits:
        return values
    limits = most.reshape(len(most), *([1] * (values.ndim - most.ndim)), *most.shape[1:])
    clipped: NDArray[np.float32] = np.clip(values, 0, limits, dtype=np.float32)
    return clipped


def _require_shapes(found: Probabilities) -> None:
    shape = found.gm.shape
    cord = shape if found.cord is None else found.cord.shape
    centre, presence = found.centre_px.shape, found.presence.shape
    if len(shape) != 3 or (cord, centre, presence) != (shape, (shape[0], 2), shape[:1]):
        msg = (
            f"the shapes of gray matter {shape}, cord {cord}, centers {centre} and presence "
            f"{presence} do not fit"
        )
        raise GeometryError(msg)


def _require_numbers(**values: NDArray[np.float32] | None) -> None:
    for what, array in values.items():
        if array is None:
            continue
        # Slice by slice, as a whole map of "bad" takes memory.
        bad = [z for z, values in enumerate(array) if not np.isfinite(values).all()]
        if bad:
            first = bad[0]
            msg = (
                f"the method gave values for {what} that are not numbers, first in slice {first} "
                "(counted from inferior); try another --model or --device cpu"
            )
            raise ModelError(msg)
