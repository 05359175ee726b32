"""The pictures of docs/methods: ``python -m experiments.draw_method NAME ...``.

Slices of sub-9418 (CC0) with what a method marks. Neither what it has learned nor the model that
finds the cord for it has seen the site of the image.
"""

import sys
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib import pyplot as plt
from numpy.typing import NDArray

from experiments.evidence import EVIDENCE, Case, fold_for, read_case, source_of
from scgm.segmenters.registry import METHODS, MethodSettings, Probabilities, open_method

PAGES = Path("docs/methods")
SLICES = (3, 7, 11, 15)  # counted from the lowest one with gray matter drawn
HALF_MM = 9.0
MARKS = (("#39c5f5", "cord found"), ("#ff4d4d", "gray matter found"), ("#9be564", "drawn by hand"))


def draw(case: Case, found: Probabilities, path: Path) -> None:
    """Draw slices without marks above, with marks below."""
    assert case.gm is not None
    assert case.cord is not None
    numbers = np.flatnonzero(case.gm.any(axis=(1, 2)))[list(SLICES)]
    figure, axes = plt.subplots(2, len(numbers), figsize=(7.2, 4.0), layout="constrained")
    for number, (above, below) in zip(numbers, axes.T, strict=True):
        for panel in (above, below):
            show(panel, case.stack.slices[number], case.cord[number], case.stack.spacing_mm[1])
        assert found.cord is not None
        masks = (found.cord[number], found.gm[number], case.gm[number].astype(float))
        for mask, (color, _) in zip(masks, MARKS, strict=True):
            below.contour(mask, [0.5], colors=color, linewidths=1.1)
    handles = [mpl.lines.Line2D([], [], color=color, label=label) for color, label in MARKS]
    figure.legend(handles=handles, loc="outside lower center", ncols=3, frameon=False)
    figure.savefig(path, dpi=110)


def show(panel: plt.Axes, image: NDArray[np.float32], cord: NDArray[np.bool_], mm: float) -> None:
    """Show 18 mm around the cord, front up, in the contrast of the cord."""
    row, column = np.argwhere(cord).mean(axis=0)
    low, high = np.percentile(image[cord], [1, 99])
    panel.imshow(image, cmap="gray", origin="lower", vmin=0.6 * low, vmax=1.15 * high)
    half = HALF_MM / mm
    panel.set(xlim=(column - half, column + half), ylim=(row - half, row + half))
    panel.set_axis_off()


def main(names: list[str]) -> None:
    """Mark and draw with each of the methods."""
    case = read_case(source_of(EVIDENCE["sub-9418"]))
    site = case.source.site
    for name in names:
        method = METHODS[name]
        model = None if method.learned == "nothing" else fold_for(site, name)
        cord_model = fold_for(site) if method.needs_cord else None
        settings = MethodSettings(model=model, cord_model=cord_model, device="cpu")
        draw(case, open_method(name, settings)(case.stack), PAGES / f"{name}.png")


if __name__ == "__main__":
    main(sys.argv[1:])
