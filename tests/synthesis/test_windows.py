"""Batches for the segmentation network: nested shares, known labels, other anatomy."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from scgm.synthesis import windows
from scgm.synthesis.acquisition import Scanner
from scgm.synthesis.draw import Draw
from scgm.synthesis.windows import (
    WIDER,
    Crops,
    crop_size,
    fine_batch,
    thick_slices,
    window_batch,
    with_other_white_matter,
    with_swollen_gray_matter,
)
from tests.helpers.label_shapes import CROP, STILL, WINDOW, disc, some_crops


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


def test_white_matter_differs_while_gray_matter_stays() -> None:
    labels = torch.stack([some_crops().cord[0], some_crops().gm[0]]).expand(200, -1, -1, -1)
    changed = with_other_white_matter(labels, Draw(0))
    torch.testing.assert_close(changed[:, 1], labels[:, 1])
    across = (changed[:, 0].sum(dim=(1, 2)) / labels[:, 0].sum(dim=(1, 2))).sqrt()
    assert across.min() == pytest.approx(WIDER[0], abs=0.01)
    assert across.max() == pytest.approx(WIDER[1], abs=0.01)


def test_gray_matter_stays_within_a_narrower_cord() -> None:
    labels = torch.stack([some_crops().cord[0], some_crops().cord[0]]).expand(50, -1, -1, -1)
    cord, gm = with_other_white_matter(labels, Draw(0)).unbind(dim=1)
    assert (gm <= cord).all()
    assert (gm.sum(dim=(1, 2)) < 0.98 * labels[:, 1].sum(dim=(1, 2))).any()


def test_gray_matter_of_templates_gets_thick_and_thin() -> None:
    ramp = torch.linspace(1, 0, CROP).expand(CROP, -1)
    labels = torch.stack([torch.ones_like(ramp), ramp]).expand(200, -1, -1, -1)
    width = thick_slices(labels, labels, Draw(0))[:, 1, 0].sum(dim=-1) / CROP
    assert width.min() < 0.25
    assert width.max() > 0.55


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


def test_swollen_gray_matter_leaves_a_rim_and_the_other_shapes_as_they_are() -> None:
    crops = some_crops()
    before = torch.stack([crops.cord[:1], crops.gm[:1]], dim=1).repeat(80, 1, 1, 1)
    after = with_swollen_gray_matter(before, 0.25, 0.4, Draw(5))
    area = before[:, 1].sum(dim=(1, 2))
    growth = after[:, 1].sum(dim=(1, 2)) / area

    torch.testing.assert_close(after[:, 0], before[:, 0])
    assert bool((after[:, 1] >= before[:, 1] - 1e-6).all())
    assert bool((after[:, 1] <= after[:, 0]).all())
    assert float((growth > 1.05).float().mean()) == pytest.approx(0.4, abs=0.15)
    assert float(growth.max()) > 1.5
    assert torch.equal(after[growth < 1.001], before[growth < 1.001])


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
    monkeypatch.setattr(windows, "ORDINARY_ENDS", replace(windows.ORDINARY_ENDS, share=0.0))
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
