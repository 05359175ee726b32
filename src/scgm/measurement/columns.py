"""The columns of the tables: name, unit, meaning. `docs/measurements.md` holds the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

# What becomes of a column where slices are put together.
# "axis" is the mean direction of lines, which are the same again after 180 degrees.
Together = Literal["same", "mean", "axis", "sum", "none"]


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table of measurements."""

    name: str
    unit: str
    meaning: str
    together: Together = "mean"


COLUMNS = (
    Column("file", "", "name of the image", "same"),
    Column("by", "", "what a row stands for: `slice`, `level`, `range` or `whole`", "same"),
    Column("slice", "", "number of the slice in the image, as a viewer shows it, from 0", "none"),
    Column("slice_is", "", "number of the slice from inferior to superior, from 0", "none"),
    Column("slices", "", "number of slices that the row is the mean of", "none"),
    Column("slices_left_out", "", "slices that are flagged or have no value, not used", "none"),
    Column("level", "", "level, as `C3`, or range of levels, as `C2:C5`", "same"),
    Column("level_kind", "", "`vertebral` or `spinal`: the two differ", "same"),
    Column(
        "level_from", "", "where the level is known from; `approximate` is no measurement", "same"
    ),
    Column("label", "", "`GM` gray matter, `WM` white matter, `SC` whole cord", "same"),
    Column("area_mm2", "mm²", "area of the mask across the cord (corrected for the angle)"),
    Column("area_sd_mm2", "mm²", "SD of that area over the slices of the row", "none"),
    Column("area_soft_mm2", "mm²", "the same by probability: half gray matter counts as half"),
    Column("area_uncorrected_mm2", "mm²", "area of the mask in the slice as it was acquired"),
    Column("volume_mm3", "mm³", "volume of the mask", "sum"),
    Column("angle_deg", "degrees", "angle between the cord and the normal of the slice"),
    Column("angle_ap_deg", "degrees", "its part about the antero-posterior axis"),
    Column("angle_rl_deg", "degrees", "its part about the right-left axis"),
    Column("diameter_ap_mm", "mm", "diameter from front to back, of the ellipse of same moments"),
    Column("diameter_rl_mm", "mm", "diameter from right to left, of the ellipse of same moments"),
    Column("extent_ap_mm", "mm", "length from front to back, from edge to edge"),
    Column("extent_rl_mm", "mm", "length from right to left, from edge to edge"),
    Column(
        "orientation_deg", "degrees", "long axis of the ellipse, from the right-left axis", "axis"
    ),
    Column("eccentricity", "0 to 1", "of that ellipse: 0 is a circle"),
    Column("solidity", "0 to 1", "area over area of the convex hull"),
    Column("axis_deg", "degrees", "rotation of the cord's own frame, which the parts are cut in"),
    Column("left_mm2", "mm²", "left half (the patient's left)"),
    Column("right_mm2", "mm²", "right half"),
    Column("anterior_mm2", "mm²", "anterior half"),
    Column("posterior_mm2", "mm²", "posterior half"),
    Column("anterior_left_mm2", "mm²", "anterior left quarter: of gray matter, the horn"),
    Column("anterior_right_mm2", "mm²", "anterior right quarter"),
    Column("posterior_left_mm2", "mm²", "posterior left quarter"),
    Column("posterior_right_mm2", "mm²", "posterior right quarter"),
    Column("asymmetry_percent", "%", "left less right half, of the mean of both"),
    Column("asymmetry_anterior_percent", "%", "the same of the anterior quarters"),
    Column("asymmetry_posterior_percent", "%", "the same of the posterior quarters"),
    Column("gm_cord_ratio", "0 to 1", "area of gray matter over area of the cord (row `GM`)"),
    Column("commissure_mm", "mm", "gray matter on the midline, from front to back (row `GM`)"),
    Column("mean", "of the image", "mean gray value"),
    Column("sd", "of the image", "SD of the gray values"),
    Column("contrast_percent", "%", "gray less white matter, of white matter (row `GM`)"),
    Column("cnr", "", "gray less white matter, over the root mean square of both SDs (row `GM`)"),
    Column("status", "", "`ok`, or what to look at before the numbers are used", "none"),
    Column("slice_mm", "mm", "distance between slices", "same"),
    Column("pixel_area_mm2", "mm²", "area of one pixel", "same"),
)
NAMES = tuple(column.name for column in COLUMNS)
_TEXTS = {"file", "by", "level", "level_kind", "level_from", "label", "status"}
_SCT_TEXTS = {"Timestamp", "SCT Version", "Filename", "Slice (I->S)", "VertLevel"}
_CHANGE_TEXTS = {
    "subject",
    "first",
    "second",
    "measure",
    "beyond_mdc",
    "mdc_of",
    "matched_by",
    "match",
}
_COUNTS = {"slice", "slice_is", "slices", "slices_left_out", "mdc_people"}
AVERAGED = tuple(column.name for column in COLUMNS if column.together == "mean")
AXES = tuple(column.name for column in COLUMNS if column.together == "axis")


def kind_of(name: str) -> Literal["text", "count", "number"]:
    """Return what a column holds, also where all its values are missing."""
    if name in _TEXTS | _SCT_TEXTS | _CHANGE_TEXTS:
        return "text"
    return "count" if name in _COUNTS else "number"
