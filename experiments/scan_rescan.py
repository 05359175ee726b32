"""Areas of two scans of one person: ``python -m experiments.scan_rescan`` writes its tables.

Four people were scanned twice without getting up, so that slice z of both scans shows the same
place, on the same grid. Each model never saw the person's site. It also writes the minimal
detectable change, which `scgm measure --longitudinal` shows, into the package.
"""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

import scgm
from experiments.evidence import DATA, fold_for, source_of
from experiments.markdown import Row, table, verdict
from experiments.results_page import replace_section
from scgm import Segmentation
from scgm.errors import GeometryError
from scgm.io.atomic import write_json
from scgm.measurement.options import MeasureOptions
from scgm.measurement.profile import Profile, profile_of
from scgm.measurement.profile_match import SURE_MM, match_profiles
from scgm.measurement.repeatability import (
    CONSTANTS,
    Over,
    detectable_change,
    error_of_measurement,
)
from scgm.segmentation.structures import structures_of

PEOPLE = ("sub-9418", "sub-9669", "sub-9709Ses1", "sub-10062Ses1")
# The most that two scans may differ: slice by slice, and between the means over each scan.
LIMIT_MASK, LIMIT_SOFT, LIMIT_MEAN = 5.5, 4.0, 2.5
# Label and column of `scgm.segmentation.measurements.SliceMeasurement`.
MEASURED = (("GM", "area_mm2"), ("GM", "area_soft_mm2"), ("SC", "area_mm2"))
Values = NDArray[np.float64]


# The levels of these people are not known: their average length in the neck stands for one.
LEVEL_MM = 17.0
MATCHED_SHARES = (1.0, 0.8, 0.6, 0.4, 0.3)
CONDITIONS = (
    "4 healthy people, each scanned twice in one session without getting up, with the same scanner "
    "and protocol (T2*-weighted), segmented by models that never saw the site"
)
LABELS = ("GM", "WM", "SC")
COLUMNS = ("area_mm2", "area_soft_mm2")


@dataclass(frozen=True)
class Pair:
    """One person, scanned twice: the results and what is known of them."""

    person: str
    site: str
    model: str
    results: tuple[Segmentation, Segmentation]

    @property
    def profiles(self) -> tuple[Profile, Profile]:
        """Areas along the cord, corrected for the angle, as `scgm measure` has them."""
        first, second = (structures_of(result) for result in self.results)
        options = MeasureOptions()
        return profile_of(first, None, options), profile_of(second, None, options)


def pairs() -> list[Pair]:
    """Segment both scans of everybody."""
    return [_pair(person) for person in PEOPLE]


def _pair(person: str) -> Pair:
    scans = [source_of(_image(person, run)) for run in (1, 2)]
    model = fold_for(scans[0].site)
    first, second = (scgm.segment(DATA / str(scan.image), model=model) for scan in scans)
    if not first.volume.geometry.matches(second.volume.geometry):
        msg = f"{person}: the two scans have different grids"
        raise GeometryError(msg)
    return Pair(person, scans[0].site, model.stem, (first, second))


def difference_table(people: Sequence[Pair]) -> str:
    """Table of the differences |second - first| / their mean, in percent.

    Of each slice, averaged; and of the means over the slices of each scan.
    """
    rows, means = [], []
    for pair in people:
        areas = [[_areas(run, *what) for run in pair.results] for what in MEASURED]
        by_slice = [difference_percent(*each) for each in areas]
        of_means = [difference_of_means_percent(*each) for each in areas[:2]]
        means.append([np.abs(each).mean() for each in by_slice] + [abs(each) for each in of_means])
        signed = f"{by_slice[0].mean():+.1f}"
        count = str(len(by_slice[0]))
        rows.append((pair.person, pair.site, count, *_cells(means[-1]), signed, pair.model))
    rows.append(("**mean**", "", "", *_cells(np.mean(means, axis=0)), "", ""))
    limits = [f"<= {limit:g}" for limit in (LIMIT_MASK, LIMIT_SOFT, LIMIT_MEAN, LIMIT_MEAN)]
    head = ("mask, %", "by probability, %", "scan, mask, %", "scan, by probability, %")
    columns = [name for pair in zip(head, limits, strict=True) for name in pair]
    return table(
        ("person", "site", "slices", *columns, "cord, %", "mask, signed, %", "model"), rows
    )


def detectable(
    profiles: Sequence[tuple[Profile, Profile]],
) -> dict[str, dict[str, dict[str, float]]]:
    """Return the minimal detectable change in percent, by what it is the mean over."""
    return {
        str(over): {
            label: {
                column: round(
                    detectable_change(
                        error_of_measurement(
                            _differences(pair, (label, column), over) for pair in profiles
                        )
                    ),
                    2,
                )
                for column in COLUMNS
            }
            for label in LABELS
        }
        for over in Over
    }


def detectable_table(found: dict[str, dict[str, dict[str, float]]]) -> str:
    """Table of the minimal detectable change."""
    head = ("area of", "counted by", *(f"{over}, %" for over in found))
    words = {"area_mm2": "mask", "area_soft_mm2": "probability"}
    rows = [
        (label, words[column], *(f"{found[over][label][column]:.1f}" for over in found))
        for label in LABELS
        for column in COLUMNS
    ]
    return table(head, rows)


def match_table(profiles: Sequence[tuple[Profile, Profile]]) -> str:
    """Table of how well a part of the second scan is matched to the first without levels."""
    head = (
        *("part of the second scan", "trials", "within 5 mm", "sure"),
        *("sure, within 5 mm", "sure, at most off, mm"),
    )
    rows = []
    for share in MATCHED_SHARES:
        found = [one for pair in profiles for one in _trials(*pair, share)]
        sure = [off for off, is_sure in found if is_sure]
        near, sure_near = (
            sum(off <= SURE_MM for off in of) for of in ([o for o, _ in found], sure)
        )
        numbers = (len(found), near, len(sure), sure_near)
        rows.append((f"{share:.0%}", *map(str, numbers), f"{max(sure, default=0):.1f}"))
    return table(head, rows)


def _trials(first: Profile, second: Profile, share: float) -> Iterator[tuple[float, bool]]:
    """Yield how far off the match of each part of the second scan is, and whether it is sure."""
    count = len(second.positions_mm)
    length = round(count * share)
    for begin in range(count - length + 1):
        try:
            found = match_profiles(first, second.part(begin, begin + length))
        except GeometryError:
            yield float("inf"), False
        else:
            yield abs(found.shift_mm - float(second.positions_mm[begin])), found.sure


def _differences(pair: tuple[Profile, Profile], what: tuple[str, str], over: Over) -> Values:
    """Second less first in percent of their mean: by slice, by section, or once."""
    first, second = (profile.areas[what] for profile in pair)
    both = (first > 0) & (second > 0)
    place = {
        Over.SLICE: np.arange(len(first)),
        Over.LEVEL: (pair[0].positions_mm // LEVEL_MM).astype(int),
        Over.SCAN: np.zeros(len(first), int),
    }[over]
    means = list(_means(first[both], second[both], place[both]))
    return difference_percent(*np.array(means).T)


def _means(first: Values, second: Values, place: NDArray[np.int_]) -> Iterator[tuple[float, float]]:
    for one in np.unique(place):
        yield float(first[place == one].mean()), float(second[place == one].mean())


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


def difference_of_means_percent(first: Values, second: Values) -> float:
    """Mean of the second less that of the first, of the slices found in both, in percent."""
    both = (first > 0) & (second > 0)
    mean = difference_percent(*(each[both].mean(keepdims=True) for each in (first, second)))
    return float(mean[0])


def _image(person: str, run: int) -> str:
    return f"gm-challenge/{person}/anat/{person}_run-{run}_T2starw.nii.gz"


def _areas(result: Segmentation, label: str, column: str) -> Values:
    """Areas of a label in mm2, slice by slice; NaN where it was not found."""
    values = [getattr(row, column) for row in result.measurements() if row.label == label]
    return np.array([np.nan if value is None else value for value in values], np.float64)


def _cells(means: Sequence[float] | Values) -> Row:
    mask, soft, cord, scan_mask, scan_soft = (float(value) for value in means)
    judged = (
        (mask, LIMIT_MASK),
        (soft, LIMIT_SOFT),
        (scan_mask, LIMIT_MEAN),
        (scan_soft, LIMIT_MEAN),
    )
    cells = [(f"{value:.1f}", verdict(value <= limit)) for value, limit in judged]
    return (*(text for pair in cells for text in pair), f"{cord:.1f}")


def main() -> None:
    """Measure, write the section and the constants."""
    people = pairs()
    profiles = [pair.profiles for pair in people]
    found = detectable(profiles)
    content = "\n\n".join(
        (
            difference_table(people),
            "Minimal detectable change (1.96 * sqrt(2) * SEM), in percent of the area, "
            f"over a slice, a section of {LEVEL_MM:g} mm and a scan ({len(people)} people):",
            detectable_table(found),
            "Match along the cord without levels, of every part of the second scan to the first:",
            match_table(profiles),
        )
    )
    write_json(
        CONSTANTS,
        {
            "people": len(people),
            "command": "python -m experiments.scan_rescan",
            "conditions": CONDITIONS,
            "mdc_percent": found,
        },
    )
    replace_section("scan-rescan", content)
    sys.stdout.write(f"{content}\n")


if __name__ == "__main__":
    main()
