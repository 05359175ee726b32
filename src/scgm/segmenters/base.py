"""What a method is given and what it returns: one call, the same for every method."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

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
    """

    centre_px: NDArray[np.float32] | None = None
    mask: NDArray[np.bool_] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Probabilities:
    """How likely each pixel of an `AxialStack` is gray matter, and cord.

    The gray matter is held below the cord in every pixel, so that the white matter (the cord
    less the gray matter) is never negative.

    Parameters
    ----------
    gm, cord : (Z, Y, X) float32
        Values from 0 to 1; what a method returns outside of that is cut off.
    centre_px : (Z, 2) float32
        Row and column of the cord's center; NaN where there is no cord.
    presence : (Z,) float32
        How sure it is that the slice shows a cord, from 0 to 1.
    finds_cord : bool
        False for a method that marks gray matter alone (`without_cord`): *cord* is then no finding
        and must not be measured, drawn or saved.

    Raises
    ------
    GeometryError
        If the shapes do not fit each other.
    ModelError
        If a probability is not a finite number.
    """

    gm: NDArray[np.float32]
    cord: NDArray[np.float32]
    centre_px: NDArray[np.float32]
    presence: NDArray[np.float32]
    finds_cord: bool = field(default=True, kw_only=True)

    @classmethod
    def without_cord(cls, gm: NDArray[np.float32]) -> Probabilities:
        """Return what a method found that marks gray matter (Z, Y, X) and no cord.

        The least cord that there can be, the gray matter itself, stands in for the cord; a slice
        with gray matter shows a cord for sure.
        """
        centre = np.full((len(gm), 2), np.nan, np.float32)
        return cls(gm, gm, centre, gm.max(axis=(1, 2)), finds_cord=False)

    def __post_init__(self) -> None:
        shape = self.gm.shape
        if (
            len(shape) != 3
            or self.cord.shape != shape
            or self.centre_px.shape != (shape[0], 2)
            or self.presence.shape != (shape[0],)
        ):
            msg = (
                f"the shapes of gray matter {shape}, cord {self.cord.shape}, "
                f"centers {self.centre_px.shape} and presence {self.presence.shape} do not fit"
            )
            raise GeometryError(msg)
        _require_numbers(gm=self.gm, cord=self.cord, presence=self.presence)
        cord = np.clip(self.cord, 0, 1, dtype=np.float32)
        object.__setattr__(self, "cord", cord)
        object.__setattr__(self, "gm", np.clip(self.gm, 0, cord, dtype=np.float32))
        object.__setattr__(self, "presence", np.clip(self.presence, 0, 1, dtype=np.float32))


class Segmenter(Protocol):
    """A method: slices in, probabilities on the same pixels out."""

    @property
    def name(self) -> str:
        """What results call this method or model."""

    @property
    def threshold(self) -> float:
        """The probability from which on a pixel counts, where the user names none."""

    @property
    def provenance(self) -> Mapping[str, str | None]:
        """What identifies the method for good: version, hash of the model file, ..."""

    def __call__(self, stack: AxialStack, hint: CordHint | None = None) -> Probabilities:
        """Find cord and gray matter in every slice of *stack*."""


def _require_numbers(**values: NDArray[np.float32]) -> None:
    for what, array in values.items():
        bad = ~np.isfinite(array)
        if bad.any():
            first = int(np.argwhere(bad)[0][0])
            msg = (
                f"the method gave values for {what} that are not numbers, first in slice {first} "
                "(counted from inferior); try another --model or --device cpu"
            )
            raise ModelError(msg)
