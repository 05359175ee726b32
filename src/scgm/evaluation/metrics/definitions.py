"""The table of all scores: their names, units, and which way is better."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Better = Literal["high", "low", "zero"]


@dataclass(frozen=True, slots=True)
class Metric:
    """One score.

    Parameters
    ----------
    name : str
        Key in `CaseScores.values`; ends with the unit where it has one.
    title : str
        What a table calls it.
    unit : str
        "mm", "mm2", "%", "dB", or "" for a share (1 is all).
    better : "high", "low" or "zero"
        Which values are good.
    challenge : str
        Its code in the SCGM challenge, "" where it is none of the ten.
    """

    name: str
    title: str
    unit: str
    better: Better
    challenge: str = ""


METRICS: tuple[Metric, ...] = (
    Metric("dice", "Dice", "", "high", "DSC"),
    Metric("dice_3d", "Dice of the volume", "", "high"),
    Metric("mean_surface_distance_mm", "mean surface distance", "mm", "low", "MSD"),
    Metric("hausdorff_mm", "Hausdorff", "mm", "low", "HSD"),
    Metric("skeleton_hausdorff_mm", "skeleton Hausdorff", "mm", "low", "SHD"),
    Metric("skeleton_median_mm", "skeleton median", "mm", "low", "SMD"),
    Metric("sensitivity", "sensitivity", "", "high", "TPR"),
    Metric("specificity", "specificity", "", "high", "TNR"),
    Metric("precision", "precision", "", "high", "PPV"),
    Metric("jaccard", "Jaccard", "", "high", "JI"),
    Metric("conformity", "conformity", "", "high", "CC"),
    Metric("skeleton_median_with_zeros_mm", "skeleton median, zeros kept", "mm", "low"),
    Metric("hausdorff95_mm", "HD95", "mm", "low"),
    Metric("assd_mm", "ASSD", "mm", "low"),
    Metric("surface_dice", "surface Dice", "", "high"),
    Metric("volumetric_similarity", "volumetric similarity", "", "high"),
    Metric("area_error_mm2", "area error", "mm2", "zero"),
    Metric("area_error_abs_mm2", "absolute area error", "mm2", "low"),
    Metric("area_error_percent", "area error", "%", "zero"),
    Metric("area_error_abs_percent", "absolute area error", "%", "low"),
    Metric("mse_window", "MSE, window", "", "low"),
    Metric("psnr_window_peak1_db", "PSNR, window, peak 1", "dB", "high"),
    Metric("psnr_window_peak255_db", "PSNR, window, peak 255", "dB", "high"),
    Metric("mse_slice", "MSE, whole slice", "", "low"),
    Metric("psnr_slice_peak1_db", "PSNR, whole slice, peak 1", "dB", "high"),
    Metric("psnr_slice_peak255_db", "PSNR, whole slice, peak 255", "dB", "high"),
    Metric("soft_dice", "soft Dice", "", "high"),
    Metric("brier", "Brier score", "", "low"),
    Metric("ece", "calibration error", "", "low"),
    Metric("brier_band", "Brier score, boundary band", "", "low"),
    Metric("brier_band_mask", "Brier score of the mask, boundary band", "", "low"),
    Metric("ece_band", "calibration error, boundary band", "", "low"),
    Metric("ece_band_mask", "calibration error of the mask, boundary band", "", "low"),
)
