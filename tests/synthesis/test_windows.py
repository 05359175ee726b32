"""Batches for the segmentation network: nested shares, known labels, other anatomy."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from scgm.synthesis import windows
from scgm.synthesis.acquisition import Scanner
from scgm.synthesis.draw import Draw
from scgm.synthesis.people import NECK
from scgm.synthesis.windows import (
    Crops,
    crop_size,
    fine_batch,
    window_batch,
)
from tests.helpers.label_shapes import STILL, WINDOW, disc, some_crops


def test_the_same_seed_draws_the_same_batch() -> None:
    first = window_batch(some_crops(), 4, 0.5, Draw(3)).images
    second = window_batch(some_crops(), 4, 0.5, Draw(3)).images

    assert torch.equal(first, second)
    assert not torch.equal(first, window_batch(some_crops(), 4, 0.5, Draw(4)).images)


def test_a_batch_has_finite_images_and_nested_shares() -> None:
    batch = window_batch(some_crops(), 16, 0.25, Draw(0))
    cord, gm = batch.targets[:, 0], batch.targets[:, 1]

    assert batch.images.shape == (16, 1, WINDOW, WINDOW)
    assert bool(batch.images.isfinite().all())
    assert float(batch.targets.min()) >= 0
    assert float(batch.targets.max()) <= 1
    assert bool((gm <= cord + 0.02).all())


def test_a_tissue_that_nobody_drew_is_marked_unknown() -> None:
    known = window_batch(some_crops(), 4, 0.5, Draw(0)).known[:, :, 0, 0]

    assert known[:2].tolist() == [[1, 0], [1, 0]]  # the real crop: cord, but no gray matter
    assert known[2:].tolist() == [[1, 1], [1, 1]]


@pytest.mark.parametrize(("pixel_mm", "size"), [(0.25, 160), (0.5, 80), (0.1, 400)])
def test_a_crop_is_40_mm_wide(pixel_mm: float, size: int) -> None:
    assert crop_size(pixel_mm) == size


def test_a_shape_keeps_its_size_in_mm_at_another_resolution() -> None:
    """The same cord, painted with windows of 0.25 and of 0.5 mm: sides and areas agree."""
    found = []
    for pixel_mm in (0.25, 0.5):
        size = crop_size(pixel_mm)
        cord, gm = disc(size, 6.0 / pixel_mm)[None], disc(size, 2.5 / pixel_mm)[None]
        yes = torch.ones(1, dtype=torch.bool)
        crops = Crops(gm, cord, 0 * cord, ~yes, yes, yes, torch.zeros(1).long(), torch.ones(1))
        batch = window_batch(crops, 48, 0.0, Draw(0), pixel_mm)
        side_mm = batch.images.shape[-1] * pixel_mm
        area = (batch.targets >= 0.5).sum(dim=(2, 3)).float().mean(0) * pixel_mm**2
        found.append((side_mm, *area.tolist()))

    assert found[0] == pytest.approx(found[1], rel=0.03)


def test_painted_windows_show_cords_with_other_white_matter(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nothing else changes the ratio of cord to gray matter where shapes are not bent."""
    monkeypatch.setattr(windows, "PAINTED", STILL)
    cord, gm = window_batch(some_crops(), 100, 0.0, Draw(0)).targets.sum(dim=(2, 3)).unbind(dim=1)
    drawn = some_crops().cord[0].sum() / some_crops().gm[0].sum()
    narrow, wide = (cord / gm / drawn).quantile(torch.tensor([0.1, 0.9])).sqrt()

    assert narrow < 0.99
    assert wide > 1.1


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 10_000), real_share=st.sampled_from([0.0, 0.5]))
def test_every_batch_has_tissue_shares_that_sum_to_at_most_one(
    seed: int, real_share: float
) -> None:
    batch = window_batch(some_crops(), 4, real_share, Draw(seed))
    cord, gm = batch.targets.unbind(dim=1)

    assert bool(batch.images.isfinite().all())
    assert float(gm.min()) >= 0
    assert float((cord - gm).min()) >= -1e-5  # white matter
    assert float(cord.max()) <= 1 + 1e-6  # gray and white matter together
    assert bool(((batch.known == 0) | (batch.known == 1)).all())


def test_a_shape_and_its_mirror_image_give_batches_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    """Unbent, whole, and without thin ends, which differ from side to side.

    A shape is shown as it is or mirrored: either way the two are each other's mirror.
    """
    monkeypatch.setattr(windows, "PAINTED", STILL)
    same_ends = replace(NECK, ends=replace(NECK.ends, share=0.0))
    monkeypatch.setattr(windows, "NECK", same_ends)
    monkeypatch.setattr(windows, "Scanner", lambda: Scanner(cut_off=0.0))
    crops = some_crops()
    aside = crops.gm.roll(9, dims=2)

    def targets(gm: torch.Tensor) -> torch.Tensor:
        shapes = Crops(**{name: getattr(crops, name) for name in Crops.__slots__} | {"gm": gm})
        return window_batch(shapes, 8, 0.0, Draw(2)).targets[..., 16:-16, 16:-16]

    one, other = targets(aside), targets(aside.flip(2))
    torch.testing.assert_close(one, other.flip(3), rtol=0, atol=1e-3)


@pytest.mark.slow
def test_a_crop_is_drawn_as_often_as_its_weight_says() -> None:
    """Gray matter of none and of some: weights of 3 and 1 make three quarters of the batch."""
    crops = some_crops()
    gm = torch.stack([0 * crops.gm[0], crops.gm[0], crops.gm[2]])
    weighted = Crops(
        **{name: getattr(crops, name) for name in Crops.__slots__}
        | {"gm": gm, "neighbor": torch.arange(3), "weight": torch.tensor([3.0, 1.0, 1.0])}
    )
    areas = window_batch(weighted, 100, 0.0, Draw(0)).targets[:, 1].sum(dim=(1, 2))

    assert float((areas < 100).float().mean()) == pytest.approx(0.75, abs=0.12)


def test_a_fine_batch_shows_a_smaller_place_with_as_many_pixels() -> None:
    """A cord of 6 mm radius is half as wide in windows of 32 mm as in those of 16 mm."""
    crops = some_crops()
    fine = fine_batch(crops, 6, Draw(0), 0.125, WINDOW)

    assert fine.images.shape == (6, 1, WINDOW, WINDOW)
    assert fine.targets.shape == (6, 2, WINDOW, WINDOW)
    assert bool((fine.targets[:, 1] <= fine.targets[:, 0] + 1e-6).all())
    assert bool(fine.images.isfinite().all())
    assert bool((fine.known == 1).all())
