"""The published comparison of the SCGM challenge, to print beside one's own numbers.

Compared are the 40 test subjects with each of four raters' masks: mean (standard deviation) over
all comparisons. Shares are fractions here, also where the source has percent. Those images are
none of a user's: the columns show what was reached, not who is better.

References
----------
Perone C.S., Calabrese E., Cohen-Adad J. Scientific Reports 8, 5966 (2018), Table 4 (PMC5899127);
all but its last column are the values of Prados F. et al. NeuroImage 152, 312-329 (2017).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

SOURCE = "Perone et al. 2018 (DDC), Table 4, the others after Prados et al. 2017"
RATERS_AGREE = (
    "in the literature, a Dice of 0.826 (healthy subjects) and 0.835 (multiple sclerosis) at C2/C3 "
    "is called close to the variability between raters (Prados F. et al. Scientific Reports 6, "
    "36151, 2016; other images)"
)
METHODS = ("JCSCS", "DEEPSEG", "MGAC", "GSBME", "SCT", "VBEM", "DDC")


@dataclass(frozen=True, slots=True)
class PublishedScore:
    """Mean and standard deviation of one score of one method."""

    mean: float
    std: float


def _row(text: str, unit: float = 1.0) -> Mapping[str, PublishedScore]:
    numbers = [float(word) / unit for word in text.split()]
    scores = (PublishedScore(*pair) for pair in zip(numbers[::2], numbers[1::2], strict=True))
    return MappingProxyType(dict(zip(METHODS, scores, strict=True)))


_PERCENT = 100.0

# These scores have percent in the source, so two decimals more than the others as fractions.
IN_PERCENT = ("sensitivity", "specificity", "precision", "conformity")

# By the names of `scgm.evaluation.metrics.METRICS`; in each row mean and deviation in
# the order of METHODS.
PUBLISHED: Mapping[str, Mapping[str, PublishedScore]] = MappingProxyType(
    {
        "dice": _row("0.79 0.04 0.80 0.06 0.75 0.07 0.76 0.06 0.69 0.07 0.61 0.13 0.85 0.04"),
        "mean_surface_distance_mm": _row(
            "0.39 0.44 0.46 0.48 0.70 0.79 0.62 0.64 0.69 0.76 1.04 1.14 0.36 0.34"
        ),
        "hausdorff_mm": _row(
            "2.65 3.40 4.07 3.27 3.56 1.34 4.92 3.30 3.26 1.35 5.34 15.35 2.61 2.15"
        ),
        "skeleton_hausdorff_mm": _row(
            "1.00 0.35 1.26 0.65 1.07 0.37 1.86 0.85 1.12 0.41 2.77 8.10 0.85 0.32"
        ),
        "skeleton_median_mm": _row(
            "0.37 0.18 0.45 0.20 0.39 0.17 0.61 0.35 0.39 0.16 0.54 0.25 0.36 0.17"
        ),
        "sensitivity": _row(
            "77.98 4.88 78.89 10.33 87.51 6.65 75.69 8.08 70.29 6.76 65.66 14.39 94.97 3.50",
            _PERCENT,
        ),
        "specificity": _row(
            "99.98 0.03 99.97 0.04 99.94 0.08 99.97 0.05 99.95 0.06 99.93 0.09 99.95 0.06",
            _PERCENT,
        ),
        "precision": _row(
            "81.06 5.97 82.78 5.19 65.60 9.01 76.26 7.41 67.87 8.62 59.07 13.69 77.29 6.46",
            _PERCENT,
        ),
        "jaccard": _row("0.66 0.05 0.68 0.08 0.60 0.08 0.61 0.08 0.53 0.08 0.45 0.13 0.74 0.06"),
        "conformity": _row(
            "47.17 11.87 49.52 20.29 29.36 29.53 33.69 24.23 6.46 30.59 -44.25 90.61 64.24 10.83",
            _PERCENT,
        ),
    }
)
