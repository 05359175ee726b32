"""Time of all metrics: ``python -m experiments.metrics_speed`` prints a small table.

The limit: all metrics of 100 pairs of masks with 15 slices of 320 x 320 pixels take at most 60 s on
two cores; one process is measured. A metric alone includes what it needs (boundaries, skeletons,
the window); all of them together share that work, so the rows add up to more than the total.
"""

import sys
import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from scgm.evaluation import metrics

PAIRS = 100
SHAPE = (15, 320, 320)
SPACING = (5.0, 0.5, 0.5)
LIMIT_S = 60.0
SEED = 0
TOLERANCE_MM = 0.5

Mask = NDArray[np.bool_]
Metric = Callable[[Mask, Mask], object]


def horns(rng: np.random.Generator) -> Mask:
    """Make a mask like gray matter: two leaning ellipses and a bar between them, in each slice."""
    rows, columns = np.mgrid[: SHAPE[1], : SHAPE[2]].astype(float)
    mask = np.zeros(SHAPE, bool)
    middle = rng.uniform(120, 200, 2)
    for z in range(SHAPE[0]):
        row, column = middle + rng.normal(0, 0.7, 2)
        y, x = (rows - row) * SPACING[1], np.abs(columns - column) * SPACING[2]
        width, height = rng.uniform(1.0, 1.4), rng.uniform(4.0, 5.0)
        horn = ((x - 2.8 - 0.2 * y) / width) ** 2 + (y / height) ** 2 <= 1
        mask[z] = horn | ((x <= 2.8) & (np.abs(y) <= 0.7))
    return mask


def pairs(count: int) -> list[tuple[Mask, Mask]]:
    """Make references, and predictions that are shifted by one to three pixels."""
    references = [horns(np.random.default_rng([SEED, number])) for number in range(count)]
    return [(np.roll(true, 1 + n % 3, axis=2), true) for n, true in enumerate(references)]


def alone() -> dict[str, Metric]:
    """Return each metric of a slice, with all that it needs."""
    pixel = SPACING[1:]

    def border(found: Mask, true: Mask) -> metrics.Distances:
        return metrics.boundary_distances(found, true, pixel)

    def lines(found: Mask, true: Mask) -> metrics.Distances:
        return metrics.skeleton_distances(found, true, pixel)

    def window(found: Mask, true: Mask) -> float:
        centre = metrics.centre_of(true)
        return metrics.mse(*(metrics.paper_window(each, pixel, centre) for each in (found, true)))

    counted: tuple[Metric, ...] = (
        metrics.dice,
        metrics.jaccard,
        metrics.sensitivity,
        metrics.specificity,
        metrics.precision,
        metrics.conformity,
        metrics.volumetric_similarity,
        metrics.mse,
        metrics.area_error_percent,
        metrics.soft_dice,
        metrics.brier,
        metrics.expected_calibration_error,
    )
    return {
        **{metric.__name__: metric for metric in counted},
        "hausdorff_mm": lambda f, t: metrics.hausdorff_mm(border(f, t)),
        "hausdorff95_mm": lambda f, t: metrics.hausdorff95_mm(border(f, t)),
        "mean_surface_distance_mm": lambda f, t: metrics.mean_surface_distance_mm(border(f, t)),
        "assd_mm": lambda f, t: metrics.assd_mm(border(f, t)),
        "surface_dice": lambda f, t: metrics.surface_dice(border(f, t), TOLERANCE_MM),
        "skeleton_hausdorff_mm": lambda f, t: metrics.hausdorff_mm(lines(f, t)),
        "skeleton_median_mm": lambda f, t: metrics.median_distance_mm(lines(f, t)),
        "mse_window": window,
    }


def seconds_for_all(cases: list[tuple[Mask, Mask]], mode: metrics.Mode) -> float:
    """Time all metrics of all cases, soft map and cord included."""
    soft = [found.astype(np.float32) * 0.9 for found, _ in cases]
    start = time.perf_counter()
    for (found, true), probability in zip(cases, soft, strict=True):
        metrics.evaluate_case(found, true, SPACING, mode=mode, soft=probability, cord=true)
    return time.perf_counter() - start


def seconds_for_one(metric: Metric, cases: list[tuple[Mask, Mask]]) -> float:
    """Time one metric over all slices of a tenth of the cases, scaled to all."""
    some = cases[:: max(1, len(cases) // 10)]
    start = time.perf_counter()
    for found, true in some:
        for z in range(len(true)):
            metric(found[z], true[z])
    return (time.perf_counter() - start) * len(cases) / len(some)


def main() -> None:
    """Print the time of all metrics together and of each alone; say which is slowest."""
    cases = pairs(PAIRS)
    metrics.skeleton_distances(*cases[0], SPACING)  # loads what is imported late
    together = {mode: seconds_for_all(cases, mode) for mode in ("2d", "3d")}
    single = {name: seconds_for_one(metric, cases) for name, metric in alone().items()}
    ordered = sorted(single, key=lambda name: -single[name])
    lines = [f"| {PAIRS} pairs of {SHAPE[0]} x {SHAPE[1]} x {SHAPE[2]} | s |", "| --- | --- |"]
    for mode, seconds in together.items():
        met = "yes" if seconds <= LIMIT_S else "**no**"
        lines.append(f"| all, {mode} (at most {LIMIT_S:g} s: {met}) | {seconds:.1f} |")
    lines += [f"| {name}, alone | {single[name]:.2f} |" for name in ordered]
    lines.append(f"\nThe slowest is {ordered[0]}.")
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
