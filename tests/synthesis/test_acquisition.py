"""The simulated scanner: noise, bias, ghosts and field of view are as asked for."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from scgm.synthesis.acquisition import Scanner, _through_k_space, acquire
from scgm.synthesis.draw import Draw
from tests.helpers.label_shapes import PERFECT, WINDOW, disc


def test_a_perfect_scanner_returns_the_signal() -> None:
    axis = torch.linspace(0, 12, WINDOW)
    signal = (2 + torch.sin(axis)[:, None] * torch.cos(axis)[None, :])[None]
    image, inside = acquire(signal, PERFECT, Draw(0))

    assert (image - signal)[:, 8:-8, 8:-8].abs().max() < 0.02
    assert bool((inside[:, 2:-2, 2:-2] == 1).all())


@settings(max_examples=15, deadline=None)
@given(
    snr=st.sampled_from([10.0, 20.0, 50.0]),
    acquired_mm=st.sampled_from([0.3, 0.5, 1.0, 2.0]),
    grid_mm=st.sampled_from([0.25, 0.5]),
    seed=st.integers(0, 1000),
)
def test_noise_has_the_asked_deviation(
    snr: float, acquired_mm: float, grid_mm: float, seed: int
) -> None:
    """At signal 1 it is 1 / SNR whatever the resolution, Rician being Gaussian up there."""
    signal, draw = torch.ones(24, 64, 64), Draw(seed)
    resolution, quality = torch.full((24,), acquired_mm), torch.full((24,), snr)

    image = _through_k_space(signal, grid_mm, resolution, quality, draw)

    assert float(image.std()) == pytest.approx(1 / snr, rel=0.1)


def test_noise_without_signal_is_that_of_a_magnitude() -> None:
    """Rayleigh: its mean is sqrt(pi / 2) times the deviation of each channel."""
    count = torch.full((64,), 1.0), torch.full((64,), 20.0)
    image = _through_k_space(torch.zeros(64, 64, 64), 0.25, *count, Draw(0))

    assert float(image.mean()) == pytest.approx(0.05 * (torch.pi / 2) ** 0.5, rel=0.05)


def test_noise_falls_with_the_signal_to_noise_ratio() -> None:
    """Measured by the whole scanner, four times the ratio is a quarter of the noise."""
    deviations = [
        float(
            acquire(
                torch.ones(16, 64, 64),
                replace(PERFECT, zero_filling=(1.0, 1.0), snr=(snr, snr)),
                Draw(0),
            )[0][:, 8:-8, 8:-8].std()
        )
        for snr in (20.0, 80.0)
    ]

    assert deviations[0] == pytest.approx(4 * deviations[1], rel=0.02)
    assert 0.01 < deviations[0] < 0.05  # pixels average over their neighbors


def test_a_coarse_scan_blurs_an_edge_over_its_pixels() -> None:
    """Between 10 % and 90 % of an edge lie about as many mm as a pixel has."""
    edge = (torch.arange(WINDOW) >= WINDOW // 2).float().expand(8, WINDOW, WINDOW)
    widths = []
    for pixel_mm in (0.5, 2.0):
        scanner = replace(PERFECT, pixel_mm=(pixel_mm, pixel_mm), zero_filling=(1.0, 1.0))
        image, _ = acquire(edge, scanner, Draw(0))
        between = (image > 0.1) & (image < 0.9)
        widths.append(float(between[:, 20:-20, 40:-40].sum(dim=-1).float().mean()) * 0.25)

    assert 0.25 <= widths[0] <= 1.0
    assert 1.0 <= widths[1] <= 4.0


def test_bias_changes_the_signal_by_its_amount_and_slowly() -> None:
    """The logarithm of the signal has about the deviation of the bias, with two knots across."""
    scanner = replace(PERFECT, bias=0.3)
    image, _ = acquire(torch.ones(200, 48, 48), scanner, Draw(0))
    logarithm = image[:, 4:-4, 4:-4].log()

    assert float(logarithm.std()) == pytest.approx(0.3, rel=0.2)
    assert float(logarithm.diff(dim=-1).abs().max()) < 0.1


def test_a_share_of_the_images_has_lost_signal_in_places() -> None:
    """At most nine tenths of it, and nowhere more than there was."""
    image, _ = acquire(torch.ones(400, 48, 48), replace(PERFECT, lost=0.25), Draw(0))
    darkest = image[:, 4:-4, 4:-4].amin(dim=(1, 2))

    assert float((darkest < 0.9).float().mean()) == pytest.approx(0.25, abs=0.07)
    assert 0.09 < float(darkest.min()) < 0.5
    assert float(image.max()) < 1.05


def test_a_fifth_of_the_images_has_a_ghost_as_strong_as_asked() -> None:
    """A shifted copy adds its share to the sum: up to 0.5 of it, in a fifth of 400 images."""
    signal = disc(48, 3).expand(400, -1, -1)
    image, _ = acquire(signal, replace(PERFECT, ghost=0.5), Draw(3))
    added = image.sum(dim=(1, 2)) / signal.sum(dim=(1, 2)) - 1

    assert float((added > 0.02).float().mean()) == pytest.approx(0.2, abs=0.06)
    assert 0.4 < float(added.max()) <= 0.52


def test_a_ghost_is_a_copy_in_another_place() -> None:
    signal = disc(48, 3).expand(100, -1, -1)
    image, _ = acquire(signal, replace(PERFECT, ghost=0.5), Draw(3))
    strongest = image.sum(dim=(1, 2)).argmax()
    apart = image[strongest] - image.median(dim=0).values
    added = float(apart.sum() / signal[0].sum())

    assert float(apart.max()) == pytest.approx(added, rel=0.15)  # as bright as it has area
    assert float((apart * signal[0]).sum()) < 0.2 * added * float(signal[0].sum())


def test_the_field_of_view_ends_within_the_window_in_the_asked_share() -> None:
    image, inside = acquire(torch.ones(300, 32, 32), replace(PERFECT, cut_off=0.5), Draw(0))
    ended = (inside[:, 4:-4, 4:-4] == 0).flatten(1).any(dim=1)

    # Four sides, each within the inner three quarters with 55 of 140 parts or more.
    assert 0.35 < float(ended.float().mean()) < 0.5
    assert bool((image[inside == 0] == 0).all())
    assert bool((inside[:, 13:19, 13:19] == 1).all())  # the middle, where the cord is, stays


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10_000), scale=st.sampled_from([1e-3, 1.0, 1e3]))
def test_an_image_is_finite_and_never_negative(seed: int, scale: float) -> None:
    signal = scale * torch.rand(4, 32, 32)
    image, inside = acquire(signal, Scanner(), Draw(seed))

    assert bool(image.isfinite().all())
    assert float(image.min()) >= 0
    assert bool(((inside == 0) | (inside == 1)).all())
