"""Tissue contrast: from shares of gray matter and cord to a signal, surroundings included."""

import torch
from torch import Tensor

from scgm.networks.preparation import WINDOW_PIXEL_MM
from scgm.synthesis.draw import Draw
from scgm.synthesis.sequences import sequence_contrast

# Shares of contrasts with bright and with dark gray matter; the rest may have either.
BRIGHT_GRAY, DARK_GRAY = 0.55, 0.25
# Shares of signals by the equations of a sequence, and of gray matter that hardly differs.
BY_SEQUENCE, FAINT, FAINT_CONTRAST = 0.4, 0.05, 0.06


def blur(maps: Tensor, sigma_mm: Tensor, pixel_mm: float = WINDOW_PIXEL_MM) -> Tensor:
    """Blur maps (n, y, x) by Gaussians, one SD (n,) each; borders wrap."""
    size = maps.shape[-1]
    rows = torch.fft.fftfreq(size, pixel_mm, device=maps.device)
    columns = torch.fft.rfftfreq(size, pixel_mm, device=maps.device)
    square = rows[:, None] ** 2 + columns[None, :] ** 2
    gain = torch.exp(-2 * (torch.pi * sigma_mm[:, None, None]) ** 2 * square)
    blurred: Tensor = torch.fft.irfft2(torch.fft.rfft2(maps) * gain, s=maps.shape[-2:])
    return blurred


def paint(
    gm: Tensor,
    cord: Tensor,
    draw: Draw,
    pixel_mm: float = WINDOW_PIXEL_MM,
    in_tube: float = 0.0,
) -> Tensor:
    """Return a random but plausible signal for shares of gray matter and cord (n, y, x).

    White matter is about 1. Around the cord come fluid (with nerve roots), dura and a mosaic of
    other tissue. A share of the cords, ``in_tube``, lies in nothing but a medium. Returns
    (n, y, x), not negative.
    """
    gm = torch.minimum(gm, cord)
    gray, fluid = _contrast(gm.shape[0], draw)
    white_matter = _texture(gm.shape, 0.05, draw)
    white_matter = white_matter + _lesions(gm.shape, draw, pixel_mm) * (gray - 1)
    gray_matter = gray * _texture(gm.shape, 0.05, draw)
    around = _surroundings(cord, fluid, draw, pixel_mm)
    if in_tube:
        around = torch.where(draw.chance(in_tube, len(gm), 1, 1), fluid, around)
    signal = around * (1 - cord) + white_matter * (cord - gm) + gray_matter * gm
    return signal.clamp(min=0)


def _contrast(count: int, draw: Draw) -> tuple[Tensor, Tensor]:
    """Return signals of gray matter and of fluid (count, 1, 1); white matter is 1."""
    family = draw.uniform(0.0, 1.0, count)
    bright = family < BRIGHT_GRAY
    dark = (family >= BRIGHT_GRAY) & (family < BRIGHT_GRAY + DARK_GRAY)
    step = draw.uniform(0.06, 0.45, count)
    sign = torch.where(draw.chance(0.6, count), 1.0, -1.0)
    gray = torch.where(bright, 1 + step, torch.where(dark, 1 - step, 1 + 1.3 * sign * step))
    fluid_bright = draw.uniform(0.9, 2.6, count)
    fluid_dark = draw.uniform(0.02, 1.0, count)
    fluid_any = draw.uniform(0.02, 2.6, count)
    fluid = torch.where(bright, fluid_bright, torch.where(dark, fluid_dark, fluid_any))
    fluid = torch.where(draw.chance(0.15, count), fluid_any, fluid)
    physical, physical_fluid = sequence_contrast(count, draw)
    by_sequence = draw.chance(BY_SEQUENCE, count)
    gray = torch.where(by_sequence, physical, gray)
    fluid = torch.where(by_sequence, physical_fluid, fluid)
    faint = 1 + draw.uniform(-FAINT_CONTRAST, FAINT_CONTRAST, count)
    gray = torch.where(draw.chance(FAINT, count), faint, gray)
    return gray[:, None, None], fluid[:, None, None]


def _texture(shape: torch.Size, strength: float, draw: Draw) -> Tensor:
    """Return the signal of one tissue: about 1, with slow spatial changes."""
    count, size, _ = shape
    amount = strength * draw.uniform(0.0, 2.0, count, 1, 1)
    slow, fine = draw.field(count, size, 6), draw.field(count, size, 20)
    return 1 + amount * (0.7 * slow + 0.5 * fine)


def _lesions(
    shape: torch.Size, draw: Draw, pixel_mm: float, *, share: float = 0.15, most: int = 3
) -> Tensor:
    """Return round lesions (n, y, x), 0 to about 1.2, in a ``share`` of the samples."""
    count, size, _ = shape
    axis = (torch.arange(size, device=draw.device) - (size - 1) / 2) * pixel_mm
    patches = torch.zeros(shape, device=draw.device)
    diseased = draw.chance(share, count, 1, 1)
    for _ in range(most):
        row, column = draw.uniform(-5.0, 5.0, count, 2, 1, 1).unbind(1)
        radius = draw.log_uniform(0.5, 2.5, count, 1, 1)
        present = diseased & draw.chance(0.6, count, 1, 1)
        squared = (axis[:, None] - row) ** 2 + (axis[None, :] - column) ** 2
        edge = torch.sigmoid((radius - squared.sqrt()) / 0.2)
        patches = patches + present * edge * draw.uniform(0.2, 1.2, count, 1, 1)
    return patches


def _surroundings(cord: Tensor, fluid: Tensor, draw: Draw, pixel_mm: float) -> Tensor:
    """Return the signal (n, y, x) around the cord: fluid and roots, dura, other tissue."""
    count, size, _ = cord.shape
    spread = blur(cord, draw.uniform(1.2, 3.5, count), pixel_mm)
    wobble = 0.25 * draw.field(count, size, 5)
    canal = draw.log_uniform(0.015, 0.45, count, 1, 1) * (1 + wobble)
    dura = canal * draw.uniform(0.25, 0.95, count, 1, 1)
    mosaic = _mosaic(count, size, draw)
    rim = draw.uniform(0.05, 1.5, count, 1, 1)
    edge = draw.uniform(20.0, 80.0, count, 1, 1)
    roots = torch.sigmoid(8 * (draw.field(count, size, 32) - draw.uniform(1.4, 4.0, count, 1, 1)))
    fluid = fluid * _texture(cord.shape, 0.08, draw)
    fluid = fluid + roots * (draw.uniform(0.5, 1.3, count, 1, 1) - fluid)
    in_canal = torch.sigmoid(edge * (spread - canal))
    in_dura = torch.sigmoid(edge * (spread - dura))
    outside = rim * in_dura + mosaic * (1 - in_dura)
    return fluid * in_canal + outside * (1 - in_canal)


def _mosaic(count: int, size: int, draw: Draw, *, kinds: int = 5) -> Tensor:
    """Return patches (count, size, size) of ``kinds`` tissues with soft borders and texture."""
    fields = torch.stack([draw.field(count, size, cells) for cells in (3, 4, 5, 6, 8)[:kinds]], 1)
    share = torch.softmax(12 * fields, dim=1)
    value = draw.uniform(0.02, 1.8, count, kinds, 1, 1)
    grain = 1 + 0.12 * draw.field(count, size, 24)
    return (share * value).sum(dim=1) * grain
