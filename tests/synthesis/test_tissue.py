"""Contrast: which tissue is how bright, and how wide a blur is."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from scgm.synthesis.draw import Draw
from scgm.synthesis.tissue import _lesions, blur, paint
from tests.helpers.label_shapes import WINDOW, disc


def test_blur_keeps_the_sum_and_widens() -> None:
    """A point blurred by 1 mm has variance 1 mm2 along each axis."""
    point = torch.zeros(1, 64, 64)
    point[0, 32, 32] = 1
    spread = blur(point, torch.tensor([1.0]))[0]
    axis = (torch.arange(64) - 32) * 0.25

    assert float(spread.sum()) == pytest.approx(1, abs=1e-4)
    assert float((spread.sum(1) * axis**2).sum()) == pytest.approx(1, rel=0.02)


def test_a_blur_is_as_wide_in_mm_at_another_resolution() -> None:
    spreads = []
    for pixel_mm in (0.25, 0.5):
        point = torch.zeros(1, 65, 65)
        point[0, 32, 32] = 1
        row = blur(point, torch.tensor([2.0]), pixel_mm)[0].sum(dim=0)
        place = (torch.arange(65) - 32) * pixel_mm
        spreads.append(float((row * place**2).sum().sqrt()))

    assert spreads == pytest.approx([2.0, 2.0], rel=0.03)


def test_paint_separates_gray_from_white_matter() -> None:
    """In most samples the mean signals of both differ by several percent; never all alike."""
    cord = disc(WINDOW, 24)[None].repeat(32, 1, 1)
    gm = disc(WINDOW, 12)[None].repeat(32, 1, 1)
    signal = paint(gm, cord, Draw(0))
    inside, around = gm > 0, (cord > 0) & (gm == 0)
    gray = (signal * inside).sum((1, 2)) / inside.sum((1, 2))
    white = (signal * around).sum((1, 2)) / around.sum((1, 2))
    contrast = gray / white - 1

    assert int((contrast.abs() > 0.03).sum()) >= 28
    assert int((contrast > 0).sum()) in range(12, 30)  # both polarities, bright more often


def test_white_matter_is_one_and_gray_matter_within_its_range() -> None:
    """Bright or dark by 6 to 45 %, in the free fifth 1.3 times as much; PSIR and QSM more."""
    cord, gm = (disc(64, radius).expand(200, -1, -1) for radius in (24, 10))
    signal = paint(gm, cord, Draw(1))
    gray = signal[:, 28:36, 28:36].mean(dim=(1, 2))
    white = signal[:, 30:34, 44:52].mean(dim=(1, 2))

    assert float(white.median()) == pytest.approx(1, abs=0.03)
    assert 0.15 < float(gray.min()) < 0.75
    assert 1.35 < float(gray.max()) < 3.5
    assert float(((gray - 1).abs() < 1.3 * 0.45 + 0.2).float().mean()) > 0.9


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_a_signal_is_finite_and_never_negative(seed: int) -> None:
    signal = paint(disc(WINDOW, 30)[None], disc(WINDOW, 24)[None], Draw(seed))

    assert bool(signal.isfinite().all())
    assert float(signal.min()) >= 0


def test_lesions_are_round_spots_of_up_to_3_times_120_percent_in_the_asked_share() -> None:
    """In 15 % of the samples, less those (0.4^3) in which none of three is there."""
    patches = _lesions(torch.Size((400, 64, 64)), Draw(0), 0.25)
    highest = patches.amax(dim=(1, 2))

    assert float(patches.min()) >= 0
    assert 0.5 < float(patches.max()) <= 3.6
    assert float((highest > 0.1).float().mean()) == pytest.approx(0.15 * (1 - 0.4**3), abs=0.06)
    spread = (patches > 0.1).float().sum(dim=(1, 2)) * 0.25**2
    assert float(spread.max()) > torch.pi * 2.0**2
    assert float(spread.max()) < 3 * torch.pi * 3.0**2  # radii of 0.5 to 2.5 mm, soft edges


def test_radii_of_lesions_are_spread_evenly_by_their_logarithm() -> None:
    """From 0.5 to 2.5 mm; half of them are smaller than the root of 0.5 x 2.5, 1.12 mm."""
    patches = _lesions(torch.Size((300, 160, 160)), Draw(0), 0.1, share=1, most=1)
    highest = patches.amax(dim=(1, 2))
    there = highest > 0.1
    areas = (patches > highest[:, None, None] / 2).sum(dim=(1, 2))[there] * 0.1**2
    radii = (areas / torch.pi).sqrt()

    assert float(there.float().mean()) == pytest.approx(0.6, abs=0.08)
    assert 0.45 < float(radii.min()) < 0.65
    assert 2.3 < float(radii.max()) < 2.6
    assert float(radii.median()) == pytest.approx((0.5 * 2.5) ** 0.5, abs=0.15)
