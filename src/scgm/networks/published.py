"""The published dilated network, run as its authors' tools run it.

Whole slices resampled to 0.25 mm, mean and deviation of the volume, the middle 200x200 pixels, a
threshold of 0.999. The cord is not searched for: outside of these pixels it is missed.

References
----------
Perone C.S., Calabrese E., Cohen-Adad J. Scientific Reports 8, 5966 (2018); the order of steps is
that of ``sct_deepseg_gm``.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage

from scgm.networks.ddc import DeepDilatedNetwork

PIXEL_MM = 0.25
CROP = 200
THRESHOLD = 0.999
BATCH = 4


def published_mask(
    network: DeepDilatedNetwork, slices: NDArray[np.float32], spacing_mm: tuple[float, float, float]
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

    Returns
    -------
    (Z, Y, X) bool
    """
    # The network was trained on slices whose first axis runs across the patient.
    across = slices.transpose(0, 2, 1)
    factors = (1.0, spacing_mm[2] / PIXEL_MM, spacing_mm[1] / PIXEL_MM)
    fine = ndimage.zoom(across, factors, order=1)
    if np.array_equal(slices, np.round(slices)):
        fine = np.round(fine)  # those tools resample in the data type of the file
    standard = (fine - fine.mean()) / fine.std()
    window, place = _middle(fine.shape)
    crops = np.zeros((len(fine), CROP, CROP), np.float32)
    crops[(slice(None), *place)] = standard[(slice(None), *window)]
    mask = np.zeros(fine.shape, np.float32)
    mask[(slice(None), *window)] = _probability(network, crops)[(slice(None), *place)] > THRESHOLD
    back = np.array(across.shape) / np.array(mask.shape)
    coarse = ndimage.zoom(mask, back, order=1) > 0.5
    return np.ascontiguousarray(coarse.transpose(0, 2, 1))


def _middle(shape: tuple[int, ...]) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """Rows and columns of an image that are its middle, and where they lie in the crop."""
    window, place = [], []
    for size in shape[1:]:
        kept = min(size, CROP)
        window.append(slice((size - kept) // 2, (size - kept) // 2 + kept))
        place.append(slice((CROP - kept) // 2, (CROP - kept) // 2 + kept))
    return (window[0], window[1]), (place[0], place[1])


@torch.no_grad()
def _probability(network: DeepDilatedNetwork, crops: NDArray[np.float32]) -> NDArray[np.float32]:
    parts = [
        torch.sigmoid(network(torch.from_numpy(crops[start : start + BATCH])[:, None]))[:, 0]
        for start in range(0, len(crops), BATCH)
    ]
    values: NDArray[np.float32] = torch.cat(parts).numpy()
    return values
