"""MSE and PSNR beside published ones: ``python -m experiments.paper_error`` writes its table.

The paper gives both for windows of 200 x 200 pixels of 0.25 mm. Each model never saw the image's
site; what is compared is the probability of gray matter with the label.
"""

import sys

import numpy as np
from numpy.typing import NDArray

import scgm
from experiments.evidence import EVIDENCE, fold_for, read_case, source_of
from experiments.markdown import Row, table
from experiments.results_page import replace_section
from scgm.evaluation.metrics.intensity import center_of, mse, paper_window, psnr_db

PAPER_MSE = 0.000425  # published with a PSNR of 81.85 dB, which is that of a peak of 255


def paper_error() -> str:
    """Table of both, image by image; an image counts as much as another, however many slices."""
    rows: list[Row] = []
    means: list[NDArray[np.float64]] = []
    for name, image in EVIDENCE.items():
        case = read_case(source_of(image))
        assert case.gm is not None
        result = scgm.segment(case.path, model=fold_for(case.source.site))
        soft, spacing = result.axial_probability("gm"), case.stack.spacing_mm[1:]
        scores = []
        for z in np.flatnonzero(case.gm.any(axis=(1, 2))):
            middle = center_of(case.gm[z])
            # The label as a map of 0 and 1: interpolated like the probability, not cut again.
            label = paper_window(case.gm[z].astype(float), spacing, middle)
            found = paper_window(soft[z], spacing, middle)
            scores.append((mse(found, label), mse(np.zeros_like(label), label), label.mean()))
        means.append(np.mean(scores, axis=0))
        rows.append(_row(name, means[-1][0], f"{means[-1][2]:.2%}"))
    error, empty, covered = np.mean(means, axis=0)
    rows += [
        _row("**mean of the images**", error, f"{covered:.2%}"),
        _row("nothing marked at all, mean of the images", empty, f"{covered:.2%}"),
        _row("published, other images", PAPER_MSE, "-"),
    ]
    header = ("what", "MSE", "PSNR, peak 1, dB", "PSNR, peak 255, dB", "gray matter in the window")
    return table(header, rows)


def _row(name: str, error: float, share: str) -> Row:
    decibels = (f"{psnr_db(error, peak=peak):.2f}" for peak in (1, 255))
    return (name, f"{error:.6f}", *decibels, share)


if __name__ == "__main__":
    content = paper_error()
    replace_section("paper-error", content)
    sys.stdout.write(f"{content}\n")
