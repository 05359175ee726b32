"""Several references for one image: raters, their consensus, and how far they agree.

Published tables of the SCGM challenge compare a prediction with each rater and take the mean of all
comparisons: `evaluate_each`. A consensus (`majority_vote`, `staple`) is one reference instead; it
hides that raters differ, which `evaluate_pairs` shows with the same metrics.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Any, Literal, TypedDict, Unpack

import numpy as np
from numpy.typing import NDArray

from scgm.errors import ScgmError, missing_library
from scgm.evaluation.metrics import CaseScores, Mode, evaluate_case
from scgm.evaluation.metrics.arrays import Mask, as_mask, same_shape

VoteRule = Literal["strict", "lenient"]

_STAPLE_ITERATIONS = 100


class CaseOptions(TypedDict, total=False):
    """What `scgm.evaluation.metrics.evaluate_case` takes by name."""

    mode: Mode
    soft: NDArray[Any] | None
    cord: NDArray[Any] | None
    tolerance_mm: float
    pixel_area_mm2: float | None
    ok: NDArray[np.bool_] | None


@dataclass(frozen=True, slots=True, eq=False)
class Vote:
    """A consensus by majority.

    Parameters
    ----------
    mask : bool array
        What enough raters marked.
    tie_share : float
        Share, of the pixels that any rater marked, that exactly half of the raters marked: there
        the rule decides, not the raters. Always 0 for an odd number of raters.
    """

    mask: Mask
    tie_share: float


@dataclass(frozen=True, slots=True, eq=False)
class Staple:
    """A consensus that weights each rater by estimated sensitivity and specificity.

    Parameters
    ----------
    probability : float64 array
        Probability of each pixel, given all raters.
    mask : bool array
        Where it is at least 0.5.
    sensitivity, specificity : tuple of float
        Estimated for each rater, in their order; NaN where all raters left (or marked) everything.
    """

    probability: NDArray[np.float64]
    mask: Mask
    sensitivity: tuple[float, ...]
    specificity: tuple[float, ...]


def majority_vote(references: Sequence[NDArray[Any]], *, rule: VoteRule = "strict") -> Vote:
    """Mark what most raters marked.

    Parameters
    ----------
    references : sequence of masks of one shape
        bool, or numbers that are 0 or 1; one for each rater.
    rule : "strict" or "lenient"
        What exactly half of the raters marked is left out (strict: of four raters at least three
        must agree) or taken in (lenient: at least two).

    Raises
    ------
    GeometryError
        If the shapes differ.
    ValueError
        If there is no reference, a value is neither 0 nor 1, or the rule is unknown.
    """
    if rule not in ("strict", "lenient"):
        msg = f"the rule must be 'strict' or 'lenient', not {rule!r}"
        raise ValueError(msg)
    masks = _stacked(references)
    votes = 2 * np.count_nonzero(masks, axis=0) - len(masks)
    marked = int(np.count_nonzero(masks.any(axis=0)))
    ties = int(np.count_nonzero(votes == 0))
    mask: Mask = votes >= (1 if rule == "strict" else 0)
    return Vote(mask, ties / marked if marked else 0.0)


def staple(references: Sequence[NDArray[Any]]) -> Staple:
    """Estimate the true mask, and how well each rater drew it, by STAPLE.

    It needs SimpleITK. The prior is the share of marked pixels in the whole array, so it depends on
    how much background the array shows: give whole volumes.

    Parameters
    ----------
    references : sequence of masks (Y, X) or (Z, Y, X) of one shape
        bool, or numbers that are 0 or 1; one for each rater.

    Raises
    ------
    ScgmError
        If SimpleITK is not installed.
    GeometryError
        If the shapes differ.
    ValueError
        If there is no reference, or a value is neither 0 nor 1.

    References
    ----------
    Warfield, Zou, Wells, IEEE TMI 23(7), 2004.
    """
    masks = _stacked(references)
    if (masks.any(axis=0) == masks.all(axis=0)).all() and masks[0].all() == masks[0].any():
        # Nothing, or everything, is marked by all: the estimate would be 0 / 0.
        unknown = (float("nan"),) * len(masks)
        return Staple(masks[0].astype(np.float64), masks[0], unknown, unknown)
    itk = _simpleitk()
    images = [itk.GetImageFromArray(mask.astype(np.uint8)) for mask in masks]
    estimate = itk.STAPLEImageFilter()
    estimate.SetForegroundValue(1)
    estimate.SetMaximumIterations(_STAPLE_ITERATIONS)
    probability = itk.GetArrayFromImage(estimate.Execute(images)).astype(np.float64)
    return Staple(
        probability,
        probability >= 0.5,
        tuple(estimate.GetSensitivity()),
        tuple(estimate.GetSpecificity()),
    )


def evaluate_each(
    prediction: NDArray[Any],
    references: Mapping[str, NDArray[Any]],
    spacing_mm: Sequence[float],
    **options: Unpack[CaseOptions],
) -> dict[str, CaseScores]:
    """Compare a prediction with each rater alone, as the published table does.

    Parameters
    ----------
    prediction : (Z, Y, X) mask
        What is scored.
    references : mapping of str to (Z, Y, X) mask
        Name and mask of each rater.
    spacing_mm : (slice, row, column)
        Distance between slices, height and width of a pixel in mm.
    **options
        As `scgm.evaluation.metrics.evaluate_case` takes them: mode, soft, cord, tolerance_mm.

    Returns
    -------
    dict of str to CaseScores
        One comparison for each rater; each counts as a case in `scgm.evaluation.metrics.summarize`.

    Raises
    ------
    GeometryError, ValueError
        As from `evaluate_case`.
    """
    return {
        name: evaluate_case(prediction, reference, spacing_mm, **options)
        for name, reference in references.items()
    }


def evaluate_pairs(
    references: Mapping[str, NDArray[Any]],
    spacing_mm: Sequence[float],
    **options: Unpack[CaseOptions],
) -> dict[tuple[str, str], CaseScores]:
    """Compare each rater with each other one: what a perfect method could reach.

    Every pair is scored both ways round, since sensitivity and precision, and in 2D the slices that
    count, depend on who is the reference.

    Parameters
    ----------
    references : mapping of str to (Z, Y, X) mask
        Name and mask of each rater.
    spacing_mm : (slice, row, column)
        Distance between slices, height and width of a pixel in mm.
    **options
        As `scgm.evaluation.metrics.evaluate_case` takes them: mode, tolerance_mm.

    Returns
    -------
    dict of (str, str) to CaseScores
        By the names of (the rater who is scored, the rater who is the reference).

    Raises
    ------
    GeometryError, ValueError
        As from `evaluate_case`.
    """
    return {
        (scored, other): evaluate_case(references[scored], references[other], spacing_mm, **options)
        for scored, other in permutations(references, 2)
    }


def _stacked(references: Sequence[NDArray[Any]]) -> Mask:
    """Return the masks of all raters as one array (raters, ...)."""
    if not len(references):
        msg = "a consensus needs at least one reference"
        raise ValueError(msg)
    for other in references[1:]:
        same_shape(other, references[0])
    return np.stack([as_mask(reference) for reference in references])


def _simpleitk() -> Any:
    try:
        import SimpleITK  # noqa: PLC0415  (large, and of use here alone)
    except ImportError as error:
        raise ScgmError(missing_library("STAPLE", "SimpleITK", "classical")) from error
    return SimpleITK
