"""Areas of two scans of one person: ``python -m experiments.scan_rescan`` writes its table.

Four people were scanned twice without getting up, so that slice z of both scans shows the same
place, on the same grid. Each model never saw the person's site.
"""

import sys
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

import scgm
from experiments.evidence import DATA, fold_for, source_of
from experiments.markdown import Row, table, verdict
from experiments.results_page import replace_section
from scgm import Segmentation
from scgm.errors import GeometryError

PEOPLE = ("sub-9418", "sub-9669", "sub-9709Ses1", "sub-10062Ses1")
LIMIT_PERCENT = 5.0
# Label and column of `scgm.segmentation.measurements.SliceMeasurement`.
MEASURED = (("GM", "area_mm2"), ("GM", "area_soft_mm2"), ("SC", "area_mm2"))
Values = NDArray[np.float64]


def scan_rescan() -> str:
    """Table of the differences: in each slice |second - first| / their mean, in percent."""
    rows, people = [], []
    for person in PEOPLE:
        first, second = (source_of(_image(person, run)) for run in (1, 2))
        model = fold_for(first.site)
        runs = [scgm.segment(DATA / str(scan.image), model=model) for scan in (first, second)]
        if not runs[0].volume.geometry.matches(runs[1].volume.geometry):
            msg = f"{person}: the two scans have different grids"
            raise GeometryError(msg)
        percent = [difference_percent(*(_areas(run, *what) for run in runs)) for what in MEASURED]
        people.append([*(np.abs(each).mean() for each in percent), percent[0].mean()])
        rows.append((person, first.site, str(len(percent[0])), *_cells(people[-1]), model.stem))
    rows.append(("**mean**", "", "", *_cells(np.mean(people, axis=0)), ""))
    areas = ("mask, %", f"<= {LIMIT_PERCENT:g}", "by probability, %", f"<= {LIMIT_PERCENT:g}")
    return table(("person", "site", "slices", *areas, "mask, signed, %", "cord, %", "model"), rows)


def difference_percent(first: Values, second: Values) -> Values:
    """Second less first in percent of their mean, for the slices in which both were found.

    Parameters
    ----------
    first, second
        Areas (Z,), NaN or zero where nothing was found.
    """
    both = (first > 0) & (second > 0)
    first, second = first[both], second[both]
    return np.asarray(200 * (second - first) / (first + second))


def _image(person: str, run: int) -> str:
    return f"gm-challenge/{person}/anat/{person}_run-{run}_T2starw.nii.gz"


def _areas(result: Segmentation, label: str, column: str) -> Values:
    """Areas of a label in mm2, slice by slice; NaN where it was not found."""
    values = [getattr(row, column) for row in result.measurements() if row.label == label]
    return np.array([np.nan if value is None else value for value in values], np.float64)


def _cells(means: Sequence[float] | Values) -> Row:
    mask, soft, cord, signed = (float(value) for value in means)
    met = (verdict(value <= LIMIT_PERCENT) for value in (mask, soft))
    return f"{mask:.1f}", next(met), f"{soft:.1f}", next(met), f"{signed:+.1f}", f"{cord:.1f}"


if __name__ == "__main__":
    content = scan_rescan()
    replace_section("scan-rescan", content)
    sys.stdout.write(f"{content}\n")
