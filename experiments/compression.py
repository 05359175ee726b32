"""Simulated cord compression: ``python -m experiments.compression`` writes its table.

No public scan of a compressed cord has gray matter drawn on it. So the evidence images are
compressed: their pixels are made shorter from front to back and, by the root of that, wider. The
labels stay valid, and the model never saw the site.
"""

import sys
from dataclasses import replace

import numpy as np

from experiments.evidence import EVIDENCE, Case, fold_for, read_case, source_of
from experiments.markdown import table
from experiments.results_page import replace_section
from scgm.evaluation.metrics import dice
from scgm.segmenters.registry import load_model

DEPTHS = (1.0, 0.8, 0.65, 0.5)


def dice_compressed(case: Case, depth: float) -> float:
    """Mean 2D Dice with the image compressed to a share of its depth."""
    assert case.gm is not None
    slice_mm, row_mm, column_mm = case.stack.spacing_mm
    compressed = replace(case.stack, spacing_mm=(slice_mm, row_mm * depth, column_mm / depth**0.5))
    found = load_model(fold_for(case.source.site), device="cpu")(compressed).gm >= 0.5
    labeled = np.flatnonzero(case.gm.any(axis=(1, 2)))
    return float(np.mean([dice(found[z], case.gm[z]) for z in labeled]))


def compression() -> str:
    """Table of the images, one column for each depth."""
    cases = {name: read_case(source_of(image)) for name, image in EVIDENCE.items()}
    scores = {
        name: [dice_compressed(case, depth) for depth in DEPTHS] for name, case in cases.items()
    }
    scores["**mean**"] = list(np.mean(list(scores.values()), axis=0))
    rows = [(name, *(f"{value:.3f}" for value in values)) for name, values in scores.items()]
    header = ("image", "as it is", *(f"depth x {depth:g}" for depth in DEPTHS[1:]))
    return table(header, rows)


if __name__ == "__main__":
    content = compression()
    replace_section("compression", content)
    sys.stdout.write(f"{content}\n")
