"""The augmentation of the paper of 2018: crops of scans, moved a little; none is painted.

Its kinds are those of the paper's Table 2; its ranges are those of an example by the same author
(github.com/perone/medicaltorch, gmchallenge_unet), as the paper's own table could not be read.

References
----------
Perone C.S., Calabrese E., Cohen-Adad J. Scientific Reports 8, 5966 (2018).
"""

import torch
from torch import Tensor
from torch.nn import functional

from scgm.errors import ConfigError
from scgm.networks.preparation import LEARNED_MM, WINDOW_PIXEL_MM, standardize, window_size
from scgm.synthesis.deformation import Deformation, sample_at, sampling_grids
from scgm.synthesis.draw import Draw
from scgm.synthesis.windows import Crops, WindowBatch

# 3 % of the paper's crop of 50 mm; mirrored left to right in half of the samples.
MOVED = Deformation(
    rotation=4.6,
    free_rotation=0.0,
    scale=(0.98, 1.02),
    aspect=0.0,
    shear=0.0,
    shift_mm=1.5,
    elastic_mm=0.0,
    elastic_cells=(),
)
ELASTIC_SHARE = 0.3
ELASTIC_ALPHA, ELASTIC_SIGMA = (28.0, 30.0), (3.5, 4.0)  # pixels of 0.25 mm
INTENSITY_SHIFT = 0.1  # deviations


def require_scans(crops: Crops) -> None:
    """Make sure that there are labeled scans.

    Raises
    ------
    ConfigError
        If no scan has a label of gray matter.
    """
    if not bool((crops.has_image & crops.knows_gm).any()):
        msg = 'augmentation "ddc-2018" learns from scans alone; add a [[source]] with image and gm'
        raise ConfigError(msg)


def paper_batch(
    crops: Crops,
    count: int,
    draw: Draw,
    pixel_mm: float = WINDOW_PIXEL_MM,
    size: int | None = None,
) -> WindowBatch:
    """Draw labeled crops of scans: bent, turned, scaled, shifted, mirrored, and standardized.

    ``size`` is the number of pixels along a side of the windows, by default 32 mm.

    The shift of the intensities comes after standardizing, which would undo it. Labels are cut at
    one half, as the paper learns from masks.
    """
    weight = crops.weight * (crops.has_image & crops.knows_gm)
    chosen = torch.multinomial(weight, count, replacement=True, generator=draw.generator)
    image = crops.image[chosen]
    parts = [crops.cord[chosen], crops.gm[chosen], image, _field_of_view(image)]
    size = window_size(LEARNED_MM, pixel_mm) if size is None else size
    grids = sampling_grids(count, size, pixel_mm, MOVED, draw) + _elastic_mm(
        count, size, pixel_mm, draw
    )
    moved = sample_at(torch.stack(parts, dim=1), grids, pixel_mm)
    inside = (moved[:, 3] > 0.5).float()
    shift = draw.uniform(-INTENSITY_SHIFT, INTENSITY_SHIFT, count, 1, 1)
    images = (standardize(moved[:, 2], inside, pixel_mm) + shift) * inside
    targets = (moved[:, :2] >= 0.5).float() * inside[:, None]
    known = torch.stack([crops.knows_cord[chosen], crops.knows_gm[chosen]], dim=1)
    return WindowBatch(images[:, None], targets, known.float()[:, :, None, None])


def _field_of_view(image: Tensor) -> Tensor:
    """Return 1 within the rows and columns (n, y, x) that show anything, 0 beyond the scan."""
    shown = image > 0
    rows, columns = shown.any(dim=2, keepdim=True), shown.any(dim=1, keepdim=True)
    return (rows & columns).float()


def _elastic_mm(count: int, size: int, pixel_mm: float, draw: Draw) -> Tensor:
    """Displacements (count, size, size, 2) in mm: smoothed noise, for a share of the samples.

    Drawn on the paper's pixels, whatever those of the windows are.
    """
    drawn = round(size * pixel_mm / WINDOW_PIXEL_MM)
    sigma = draw.uniform(*ELASTIC_SIGMA, count, 1, 1)
    pixels = torch.arange(drawn, device=draw.device)
    away = (pixels[:, None] - pixels[None, :]) / sigma
    smooth = torch.exp(-0.5 * away**2) / (sigma * (2 * torch.pi) ** 0.5)  # nothing lies outside
    noise = draw.uniform(-1.0, 1.0, count, 2, drawn, drawn)
    bend: Tensor = smooth[:, None] @ noise @ smooth[:, None].transpose(-1, -2)
    alpha = draw.uniform(*ELASTIC_ALPHA, count, 1, 1, 1)
    bend = bend * alpha * draw.chance(ELASTIC_SHARE, count, 1, 1, 1)
    if size != drawn:
        bend = functional.interpolate(bend, (size, size), mode="bilinear", align_corners=False)
    return bend.permute(0, 2, 3, 1) * WINDOW_PIXEL_MM
