"""Phantoms as scenes for the cord finder: whole cord, in vivo and ex vivo, and none at all."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from scgm.phantom.anatomy import draw_anatomy
from scgm.phantom.body import Body
from scgm.phantom.levels import SEGMENTS
from scgm.phantom.scene import Scene
from scgm.phantom.tissues import CONTRASTS, CORD_TISSUES, Tissue, signals
from scgm.synthesis.scenes import SCENE, SCENE_MM, Scenes
from scgm.training.data import join_scenes

EX_VIVO, WITHOUT_CORD = 0.2, 0.3  # shares of the phantoms
ANY_SIGNAL = 0.5  # share of the phantoms whose tissues have signals of no known contrast
POINTS = 2  # looked at per pixel and axis


def with_phantoms(scenes: Scenes, count: int, share: float, seed: int) -> Scenes:
    """Add ``count`` phantoms that make up ``share`` of the draws."""
    rng = np.random.default_rng(seed)
    drawn = [_phantom(rng) for _ in range(count)]
    image, cord = (torch.stack(part) for part in zip(*drawn, strict=True))
    total = float(scenes.weight.sum()) * share / (1 - share)
    weight = torch.full((count,), total / count)
    return join_scenes([scenes, Scenes(image, torch.ones_like(image), cord, weight)])


def _phantom(rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """One axial slice (192, 192) with mean 1, and its share of cord."""
    region = SEGMENTS[int(rng.integers(len(SEGMENTS)))]
    anatomy = draw_anatomy(rng, region, ex_vivo=bool(rng.random() < EX_VIVO))
    scene = Scene(anatomy, Body.draw(region, rng))
    labels = _labels(scene, cord=bool(rng.random() >= WITHOUT_CORD))
    image = _mean_of_points(_signals(rng)[labels])
    cord = _mean_of_points(np.isin(labels, CORD_TISSUES).astype(np.float32))
    return torch.from_numpy(image / max(float(image.mean()), 1e-6)), torch.from_numpy(cord)


def _labels(scene: Scene, *, cord: bool) -> NDArray[np.uint8]:
    size = SCENE * POINTS
    axis = ((np.arange(size) - (size - 1) / 2) * (SCENE_MM / POINTS)).astype(np.float32)
    y, x = np.meshgrid(axis, axis, indexing="ij")
    return scene.labels(x, y, 0.0, cord=cord)


def _signals(rng: np.random.Generator) -> NDArray[np.float32]:
    """Signal of every tissue: of a known contrast and varied, or any at all."""
    if rng.random() < ANY_SIGNAL:
        values = rng.uniform(0.0, 1.0, len(Tissue)) ** 1.5
        values[Tissue.AIR] = 0.05 * rng.random()
    else:
        values = signals(CONTRASTS[int(rng.integers(len(CONTRASTS)))]).astype(np.float64)
        values *= np.exp(rng.normal(0.0, 0.25, len(Tissue)))
    return values.astype(np.float32)


def _mean_of_points(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Average POINTS x POINTS points (2n, 2n) to pixels (n, n)."""
    size = len(values) // POINTS
    pixels: NDArray[np.float32] = values.reshape(size, POINTS, size, POINTS).mean(axis=(1, 3))
    return pixels
