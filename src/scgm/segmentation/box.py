"""The part of the slices that holds the cord: all that is worked on once a method has run."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scgm.image.orientation import AxialStack
from scgm.segmenters.base import Probabilities


@dataclass(frozen=True, slots=True)
class Box:
    """The same rows and columns of all slices.

    Parameters
    ----------
    rows, columns : (int, int)
        First, and the one after the last.
    shape : (int, int, int)
        Of the whole stack: slices, rows, columns.
    """

    rows: tuple[int, int]
    columns: tuple[int, int]
    shape: tuple[int, int, int]

    @property
    def origin(self) -> NDArray[np.float32]:
        """Row and column of the first pixel."""
        return np.array([self.rows[0], self.columns[0]], np.float32)

    @property
    def at_border(self) -> tuple[bool, bool, bool, bool]:
        """Whether the first and last row, and column, are those of the whole slices."""
        _, height, width = self.shape
        (top, bottom), (left, right) = self.rows, self.columns
        return top == 0, bottom == height, left == 0, right == width

    def crop(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return the part of whole slices (Z, Y, X) in the box, without a copy."""
        return values[:, slice(*self.rows), slice(*self.columns)]

    def crop_stack(self, stack: AxialStack) -> AxialStack:
        """Return the part of a stack in the box; pixels are counted from its corner."""
        missing = None if stack.missing is None else self.crop(stack.missing)
        return replace(stack, slices=self.crop(stack.slices), missing=missing)

    def expand(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return whole slices with *values* in the box and zeros around it."""
        whole = np.zeros(self.shape, values.dtype)
        self.crop(whole)[:] = values
        return whole


def boxed(found: Probabilities, mask: NDArray[np.bool_] | None = None) -> tuple[Probabilities, Box]:
    """Return the part of the slices that holds all that was found, and a mask of the user."""
    maps = [values for values in (found.gm, found.cord, mask) if values is not None]
    rows, columns = np.zeros(found.gm.shape[1], bool), np.zeros(found.gm.shape[2], bool)
    for pixels in (pixels for values in maps for pixels in values):  # one at a time, for memory
        rows |= (pixels > 0).any(axis=1)
        columns |= (pixels > 0).any(axis=0)
    depth, height, width = found.gm.shape
    box = Box(_span(rows), _span(columns), (depth, height, width))
    cord = None if found.cord is None else box.crop(found.cord).copy()
    return replace(found, gm=box.crop(found.gm).copy(), cord=cord), box


def _span(used: NDArray[np.bool_]) -> tuple[int, int]:
    places = np.flatnonzero(used)
    return (int(places[0]), int(places[-1]) + 1) if places.size else (0, 1)
