"""Changes of the spinal canal in scenes for the cord finder: no cord, or fluid that is like it.

Nearly all real slices show a cord. Without scans whose cord is taken out a finder learns that what
looks like a scan has one, and that only what looks painted may have none.
"""

import torch
from torch import Tensor
from torch.nn import functional

from scgm.networks.resampling import centroids
from scgm.synthesis.draw import Draw

# Shares of cord: a pixel shows some from the first on, and nothing else from the second on.
SHOWN, FULL = 0.1, 0.9
# Pixels around the cord that are replaced, with half of the next; where the fluid is looked for.
BESIDE_PX, FLUID_PX = 1, 3
# Fluid is the bright part of the ring around a cord, or the dark part where nothing is bright.
DARK, BRIGHT, AS_BRIGHT = 0.1, 0.85, 0.9
# By which share fluid and cord must differ, and fluid and roots.
DISTINCT = 0.2
FADED_PX = 5  # how far around the cord fluid fades


def take_cord_out(image: Tensor, cord: Tensor, draw: Draw) -> tuple[Tensor, Tensor]:
    """Fill the place of the cord (n, y, x) with fluid and nerve roots.

    ``image`` is not negative, ``cord`` is the share of cord in a pixel; rows run from back to
    front. Also tells where (n,) that was done: an image whose fluid is like its cord would look the
    same afterwards, and is returned as it is.
    """
    count, size, _ = image.shape
    shown = (cord > SHOWN).to(image)
    hole = _grown(shown, BESIDE_PX)
    inner = _mean_of_cord(image, cord)
    fluid, bright = _fluid(image, _grown(shown, FLUID_PX) > hole, inner)
    distinct = (fluid - inner).abs() > DISTINCT * torch.maximum(fluid, inner)
    fluid = fluid * draw.log_uniform(0.85, 1.15, count, 1, 1)
    noise = draw.uniform(0.0, 0.12, count, 1, 1) * draw.normal(count, size, size)
    darker, brighter = draw.uniform(0.5, 1.05, count, 1, 1), draw.uniform(0.9, 1.2, count, 1, 1)
    root = torch.where(
        bright,
        torch.minimum(inner * darker, (1 - DISTINCT) * fluid),
        torch.maximum(inner * brighter, fluid / (1 - DISTINCT)),
    )
    filled = fluid * (1 + noise)
    filled = filled + _roots(hole, draw) * (root - filled)
    soft = torch.maximum(_smoothed(hole), shown)
    without = (image + soft * (filled - image)).clamp(min=0)
    return torch.where(distinct, without, image), distinct.flatten()


def fade_fluid(image: Tensor, cord: Tensor, draw: Draw) -> Tensor:
    """Bring bright fluid around the cord (n, y, x) close to the signal of the cord, or to it."""
    count = image.shape[0]
    shown = (cord > SHOWN).to(image)
    inner = _mean_of_cord(image, cord)
    beside = (_grown(shown, FADED_PX) > 0) & (cord < FULL)
    fluid = beside & (image > inner)
    left = draw.uniform(0.0, 0.4, count, 1, 1)
    return torch.where(fluid, inner + left * (image - inner), image)


def _mean_of_cord(image: Tensor, cord: Tensor) -> Tensor:
    total = cord.sum(dim=(1, 2), keepdim=True).clamp(min=1e-6)
    return (image * cord).sum(dim=(1, 2), keepdim=True) / total


def _fluid(image: Tensor, ring: Tensor, inner: Tensor) -> tuple[Tensor, Tensor]:
    """Return the signal (n, 1, 1) of the fluid around a cord of signal ``inner``; if it is bright.

    Where there is no ring, the signal is that of the cord.
    """
    around = torch.where(ring, image, torch.nan).flatten(1)
    limits = torch.tensor([DARK, BRIGHT], device=image.device)
    low, high = torch.nanquantile(around, limits, dim=1)[:, :, None, None]
    bright = high > AS_BRIGHT * inner
    fluid = torch.where(bright, high, low)
    return torch.where(fluid.isnan(), inner, fluid), bright


def _roots(hole: Tensor, draw: Draw) -> Tensor:
    """Return the share of roots (n, y, x): loose or dense, from the back of the hole on."""
    count, size, _ = hole.shape
    axis = torch.arange(size, device=hole.device, dtype=hole.dtype)
    middle = centroids(hole, axis, axis)
    radius = (hole.sum(dim=(1, 2)) / torch.pi).sqrt().clamp(min=1.0)[:, None]
    up, across = ((axis - middle[:, k, None]) / radius for k in (0, 1))
    top = draw.uniform(-0.6, 0.1, count, 1, 1)
    rise = draw.uniform(0.0, 0.7, count, 1, 1)  # towards the sides: a horseshoe
    lying = up[:, :, None] < top + rise * across[:, None, :] ** 2
    dense = draw.uniform(0.25, 0.8, count, 1, 1)
    there = lying & (draw.uniform(0.0, 1.0, count, size, size) < dense)
    share = there * draw.uniform(0.5, 1.0, count, size, size)
    return torch.where(draw.chance(0.6, count, 1, 1), _smoothed(share), share)


def _grown(mask: Tensor, pixels: int) -> Tensor:
    return functional.max_pool2d(mask[:, None], 2 * pixels + 1, 1, pixels)[:, 0]


def _smoothed(map_: Tensor) -> Tensor:
    return functional.avg_pool2d(map_[:, None], 3, 1, 1)[:, 0]
