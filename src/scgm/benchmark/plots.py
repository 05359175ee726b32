"""The figures of a benchmark: Dice by method, areas against the reference, the worst slices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from scgm.benchmark.runner import Runner
from scgm.benchmark.scores import SliceArea, read_case
from scgm.evaluation.metrics.calibration import Reliability
from scgm.segmentation.qc_figure import CORD_COLOR, GM_COLOR, draw_outline, show_window

WORST = 6
ACROSS = 4  # panels in a row
DPI = 90

_AGREEMENT_SD = 1.96  # 95 % of a normal distribution


def dice_figure(
    scores: Mapping[str, Mapping[str, float]], failed: Mapping[str, set[str]]
) -> Figure:
    """Draw a box and every image for each method.

    Parameters
    ----------
    scores : mapping of str to mapping of str to float
        By method: Dice (2D) of each image.
    failed : mapping of str to set of str
        By method: the images on which it failed; drawn as crosses.
    """
    figure = Figure(figsize=(1.8 + 0.95 * len(scores), 4.2), dpi=DPI, layout="constrained")
    panel = figure.subplots()
    panel.boxplot(
        [list(values.values()) for values in scores.values()],
        tick_labels=[_plain(name) for name in scores],
        showfliers=False,
        medianprops={"color": "black"},
    )
    panel.tick_params(axis="x", rotation=30)
    for place, (method, values) in enumerate(scores.items(), start=1):
        # Spread evenly, not by chance: the same scores make the same picture.
        offsets = np.linspace(-0.12, 0.12, len(values)) if len(values) > 1 else [0.0]
        for (image, value), offset in zip(values.items(), offsets, strict=True):
            lost = image in failed[method]
            mark, color = ("x", "black") if lost else ("o", GM_COLOR)
            panel.plot(place + offset, value, mark, color=color, markersize=5, alpha=0.8)
    panel.set_ylabel("Dice of gray matter (2D, mean over raters)")
    panel.set_ylim(-0.03, 1.03)
    panel.grid(axis="y", alpha=0.3)
    panel.set_title("One point per image; x: the method failed", fontsize=9)
    return figure


def area_figure(slices: Mapping[str, Sequence[SliceArea]]) -> Figure:
    """Draw the areas of each method against the reference, slice by slice (Bland-Altman).

    Slices that a method left empty have no area; they are counted, not drawn.
    """
    figure, panels = _panels(len(slices), height=3.6)
    for panel, (method, areas) in zip(panels, slices.items(), strict=True):
        _draw_agreement(panel, method, areas)
    figure.supylabel("method - reference (mm$^2$)", fontsize=9)
    return figure


def reliability_figure(curves: Mapping[str, Reliability]) -> Figure:
    """Draw for each method how often pixels of a probability are gray matter.

    Bars show how the pixels are distributed; on the diagonal probabilities mean what they say.
    """
    figure, panels = _panels(len(curves), height=3.0)
    for panel, (method, bins) in zip(panels, curves.items(), strict=True):
        panel.plot([0, 1], [0, 1], color="black", linewidth=0.8)
        total = int(bins.count.sum())
        filled = bins.count > 0
        predicted, observed = bins.predicted[filled], bins.observed[filled]
        panel.bar(predicted, bins.count[filled] / max(total, 1), width=0.05, color="lightgray")
        panel.plot(predicted, observed, "o-", color=GM_COLOR, markersize=4)
        panel.set_title(f"{_plain(method)}\n{total} pixels near outlines", fontsize=9)
        panel.set_xlabel("probability", fontsize=8)
        panel.set_xlim(-0.03, 1.03)
        panel.set_ylim(-0.03, 1.03)
        panel.grid(alpha=0.3)
    figure.supylabel("share that is gray matter", fontsize=9)
    return figure


def _panels(count: int, height: float) -> tuple[Figure, list[Axes]]:
    """Return a figure with so many panels, in rows of `ACROSS`; the rest of the last is empty."""
    across = min(count, ACROSS)
    rows = -(-count // across)
    figure = Figure(figsize=(3.1 * across, height * rows), dpi=DPI, layout="constrained")
    panels = list(figure.subplots(rows, across, squeeze=False, sharex=True, sharey=True).flat)
    for panel in panels[count:]:
        panel.remove()
    return figure, panels[:count]


def _draw_agreement(panel: Axes, method: str, areas: Sequence[SliceArea]) -> None:
    pairs = [(each.found_mm2, each.reference_mm2) for each in areas if each.found_mm2 is not None]
    missed = len(areas) - len(pairs)
    title = f"{_plain(method)}\n{len(pairs)} slices, {missed} more were missed"
    panel.axhline(0, color="black", linewidth=0.8)
    if pairs:
        found, drawn = np.array(pairs).T
        difference = found - drawn
        panel.plot((found + drawn) / 2, difference, "o", color=CORD_COLOR, markersize=4, alpha=0.6)
        bias = float(difference.mean())
        panel.axhline(bias, color=GM_COLOR)
        title += f"\nbias {bias:+.2f} mm$^2$"
        if len(pairs) > 1:
            half = _AGREEMENT_SD * float(difference.std(ddof=1))
            for limit in (bias - half, bias + half):
                panel.axhline(limit, color=GM_COLOR, linestyle="--")
            title += f", limits {bias - half:+.2f} to {bias + half:+.2f}"
    panel.set_title(title, fontsize=9)
    panel.set_xlabel("mean of both (mm$^2$)")
    panel.grid(alpha=0.3)


def worst_slices(areas: Sequence[SliceArea], count: int = WORST) -> list[SliceArea]:
    """Return the slices with the lowest Dice, the worst first, each slice of an image once."""
    worst: dict[tuple[str, int], SliceArea] = {}
    for each in sorted(areas, key=lambda each: each.dice):
        worst.setdefault((each.result.job.case.name, each.z), each)
    return list(worst.values())[:count]


def worst_figure(method: str, areas: Sequence[SliceArea], runner: Runner) -> Figure:
    """Draw the worst slices of a method: the image, the same with reference and prediction."""
    worst = worst_slices(areas)
    figure = Figure(figsize=(2.0 * len(worst), 5.0), dpi=DPI)
    panels = figure.subplots(2, len(worst), squeeze=False)
    figure.subplots_adjust(left=0.02, right=0.98, top=0.85, bottom=0.02, wspace=0.05, hspace=0.05)
    for (plain, marked), each in zip(panels.T, worst, strict=True):
        data = read_case(each.result.job.case)
        gm, _ = data.references[each.rater]
        image, pixel_mm = data.stack.slices[each.z], data.stack.spacing_mm[1:]
        row, column = np.argwhere(gm[each.z]).mean(axis=0).tolist()
        for panel in (plain, marked):
            show_window(panel, image, pixel_mm, (row, column))
        draw_outline(marked, gm[each.z], pixel_mm, CORD_COLOR)
        if not each.result.outcome.failed:
            mask, _ = runner.masks(each.result.outcome)
            draw_outline(marked, mask[each.z], pixel_mm, GM_COLOR)
        what = "failed" if each.result.outcome.failed else f"Dice {each.dice:.2f}"
        name = _plain(each.result.job.case.name)
        plain.set_title(f"{name}\nslice {each.native}, {each.rater}\n{what}", fontsize=7)
    figure.suptitle(
        f"{_plain(method)}: worst slices; blue: reference, orange: method", fontsize=10, y=0.98
    )
    return figure


def _plain(text: str) -> str:
    """Keep matplotlib from reading a name as mathematics."""
    return text.replace("$", r"\$")
