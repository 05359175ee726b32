"""All scores of one case: a prediction, its reference, and one of two ways to count.

``2d`` (the primary way): every slice is scored by itself; the case's score is the mean over the
slices in which the *reference* has the structure. Slices that only the prediction marks are scored
and counted (`CaseScores.n_false`), but enter no mean, because most references leave slices out;
``dice_3d``, the Dice of the whole volume, stands beside the mean and falls with each of them.
If the reference has the structure nowhere, the slices that the prediction marks count instead; if
there are none either, two empty masks are compared.

``3d`` ("challenge-like"): the volume is scored once, with distances in space. What belongs to
slices stays so: skeletons are thinned and areas compared slice by slice, and the window lies around
the reference of each slice.

In both ways a distance that is infinite, because the structure was missed, is the diagonal of the
field of view (of the slice in 2D, of the volume in 3D): the worst there is, and a number.
Conformity has no worst value: it is -inf without a common pixel, and so is its mean.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypedDict

import numpy as np
from numpy.typing import NDArray

from scgm.errors import GeometryError
from scgm.evaluation.metrics import area, calibration, intensity, overlap, surface
from scgm.evaluation.metrics.arrays import Mask, as_masks, as_probabilities, as_spacing, same_shape
from scgm.evaluation.metrics.skeleton import median_distance_mm, skeleton_distances

Mode = Literal["2d", "3d"]
Values = dict[str, float]

DEFAULT_TOLERANCE_MM = 0.5

_OVERLAP = (
    overlap.dice,
    overlap.jaccard,
    overlap.sensitivity,
    overlap.specificity,
    overlap.precision,
    overlap.conformity,
    overlap.volumetric_similarity,
)
_PEAKS = (1, 255)


@dataclass(frozen=True, slots=True)
class SliceScores:
    """Scores of one slice that the reference or the prediction marks."""

    index: int
    in_reference: bool
    in_prediction: bool
    values: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseScores:
    """Scores of one case, and what they were taken of.

    Parameters
    ----------
    mode : "2d" or "3d"
        Mean over slices, or the volume at once.
    values : mapping of str to float
        Scores by the names of `scgm.evaluation.metrics.METRICS`; NaN where undefined.
    slices : tuple of SliceScores
        In 2D each slice that has the structure in one of the masks; none in 3D.
    n_slices : int
        Slices in which the reference has the structure.
    n_missed : int
        Those of them that the prediction leaves empty.
    n_false : int
        Slices in which only the prediction has it.
    n_outside : int
        Slices in which the reference has nothing: so many could be false.
    n_false_ok, n_false_flagged : int or None
        Those of the false slices whose status is ok, and those that were flagged; None where the
        status of the slices is not known.
    tolerance_mm : float
        Of the surface Dice.
    n_window, n_slice : int
        Number of pixels behind each ``mse_window`` and ``mse_slice``, of one slice.
    """

    mode: Mode
    values: Mapping[str, float]
    slices: tuple[SliceScores, ...]
    n_slices: int
    n_missed: int
    n_false: int
    tolerance_mm: float
    n_window: int
    n_slice: int
    n_outside: int = 0
    n_false_ok: int | None = None
    n_false_flagged: int | None = None

    @property
    def missed(self) -> bool:
        """Whether the reference has the structure and the prediction misses it in every slice."""
        return 0 < self.n_slices == self.n_missed


@dataclass(frozen=True, slots=True, eq=False)
class _Arrays:
    """What is compared, checked: the volume, or one slice of it."""

    predicted: Mask
    true: Mask
    found: NDArray[Any]  # the probability map, or the mask again
    region: Mask | None
    soft: bool

    def at(self, z: int) -> _Arrays:
        region = None if self.region is None else self.region[z]
        return _Arrays(self.predicted[z], self.true[z], self.found[z], region, self.soft)

    def region_near(self, pixel_mm: Sequence[float]) -> Mask:
        """Return where Brier score and calibration error look."""
        if self.region is not None:
            return self.region
        return calibration.near_reference(self.true, pixel_mm)


@dataclass(frozen=True, slots=True)
class _Pixels:
    """Distances between pixels, slice first, and the area of a pixel of a slice."""

    spacing: tuple[float, ...]
    area_mm2: float

    @property
    def in_plane(self) -> _Pixels:
        return _Pixels(self.spacing[-2:], self.area_mm2)


def evaluate_case(  # noqa: PLR0913  (six of them are by name only)
    prediction: NDArray[Any],
    reference: NDArray[Any],
    spacing_mm: Sequence[float],
    *,
    mode: Mode = "2d",
    soft: NDArray[Any] | None = None,
    cord: NDArray[Any] | None = None,
    tolerance_mm: float = DEFAULT_TOLERANCE_MM,
    pixel_area_mm2: float | None = None,
    ok: NDArray[np.bool_] | None = None,
) -> CaseScores:
    """Compare a mask with its reference, by every metric.

    Parameters
    ----------
    prediction, reference : (Z, Y, X) masks
        bool, or numbers that are 0 or 1; whole slices, because specificity and MSE depend on how
        much background they show.
    spacing_mm : (slice, row, column)
        Distance between slices, height and width of a pixel in mm.
    mode : "2d" or "3d"
        Mean over the slices of the reference, or the volume at once.
    soft : (Z, Y, X) array, optional
        Probabilities from 0 to 1 behind the prediction: adds soft Dice, Brier score and calibration
        error, and MSE and PSNR are of this map instead of the mask.
    cord : (Z, Y, X) mask, optional
        Brier score and calibration error look only at the cord, grown by 2 pixels; a slice without
        cord has none. By default at what lies within 3 mm of the reference.
    tolerance_mm : float
        Largest distance that the surface Dice calls near.
    pixel_area_mm2 : float, optional
        Area of a pixel; by default height times width, which is too large on a sheared grid.
    ok : (Z,) bool array, optional
        Slices that the prediction does not flag: splits the count of false slices.

    Returns
    -------
    CaseScores
        All scores, and over how many slices.

    Raises
    ------
    GeometryError
        If the shapes differ, are not 3D or hold no pixel, or the spacing does not fit.
    ValueError
        If a mask holds anything but 0 and 1, a probability is not from 0 to 1, or the mode is
        unknown.
    """
    if mode not in ("2d", "3d"):
        msg = f"the mode must be '2d' or '3d', not {mode!r}"
        raise ValueError(msg)
    arrays = _checked(prediction, reference, soft, cord)
    spacing = as_spacing(spacing_mm, 3)
    area_mm2 = spacing[1] * spacing[2] if pixel_area_mm2 is None else pixel_area_mm2
    pixels = _Pixels(spacing, area_mm2)
    if mode == "2d":
        slices = _scored_slices(arrays, pixels.in_plane, tolerance_mm)
        values = _mean_over_slices(slices) or _slice_scores(
            arrays.at(0), pixels.in_plane, tolerance_mm
        )
    else:
        slices = ()
        values = _volume_scores(arrays, pixels, tolerance_mm)
    values["dice_3d"] = overlap.dice(arrays.predicted, arrays.true)
    return CaseScores(
        mode=mode,
        values=values | _psnr(values),
        slices=slices,
        **_slice_counts(arrays, ok),
        tolerance_mm=tolerance_mm,
        n_window=intensity.WINDOW_PIXELS**2,
        n_slice=arrays.true[0].size,
    )


class _SliceCounts(TypedDict):
    n_slices: int
    n_missed: int
    n_false: int
    n_outside: int
    n_false_ok: int | None
    n_false_flagged: int | None


def _slice_counts(arrays: _Arrays, ok: NDArray[np.bool_] | None) -> _SliceCounts:
    """Count the slices of the reference, those that were missed, and those found outside it."""
    in_reference, in_prediction = _present(arrays.true), _present(arrays.predicted)
    false = in_prediction & ~in_reference
    if ok is not None:
        same_shape(ok, false)
    return {
        "n_slices": int(in_reference.sum()),
        "n_missed": int((in_reference & ~in_prediction).sum()),
        "n_false": int(false.sum()),
        "n_outside": int((~in_reference).sum()),
        "n_false_ok": None if ok is None else int((false & ok).sum()),
        "n_false_flagged": None if ok is None else int((false & ~ok).sum()),
    }


def _checked(
    prediction: NDArray[Any],
    reference: NDArray[Any],
    soft: NDArray[Any] | None,
    cord: NDArray[Any] | None,
) -> _Arrays:
    predicted, true = as_masks(prediction, reference)
    if true.ndim != 3 or not true.size:
        msg = f"a case is a volume (slices, rows, columns) with pixels, not {true.shape}"
        raise GeometryError(msg)
    if cord is not None:
        same_shape(cord, true)
    region = None if cord is None else calibration.cord_region(cord)
    found = predicted if soft is None else as_probabilities(soft, true)[0]
    return _Arrays(predicted, true, found, region, soft is not None)


def _present(mask: Mask) -> Mask:
    """Return which slices of a mask (Z, Y, X) have the structure."""
    return np.asarray(mask.any(axis=(1, 2)))


def _scored_slices(
    arrays: _Arrays, pixels: _Pixels, tolerance_mm: float
) -> tuple[SliceScores, ...]:
    """Score each slice that has the structure in one of the masks."""
    in_reference, in_prediction = _present(arrays.true), _present(arrays.predicted)
    return tuple(
        SliceScores(
            index=z,
            in_reference=bool(in_reference[z]),
            in_prediction=bool(in_prediction[z]),
            values=_slice_scores(arrays.at(z), pixels, tolerance_mm),
        )
        for z in np.flatnonzero(in_reference | in_prediction).tolist()
    )


def _mean_over_slices(slices: Sequence[SliceScores]) -> Values:
    """Return the means over the slices of the reference, or over all if it has none."""
    counted = [each.values for each in slices if each.in_reference]
    return _means(counted or [each.values for each in slices])


def _slice_scores(arrays: _Arrays, pixels: _Pixels, tolerance_mm: float) -> Values:
    """Score one slice: overlap, distances, intensity, areas."""
    return _shared_scores(arrays, pixels.spacing, tolerance_mm) | _in_plane_scores(arrays, pixels)


def _volume_scores(arrays: _Arrays, pixels: _Pixels, tolerance_mm: float) -> Values:
    """Score the volume at once, and as the mean over slices what belongs to slices."""
    present = _present(arrays.true if arrays.true.any() else arrays.predicted)
    counted = np.flatnonzero(present).tolist() or [0]
    by_slice = _means([_in_plane_scores(arrays.at(z), pixels.in_plane) for z in counted])
    return _shared_scores(arrays, pixels.spacing, tolerance_mm) | by_slice


def _shared_scores(arrays: _Arrays, spacing: tuple[float, ...], tolerance_mm: float) -> Values:
    """Score what has the same definition in a slice and in a volume."""
    predicted, true = arrays.predicted, arrays.true
    values = {metric.__name__: metric(predicted, true) for metric in _OVERLAP}
    border = surface.boundary_distances(predicted, true, spacing)
    lines = skeleton_distances(predicted, true, spacing)
    lengths = {
        "mean_surface_distance_mm": surface.mean_surface_distance_mm(border),
        "assd_mm": surface.assd_mm(border),
        "hausdorff_mm": surface.hausdorff_mm(border),
        "hausdorff95_mm": surface.hausdorff95_mm(border),
        "skeleton_hausdorff_mm": surface.hausdorff_mm(lines),
        "skeleton_median_mm": median_distance_mm(lines),
        "skeleton_median_with_zeros_mm": median_distance_mm(lines, with_zeros=True),
    }
    farthest = math.hypot(*np.multiply(true.shape, spacing).tolist())
    values |= {name: farthest if value == math.inf else value for name, value in lengths.items()}
    values["surface_dice"] = surface.surface_dice(border, tolerance_mm)
    values["mse_slice"] = intensity.mse(arrays.found, true)
    if arrays.soft:
        values |= _soft_scores(arrays, spacing[-2:])
    return values


def _soft_scores(arrays: _Arrays, pixel_mm: tuple[float, ...]) -> Values:
    """Score the probabilities; in the band around the outlines, the mask made of them, too."""
    soft, mask, true = arrays.found, arrays.predicted, arrays.true
    region = arrays.region_near(pixel_mm)
    band = calibration.boundary_band(soft, mask, true)
    return {
        "soft_dice": calibration.soft_dice(soft, true),
        "brier": calibration.brier(soft, true, region),
        "ece": calibration.expected_calibration_error(soft, true, region),
        "brier_band": calibration.brier(soft, true, band),
        "brier_band_mask": calibration.brier(mask, true, band),
        "ece_band": calibration.expected_calibration_error(soft, true, band),
        "ece_band_mask": calibration.expected_calibration_error(mask, true, band),
    }


def _in_plane_scores(arrays: _Arrays, pixels: _Pixels) -> Values:
    """Score what is defined in a slice only: areas, and the window around the reference."""
    error_px = area.area_error_mm2(arrays.predicted, arrays.true, (1, 1)).item()
    error_mm2 = error_px * pixels.area_mm2
    error_percent = area.area_error_percent(arrays.predicted, arrays.true).item()
    center = intensity.center_of(arrays.true)
    mse_window = math.nan
    if arrays.true.any():
        # Both as maps or both as masks, so that only what differs counts, not the interpolation.
        true = arrays.true.astype(arrays.found.dtype)
        windows = (
            intensity.paper_window(each, pixels.spacing, center) for each in (arrays.found, true)
        )
        mse_window = intensity.mse(*windows)
    return {
        "area_error_mm2": error_mm2,
        "area_error_abs_mm2": abs(error_mm2),
        "area_error_percent": error_percent,
        "area_error_abs_percent": abs(error_percent),
        "mse_window": mse_window,
    }


def _means(rows: Sequence[Mapping[str, float]]) -> Values:
    """Return the mean of each score over slices; NaN where it is defined in none."""
    names = rows[0] if rows else ()
    return {name: _mean(row[name] for row in rows) for name in names}


def _mean(values: Iterable[float]) -> float:
    defined = [value for value in values if not math.isnan(value)]
    return float(np.mean(defined)) if defined else math.nan


def _psnr(values: Values) -> Values:
    """Return the PSNR of the mean MSE, as published values were computed."""
    return {
        f"psnr_{where}_peak{peak}_db": (
            math.nan
            if math.isnan(values[f"mse_{where}"])
            else intensity.psnr_db(values[f"mse_{where}"], peak=peak)
        )
        for where in ("window", "slice")
        for peak in _PEAKS
    }
