"""A picture of each validation: the result of the network and the label."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scgm.io.atomic import write_bytes
from scgm.io.font_cache import use_quiet_font_cache

PICTURES = "pictures"
MOST = 8
COLUMNS = 4
# Sky blue and orange of Okabe and Ito, as in the picture of a result.
LABEL_COLOR, FOUND_COLOR = "#56B4E9", "#E69F00"


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """One slice around the cord (y, x), posterior to anterior and left to right.

    ``label`` and ``found`` are shares of gray matter, ``pixel_mm`` is (row, column).
    """

    title: str
    image: NDArray[np.float32]
    label: NDArray[np.float32]
    found: NDArray[np.float32]
    pixel_mm: tuple[float, float]


def spread(shown: Sequence[Shown]) -> list[Shown]:
    """Return at most `MOST` of them, evenly spaced."""
    picks = np.linspace(0, len(shown) - 1, min(MOST, len(shown))).round().astype(int)
    return [shown[pick] for pick in picks]


def draw(shown: Sequence[Shown], title: str, path: Path) -> None:
    """Write a PNG with one panel for each slice: anterior up, the patient's left on the right."""
    use_quiet_font_cache()
    from matplotlib.figure import Figure  # noqa: PLC0415 - slow to load, and not always wanted

    rows = -(-len(shown) // COLUMNS)
    figure = Figure(figsize=(2.5 * COLUMNS, 2.7 * rows + 0.7), dpi=90, layout="constrained")
    panels = figure.subplots(rows, COLUMNS, squeeze=False).ravel()
    for panel in panels:
        panel.set_axis_off()
    for panel, one in zip(panels, shown, strict=False):
        _panel(panel, one)
    figure.suptitle(f"{title}\nblue: drawn by hand   orange: found", fontsize=9)
    content = io.BytesIO()
    figure.savefig(content, format="png")
    path.parent.mkdir(exist_ok=True)
    write_bytes(path, content.getvalue())


def _panel(panel: Any, one: Shown) -> None:
    row, column = one.pixel_mm
    height, width = one.image.shape
    low, high = np.percentile(one.image, (1, 99.5))
    extent = (-0.5 * column, (width - 0.5) * column, -0.5 * row, (height - 0.5) * row)
    panel.imshow(
        one.image, cmap="gray", vmin=low, vmax=max(high, low + 1e-6), origin="lower", extent=extent
    )
    x, y = np.arange(width) * column, np.arange(height) * row
    for values, color in ((one.label, LABEL_COLOR), (one.found, FOUND_COLOR)):
        if values.min() < 0.5 <= values.max():
            panel.contour(x, y, values, levels=[0.5], colors=color, linewidths=1.2)
    panel.set_title(one.title.replace("$", r"\$"), fontsize=7)
