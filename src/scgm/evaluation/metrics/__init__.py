"""Agreement of a prediction with its reference: pure functions on arrays, distances in mm.

`evaluate_case` takes all scores of a case, `summarize` those of many cases; the functions of the
other modules are the single scores. Masks are (Z, Y, X) or (Y, X), spacing is in the same order.
"""

from scgm.evaluation.metrics.area import area_error_mm2, area_error_percent, area_mm2
from scgm.evaluation.metrics.calibration import (
    Reliability,
    boundary_band,
    brier,
    cord_region,
    expected_calibration_error,
    near_reference,
    reliability,
    soft_dice,
)
from scgm.evaluation.metrics.case import CaseScores, Mode, SliceScores, evaluate_case
from scgm.evaluation.metrics.definitions import METRICS, Metric
from scgm.evaluation.metrics.intensity import center_of, mse, paper_window, psnr_db
from scgm.evaluation.metrics.overlap import (
    Confusion,
    conformity,
    confusion,
    dice,
    jaccard,
    precision,
    sensitivity,
    specificity,
    volumetric_similarity,
)
from scgm.evaluation.metrics.skeleton import median_distance_mm, skeleton, skeleton_distances
from scgm.evaluation.metrics.summary import Statistic, Summary, summarize
from scgm.evaluation.metrics.surface import (
    Distances,
    assd_mm,
    boundary,
    boundary_distances,
    hausdorff95_mm,
    hausdorff_mm,
    mean_surface_distance_mm,
    surface_dice,
)

# Earlier spellings, kept for programs that use them.
summarise = summarize
centre_of = center_of

__all__ = [
    "METRICS",
    "CaseScores",
    "Confusion",
    "Distances",
    "Metric",
    "Mode",
    "Reliability",
    "SliceScores",
    "Statistic",
    "Summary",
    "area_error_mm2",
    "area_error_percent",
    "area_mm2",
    "assd_mm",
    "boundary",
    "boundary_band",
    "boundary_distances",
    "brier",
    "center_of",
    "centre_of",
    "conformity",
    "confusion",
    "cord_region",
    "dice",
    "evaluate_case",
    "expected_calibration_error",
    "hausdorff95_mm",
    "hausdorff_mm",
    "jaccard",
    "mean_surface_distance_mm",
    "median_distance_mm",
    "mse",
    "near_reference",
    "paper_window",
    "precision",
    "psnr_db",
    "reliability",
    "sensitivity",
    "skeleton",
    "skeleton_distances",
    "soft_dice",
    "specificity",
    "summarise",
    "summarize",
    "surface_dice",
    "volumetric_similarity",
]
