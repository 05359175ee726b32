"""Windows around the cords of phantoms, with their truth: what classical methods are tried on."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from scgm.image.centroid import centroids
from scgm.image.orientation import AxialStack, stack_mask, to_axial
from scgm.image.patches import CordWindows, WindowMethod, cut_windows
from scgm.image.volume import Volume
from scgm.phantom import Acquisition, Anatomy, draw_anatomy, make_phantom
from scgm.segmenters.classical.labeled_slices import PIXEL_MM, SIZE, LabeledSlices
from scgm.segmenters.registry import CordHint, Probabilities
from scgm.segmenters.within_cord import InCord


@dataclass(frozen=True)
class Drawn:
    """A phantom as a stack; masks are (Z, Y, X)."""

    stack: AxialStack
    gm: NDArray[np.bool_]
    cord: NDArray[np.bool_]

    def found_by(self, method: WindowMethod) -> NDArray[np.bool_]:
        """Return the gray matter that a method marks when it is given the cord."""
        found = InCord(method, _NeverAsked())(self.stack, CordHint(mask=self.cord))
        return found.gm >= 0.5

    def windows(self, size: int, pixel_mm: float) -> tuple[CordWindows, NDArray[np.bool_]]:
        """Return windows around the cord, and the gray matter in them."""
        center = centroids(self.cord)
        cut = {
            name: cut_windows(
                values.astype(np.float32),
                self.stack.spacing_mm[1:],
                center,
                size=size,
                window_mm=pixel_mm,
            )
            for name, values in (
                ("image", self.stack.slices),
                ("cord", self.cord),
                ("gm", self.gm),
            )
        }
        windows = CordWindows(
            *cut["image"],
            cut["cord"][0],
            np.arange(len(center)),
            pixel_mm,
            self.stack.spacing_mm[0],
        )
        return windows, cut["gm"][0] >= 0.5


def drawn(
    person: int = 0, slices: int = 4, *, anatomy: Anatomy | None = None, **acquisition: object
) -> Drawn:
    """Scan a phantom: 0.5 mm, moderate noise, T2*w unless told otherwise."""
    how = replace(Acquisition(shape=(slices, 96, 96)), **acquisition)  # type: ignore[arg-type]
    who = anatomy or replace(
        draw_anatomy(np.random.default_rng(person)), offset_mm=(0.0, 0.0), bow_mm=(0.0, 0.0)
    )
    phantom = make_phantom(who, how, seed=person)
    stack = to_axial(phantom.volume)

    def mask(values: NDArray[np.bool_]) -> NDArray[np.bool_]:
        return stack_mask(stack, Volume(values.astype(np.float32), phantom.volume.geometry))[0]

    return Drawn(stack, mask(phantom.gm), mask(phantom.cord))


def labeled_phantoms(scans: list[Drawn]) -> LabeledSlices:
    """Return the slices of phantoms with their labels, one volume for each phantom."""
    parts = [scan.windows(SIZE, PIXEL_MM) for scan in scans]
    windows = [part for part, _ in parts]
    names = tuple(f"phantom-{k}" for k in range(len(scans)))
    return LabeledSlices(
        image=np.concatenate([each.image for each in windows]),
        inside=np.concatenate([each.inside for each in windows]),
        cord=np.concatenate([each.cord for each in windows]),
        gm=np.concatenate([gm for _, gm in parts]).astype(np.float32),
        volume=np.repeat(np.arange(len(scans)), [len(gm) for _, gm in parts]),
        distance_mm=np.full(len(scans), 5, np.float32),
        names=names,
        sites=names,
        subjects=names,
    )


class _NeverAsked:
    name = "never asked"
    method_name = "none"
    threshold = 0.5
    confidence: dict[str, float] | None = None
    provenance: dict[str, str | None] = {}  # noqa: RUF012

    def __call__(self, stack: AxialStack, hint: CordHint | None = None) -> Probabilities:
        raise AssertionError
