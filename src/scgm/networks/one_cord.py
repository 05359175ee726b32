"""A slice shows one cord: pieces of its map that lie apart from the middle are taken away.

In a specimen the fluid of the tube can look like a second cord around the first. What hangs
together with the middle is grown step by step, by operations that an ONNX graph can hold.
"""

import torch.nn.functional as nnf
from torch import Tensor

from scgm.networks.resampling import grid_mm

PIECE_SHARE = 0.5  # probability from which on a pixel belongs to a piece
MIDDLE_MM = 4.0  # pieces within this distance of the middle of the window belong to the cord
# Of two pixels each: 12 mm at 0.125 mm, the finest pixels of the default recipe, 24 mm at 0.25 mm.
GROWN_STEPS = 48


def without_other_pieces(cord: Tensor, step_mm: Tensor | float) -> Tensor:
    """Return a factor (N, n, n): 0 at pieces apart from the middle and beside them, else 1.

    Parameters
    ----------
    cord
        (N, n, n) probabilities of the cord in windows whose middle is where it was found.
    step_mm
        Size of their pixels.

    Returns
    -------
    Tensor
        1 everywhere where the map has one piece, or none near its middle. Pieces that only a
        bridge of less than 6 pixels joins are two; what is nowhere as wide as that is no piece and
        stays, as does what surrounds a cord that is nowhere as wide.
    """
    size = cord.shape[-1]
    mask = (cord >= PIECE_SHARE).to(cord.dtype)
    position = grid_mm(cord.new_zeros(()), size, step_mm)
    near = (position[:, None] ** 2 + position[None, :] ** 2 <= MIDDLE_MM**2).to(cord.dtype)
    core = _shrunk(_shrunk_by_half(mask))
    cords = core * _grown_by_half(mask * near)
    for _ in range(GROWN_STEPS):
        cords = core * _grown(cords)
    found = cords.amax(dim=(2, 3), keepdim=True)
    others = core * (1 - cords) * found
    removed = _grown(_grown(_grown(others))) * (1 - _grown(_grown(cords)))
    # Pairs of pixels become pixels again.
    return nnf.interpolate(1 - removed, scale_factor=2.0, mode="nearest")[:, 0, :size, :size]


def _grown(mask: Tensor) -> Tensor:
    return nnf.max_pool2d(mask, 3, stride=1, padding=1)


def _shrunk(mask: Tensor) -> Tensor:
    return -_grown(-mask)


def _grown_by_half(mask: Tensor) -> Tensor:
    return nnf.max_pool2d(mask[:, None], 2, ceil_mode=True)


def _shrunk_by_half(mask: Tensor) -> Tensor:
    return -_grown_by_half(-mask)
