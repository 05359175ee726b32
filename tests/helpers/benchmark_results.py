"""Results of a benchmark that was never run."""

from pathlib import Path

import numpy as np

from scgm.benchmark.plan import PlannedRun
from scgm.benchmark.runner import Outcome
from scgm.benchmark.scores import RunResult, ScoredResult, SliceArea
from scgm.datasets import DataCase, Reference
from scgm.evaluation.metrics import evaluate_case


def result(
    method: str,
    image: str = "scan",
    *,
    site: str = "here",
    subject: str = "subject",
    **outcome: object,
) -> RunResult:
    case = DataCase(image, Path(f"{image}.nii.gz"), site, subject, {"r1": Reference()})
    job = PlannedRun(
        label=method, method="default", model=None, case=case, threads=1, remark="", key=image
    )
    return RunResult(job, Outcome(key=image, **outcome))  # type: ignore[arg-type]


def comparison(found: RunResult, pixels: int = 1, rater: str = "r1") -> ScoredResult:
    """Compare a row of *pixels* with one of 2: Dice 2 * min / sum."""
    mask, true = np.zeros((1, 5, 5), bool), np.zeros((1, 5, 5), bool)
    mask[0, 2, :pixels] = True
    true[0, 2, :2] = True
    return ScoredResult(found, rater, evaluate_case(mask, true, (5, 1, 1)))


def area(found: RunResult, z: int, dice: float, found_mm2: float | None = 10.0) -> SliceArea:
    return SliceArea(
        result=found, rater="r1", z=z, native=z, dice=dice, found_mm2=found_mm2, reference_mm2=12.0
    )
