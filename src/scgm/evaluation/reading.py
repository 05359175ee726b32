"""Masks and probability maps from files, on the slices of one grid."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates

from scgm.errors import DataSetError, GeometryError, ImageReadError
from scgm.evaluation.metrics.arrays import Mask
from scgm.image.grid import on_grid_of
from scgm.image.orientation import AxialStack
from scgm.image.volume import Geometry, Volume
from scgm.io.read import read_labels

# A mask with a single label is taken as it is where it has one of these.
_USUAL_LABELS = (1, 255)

_ROUNDING_VOXELS = 1e-3

# What a table of measurements says of a slice that needs no look.
_NOT_FLAGGED = ("ok", "confidence not available")


@dataclass(frozen=True, slots=True, eq=False)
class Reader:
    """Reads masks onto the slices of the first reference."""

    stack: AxialStack
    grid_name: str
    threshold: float = 0.5
    label: int | None = None
    resample: bool = False
    warnings: list[str] = field(default_factory=list)

    def mask(self, path: Path) -> tuple[Mask, NDArray[np.float32] | None]:
        """Return a mask (Z, Y, X), and the probabilities that it was cut from, if any."""
        values = self._values(path)
        if _fractional(values):
            probabilities = _checked_probabilities(values, path)
            return probabilities >= self.threshold, probabilities
        labels = np.unique(values[values != 0]).astype(int).tolist()
        wanted = self.label
        if wanted is not None and (wanted in labels or len(labels) > 1):
            return values == wanted, None
        if len(labels) > 1 or (wanted is not None and not {*labels} <= {*_USUAL_LABELS}):
            msg = f"{path}: it holds the labels {_listed(labels)}; choose one with --label"
            raise ImageReadError(msg)
        if wanted is not None and labels:
            self.warnings.append(f"{path}: its only label, {labels[0]}, was taken for {wanted}")
        return values != 0, None

    def reference(self, path: Path) -> Mask:
        """Return a mask (Z, Y, X) to compare with; probabilities are cut, and that is said."""
        mask, probabilities = self.mask(path)
        if probabilities is not None:
            self.warnings.append(
                f"{path}: probabilities, cut at {self.threshold:g} to compare with"
            )
        return mask

    def probabilities(self, path: Path) -> NDArray[np.float32]:
        """Return a probability map (Z, Y, X)."""
        return _checked_probabilities(self._values(path), path)

    def _values(self, path: Path) -> NDArray[np.float32]:
        volume = read_labels(path)
        self.warnings.extend(f"{path}: {warning}" for warning in volume.warnings)
        try:
            voxels, notes = on_grid_of(self.stack.geometry, volume, self.grid_name)
        except GeometryError as error:
            if not self.resample:
                msg = f"{error}, or use --resample"
                raise GeometryError(msg) from error
            voxels, how = resampled(volume, self.stack.geometry)
            notes = (f"{path}: resampled to the grid of {self.grid_name} ({how})",)
        self.warnings.extend(notes)
        return np.ascontiguousarray(self.stack.axes.to_stack(voxels))


def read_ok_slices(path: Path, slices: int) -> NDArray[np.bool_]:
    """Read from ``NAME_measurements.csv`` which slices are not flagged, (Z,) from inferior.

    A slice has a row for each label, and the status of its gray matter counts: a method that finds
    no cord says so in the other rows. A table without labels has one row for each slice.

    Raises
    ------
    DataSetError
        If the file cannot be read, lacks the columns, or is not of so many slices.
    """
    try:
        text = path.read_text(encoding="utf-8")
        statuses = {
            int(row["slice_is"]): row["status"]
            for row in csv.DictReader(text.splitlines())
            if row.get("label", "GM") == "GM"
        }
    except (OSError, ValueError, KeyError, TypeError, csv.Error) as error:
        msg = (
            f"{path}: it cannot be read as a table with the columns slice_is and status; give the "
            "measurements that scgm segment wrote beside the prediction"
        )
        raise DataSetError(msg) from error
    if sorted(statuses) != list(range(slices)):
        msg = (
            f"{path}: it is of {len(statuses)} slices, and the reference has {slices}; give the "
            "measurements of this prediction"
        )
        raise DataSetError(msg)
    return np.array([statuses[z] in _NOT_FLAGGED for z in range(slices)])


def _fractional(values: NDArray[np.float32]) -> bool:
    return not np.array_equal(values, np.round(values))


def _checked_probabilities(values: NDArray[np.float32], path: Path) -> NDArray[np.float32]:
    lowest, highest = float(values.min()), float(values.max())
    if lowest < 0 or highest > 1:
        msg = (
            f"{path}: its values from {lowest:.4g} to {highest:.4g} are neither labels nor "
            "probabilities from 0 to 1; give a mask or a probability map"
        )
        raise ImageReadError(msg)
    return values


def _listed(labels: Sequence[int]) -> str:
    shown = ", ".join(str(label) for label in labels[:8])
    return f"{shown}, ..." if len(labels) > 8 else shown


def resampled(volume: Volume, grid: Geometry) -> tuple[NDArray[np.float32], str]:
    """Bring a volume to another grid.

    Parameters
    ----------
    volume : Volume
        Labels, which take the value of the nearest voxel, or fractions, interpolated linearly.
    grid : Geometry
        The grid to fill; what lies outside of the volume becomes 0.

    Returns
    -------
    values : (i, j, k) float32
        On the voxels of *grid*.
    how : str
        "nearest" or "linear".
    """
    linear = _fractional(volume.voxels)
    way = np.linalg.inv(volume.geometry.affine) @ grid.affine
    places = np.tensordot(way[:3, :3], np.indices(grid.shape, np.float64), 1)
    places += way[:3, 3].reshape(3, 1, 1, 1)
    # A place on the border between two voxels, but for rounding, goes to the same one everywhere.
    places = np.round(places, 6)
    last = np.reshape(volume.geometry.shape, (3, 1, 1, 1)) - 0.5 + _ROUNDING_VOXELS
    inside = ((places >= -0.5 - _ROUNDING_VOXELS) & (places <= last)).all(axis=0)
    values = map_coordinates(volume.voxels, places, order=int(linear), mode="nearest")
    return np.where(inside, values, np.float32(0)), "linear" if linear else "nearest"
