"""The published dilated network, run as its authors' program runs it.

Each slice is resampled to 0.25 mm, cut to 200 x 200 pixels around the middle of the image, and
standardized; a pixel is gray matter above 0.999. The program never looks for the cord, so that a
cord away from the middle is missed; here the center may also be given.

Programs of different years differ. This is what is followed:

- resampling with linear interpolation, so that both grids cover the same field of view
  (``nipy_resample`` of the Spinal Cord Toolbox in 2017: it moves the first voxel, "otherwise the
  image is shifted by half a voxel"). Later releases resample from the first voxel
  (``FIRST_VOXEL``);
- a slice that is smaller than 200 pixels is mirrored at its border (releases with ONNX models);
- the mean and the standard deviation are those of all crops of the volume, or the two constants
  that are published with the weights (the program of 2017).

References
----------
Perone C.S., Calabrese E., Cohen-Adad J. Scientific Reports 8, 5966 (2018);
``spinalcordtoolbox/deepseg_gm`` and ``challenge_model.json`` of github.com/neuropoly/gmseg.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage

from scgm.networks.ddc import DeepDilatedNetwork

PIXEL_MM = 0.25
CROP = 200
THRESHOLD = 0.999
BATCH = 4

# Where the grid of 0.25 mm begins: at the border of the image, or in the middle of its first voxel.
Alignment = Literal["border", "first voxel"]
Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Constants:
    """Mean and standard deviation of the images that a network has learned from."""

    mean: float
    deviation: float


def published_mask(
    network: DeepDilatedNetwork,
    slices: Floats,
    spacing_mm: tuple[float, float, float],
    *,
    centers_px: NDArray[np.floating] | None = None,
    constants: Constants | None = None,
    alignment: Alignment = "border",
) -> NDArray[np.bool_]:
    """Segment gray matter.

    Parameters
    ----------
    network
        From `scgm.networks.keras_weights.load_published_weights`.
    slices
        (Z, Y, X), posterior to anterior, left to right.
    spacing_mm
        Between slices, rows and columns.
    centers_px
        (Z, 2): row and column of the middle of each crop; NaN for the middle of the image, where
        the program looks.
    constants
        What to standardize with; by default the mean and deviation of all crops.
    alignment
        Of the grid of 0.25 mm.

    Returns
    -------
    (Z, Y, X) bool
    """
    # The network was trained on slices whose first axis runs from right to left.
    across = slices[:, :, ::-1].transpose(0, 2, 1)
    grid = _Grid.of(across.shape[1:], (spacing_mm[2], spacing_mm[1]), alignment)
    corners = [grid.corner()] * len(across)
    if centers_px is not None:
        row, column = centers_px.T
        places = np.stack([across.shape[1] - 1 - column, row], axis=1)
        corners = [grid.corner(place) for place in places]
    crops = np.stack(
        [_crop(grid.fine(image), corner) for image, corner in zip(across, corners, strict=True)]
    )
    if constants is None:
        constants = Constants(float(crops.mean()), float(crops.std()))
    standard = (crops - constants.mean) / constants.deviation
    found = zip(_probabilities(network, standard), corners, strict=True)
    mask = np.stack([grid.coarse(_uncrop(map_ > THRESHOLD, at, grid.shape)) for map_, at in found])
    return np.ascontiguousarray(mask.transpose(0, 2, 1)[:, :, ::-1])


@dataclass(frozen=True, slots=True)
class _Grid:
    """The pixels of 0.25 mm of a slice: their number, and where they lie among the native ones."""

    native: tuple[int, ...]
    shape: tuple[int, ...]
    step: NDArray[np.float64]  # in native pixels
    first: NDArray[np.float64]

    @classmethod
    def of(
        cls, native: tuple[int, ...], pixel_mm: tuple[float, float], alignment: Alignment
    ) -> "_Grid":
        shape = tuple(round(n * mm / PIXEL_MM) for n, mm in zip(native, pixel_mm, strict=True))
        step = np.array(native) / np.array(shape)
        first = (step - 1) / 2 if alignment == "border" else np.zeros(2)
        return cls(native, shape, step, first)

    def corner(self, native: NDArray[np.floating] | None = None) -> tuple[int, int]:
        """Return the first pixel of the crop around a native place, by default the middle."""
        middle = np.array(self.shape) // 2
        if native is not None and np.isfinite(native).all():
            middle = np.rint((native - self.first) / self.step).astype(int)
        row, column = middle - CROP // 2
        return int(row), int(column)

    def fine(self, image: Floats) -> Floats:
        return _resampled(image, self.step, self.first, self.shape)

    def coarse(self, mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
        step, first = 1 / self.step, -self.first / self.step
        return _resampled(mask.astype(np.float32), step, first, self.native) > 0.5


def _resampled(
    image: Floats, step: NDArray[np.float64], first: NDArray[np.float64], shape: tuple[int, ...]
) -> Floats:
    values: Floats = ndimage.affine_transform(
        image.astype(np.float64), step, first, shape, order=1, mode="nearest"
    ).astype(np.float32)
    return values


def _crop(image: Floats, corner: tuple[int, int]) -> Floats:
    """Cut a crop, of which the part outside of the image is the image in a mirror."""
    before = [max(0, -start) for start in corner]
    after = [max(0, start + CROP - n) for start, n in zip(corner, image.shape, strict=True)]
    wide = np.pad(image, list(zip(before, after, strict=True)), mode="symmetric")
    row, column = (start + more for start, more in zip(corner, before, strict=True))
    return wide[row : row + CROP, column : column + CROP]


def _uncrop(
    crop: NDArray[np.bool_], corner: tuple[int, int], shape: tuple[int, ...]
) -> NDArray[np.bool_]:
    """Put a crop back where it came from, into zeros."""
    whole = np.zeros(shape, bool)
    inside, kept = [], []
    for start, size in zip(corner, shape, strict=True):
        low, high = max(0, start), min(size, start + CROP)
        inside.append(slice(low, high))
        kept.append(slice(low - start, high - start))
    whole[tuple(inside)] = crop[tuple(kept)]
    return whole


@torch.no_grad()
def _probabilities(network: DeepDilatedNetwork, crops: Floats) -> Iterator[Floats]:
    for start in range(0, len(crops), BATCH):
        batch = torch.from_numpy(crops[start : start + BATCH].astype(np.float32))
        yield from torch.sigmoid(network(batch[:, None]))[:, 0].numpy()
