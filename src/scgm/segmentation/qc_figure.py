"""The picture of a result: slice, window, gray matter, and gray matter on the slice.

Drawn as viewers show it: anterior up, and the patient's left on the right.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray

from scgm.errors import GeometryError
from scgm.io.text import name_text
from scgm.segmentation.letters import fonts, readable
from scgm.segmentation.result import Label, Result
from scgm.segmentation.status import CONFIDENCE_NOT_AVAILABLE, SliceStatus

SliceChoice = Literal["all", "flagged"] | int | Sequence[int] | None

SHOWN_MM = 32.0
# Rows that show the slices evenly; with the flagged ones; and at all, as a picture can be so high.
EVEN_ROWS = 5
DEFAULT_ROWS = 12
MOST_ROWS = 200
# Orange and sky blue of Okabe and Ito: told apart with every kind of color vision, and on gray.
GM_COLOR = "#E69F00"
CORD_COLOR = "#56B4E9"
FLAG_COLOR = "#D55E00"  # their vermilion
MOST_LISTED = 20
LONGEST_NAME = 60

_PANEL_INCHES = 2.6
_TITLES = (
    "Slice",
    "Window around the cord",
    "Gray matter, probability",
    "Gray matter on the slice",
)
_CAPTION = (
    "Each row is one axial slice, seen from the feet: anterior (A) is up, the patient's left (L) "
    "is on the right.\nWhere the slice is larger than the window, a blue box in the first column "
    "shows the window. Third column: the lighter,\nthe more likely gray matter; its orange outline "
    "is the mask that is saved. Fourth column: that outline and the outline\nof the cord (blue) on "
    "the image."
)
_NO_CORD_DRAWN = "This method finds no cord."


@dataclass(frozen=True, slots=True)
class _View:
    """A part of a slice in mm: pixel (row, column) has its center at (column, row) * spacing."""

    left: float
    right: float
    bottom: float
    top: float

    @property
    def width(self) -> float:
        return self.right - self.left


class QcFigure(Figure):
    """A figure that a notebook shows where it is the last line of a cell."""

    def _repr_png_(self) -> bytes:
        content = io.BytesIO()
        self.savefig(content, format="png")
        return content.getvalue()


def four_panels(segmentation: Result, slices: SliceChoice = None) -> QcFigure:
    """Draw four panels for each of some slices.

    Parameters
    ----------
    segmentation : Result
        The result to draw.
    slices : "all", "flagged", int or sequence of int, optional
        All slices; those to look at (five where there are none); so many, evenly spaced over
        those that show cord; or indices of slices in the image, as the table's column ``slice``
        has them. By default five, evenly spaced, and the flagged ones, twelve at most. Never more
        than 200.

    Returns
    -------
    QcFigure
        One row per slice. It belongs to no window and no global state; ``savefig`` writes it.

    Raises
    ------
    GeometryError
        If the image has no such slice.
    """
    chosen = _chosen(segmentation, slices)
    rows = len(chosen)
    figure = QcFigure(figsize=(4 * _PANEL_INCHES, rows * _PANEL_INCHES + 1.5), dpi=110)
    height = figure.get_figheight()
    grid = figure.subplots(rows, 4, squeeze=False)
    figure.subplots_adjust(
        left=0.05, right=0.99, bottom=0.85 / height, top=1 - 0.65 / height, wspace=0.04, hspace=0.05
    )
    for panels, z in zip(grid, chosen, strict=True):
        _draw_row(panels, segmentation, z)
    for panel, title in zip(grid[0], _TITLES, strict=True):
        panel.set_title(title, fontsize=9)
    headline = figure.text(
        0.05, 1 - 0.2 / height, _headline(segmentation), fontsize=11, va="center"
    )
    headline.set_fontfamily(list(fonts()))
    figure.text(
        *(0.05, 1 - 0.4 / height), _flags(segmentation), fontsize=9, va="center", color=FLAG_COLOR
    )
    caption = _CAPTION if Label.CORD in segmentation.labels else f"{_CAPTION} {_NO_CORD_DRAWN}"
    figure.text(0.05, 0.1 / height, caption, fontsize=8, va="bottom", linespacing=1.4)
    return figure


def _headline(segmentation: Result) -> str:
    made_by = segmentation.provenance
    name = name_text(segmentation.source_name)
    if len(name) > LONGEST_NAME:
        name = f"{name[: LONGEST_NAME // 2]}...{name[-LONGEST_NAME // 2 :]}"
    text = f"{name}   model {made_by.model['name']}   scgm {made_by.version}"
    return readable(text).replace("$", r"\$")


def _flags(segmentation: Result) -> str:
    """Name the slices to look at, drawn or not, and say where nothing can be told."""
    flagged = segmentation.flagged
    untold = all(value is None for value in segmentation.confidence)
    note = f"{CONFIDENCE_NOT_AVAILABLE}: look at every slice".capitalize() if untold else ""
    if not flagged:
        return note
    listed = ", ".join(str(index) for index in flagged[:MOST_LISTED])
    if len(flagged) > MOST_LISTED:
        listed += f" and {len(flagged) - MOST_LISTED} more (see the table)"
    text = f"Look at {'slice' if len(flagged) == 1 else 'slices'} {listed}"
    return f"{text}. {note}" if note else text


def _chosen(segmentation: Result, slices: SliceChoice) -> list[int]:
    """Return the slices to draw, from inferior to superior, or in the order given."""
    if slices is None:
        return _even_and_flagged(segmentation)
    if isinstance(slices, str):
        return _named(segmentation, slices)
    if isinstance(slices, int | np.integer):
        return _evenly(_with_cord(segmentation), min(max(int(slices), 1), MOST_ROWS))
    return _stack_indices(segmentation, slices)


def _named(segmentation: Result, slices: str) -> list[int]:
    count = len(segmentation.status)
    if slices == "all":
        return _evenly(list(range(count)), MOST_ROWS)
    if slices == "flagged":
        flagged = [z for z in range(count) if segmentation.status[z] is not SliceStatus.OK]
        return _evenly(flagged, MOST_ROWS) or _evenly(_with_cord(segmentation), EVEN_ROWS)
    msg = f"slices={slices!r} is not a choice; give 'all', 'flagged', a number or indices"
    raise GeometryError(msg)


def _even_and_flagged(segmentation: Result) -> list[int]:
    """Return five slices, evenly spaced, and flagged ones; those with cord come first."""
    even = _evenly(_with_cord(segmentation), EVEN_ROWS)
    flagged = [
        z
        for z in _with_cord(segmentation)
        if segmentation.status[z] is not SliceStatus.OK and z not in even
    ]
    chosen = even + _evenly(flagged, DEFAULT_ROWS - len(even))
    without = [z for z, status in enumerate(segmentation.status) if status is SliceStatus.NO_CORD]
    return sorted(chosen + _evenly(without, DEFAULT_ROWS - len(chosen)))


def _with_cord(segmentation: Result) -> list[int]:
    return [z for z, status in enumerate(segmentation.status) if status != SliceStatus.NO_CORD]


def _evenly(slices: list[int], most: int) -> list[int]:
    picks = np.linspace(0, len(slices) - 1, min(most, len(slices))).round().astype(int)
    return [slices[pick] for pick in picks]


def _stack_indices(segmentation: Result, slices: Sequence[int]) -> list[int]:
    by_native = {segmentation.stack.native_index(z): z for z in range(len(segmentation.status))}
    missing = [index for index in slices if index not in by_native]
    if missing or not slices:
        msg = (
            f"{segmentation.source_name}: it has slices {min(by_native)} to {max(by_native)}, "
            f"not {missing}"
        )
        raise GeometryError(msg)
    return [by_native[index] for index in slices]


def _draw_row(panels: Sequence[Axes], segmentation: Result, z: int) -> None:
    image = segmentation.stack.slices[z]
    spacing_mm = segmentation.stack.spacing_mm[1:]
    gm = segmentation.axial_mask(Label.GM)[z]
    whole = _square(_whole(image.shape, spacing_mm))
    window = _window(segmentation, z)
    whole_panel, crop_panel, soft_panel, overlay_panel = panels

    _show(whole_panel, image, spacing_mm, whole)
    corner = (window.left, window.bottom)
    whole_panel.add_patch(
        Rectangle(corner, SHOWN_MM, SHOWN_MM, fill=False, edgecolor=CORD_COLOR, linewidth=1)
    )
    status = segmentation.status[z]
    fine = status == SliceStatus.OK
    number = segmentation.stack.native_index(z)
    whole_panel.set_ylabel(
        f"slice {number}" if fine else f"slice {number}: {status}",
        fontsize=9,
        color="black" if fine else FLAG_COLOR,
    )
    _show(crop_panel, image, spacing_mm, window)
    soft = segmentation.axial_probability(Label.GM)[z]
    _show(soft_panel, soft, spacing_mm, window, limits=(0, 1))
    _show(overlay_panel, image, spacing_mm, window)
    draw_outline(soft_panel, gm, spacing_mm, GM_COLOR)
    if Label.CORD in segmentation.labels:
        cord = segmentation.axial_mask(Label.CORD)[z]
        draw_outline(overlay_panel, cord, spacing_mm, CORD_COLOR)
    draw_outline(overlay_panel, gm, spacing_mm, GM_COLOR)


def _whole(shape: tuple[int, ...], spacing_mm: tuple[float, float]) -> _View:
    (rows, columns), (height, width) = shape, spacing_mm
    return _View(-width / 2, (columns - 0.5) * width, -height / 2, (rows - 0.5) * height)


def _square(view: _View) -> _View:
    """Return the smallest square around a view, so that a narrow slice leaves room for letters."""
    side = max(view.width, view.top - view.bottom)
    x, y = (view.left + view.right) / 2, (view.bottom + view.top) / 2
    return _View(x - side / 2, x + side / 2, y - side / 2, y + side / 2)


def _window(segmentation: Result, z: int) -> _View:
    """Where the cord or, failing that, gray matter is; or the middle of a slice without any."""
    row, column = segmentation.probabilities.centre_px[z]
    gm = segmentation.axial_mask(Label.GM)[z]
    if Label.CORD not in segmentation.labels and gm.any():
        row, column = np.argwhere(gm).mean(axis=0)
    if not (np.isfinite(row) and np.isfinite(column)):
        rows, columns = segmentation.stack.slices[z].shape
        row, column = (rows - 1) / 2, (columns - 1) / 2
    return _around((float(row), float(column)), segmentation.stack.spacing_mm[1:])


def _around(centre_px: tuple[float, float], spacing_mm: tuple[float, float]) -> _View:
    y, x = (place * size for place, size in zip(centre_px, spacing_mm, strict=True))
    half = SHOWN_MM / 2
    return _View(x - half, x + half, y - half, y + half)


def _show(
    panel: Axes,
    values: NDArray[np.float32],
    spacing_mm: tuple[float, float],
    view: _View,
    limits: tuple[float, float] | None = None,
) -> None:
    """Show a slice at its true proportions, each pixel as it is, with letters and scale bar."""
    whole = _whole(values.shape, spacing_mm)
    low, high = limits or _contrast(values, spacing_mm, view)
    panel.imshow(
        values,
        cmap="gray",
        vmin=low,
        vmax=high,
        interpolation="nearest",
        origin="lower",  # rows go from posterior to anterior
        extent=(whole.left, whole.right, whole.bottom, whole.top),
    )
    panel.set_xlim(view.right, view.left)  # columns go from left to right: left to the right
    panel.set_ylim(view.bottom, view.top)
    panel.set_facecolor("black")
    panel.set_xticks([])
    panel.set_yticks([])
    for letter, x, y in (("A", 0.5, 0.95), ("P", 0.5, 0.05), ("R", 0.05, 0.5), ("L", 0.95, 0.5)):
        _write(panel, letter, x, y)
    _scale_bar(panel, view)


def _contrast(
    values: NDArray[np.float32], spacing_mm: tuple[float, float], view: _View
) -> tuple[float, float]:
    """Gray values between which the shades are spread, from what is in view."""
    height, width = spacing_mm
    y, x = np.ogrid[: values.shape[0], : values.shape[1]]
    inside = (y * height >= view.bottom) & (y * height <= view.top)
    inside = inside & (x * width >= view.left) & (x * width <= view.right)
    low, high = np.percentile(values[inside] if inside.any() else values, (1, 99.5))
    return float(low), float(max(high, low + 1e-6))


def _scale_bar(panel: Axes, view: _View) -> None:
    length = next(mm for mm in (50, 20, 10, 5, 2, 1) if mm < view.width / 3 or mm == 1)
    y = view.bottom + 0.05 * (view.top - view.bottom)
    start = view.right - 0.05 * view.width
    panel.plot([start, start - length], [y, y], color="white", linewidth=2, solid_capstyle="butt")
    _write(panel, f"{length} mm", 0.05 + length / view.width / 2, 0.1)


def _write(panel: Axes, text: str, x: float, y: float) -> None:
    """Write in white with a dark edge, which can be read on tissue of any brightness."""
    written = panel.text(x, y, text, color="white", fontsize=8, ha="center", va="center")
    written.set_transform(panel.transAxes)
    written.set_path_effects([withStroke(linewidth=1.5, foreground="black")])


def show_window(
    panel: Axes,
    image: NDArray[np.float32],
    spacing_mm: tuple[float, float],
    centre_px: tuple[float, float],
) -> None:
    """Show 32 mm of a slice (Y, X) around a place, given as row and column.

    *spacing_mm* is height and width of a pixel. Anterior is up, the patient's left on the right.
    """
    _show(panel, image, spacing_mm, _around(centre_px, spacing_mm))


def draw_outline(
    panel: Axes, mask: NDArray[np.bool_], spacing_mm: tuple[float, float], color: str
) -> None:
    """Draw the edges of the pixels of a mask (Y, X), which is where the mask ends.

    For a panel that shows the same slice, as of `show_window`.
    """
    height, width = spacing_mm
    padded = np.pad(mask, 1)
    segments: list[NDArray[np.float64]] = []
    for axis, (along, across) in enumerate(((width, height), (height, width))):
        edges = np.argwhere(np.diff(padded, axis=axis))
        at = (edges[:, axis] - 0.5) * across
        start = (edges[:, 1 - axis] - 1.5) * along
        x, y = (
            ((start, start + along), (at, at)) if axis == 0 else ((at, at), (start, start + along))
        )
        segments.extend(np.transpose(np.array([x, y]), (2, 1, 0)))
    panel.add_collection(LineCollection(segments, colors=color, linewidths=1.2))
