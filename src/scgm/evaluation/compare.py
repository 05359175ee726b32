"""A prediction in a file against references in files."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from scgm.errors import UsageError
from scgm.evaluation.consensus import (
    CaseOptions,
    evaluate_each,
    evaluate_pairs,
    majority_vote,
    staple,
)
from scgm.evaluation.metrics import CaseScores, Mode
from scgm.evaluation.metrics.arrays import Mask
from scgm.evaluation.metrics.case import DEFAULT_TOLERANCE_MM
from scgm.evaluation.reading import Reader, read_ok_slices
from scgm.image.orientation import to_axial
from scgm.io.read import read_labels

Consensus = Literal["each", "majority", "lenient", "staple"]


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluateOptions:
    """How a prediction is compared with its references.

    Parameters
    ----------
    mode : "2d" or "3d"
        Mean over the slices of the reference, or the volume at once
        (`scgm.evaluation.metrics.case`).
    tolerance_mm : float
        Largest distance that the surface Dice calls near.
    threshold : float
        Probability from which on a pixel of a probability map counts.
    label : int, optional
        Which label to take of files that hold several.
    consensus : "each", "majority", "lenient" or "staple"
        Compare with each reference alone, or with one that is made of them: by majority without or
        with ties, or by STAPLE.
    resample : bool
        Bring files that lie on another grid to that of the first reference.
    soft, cord : Path, optional
        Probability map behind the prediction; mask of the cord, where calibration is looked at.
    measurements : Path, optional
        The table ``NAME_measurements.csv`` of the prediction: the status of gray matter splits the
        count of slices outside the reference in which something was found.
    """

    mode: Mode = "2d"
    tolerance_mm: float = DEFAULT_TOLERANCE_MM
    threshold: float = 0.5
    label: int | None = None
    consensus: Consensus = "each"
    resample: bool = False
    soft: Path | None = None
    cord: Path | None = None
    measurements: Path | None = None

    def __post_init__(self) -> None:
        if not (math.isfinite(self.tolerance_mm) and self.tolerance_mm >= 0):
            msg = f"the tolerance must be a distance in mm, at least 0, not {self.tolerance_mm}"
            raise UsageError(msg)
        if not 0 <= self.threshold <= 1:
            msg = f"the threshold must be a probability from 0 to 1, not {self.threshold}"
            raise UsageError(msg)


DEFAULT_OPTIONS = EvaluateOptions()


@dataclass(frozen=True, slots=True)
class FileComparison:
    """Scores of one file against another one, or against a consensus."""

    prediction: str
    reference: str
    scores: CaseScores


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """What came out for one prediction.

    Parameters
    ----------
    comparisons : tuple of FileComparison
        One for each reference, or one for their consensus.
    between_raters : tuple of FileComparison
        Each reference against each other one, both ways round.
    tie_share : float or None
        Of a majority: the share of marked pixels that exactly half of the raters marked.
    warnings : tuple of str
        What was odd about the files and what was done about it.
    """

    comparisons: tuple[FileComparison, ...]
    between_raters: tuple[FileComparison, ...]
    tie_share: float | None
    warnings: tuple[str, ...]


def evaluate(
    prediction: str | Path,
    references: str | Path | Sequence[str | Path],
    options: EvaluateOptions = DEFAULT_OPTIONS,
) -> Evaluation:
    """Score a mask or a probability map in a file against one or several references.

    Parameters
    ----------
    prediction : str or Path
        NIfTI file: a mask, labels, or probabilities, which add scores of calibration.
    references : str, Path, or sequence of them
        NIfTI files, one for each rater.
    options : scgm.evaluation.EvaluateOptions
        How they are compared: mode, tolerance in mm, threshold, label, consensus.

    Returns
    -------
    Evaluation
        All scores of each comparison: ``comparisons[0].scores.values["dice"]`` is the first Dice.

    Raises
    ------
    ImageReadError
        If a file cannot be read, or holds neither a mask nor probabilities.
    GeometryError
        If the grids differ and may not be resampled.
    UsageError
        If there is no reference, or the same one twice.
    DataSetError
        If the table of measurements is of other slices.
    """
    if isinstance(references, str | Path):
        references = [references]
    if not references:
        msg = "there is no reference to compare with; give at least one"
        raise UsageError(msg)
    paths = [Path(path) for path in references]
    if len({path.resolve() for path in paths}) < len(paths):
        msg = "the same file is given as a reference twice; each rater counts once"
        raise UsageError(msg)
    first = read_labels(paths[0])
    reader = Reader(
        stack=to_axial(first),
        grid_name=first.name,
        threshold=options.threshold,
        label=options.label,
        resample=options.resample,
    )
    masks = {str(path): reader.reference(path) for path in paths}
    found, probability = reader.mask(Path(prediction))
    if options.soft is not None:
        probability = reader.probabilities(options.soft)
    cord = None if options.cord is None else reader.mask(options.cord)[0]
    scoring = CaseOptions(
        mode=options.mode,
        tolerance_mm=options.tolerance_mm,
        pixel_area_mm2=reader.stack.pixel_area_mm2,
    )
    spacing = reader.stack.spacing_mm
    pairs = evaluate_pairs(masks, spacing, **scoring)
    against, tie_share = _consensus(masks, options.consensus)
    table = options.measurements
    ok = None if table is None else read_ok_slices(table, len(reader.stack.slices))
    scoring |= {"soft": probability, "cord": cord, "ok": ok}
    scores = evaluate_each(found, against, spacing, **scoring)
    return Evaluation(
        comparisons=tuple(FileComparison(str(prediction), *item) for item in scores.items()),
        between_raters=tuple(FileComparison(*names, case) for names, case in pairs.items()),
        tie_share=tie_share,
        warnings=tuple(reader.warnings),
    )


def _consensus(masks: dict[str, Mask], how: Consensus) -> tuple[dict[str, Mask], float | None]:
    """Return what to compare with, by name, and the share of ties of a majority."""
    if how == "each":
        return masks, None
    if how == "staple":
        return {f"STAPLE of {len(masks)}": staple(list(masks.values())).mask}, None
    vote = majority_vote(list(masks.values()), rule="strict" if how == "majority" else "lenient")
    return {f"{how} of {len(masks)}": vote.mask}, vote.tie_share
