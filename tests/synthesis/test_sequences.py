"""Signals by the equations of sequences, with values computed on paper."""

import math

import pytest
import torch

from scgm.synthesis import sequences
from scgm.synthesis.draw import Draw
from scgm.synthesis.sequences import FLUID, GRAY, SEQUENCES, WHITE, Tissues, sequence_contrast

# T1 1 s and 2 s, T2 0.1 s, T2* 0.05 s, of white matter and gray matter; fluid has 4 s.
KNOWN = Tissues(
    t1=torch.tensor([[1.0, 2.0, 4.0]]),
    t2=torch.full((1, 3), 0.1),
    t2_star=torch.full((1, 3), 0.05),
    protons=torch.tensor([[0.7, 0.8, 1.0]]),
)


class Middle(Draw):
    """Draws the middle of every range."""

    def uniform(self, low: float, high: float, *shape: int) -> torch.Tensor:  # noqa: D102
        return torch.full(shape, (low + high) / 2)


def values(sequence: object) -> list[float]:
    found: list[float] = sequence(KNOWN, Middle(0))[0].tolist()  # type: ignore[operator]
    return found


def test_a_spin_echo_recovers_with_t1_and_decays_with_t2() -> None:
    """TR 3.75 s, TE 64 ms."""
    expected = [
        protons * (1 - math.exp(-3.75 / t1)) * math.exp(-0.64)
        for protons, t1 in ((0.7, 1), (0.8, 2), (1.0, 4))
    ]

    assert values(sequences.spin_echo) == pytest.approx(expected, rel=1e-5)


def test_a_spoiled_echo_has_the_steady_state_of_its_flip_angle() -> None:
    """TR 35 ms, 19.5 degrees, TE 4 ms."""
    recovery, angle = math.exp(-0.035), math.radians(19.5)
    white = 0.7 * math.sin(angle) * (1 - recovery) / (1 - math.cos(angle) * recovery)

    assert values(sequences.spoiled_echo)[WHITE] == pytest.approx(
        white * math.exp(-0.004 / 0.05), rel=1e-5
    )


def test_an_inversion_with_its_sign_has_dark_gray_matter_and_darkest_fluid() -> None:
    """TR 4 s, TI 0.425 s: T1 of 1 s gives 0.7 * (1 - 2 * 0.6538 + 0.0183) = -0.2024."""
    white, gray, fluid = values(sequences.inversion)
    magnetization = [
        protons * (1 - 2 * math.exp(-0.425 / t1) + math.exp(-4 / t1))
        for protons, t1 in ((0.7, 1), (0.8, 2), (1.0, 4))
    ]

    assert magnetization[0] == pytest.approx(-0.2024, abs=1e-3)
    assert white - gray == pytest.approx(magnetization[0] - magnetization[1], rel=1e-5)
    assert gray - fluid == pytest.approx(magnetization[1] - magnetization[2], rel=1e-5)
    assert fluid == pytest.approx(sequences.LEAST_SIGNAL)


def test_the_uniform_image_lies_between_0_and_1() -> None:
    found = torch.cat([sequences.uniform_t1(Tissues.drawn(500, Draw(1)), Draw(2))])

    assert 0 <= float(found.min()) <= float(found.max()) <= 1
    assert float((found[:, GRAY] < found[:, WHITE]).float().mean()) > 0.95


def test_a_t1_map_shows_the_drawn_times_of_3_tesla_by_a_common_factor() -> None:
    """Gray over white matter is 973 / 876 = 1.11 at any field."""
    tissues = Tissues.drawn(2000, Draw(0))
    ratio = tissues.t1[:, GRAY] / tissues.t1[:, WHITE]

    assert float(ratio.mean()) == pytest.approx(0.973 / 0.876, abs=0.01)
    assert float(tissues.t1[:, WHITE].min()) < 0.7
    assert float(tissues.t1[:, WHITE].max()) > 1.15


@pytest.mark.parametrize(
    ("name", "gray", "fluid"),
    [
        ("spin_echo", 1, 1),
        ("late_echo", 1, 1),
        ("inversion", -1, -1),
        ("transfer_ratio", -1, -1),
        ("t1_map", 1, 1),
        ("spoiled_echo", 1, -1),
    ],
)
def test_gray_matter_and_fluid_are_bright_or_dark_as_readers_know_them(
    name: str, gray: int, fluid: int
) -> None:
    signal = getattr(sequences, name)(Tissues.drawn(400, Draw(3)), Draw(4))
    contrast = signal / signal[:, :1] - 1

    assert float((gray * contrast[:, GRAY] > 0).float().mean()) > 0.9
    assert float((fluid * contrast[:, FLUID] > 0).float().mean()) > 0.85


def test_every_contrast_is_finite_and_every_sequence_is_drawn() -> None:
    gray, fluid = sequence_contrast(4000, Draw(0))

    assert bool((gray.isfinite() & fluid.isfinite()).all())
    assert 0.1 < float(gray.min()) < 0.7
    assert 2 < float(gray.max()) < 4
    assert 0 <= float(fluid.min()) <= float(fluid.max()) <= 8
    assert len(SEQUENCES) == 10
