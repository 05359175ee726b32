"""Three readers of DICOM against the standard's own equation: `scgm`, dcm2niix and highdicom.

Usage: ``python -m experiments.dicom_readers``; it prints the table of ``docs/dicom.md``.

Every pixel has a number of its own. Where a reader says that this number lies is compared with
where the standard (PS3.3 C.7.6.2.1) puts the pixel: the largest distance in mm. A reader that makes
no volume "refuses"; one that makes several, or resamples, is told by the count of its voxels.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dcm2niix
import highdicom
import nibabel as nib
import numpy as np
import pydicom
from numpy.typing import NDArray

from experiments.markdown import table
from scgm.errors import ImageReadError
from scgm.io.read import ReadOptions, read_volume
from tests.helpers.dicom_files import (
    Slab,
    enhanced,
    ge,
    mosaic,
    philips,
    philips_enhanced,
    save,
    slices,
)

Volume = tuple[NDArray[Any], NDArray[Any]]  # values, affine to RAS mm
Made = list[Any]
ANGLE = 0.3
ORIENTATION = (np.cos(ANGLE), np.sin(ANGLE), 0, -np.sin(ANGLE), np.cos(ANGLE), 0)
_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


def numbered(count: int = 5) -> NDArray[np.uint16]:
    """Return pictures of 14 x 12 pixels, in which no two pixels have the same number."""
    numbers = np.arange(100, 100 + count * 14 * 12)
    return np.random.default_rng(0).permutation(numbers).reshape(count, 14, 12).astype(np.uint16)


STRAIGHT = Slab(numbered())
TURNED = Slab(numbered(), orientation=ORIENTATION)


def _without(made: Made, index: int) -> Made:
    return [one for number, one in enumerate(made) if number != index]


class Uneven(Slab):
    """A scan whose last slice lies 2.5 mm farther than the others let expect."""

    def position(self, k: int) -> NDArray[np.float64]:
        """Return the center of the first pixel of a slice."""
        more = 2.5 if k == len(self.pictures) - 1 else 0
        return np.asarray(super().position(k) + np.array((0, 0, more)))


CASES: dict[str, tuple[Slab, Callable[[Slab], Made]]] = {
    "one file for each slice": (TURNED, slices),
    "the same, from above": (Slab(numbered(), step=(0, 0, -4)), slices),
    "sagittal": (
        Slab(numbered(), orientation=(0, 1, 0, 0, 0, -1), step=(-4, 0, 0)),
        slices,
    ),
    "enhanced": (TURNED, lambda slab: [enhanced(slab)]),
    "Siemens mosaic": (TURNED, lambda slab: [mosaic(slab)]),
    "Siemens mosaic from above": (
        Slab(numbered(), orientation=ORIENTATION, step=(0, 0, -4)),
        lambda slab: [mosaic(slab)],
    ),
    "Philips": (TURNED, lambda slab: philips(slab, 2.5, 10, 0.004)),
    "Philips, enhanced": (TURNED, lambda slab: [philips_enhanced(slab, 0.004)]),
    "GE": (TURNED, ge),
    "slices shifted evenly (tilt)": (Slab(numbered(), step=(0, 1, 4)), slices),
    "a slice is missing": (STRAIGHT, lambda slab: _without(slices(slab), 2)),
    "uneven distances": (Uneven(numbered()), slices),
    "two echoes": (
        STRAIGHT,
        lambda slab: [*slices(slab, EchoTime=5), *slices(slab, 6, EchoTime=10, EchoNumbers=2)],
    ),
}


def by_scgm(folder: Path) -> list[Volume]:
    """Read with this package."""
    try:
        volume = read_volume(folder)
    except ImageReadError:
        volumes = (_echo(folder, number) for number in (0, 1))
        return [one for one in volumes if one is not None]
    return [(volume.voxels, volume.geometry.affine)]


def _echo(folder: Path, number: int) -> Volume | None:
    try:
        volume = read_volume(folder, ReadOptions(volume=number))
    except ImageReadError:
        return None
    return volume.voxels, volume.geometry.affine


def by_dcm2niix(folder: Path) -> list[Volume]:
    """Read what dcm2niix converts."""
    with tempfile.TemporaryDirectory() as out:
        command = [dcm2niix.bin, "-b", "n", "-f", "%s", "-o", out, str(folder)]
        subprocess.run(command, capture_output=True, check=False)
        return [
            (np.asarray(image.dataobj), image.affine)
            for file in sorted(Path(out).glob("*.nii"))
            for image in [nib.load(file)]
        ]


def by_highdicom(folder: Path) -> list[Volume]:
    """Read with highdicom as its manual says."""
    files = [pydicom.dcmread(file) for file in sorted(folder.iterdir())]
    try:
        if "NumberOfFrames" in files[0]:
            volume = highdicom.imread(next(folder.iterdir())).get_volume()
        else:
            volume = highdicom.get_volume_from_series(files)
    except Exception:
        return []
    return [(volume.array, _TO_RAS @ volume.affine)]


READERS = {"scgm": by_scgm, "dcm2niix": by_dcm2niix, "highdicom": by_highdicom}


def verdict(volumes: list[Volume], slab: Slab, files: int) -> str:
    """Say how far pixels lie from their places, at most."""
    if not volumes:
        return "refuses"
    several = f"{len(volumes)} volumes, " if len(volumes) > 1 else ""
    values, affine = volumes[0]
    if values.size not in (slab.pictures.size, files * 14 * 12):
        return f"{several}{values.size} voxels for {slab.pictures.size} pixels"
    if values.size != slab.pictures.size:
        return f"{several}as if it were whole"
    return f"{several}{farthest_mm(values, affine, slab):.3f} mm"


def farthest_mm(values: NDArray[Any], affine: NDArray[Any], slab: Slab) -> float:
    """Return how far a pixel lies from its place; all readers keep the order of the numbers."""
    voxels = np.argsort(values, axis=None, kind="stable")
    pixels = np.argsort(slab.pictures, axis=None, kind="stable")
    worst = 0.0
    for voxel, pixel in zip(voxels, pixels, strict=True):
        there = affine @ (*np.unravel_index(voxel, values.shape), 1)
        place = slab.place(*(int(i) for i in np.unravel_index(pixel, slab.pictures.shape)))
        worst = max(worst, float(np.linalg.norm(there[:3] - place)))
    return worst


def rows() -> Iterator[tuple[str, ...]]:
    """Yield a row for each case."""
    for name, (slab, make) in CASES.items():
        with tempfile.TemporaryDirectory() as folder:
            made = make(slab)
            scan = save(Path(folder) / "in", made)
            said = (verdict(read(scan), slab, len(made)) for read in READERS.values())
            yield (name, *said)


def main() -> None:
    """Print the table."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    print(table(("series", *READERS), rows()))


if __name__ == "__main__":
    main()
