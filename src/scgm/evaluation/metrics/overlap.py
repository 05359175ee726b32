"""Scores that count pixels: the shares of them that two masks have in common.

All take ``(prediction, reference)``, two masks of the same shape in any number of dimensions (bool,
or numbers that are 0 or 1), and return a share from 0 to 1, where 1 is perfect; the conformity can
be negative. Published tables often show percent. Two empty masks give 1, an empty one and another
give 0 (conformity: -inf); `scgm.evaluation.metrics.arrays` has these rules.

The first seven are scores of the SCGM challenge (Prados et al., NeuroImage 152, 2017); true and
false positives and negatives (TP, FP, TN, FN) count the structure as positive.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scgm.evaluation.metrics.arrays import as_masks, share


@dataclass(frozen=True, slots=True)
class Confusion:
    """Numbers of pixels, by what the two masks say about them."""

    tp: int
    fp: int
    fn: int
    tn: int

    @property
    def both_empty(self) -> bool:
        """Whether neither mask has a pixel."""
        return self.tp + self.fp + self.fn == 0


def confusion(prediction: NDArray[Any], reference: NDArray[Any]) -> Confusion:
    """Count true and false positives and negatives.

    Raises
    ------
    GeometryError
        If the shapes differ.
    ValueError
        If a value is neither 0 nor 1.
    """
    predicted, true = as_masks(prediction, reference)
    tp = int(np.count_nonzero(predicted & true))
    fp = int(np.count_nonzero(predicted)) - tp
    fn = int(np.count_nonzero(true)) - tp
    return Confusion(tp, fp, fn, true.size - tp - fp - fn)


def dice(prediction: NDArray[Any], reference: NDArray[Any]) -> float:
    """Dice coefficient, 2 TP / (2 TP + FP + FN): the common share of the mean area.

    References
    ----------
    Dice, Ecology 26(3), 1945.
    """
    n = confusion(prediction, reference)
    return share(2 * n.tp, 2 * n.tp + n.fp + n.fn, both_empty=n.both_empty)


def jaccard(prediction: NDArray[Any], reference: NDArray[Any]) -> float:
    """Jaccard index, TP / (TP + FP + FN) = Dice / (2 - Dice).

    References
    ----------
    Jaccard, New Phytologist 11(2), 1912.
    """
    n = confusion(prediction, reference)
    return share(n.tp, n.tp + n.fp + n.fn, both_empty=n.both_empty)


def sensitivity(prediction: NDArray[Any], reference: NDArray[Any]) -> float:
    """Sensitivity (recall, true positive rate), TP / (TP + FN)."""
    n = confusion(prediction, reference)
    return share(n.tp, n.tp + n.fn, both_empty=n.both_empty)


def specificity(prediction: NDArray[Any], reference: NDArray[Any]) -> float:
    """Specificity (true negative rate), TN / (TN + FP): the sensitivity for the background.

    It depends on how much background the arrays show, so give whole slices, not crops: cropping
    lowers it. Where the reference has no background, it follows the rules for empty masks.
    """
    n = confusion(prediction, reference)
    return share(n.tn, n.tn + n.fp, both_empty=n.tn + n.fp + n.fn == 0)


def precision(prediction: NDArray[Any], reference: NDArray[Any]) -> float:
    """Precision (positive predictive value), TP / (TP + FP)."""
    n = confusion(prediction, reference)
    return share(n.tp, n.tp + n.fp, both_empty=n.both_empty)


def conformity(prediction: NDArray[Any], reference: NDArray[Any]) -> float:
    """Conformity, 1 - (FP + FN) / TP = (3 Dice - 2) / Dice.

    Negative where the Dice coefficient is below 2/3, -inf where the masks have no pixel in common
    (and 1 where both are empty). The challenge shows it in percent.

    References
    ----------
    Chang et al., NeuroImage 47(1), 2009.
    """
    n = confusion(prediction, reference)
    if n.tp == 0:
        return 1.0 if n.both_empty else -math.inf
    return 1 - (n.fp + n.fn) / n.tp


def volumetric_similarity(prediction: NDArray[Any], reference: NDArray[Any]) -> float:
    """Volumetric similarity, 1 - |V_p - V_r| / (V_p + V_r): compares sizes, wherever they are.

    References
    ----------
    Taha and Hanbury, BMC Medical Imaging 15:29, 2015.
    """
    n = confusion(prediction, reference)
    total = 2 * n.tp + n.fp + n.fn
    return share(total - abs(n.fp - n.fn), total, both_empty=n.both_empty)
