"""Whether what the user gives as the cord can be one, and agrees with what a network finds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scgm.errors import CordMaskError
from scgm.image.centroid import centroids
from scgm.image.orientation import AxialStack
from scgm.image.volume import Volume

# A cord has a cross-section of some 40 to 120 mm2, a swollen one more.
LARGEST_CORD_MM2 = 150.0
# No cord and no canal reaches this: it is background, a vertebra or a wide tube.
LARGEST_MASK_MM2 = 500.0
# A line has one voxel in a slice, a thick one nine.
LINE_VOXELS = 9
LINE_MM2 = 3.0

# Manual masks of the public images agree with the network by a Dice coefficient of 0.67 or more in
# every slice and 0.89 or more in the median slice; their centers lie within 1.6 mm, and within
# 0.5 mm in the median slice.
LEAST_DICE = 0.6
LEAST_MEDIAN_DICE = 0.8
MOST_DISTANCE_MM = 2.0
MOST_MEDIAN_DISTANCE_MM = 0.75
# One within the other by so much of its area.
INSIDE = 0.9
TIMES_SMALLER = 0.6
# A tube: round, and of the same area in every slice.
ROUND = 0.9
SAME_AREA = 0.03
SAME_DICE = 0.95


def require_a_cord(mask: NDArray[np.bool_], stack: AxialStack, volume: Volume) -> None:
    """Refuse a mask (Z, Y, X) that cannot be one of the cord.

    Raises
    ------
    CordMaskError
        If it is empty, a center line, or far larger than a cord.
    """
    problem = _impossible(mask, stack, float(volume.voxels.max()))
    if problem:
        msg = f"{volume.name}: {problem}"
        raise CordMaskError(msg)


def _impossible(mask: NDArray[np.bool_], stack: AxialStack, largest: float) -> str | None:
    voxels = mask.sum(axis=(1, 2))
    voxels = voxels[voxels > 0]
    if not voxels.size:
        return (
            f"no voxel of this mask of the cord reaches 0.5 (the largest value is {largest:.3g}); "
            "give a mask that is 1 in the cord"
        )
    usual = float(np.median(voxels))
    area = usual * stack.spacing_mm[1] * stack.spacing_mm[2]
    if usual <= 1 or (usual <= LINE_VOXELS and area <= LINE_MM2):
        return (
            f"this mask covers {area:.2g} mm2 of a slice: it is a center line, not a mask of the "
            "cord; give it with --centerline"
        )
    if area > LARGEST_MASK_MM2:
        inverted = usual > mask[0].size / 2
        kind = "it is inverted, 1 outside of the cord" if inverted else "no cord is so large"
        return (
            f"this mask covers {area:.0f} mm2 of a slice: {kind}; give a mask that is 1 in the "
            "cord (40 to 120 mm2) and 0 elsewhere"
        )
    return None


@dataclass(frozen=True, slots=True, eq=False)
class Agreement:
    """How a given mask of the cord compares with the network's cord, slice by slice.

    Attributes
    ----------
    area_mm2, found_mm2 : (Z,) float64
        Area of the given mask and of the network's.
    dice : (Z,) float64
        Dice coefficient of the two; NaN where one of them is empty.
    distance_mm : (Z,) float64
        Distance of their centers; NaN likewise.
    within : (Z,) float64
        Share of the smaller one that lies inside of the larger one.
    round_and_constant : bool
        Whether the given mask is round and of the same area in every slice.
    """

    area_mm2: NDArray[np.float64]
    found_mm2: NDArray[np.float64]
    dice: NDArray[np.float64]
    distance_mm: NDArray[np.float64]
    within: NDArray[np.float64]
    round_and_constant: bool

    @property
    def given(self) -> NDArray[np.bool_]:
        """Slices in which the given mask has a voxel."""
        return np.asarray(self.area_mm2 > 0)

    @property
    def compared(self) -> NDArray[np.bool_]:
        """Slices in which both have a voxel."""
        return np.isfinite(self.dice)

    def in_doubt(self) -> NDArray[np.bool_]:
        """Tell for each slice whether the given mask is hardly that of the cord."""
        doubt = self.area_mm2 > LARGEST_CORD_MM2
        doubt |= self.compared & ((self.dice < LEAST_DICE) | (self.distance_mm > MOST_DISTANCE_MM))
        everywhere = (
            self._is_cylinder
            or self._median(self.dice) < LEAST_MEDIAN_DICE
            or self._median(self.distance_mm) > MOST_MEDIAN_DISTANCE_MM
        )
        return np.asarray(self.given if everywhere else doubt)

    def record(self) -> dict[str, float | int | None]:
        """Return the medians over the slices that were compared, for the record of a result."""
        rounded = {
            "median_dice": round(self._median(self.dice), 3),
            "median_distance_mm": round(self._median(self.distance_mm), 2),
            "median_area_mm2": round(float(np.median(self.area_mm2[self.given])), 1),
            "median_found_mm2": round(self._median(self.found_mm2), 1),
        }
        values = {name: value if np.isfinite(value) else None for name, value in rounded.items()}
        return {**values, "slices": int(self.given.sum()), "compared": int(self.compared.sum())}

    def remarks(self) -> tuple[str, ...]:
        """Return what to tell the user; nothing where the two agree."""
        doubt = self.in_doubt()
        lines = []
        if doubt.any():
            lines.append(
                f"the mask of the cord is in doubt in {doubt.sum()} of {self.given.sum()} slices: "
                f"{self._kind(doubt)}"
            )
        alone = int((self.given & ~self.compared).sum())
        if alone:
            lines.append(
                f"the mask of the cord could not be checked in {alone} of {self.given.sum()} "
                "slices, where the model finds no cord"
            )
        return tuple(lines)

    def _kind(self, doubt: NDArray[np.bool_]) -> str:
        """Name what the mask looks like in the slices *doubt*."""
        area = float(np.median(self.area_mm2[doubt]))
        both = doubt & self.compared
        found, distance, dice, within = (
            float(np.median(values[both])) if both.any() else float("nan")
            for values in (self.found_mm2, self.distance_mm, self.dice, self.within)
        )
        agreement = (
            f"(its area is {area:.0f} mm2, that of the model's cord {found:.0f} mm2; Dice "
            f"{dice:.2f}, centers {distance:.1f} mm apart)"
        )
        if self._is_cylinder:
            return f"it is a cylinder, round and equal in all slices {agreement}"
        alike = min(area, found) > TIMES_SMALLER * max(area, found)
        if distance > MOST_MEDIAN_DISTANCE_MM and alike:
            return f"it is shifted against the cord of the image {agreement}"
        if area > LARGEST_CORD_MM2 or (found < TIMES_SMALLER * area and within > INSIDE):
            return f"it is larger than the cord, as a mask of the spinal canal is {agreement}"
        if area < TIMES_SMALLER * found and within > INSIDE:
            return f"it is smaller than the cord, as a mask of the gray matter is {agreement}"
        return f"it disagrees with the cord that the model finds {agreement}"

    @property
    def _is_cylinder(self) -> bool:
        """Whether it is round and constant, and the network's cord is not the same."""
        return self.round_and_constant and not self._median(self.dice) >= SAME_DICE

    def _median(self, values: NDArray[np.float64]) -> float:
        return float(np.median(values[self.compared])) if self.compared.any() else float("nan")


def compare(
    mask: NDArray[np.bool_], found: NDArray[np.bool_] | None, pixel_mm: tuple[float, float]
) -> Agreement:
    """Compare a given mask of the cord with the network's, both (Z, Y, X).

    *found* is None for a method that finds no cord; *pixel_mm* is height and width of a pixel.
    """
    found = np.zeros_like(mask) if found is None else found
    pixel_mm2 = pixel_mm[0] * pixel_mm[1]
    given_px, found_px, common = (
        area.sum(axis=(1, 2)).astype(np.float64) for area in (mask, found, mask & found)
    )
    both = (given_px > 0) & (found_px > 0)
    nan = np.full(len(mask), np.nan)
    apart = (centroids(mask) - centroids(found)) * np.array(pixel_mm)
    return Agreement(
        area_mm2=given_px * pixel_mm2,
        found_mm2=found_px * pixel_mm2,
        dice=np.divide(2 * common, given_px + found_px, out=nan.copy(), where=both),
        distance_mm=np.where(both, np.linalg.norm(apart, axis=1), np.nan),
        within=np.divide(common, np.minimum(given_px, found_px), out=nan.copy(), where=both),
        round_and_constant=_round_and_constant(mask, given_px, pixel_mm),
    )


def _round_and_constant(
    mask: NDArray[np.bool_], voxels: NDArray[np.float64], pixel_mm: tuple[float, float]
) -> bool:
    used = np.flatnonzero(voxels)
    if len(used) < 3 or voxels[used].std() > SAME_AREA * voxels[used].mean():
        return False
    return all(_is_disc(mask[z], pixel_mm) for z in used)


def _is_disc(pixels: NDArray[np.bool_], pixel_mm: tuple[float, float]) -> bool:
    """Tell whether a mask (Y, X) fills a circle around its center and little else."""
    places = np.argwhere(pixels) * np.array(pixel_mm)
    away = np.linalg.norm(places - places.mean(axis=0), axis=1)
    radius = np.sqrt(len(places) * pixel_mm[0] * pixel_mm[1] / np.pi)
    wide = np.ptp(places, axis=0) + np.array(pixel_mm)
    return bool((away <= radius).mean() > ROUND + 0.05 and wide.min() > ROUND * wide.max())
