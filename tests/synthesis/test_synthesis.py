"""Synthesis: what must hold for every batch, and what the acquisition does on paper."""

from dataclasses import replace

import pytest
import torch

from scgm.networks.preparation import LEARNED_MM, window_size
from scgm.synthesis import windows
from scgm.synthesis.acquisition import Scanner, acquire
from scgm.synthesis.deformation import Deformation, sample_at, sampling_grids
from scgm.synthesis.draw import Draw
from scgm.synthesis.scenes import SCENE, SCENE_MM, Scenes, scene_batch
from scgm.synthesis.stacks import StackDraw
from scgm.synthesis.tissue import _lesions, blur, paint
from scgm.synthesis.windows import (
    WIDER,
    Crops,
    crop_size,
    thick_slices,
    window_batch,
    with_other_white_matter,
)

WINDOW = window_size(LEARNED_MM)
CROP = crop_size()

STILL = Deformation(
    rotation=0, free_rotation=0, scale=(1, 1), aspect=0, shear=0, shift_mm=0, elastic_mm=0
)
PERFECT = Scanner(
    pixel_mm=(0.25, 0.25), zero_filling=(0.01, 0.01), snr=(1e6, 1e6), bias=0, ghost=0, cut_off=0
)


def disc(size: int, radius_px: float) -> torch.Tensor:
    axis = torch.arange(size) - (size - 1) / 2
    return ((axis[:, None] ** 2 + axis[None, :] ** 2).sqrt() <= radius_px).float()


@pytest.fixture
def crops() -> Crops:
    """Two shapes without an image and one real crop whose gray matter nobody drew."""
    cord, gm = disc(CROP, 24), disc(CROP, 10)
    flag = torch.tensor([False, False, True])
    return Crops(
        gm=torch.stack([gm, gm, 0 * gm]),
        cord=torch.stack([cord] * 3),
        image=torch.stack([0 * cord, 0 * cord, 1 + cord]),
        has_image=flag,
        knows_gm=~flag,
        knows_cord=torch.ones(3, dtype=torch.bool),
        neighbor=torch.tensor([1, 1, 2]),
        weight=torch.ones(3),
    )


@pytest.fixture
def scenes() -> Scenes:
    """One whole slice with a cord 5 mm in radius in its middle."""
    cord = disc(SCENE, 5.0 / SCENE_MM)[None]
    body = disc(SCENE, 60.0 / SCENE_MM)[None]
    return Scenes(body + cord, torch.ones_like(body), cord, torch.ones(1))


def test_the_same_seed_draws_the_same_batch(crops: Crops) -> None:
    first = window_batch(crops, 4, 0.5, Draw(3)).images
    second = window_batch(crops, 4, 0.5, Draw(3)).images

    assert torch.equal(first, second)
    assert not torch.equal(first, window_batch(crops, 4, 0.5, Draw(4)).images)


def test_a_batch_has_finite_images_and_nested_shares(crops: Crops) -> None:
    batch = window_batch(crops, 16, 0.25, Draw(0))
    cord, gm = batch.targets[:, 0], batch.targets[:, 1]

    assert batch.images.shape == (16, 1, WINDOW, WINDOW)
    assert bool(batch.images.isfinite().all())
    assert float(batch.targets.min()) >= 0
    assert float(batch.targets.max()) <= 1
    assert bool((gm <= cord + 0.02).all())


def test_a_tissue_that_nobody_drew_is_marked_unknown(crops: Crops) -> None:
    known = window_batch(crops, 4, 0.5, Draw(0)).known[:, :, 0, 0]

    assert known[:2].tolist() == [[1, 0], [1, 0]]  # the real crop: cord, but no gray matter
    assert known[2:].tolist() == [[1, 1], [1, 1]]


def test_standing_still_changes_nothing() -> None:
    image = torch.rand(1, 1, WINDOW, WINDOW)
    grids = sampling_grids(1, WINDOW, 0.25, STILL, Draw(0))
    moved = sample_at(image, grids, 0.25)

    # Left and right may be mirrored: cords have both.
    assert torch.allclose(moved, image, atol=1e-4) or torch.allclose(
        moved, image.flip(-1), atol=1e-4
    )


def test_a_perfect_scanner_returns_the_signal() -> None:
    axis = torch.linspace(0, 12, WINDOW)
    signal = (2 + torch.sin(axis)[:, None] * torch.cos(axis)[None, :])[None]
    image, inside = acquire(signal, PERFECT, Draw(0))

    assert (image - signal)[:, 8:-8, 8:-8].abs().max() < 0.02
    assert bool((inside[:, 2:-2, 2:-2] == 1).all())


def test_noise_has_the_asked_deviation() -> None:
    """At SNR 20 and signal 1 the deviation is 0.05, Rician being Gaussian up there."""
    scanner = Scanner(
        pixel_mm=(0.25, 0.25), zero_filling=(0.01, 0.01), snr=(20, 20), bias=0, ghost=0, cut_off=0
    )
    image, _ = acquire(torch.ones(8, WINDOW, WINDOW), scanner, Draw(1))

    # A random offset of the pixels averages neighbors: exact sampling has the full deviation.
    assert float(image[:, 8:-8, 8:-8].std()) == pytest.approx(0.05 * 2 / 3, rel=0.25)


def test_blur_keeps_the_sum_and_widens() -> None:
    """A point blurred by 1 mm has variance 1 mm2 along each axis."""
    point = torch.zeros(1, 64, 64)
    point[0, 32, 32] = 1
    spread = blur(point, torch.tensor([1.0]))[0]
    axis = (torch.arange(64) - 32) * 0.25

    assert float(spread.sum()) == pytest.approx(1, abs=1e-4)
    assert float((spread.sum(1) * axis**2).sum()) == pytest.approx(1, rel=0.02)


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


def test_scene_targets_are_probabilities_over_places(scenes: Scenes) -> None:
    batch = scene_batch(scenes, 64, Draw(0))

    assert torch.allclose(batch.targets.sum(dim=1), torch.ones(64), atol=1e-4)
    absent = batch.targets[:, -1]
    assert 0 < int(absent.sum()) < 64  # both kinds occur


def test_the_target_lies_on_the_cord(scenes: Scenes) -> None:
    """Where the cord is wholly in view, the brightest spot of these scenes is the target."""
    batch = scene_batch(scenes, 32, Draw(0))
    there = (batch.targets[:, -1] == 0) & (batch.weight == 1)
    peak = batch.targets[there, :-1].argmax(dim=1)
    images = batch.images[there, 0].flatten(1)
    value = images.gather(1, peak[:, None])[:, 0]
    middle = images.flatten(1).quantile(0.5, dim=1)

    assert int(there.sum()) >= 8
    assert float((value > middle).float().mean()) > 0.8


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


def test_a_blur_is_as_wide_in_mm_at_another_resolution() -> None:
    spreads = []
    for pixel_mm in (0.25, 0.5):
        point = torch.zeros(1, 65, 65)
        point[0, 32, 32] = 1
        row = blur(point, torch.tensor([2.0]), pixel_mm)[0].sum(dim=0)
        place = (torch.arange(65) - 32) * pixel_mm
        spreads.append(float((row * place**2).sum().sqrt()))

    assert spreads == pytest.approx([2.0, 2.0], rel=0.03)


def test_lesions_stay_where_they_are_within_a_stack() -> None:
    together = StackDraw(Draw(4), stacks=6, depth=3)
    patches = _lesions(torch.Size((18, 64, 64)), together, 0.5, share=1.0).reshape(6, 3, 64, 64)

    assert patches.amax() > 0.1
    assert torch.equal(patches[:, 0], patches[:, 2])


def test_white_matter_differs_while_gray_matter_stays(crops: Crops) -> None:
    labels = torch.stack([crops.cord[0], crops.gm[0]]).expand(200, -1, -1, -1)
    changed = with_other_white_matter(labels, Draw(0))
    torch.testing.assert_close(changed[:, 1], labels[:, 1])
    across = (changed[:, 0].sum(dim=(1, 2)) / labels[:, 0].sum(dim=(1, 2))).sqrt()
    assert across.min() == pytest.approx(WIDER[0], abs=0.01)
    assert across.max() == pytest.approx(WIDER[1], abs=0.01)


def test_gray_matter_stays_within_a_narrower_cord(crops: Crops) -> None:
    labels = torch.stack([crops.cord[0], crops.cord[0]]).expand(50, -1, -1, -1)
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
    crops: Crops, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing else changes the ratio of cord to gray matter where shapes are not bent."""
    monkeypatch.setattr(windows, "PAINTED", STILL)
    cord, gm = window_batch(crops, 100, 0.0, Draw(0)).targets.sum(dim=(2, 3)).unbind(dim=1)
    drawn = crops.cord[0].sum() / crops.gm[0].sum()
    narrow, wide = (cord / gm / drawn).quantile(torch.tensor([0.1, 0.9])).sqrt()

    assert narrow < 0.99
    assert wide > 1.1
