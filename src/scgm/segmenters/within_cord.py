"""A method that uses a separate cord detector and works on patches around the cord.

The classical methods mark gray matter inside of a cord. Here the cord is found by a model (or is
the user's mask), windows are cut around it, and what the method marks is put back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from scgm.artifacts.confidence import method_coefficients
from scgm.errors import ModelError
from scgm.image.centroid import centroids
from scgm.image.orientation import AxialStack
from scgm.image.patches import CordWindows, WindowMethod, cut_windows, put_back
from scgm.segmenters.base import CordHint, Probabilities, Segmenter
from scgm.segmenters.presence import is_present


@dataclass(frozen=True, slots=True, eq=False)
class InCord:
    """A window method as a `Segmenter`.

    Parameters
    ----------
    method : WindowMethod
        What marks the gray matter.
    cord_finder : Segmenter
        What finds the cord where the user does not give it.
    """

    method: WindowMethod
    cord_finder: Segmenter

    @property
    def name(self) -> str:
        """Name of the method."""
        return self.method.name

    @property
    def method_name(self) -> str:
        """Name of the method."""
        return self.method.name

    @property
    def threshold(self) -> float:
        """Classical methods mark by 0.5."""
        return 0.5

    @property
    def confidence(self) -> Mapping[str, float] | None:
        """Coefficients of the method's confidence, if they were fitted."""
        return method_coefficients().get(self.method.name)

    @property
    def provenance(self) -> Mapping[str, str | None]:
        """What identifies the method, and what found the cord."""
        finder = self.cord_finder.provenance.get("sha256")
        found_by = {"cord_finder": self.cord_finder.name, "cord_sha256": finder}
        return {**self.method.provenance, **found_by}

    def __call__(self, stack: AxialStack, hint: CordHint | None = None) -> Probabilities:
        """Find cord and gray matter in every slice of *stack*.

        Raises
        ------
        ModelError
            If the model that finds the cord fails.
        """
        found = self._cord(stack, hint)
        cord = found.cord
        if cord is None:
            msg = (
                f"method {self.name} needs the cord, and {self.cord_finder.name} finds gray matter "
                "alone; name another --cord-model"
            )
            raise ModelError(msg)
        given = hint is not None and hint.mask is not None
        present = is_present(found.presence, stack.spacing_mm[0])
        shown = present & (cord >= 0.5).any(axis=(1, 2))
        index = np.flatnonzero(shown)
        if not index.size:
            return Probabilities(np.zeros_like(cord), cord, found.centre_px, found.presence)
        centre = centroids(cord[index] ** 2)  # faint values far away do not count
        windows = self._windows(stack, cord, index, centre, given=given)
        if hint is not None and hint.levels is not None:
            windows = replace(windows, levels=hint.levels[index])
        marked = self.method(windows)
        gm = self._whole(marked.gm, stack, index, centre)
        if marked.cord is not None and not given:
            cord = self._whole(marked.cord, stack, index, centre)
        return Probabilities(gm, cord, found.centre_px, found.presence)

    def _windows(
        self,
        stack: AxialStack,
        cord: NDArray[np.float32],
        index: NDArray[np.intp],
        centre: NDArray[np.float32],
        *,
        given: bool,
    ) -> CordWindows:
        size, window_mm, order = self.method.size, self.method.pixel_mm, self.method.order
        pixel_mm = stack.spacing_mm[1:]
        image, inside = cut_windows(
            stack.slices[index], pixel_mm, centre, size=size, window_mm=window_mm, order=order
        )
        share, _ = cut_windows(cord[index], pixel_mm, centre, size=size, window_mm=window_mm)
        return CordWindows(image, inside, share, index, window_mm, stack.spacing_mm[0], given)

    def _whole(
        self,
        windows: NDArray[np.float32],
        stack: AxialStack,
        index: NDArray[np.intp],
        centre: NDArray[np.float32],
    ) -> NDArray[np.float32]:
        """Put windows (N, n, n) back to their slices; the other slices are empty."""
        values = np.zeros_like(stack.slices)
        values[index] = put_back(
            windows,
            centre,
            self.method.pixel_mm,
            shape=stack.slices.shape[1:],
            pixel_mm=stack.spacing_mm[1:],
        )
        return values

    def _cord(self, stack: AxialStack, hint: CordHint | None) -> Probabilities:
        if hint is None or hint.mask is None:
            return self.cord_finder(stack, hint)
        mask = hint.mask.astype(np.float32)
        presence = mask.max(axis=(1, 2))
        return Probabilities(np.zeros_like(mask), mask, centroids(mask), presence)
