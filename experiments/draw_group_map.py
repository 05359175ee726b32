"""Draw a group map of gray matter in the space of a template, with the template's outlines.

python experiments/draw_group_map.py maps/group_gm_mean.nii.gz TEMPLATE_FOLDER map.png
"""

from __future__ import annotations

import argparse
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from numpy.typing import NDArray

from scgm.image.volume import Volume
from scgm.io.read import read_labels
from scgm.measurement.plane import plane_of
from scgm.registration.template import read_template

SHOWN = 6
AROUND = 12


def chosen(values: NDArray[np.float32]) -> list[int]:
    """Return slices that are spread over those with a map, from the head down."""
    there = np.flatnonzero(values.max(axis=(1, 2)) > 0.5)
    places = np.linspace(0, len(there) - 1, SHOWN + 2)[1:-1]
    return [int(there[round(place)]) for place in places][::-1]


def draw(mean: Volume, folder: Path, target: Path) -> None:
    """Draw the map."""
    template = read_template(folder)
    structures = template.structures
    values = structures.stack.axes.to_stack(mean.voxels)
    cord = structures.masks["SC"].any(axis=0)
    rows, columns = np.nonzero(cord)
    top, left = rows.min() - AROUND, columns.min() - AROUND
    box = np.s_[top : rows.max() + AROUND, left : columns.max() + AROUND]
    across, along = np.abs(np.diag(plane_of(structures.stack).pixel_to_mm))
    figure, axes = plt.subplots(1, SHOWN, figsize=(9.5, 1.75), layout="constrained")
    shown = None
    for axis, z in zip(axes, chosen(values), strict=True):
        shown = axis.imshow(values[z][box], origin="lower", cmap="magma", vmin=0, vmax=1)
        for label, color in (("GM", "cyan"), ("SC", "white")):
            soft = structures.probabilities.get(label, structures.masks[label])
            axis.contour(np.asarray(soft[z][box], float), [0.5], colors=color, linewidths=0.7)
        axis.set_aspect(along / across)
        level = template.levels.of_slice[z] if template.levels else None
        axis.set_title(level or f"slice {z}", fontsize=8)
        axis.axis("off")
    figure.colorbar(shown, ax=axes, label="share of people", shrink=0.9)
    figure.savefig(target, dpi=110)


if __name__ == "__main__":
    mpl.use("Agg")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("mean", type=Path)
    parser.add_argument("template", type=Path)
    parser.add_argument("output", type=Path)
    given = parser.parse_args()
    draw(read_labels(given.mean), given.template, given.output)
