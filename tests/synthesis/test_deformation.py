"""Bends: what stays, how far shapes move, and which way left and right lie."""

from dataclasses import replace

import pytest
import torch

from scgm.synthesis.deformation import Deformation, sample_at, sampling_grids
from scgm.synthesis.draw import Draw
from scgm.synthesis.windows import PAINTED, REAL
from tests.helpers.label_shapes import STILL, WINDOW, disc


def test_standing_still_changes_nothing() -> None:
    image = torch.rand(1, 1, WINDOW, WINDOW)
    grids = sampling_grids(1, WINDOW, 0.25, STILL, Draw(0))
    moved = sample_at(image, grids, 0.25)

    # Left and right may be mirrored: cords have both.
    assert torch.allclose(moved, image, atol=1e-4) or torch.allclose(
        moved, image.flip(-1), atol=1e-4
    )


def test_a_compressed_cord_is_flat_and_dented_in_front() -> None:
    """By half from front to back, wider by its root; the dent takes area from the front."""
    cord = disc(WINDOW, 5.0 / 0.25)[None, None].repeat(64, 1, 1, 1)
    flat = replace(STILL, compressed=1.0, flattening=(0.5, 0.5), dent_mm=0.0)
    extent = []
    for how in (STILL, flat):
        shape = sample_at(cord, sampling_grids(64, WINDOW, 0.25, how, Draw(0)), 0.25)[:, 0] >= 0.5
        extent.append([float(shape.any(dim=axis).sum(1).float().mean()) for axis in (1, 2)])
    (width, depth), (wide, shallow) = extent

    assert shallow / depth == pytest.approx(0.5, abs=0.03)
    assert wide / width == pytest.approx(2**0.5, abs=0.05)
    dented = sample_at(
        cord, sampling_grids(64, WINDOW, 0.25, replace(flat, dent_mm=2.0), Draw(0)), 0.25
    )[:, 0]
    back, front = dented[:, : WINDOW // 2].sum(), dented[:, WINDOW // 2 :].sum()
    assert 0.6 * back < front < 0.95 * back


def test_every_second_sample_is_its_mirror_image() -> None:
    """Only columns turn round; front stays in front. 256 throws of a coin give 128 +- 8."""
    grids = sampling_grids(256, 8, 1.0, STILL, Draw(0))
    to_the_right = grids[:, 0, -1, 0] > 0

    assert 96 < int(to_the_right.sum()) < 160
    assert bool((grids[:, -1, 0, 1] > 0).all())


@pytest.mark.parametrize("how", [PAINTED, REAL])
def test_bends_of_2_to_3_mm_make_horns_thinner_and_thicker(how: Deformation) -> None:
    """12 knots across 32 mm lie 2.7 mm apart: they alone make waves shorter than 8 mm."""
    bends = replace(STILL, elastic_mm=0.35, elastic_cells=how.elastic_cells)
    straight = sampling_grids(1, WINDOW, 0.25, replace(STILL, elastic_cells=()), Draw(0))
    moved_mm = (sampling_grids(100, WINDOW, 0.25, bends, Draw(0)) - straight)[..., 1]
    waves = torch.fft.rfft(moved_mm * torch.hann_window(WINDOW), dim=-1).abs() ** 2
    short = torch.fft.rfftfreq(WINDOW, 0.25) > 1 / 8

    assert float(waves[..., short].sum() / waves.sum()) > 0.002


def test_an_elastic_bend_has_the_asked_size() -> None:
    """Three knots: the strength is uniform from 0 to 2 mm, whose mean square is 4/3 mm2."""
    bends = replace(STILL, elastic_mm=1.0, elastic_cells=(3,))
    straight = sampling_grids(1, 32, 1.0, replace(STILL, elastic_cells=()), Draw(0))
    moved_mm = (sampling_grids(400, 32, 1.0, bends, Draw(0)) - straight)[..., 1]

    assert float(moved_mm.std()) == pytest.approx((4 / 3) ** 0.5, rel=0.15)


def test_a_shift_stays_within_its_limit() -> None:
    straight = sampling_grids(1, 16, 1.0, STILL, Draw(0))
    rows = (sampling_grids(300, 16, 1.0, replace(STILL, shift_mm=2.5), Draw(0)) - straight)[..., 1]

    assert float(rows.abs().max()) == pytest.approx(2.5, abs=0.1)
    assert float(rows.mean()) == pytest.approx(0, abs=0.3)


def test_a_rotation_stays_within_its_limit_but_for_the_free_share() -> None:
    """The angle of the lower edge; a share of 0.3 turns by any angle, 20 of 180 of it less far."""
    how = replace(STILL, rotation=20.0, free_rotation=0.3)
    grids = sampling_grids(1000, 4, 1.0, how, Draw(0))
    column, row = (grids[:, 0, -1] - grids[:, 0, 0]).unbind(dim=-1)
    angle = torch.rad2deg(torch.atan2(row, column.abs())).abs()

    # Mirrored or not, an angle is folded into -90 to 90: 20 of 90 degrees of the free ones.
    assert float((angle > 20.01).float().mean()) == pytest.approx(0.3 * 70 / 90, abs=0.05)


def test_a_disc_sampled_at_half_its_size_has_a_quarter_of_the_area() -> None:
    how = replace(STILL, scale=(0.5, 0.5))
    moved = sample_at(disc(64, 20)[None, None], sampling_grids(1, 64, 0.25, how, Draw(0)), 0.25)

    assert float(moved.sum()) == pytest.approx(float(disc(64, 20).sum()) / 4, rel=0.03)
