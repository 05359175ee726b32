"""Gray matter where there is none: ``python -m experiments.false_slices`` writes its table.

Every method on slices that show no cord: nerve roots below its end (a real scan, by models that
left its site out) and phantoms of the brain stem above it. Of the slices in which gray matter is
drawn, those that are not flagged are the worse.
"""

import sys
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

import scgm
from experiments.evidence import DATA, fold_for, source_of
from experiments.hard_cases import LUMBAR
from experiments.markdown import Row, table
from experiments.published import WEIGHTS
from experiments.results_page import replace_section
from experiments.side_by_side import METHODS as COMPARED
from scgm.errors import CordNotFoundError
from scgm.image.volume import Geometry, Volume
from scgm.io.read import read_volume
from scgm.phantom.brain import BrainSlice
from scgm.phantom.tissues import signals
from scgm.segmentation.status import SliceStatus
from scgm.segmenters.base import Segmenter
from scgm.segmenters.registry import METHODS, MethodSettings, open_method
from scgm.training.data.phantoms import mean_of_points, points_of_slice

SITE = "montreal"
PEOPLE, SLICES, SLICE_MM = 4, 5, 5.0
SIZE, PIXEL_MM = 240, 0.6
CONTRASTS, SNR = ("t2star", "mt"), 20.0
FIRST_SEED = 8900  # changed before each release
EVERY = 5  # of the slices of the real scan, which are 1 mm apart


def brain_stems(first_seed: int) -> list[Volume]:
    """Make scans of the brain stem, from just above the first cervical segment upward."""
    return [_brain_stem(first_seed, person) for person in range(PEOPLE)]


def _brain_stem(first_seed: int, person: int) -> Volume:
    rng = np.random.default_rng((first_seed, person))
    of_tissue = signals(CONTRASTS[person % len(CONTRASTS)])
    points, drawn, slices = points_of_slice(SIZE, PIXEL_MM), BrainSlice.draw(rng), []
    for height in np.linspace(0.1, 1, SLICES):
        pixels = mean_of_points(of_tissue[replace(drawn, height=float(height)).labels(*points)])
        noise = rng.normal(0, float(np.median(pixels[pixels > 0])) / SNR, (2, *pixels.shape))
        slices.append(np.hypot(pixels + noise[0], noise[1]))
    voxels = np.ascontiguousarray(np.stack(slices).T, np.float32)
    return Volume(voxels, Geometry(voxels.shape, np.diag([PIXEL_MM, PIXEL_MM, SLICE_MM, 1.0])))


def opened(method: str) -> Segmenter:
    """Open a method with models that have not learned from the site of the real scan."""
    learned = METHODS[method].learned
    model = None
    if learned == "published":
        model = DATA / WEIGHTS
    elif learned != "nothing":
        model = fold_for(SITE, method)
    cord_model = fold_for(SITE) if METHODS[method].needs_cord else None
    return open_method(method, MethodSettings(model=model, cord_model=cord_model, threads=1))


def drawn_in(segmenter: Segmenter, volume: Volume) -> NDArray[np.int_]:
    """Return 0 for a slice without gray matter, 1 for one that is flagged, 2 for one that is ok."""
    try:
        result = scgm.segment(volume, segmenter=segmenter)
    except CordNotFoundError:
        return np.zeros(volume.voxels.shape[2], int)
    drawn = np.asarray(result.axial_mask("gm").any(axis=(1, 2)))
    ok = np.array([status is SliceStatus.OK for status in result.status])
    counted: NDArray[np.int_] = drawn.astype(int) + (drawn & ok)
    return counted


def lumbar_scan() -> tuple[Volume, slice]:
    """Return some slices of the lumbar scan, and which of them show nerve roots alone."""
    volume = read_volume(DATA / LUMBAR)
    voxels = np.ascontiguousarray(volume.voxels[..., ::EVERY])
    affine = volume.geometry.affine @ np.diag([1.0, 1.0, EVERY, 1.0])
    first, last = source_of(LUMBAR).without_cord[0]
    roots = slice(-(-first // EVERY), last // EVERY + 1)
    return Volume(voxels, Geometry(voxels.shape, affine)), roots


def row_of(method: str, roots: slice, lumbar: Volume, brains: Sequence[Volume]) -> Row:
    """Count the slices of a method."""
    segmenter = opened(method)
    kinds = (
        drawn_in(segmenter, lumbar)[roots],
        np.concatenate([drawn_in(segmenter, brain) for brain in brains]),
    )
    counts = [f"{(kind == value).sum()} of {kind.size}" for kind in kinds for value in (2, 1)]
    return (method, *counts)


def main(methods: Sequence[str]) -> None:
    """Count, and put the table into the results page if all methods are in it."""
    (lumbar, roots), brains = lumbar_scan(), brain_stems(FIRST_SEED)
    header = ("method", "nerve roots, ok", "flagged", "brain stem, ok", "flagged")
    rows = []
    for method in methods or COMPARED:
        rows.append(row_of(method, roots, lumbar, brains))
        sys.stderr.write(f"{rows[-1]}\n")
    content = table(header, rows)
    if not methods:
        replace_section("false-slices", content)
    sys.stdout.write(f"{content}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
