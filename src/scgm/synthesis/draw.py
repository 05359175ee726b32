"""Random numbers for batches, from one generator."""

from functools import cache

import torch
from torch import Tensor
from torch.nn import functional


class Draw:
    """Draws for batches on one device; the same seed gives the same batches."""

    def __init__(self, seed: int, device: torch.device | str = "cpu") -> None:
        self.device = torch.device(device)
        self.generator = torch.Generator(device=self.device).manual_seed(seed)

    @property
    def whole_batch(self) -> "Draw":
        """Draws for a batch as a whole; other draws are for each of its samples."""
        return self

    def uniform(self, low: float, high: float, *shape: int) -> Tensor:
        """Return values in [low, high)."""
        unit = torch.rand(shape, generator=self.generator, device=self.device)
        return low + (high - low) * unit

    def log_uniform(self, low: float, high: float, *shape: int) -> Tensor:
        """Return values in [low, high) whose logarithms are uniform."""
        limits = torch.tensor([low, high]).log().tolist()
        return self.uniform(limits[0], limits[1], *shape).exp()

    def normal(self, *shape: int) -> Tensor:
        """Return standard normal values."""
        return torch.randn(shape, generator=self.generator, device=self.device)

    def spread(self, count: int, values: int) -> Tensor:
        """Return standard normal values (count, values) that belong to the samples as a whole."""
        return self.normal(count, values)

    def chance(self, probability: float, *shape: int) -> Tensor:
        """Return booleans, true with ``probability``."""
        return self.uniform(0.0, 1.0, *shape) < probability

    def index(self, count: int, *shape: int) -> Tensor:
        """Return integers in [0, count)."""
        return torch.randint(count, shape, generator=self.generator, device=self.device)

    def field(self, count: int, size: int, cells: int) -> Tensor:
        """Return smooth fields (count, size, size) of about unit variance, ``cells`` knots wide."""
        knots = self.normal(count, cells + 3, cells + 3)
        weights = _cubic_weights(size, cells).to(self.device)
        # Products of matrices are several times faster than interpolation in two dimensions.
        return 1.3 * (weights @ knots @ weights.T)


@cache
def _cubic_weights(size: int, cells: int) -> Tensor:
    """Weights (size, cells + 3) of the knots in each pixel of a row, by cubic interpolation."""
    knots = cells + 3
    large = int(size * knots / cells)
    start = (large - size) // 2
    each = torch.eye(knots)[None, None]
    fine = functional.interpolate(each, (large, knots), mode="bicubic", align_corners=True)
    return fine[0, 0, start : start + size]
