"""Phantoms as training data: slices for the cord finder, some without a cord, and whole scans."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from scgm.phantom import Acquisition, draw_anatomy, make_phantom
from scgm.phantom.body import Body
from scgm.phantom.brain import BrainSlice
from scgm.phantom.levels import SEGMENTS
from scgm.phantom.scene import Scene
from scgm.phantom.tissues import CONTRASTS, CORD_TISSUES, Tissue, signals
from scgm.synthesis.scenes import SCENE, SCENE_MM, Scenes
from scgm.training.config.sources import Source
from scgm.training.data.examples import LabeledStack, join_scenes

# Shares of all phantoms: nerve roots below the end of the cord, the brain stem above it.
ROOTS_ALONE, BRAIN = 0.12, 0.1
PACKED = 0.6  # share of the slices of roots in which these lie as close as just below the cord
EX_VIVO, WITHOUT_CORD = 0.2, 0.3  # shares of the others
ANY_SIGNAL = 0.5  # share of the phantoms whose tissues have signals of no known contrast
LOWEST = SEGMENTS[-1]
PHANTOM = "phantom"  # the site of phantom scans
FIELD_MM, SLICES = 60.0, 8  # of a phantom scan
POINTS = 2  # looked at per pixel and axis


def with_phantoms(scenes: Scenes, phantoms: Scenes, share: float) -> Scenes:
    """Add phantoms, whose weights sum to 1, so that they make up ``share`` of the draws."""
    total = float(scenes.weight.sum()) * share / (1 - share)
    return join_scenes([scenes, replace(phantoms, weight=phantoms.weight * total)])


def phantom_scenes(count: int, seed: int, made: Callable[[], None] = lambda: None) -> Scenes:
    """Draw ``count`` phantoms, whose weights sum to 1; ``made`` is called after each."""
    rng = np.random.default_rng(seed)
    drawn = []
    for _ in range(count):
        drawn.append(_phantom(rng))
        made()
    images, cords, living = zip(*drawn, strict=True)
    image, weight = torch.stack(images), torch.full((count,), 1 / count)
    return Scenes(
        image, torch.ones_like(image), torch.stack(cords), weight, canal_known=torch.tensor(living)
    )


def phantom_stacks(count: int, seed: int) -> list[LabeledStack]:
    """Draw ``count`` phantom scans with their truth, of random anatomy, level and contrast."""
    rng = np.random.default_rng((seed, 1))
    return [_scan(rng, number) for number in range(count)]


def _scan(rng: np.random.Generator, number: int) -> LabeledStack:
    region = SEGMENTS[int(rng.integers(len(SEGMENTS)))]
    in_vivo = sorted(set(CONTRASTS) - {"exvivo"})
    pixel_mm = float(rng.uniform(0.3, 0.8))
    size = round(FIELD_MM / pixel_mm)
    acquisition = Acquisition(
        shape=(SLICES, size, size),
        spacing_mm=(float(rng.uniform(2.5, 6)), pixel_mm, pixel_mm),
        contrast=in_vivo[int(rng.integers(len(in_vivo)))],
        snr=float(rng.uniform(8, 40)),
    )
    phantom = make_phantom(draw_anatomy(rng, region), acquisition, seed=int(rng.integers(2**31)))
    parts = (phantom.volume.voxels, phantom.gm_fraction, phantom.cord_fraction)
    image, gm, cord = (torch.from_numpy(np.array(part.T)) for part in parts)
    source = Source(site=PHANTOM, subject=f"phantom-{number}", gm=Path("gm"), cord=(Path("cord"),))
    return LabeledStack(source, image, gm, cord, acquisition.spacing_mm)


def _phantom(rng: np.random.Generator) -> tuple[Tensor, Tensor, bool]:
    """One axial slice (192, 192) with mean 1, its share of cord, and whether it is in vivo."""
    kind = rng.random()
    ex_vivo = False
    if kind < BRAIN:
        labels = BrainSlice.draw(rng).labels(*points_of_slice())
    elif kind < BRAIN + ROOTS_ALONE:
        labels = _roots_alone(rng)
    else:
        region = SEGMENTS[int(rng.integers(len(SEGMENTS)))]
        ex_vivo = bool(rng.random() < EX_VIVO)
        anatomy = draw_anatomy(rng, region, ex_vivo=ex_vivo)
        scene = Scene(anatomy, Body.draw(region, rng))
        labels = scene.labels(*points_of_slice(), 0.0, cord=bool(rng.random() >= WITHOUT_CORD))
    image = mean_of_points(_signals(rng)[labels])
    shown = np.isin(labels, CORD_TISSUES) if kind >= BRAIN else np.zeros(labels.shape, bool)
    cord = mean_of_points(shown.astype(np.float32))
    image = image / max(float(image.mean()), 1e-6)
    return torch.from_numpy(image), torch.from_numpy(cord), not ex_vivo


def _roots_alone(rng: np.random.Generator) -> NDArray[np.uint8]:
    """Return a slice below the end of the cord."""
    anatomy = draw_anatomy(rng, LOWEST)
    scene = Scene(anatomy, Body.draw(LOWEST, rng))
    labels = scene.labels(*points_of_slice(), -float(rng.uniform(4, 120)), cord=True)
    if rng.random() < PACKED:
        pack_roots(labels, rng)
    return labels


def pack_roots(labels: NDArray[np.uint8], rng: np.random.Generator) -> None:
    """Turn the back of the sac of a slice (y, x) into roots, in place, with gaps of fluid.

    Just below the cord they form a mass with the shape of a half moon or a horseshoe, which looks
    much like a cord.
    """
    rows, columns = np.nonzero(np.isin(labels, (Tissue.CSF, Tissue.NERVE_ROOT)))
    if not len(rows):
        return
    up, across = (
        2 * (place - place.min()) / max(np.ptp(place), 1) - 1 for place in (rows, columns)
    )
    thickness, rise, gaps = rng.uniform((0.2, 0.0, 0.0), (1.1, 0.7, 0.4))
    mass = (up < thickness - 1 + rise * across**2) & (rng.random(len(rows)) >= gaps)
    labels[rows[mass], columns[mass]] = Tissue.NERVE_ROOT


def points_of_slice(
    pixels: int = SCENE, pixel_mm: float = SCENE_MM
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return x and y in mm of the points of a slice, POINTS x POINTS in each pixel."""
    size = pixels * POINTS
    axis = ((np.arange(size) - (size - 1) / 2) * (pixel_mm / POINTS)).astype(np.float32)
    y, x = np.meshgrid(axis, axis, indexing="ij")
    return x, y


def _signals(rng: np.random.Generator) -> NDArray[np.float32]:
    """Signal of every tissue: of a known contrast and varied, or any at all."""
    if rng.random() < ANY_SIGNAL:
        values = rng.uniform(0.0, 1.0, len(Tissue)) ** 1.5
        values[Tissue.AIR] = 0.05 * rng.random()
    else:
        values = signals(CONTRASTS[int(rng.integers(len(CONTRASTS)))]).astype(np.float64)
        values *= np.exp(rng.normal(0.0, 0.25, len(Tissue)))
    return values.astype(np.float32)


def mean_of_points(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Average POINTS x POINTS points (2n, 2n) to pixels (n, n)."""
    size = len(values) // POINTS
    pixels: NDArray[np.float32] = values.reshape(size, POINTS, size, POINTS).mean(axis=(1, 3))
    return pixels
