"""A slice laid on a section of the template: rotation and size, then a smooth deformation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates

from scgm.registration.sections import PIXEL_MM, Frame

Doubles = NDArray[np.float64]
Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class SliceMatch:
    """How a slice and a section of the template correspond, both ways.

    Parameters
    ----------
    template, native : Frame
        Where the cord lies in both; that of the native slice has the relative size.
    forward, backward : (n, n, 2) float32
        Displacement in mm of each sample of the upright section: from the template's to the
        native slice's, and its inverse.
    """

    template: Frame
    native: Frame
    forward: Floats
    backward: Floats

    def to_native(self, points: Doubles, center: Doubles) -> Doubles:
        """Return where points (..., 2) of a template slice lie in the native slice.

        *center* is the middle of the cord in that template slice.
        """
        frame = Frame(center, self.template.turn, self.template.size)
        return self.native.to_slice(_moved(frame.to_section(points), self.forward))

    def to_template(self, points: Doubles, center: Doubles) -> Doubles:
        """Return where points (..., 2) of the native slice lie in a template slice."""
        frame = Frame(center, self.template.turn, self.template.size)
        return frame.to_slice(_moved(self.native.to_section(points), self.backward))


def _moved(points: Doubles, displacement: Floats) -> Doubles:
    """Return points (..., 2) of a section, displaced; beyond the section as at its border."""
    middle = (len(displacement) - 1) / 2
    columns, rows = np.moveaxis(points / PIXEL_MM + middle, -1, 0)
    steps = [
        map_coordinates(displacement[..., axis], [rows, columns], order=1, mode="nearest")
        for axis in (0, 1)
    ]
    moved: Doubles = points + np.stack(steps, axis=-1)
    return moved
