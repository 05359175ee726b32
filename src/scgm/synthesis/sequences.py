"""Signals of gray matter and fluid by the equations of common sequences; white matter is 1.

Relaxation times of the cervical cord at 3 T: T1 of white matter 876 +- 27 ms, of gray matter 973
+- 33 ms; T2 73 +- 6 and 76 +- 3 ms (Smith et al. 2008). T1 is shorter at 1.5 T and longer at 7 T,
which a common factor stands for. Protons are those of the water content of brain (white matter
0.70, gray matter 0.82, fluid 1); T2* and the ranges of the parameters are ours.

References
----------
Smith S.A. et al. Measurement of T1 and T2 in the cervical spinal cord at 3 tesla. Magn Reson Med
60:213-219, 2008.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from scgm.synthesis.draw import Draw

WHITE, GRAY, FLUID = range(3)
T1_S, T1_SPREAD_S = (0.876, 0.973, 4.0), (0.027, 0.033, 0.3)
T2_S, T2_SPREAD_S = (0.073, 0.076, 1.5), (0.006, 0.003, 0.3)
T2_STAR_S, T2_STAR_SPREAD_S = (0.038, 0.043, 0.30), (0.004, 0.004, 0.08)
PROTONS, PROTONS_SPREAD = (0.70, 0.82, 1.0), (0.02, 0.02, 0.01)
FIELD_FACTOR = (0.75, 1.35)  # of T1, from 1.5 to 7 T
LEAST_SIGNAL = 0.02  # of images whose sign is kept, which are shifted to be positive


@dataclass(frozen=True, slots=True, eq=False)
class Tissues:
    """Properties (n, 3) of white matter, gray matter and fluid; times in seconds."""

    t1: Tensor
    t2: Tensor
    t2_star: Tensor
    protons: Tensor

    @classmethod
    def drawn(cls, count: int, draw: Draw) -> "Tissues":
        """Draw those of ``count`` people and scanners."""

        def around(mean: tuple[float, ...], spread: tuple[float, ...]) -> Tensor:
            away = torch.tensor(spread, device=draw.device) * draw.spread(count, 3).clamp(-2, 2)
            return torch.tensor(mean, device=draw.device) + away

        t1 = around(T1_S, T1_SPREAD_S)
        factor = draw.uniform(*FIELD_FACTOR, count, 1)
        t1 = torch.cat([t1[:, :FLUID] * factor, t1[:, FLUID:]], dim=1)
        return cls(
            t1,
            around(T2_S, T2_SPREAD_S),
            around(T2_STAR_S, T2_STAR_SPREAD_S),
            around(PROTONS, PROTONS_SPREAD),
        )


def spin_echo(tissues: Tissues, draw: Draw) -> Tensor:
    """Proton density to T2 weighting: TR 1.5 to 6 s, TE 8 to 120 ms."""
    repetition, echo = _drawn(tissues, draw, (1.5, 6.0)), _drawn(tissues, draw, (0.008, 0.12))
    recovered = 1 - (-repetition / tissues.t1).exp()
    return tissues.protons * recovered * (-echo / tissues.t2).exp()


def spoiled_echo(tissues: Tissues, draw: Draw) -> Tensor:
    """T1 weighting by short TR (10 to 60 ms, flip angle 4 to 35 degrees), TE 2 to 6 ms."""
    echo = _drawn(tissues, draw, (0.002, 0.006))
    return _spoiled(tissues, draw, (0.01, 0.06), (4.0, 35.0)) * (-echo / tissues.t2_star).exp()


def late_echo(tissues: Tissues, draw: Draw) -> Tensor:
    """T2* weighting, EPI included: TR 0.3 to 3 s, TE 10 to 40 ms."""
    echo = _drawn(tissues, draw, (0.01, 0.04))
    return _spoiled(tissues, draw, (0.3, 3.0), (15.0, 80.0)) * (-echo / tissues.t2_star).exp()


def inversion(tissues: Tissues, draw: Draw) -> Tensor:
    """Inversion recovery with its sign (PSIR): TR 3 to 5 s, TI 300 to 550 ms."""
    repetition, delay = _drawn(tissues, draw, (3.0, 5.0)), _drawn(tissues, draw, (0.3, 0.55))
    return _positive(_inverted(tissues, repetition, delay))


def magnetization_prepared(tissues: Tissues, draw: Draw) -> Tensor:
    """MPRAGE: magnitude of an inversion recovery with TI 0.8 to 1.1 s."""
    repetition, delay = _drawn(tissues, draw, (2.0, 2.5)), _drawn(tissues, draw, (0.8, 1.1))
    return _inverted(tissues, repetition, delay).abs()


def uniform_t1(tissues: Tissues, draw: Draw) -> Tensor:
    """MP2RAGE's uniform image, from two inversion times; -0.5 to 0.5, shifted to 0 to 1."""
    repetition = _drawn(tissues, draw, (4.0, 6.0))
    first = _inverted(tissues, repetition, _drawn(tissues, draw, (0.6, 0.9)))
    second = _inverted(tissues, repetition, _drawn(tissues, draw, (2.0, 2.8)))
    return 0.5 + first * second / (first**2 + second**2)


def t1_map(tissues: Tissues, draw: Draw) -> Tensor:
    """T1 itself; that of fluid is cut off, as programs do."""
    return tissues.t1.clamp(max=float(draw.whole_batch.uniform(2.0, 4.5, 1)))


def transfer_ratio(tissues: Tissues, draw: Draw) -> Tensor:
    """Magnetization transfer ratio: more myelin, higher; next to nothing in fluid."""
    white = draw.uniform(0.40, 0.55, len(tissues.t1))
    gray = white * draw.uniform(0.78, 0.95, len(tissues.t1))
    return torch.stack([white, gray, draw.uniform(0.01, 0.15, len(tissues.t1))], dim=1)


def diffusion_mean(tissues: Tissues, draw: Draw) -> Tensor:
    """Mean of diffusion-weighted images: little fluid, and gray about as white matter."""
    count = len(tissues.t1)
    gray = draw.uniform(0.82, 1.25, count)
    return torch.stack([torch.ones_like(gray), gray, draw.uniform(0.03, 0.4, count)], dim=1)


def susceptibility(tissues: Tissues, draw: Draw) -> Tensor:
    """Susceptibility maps, shifted to be positive: any sign, and fluid near zero."""
    count = len(tissues.t1)
    white, gray = draw.uniform(-0.05, 0.0, count), draw.uniform(-0.02, 0.06, count)
    fluid = draw.uniform(-0.02, 0.02, count)
    return 0.1 + torch.stack([white, gray, fluid], dim=1)


SEQUENCES: tuple[Callable[[Tissues, Draw], Tensor], ...] = (
    spin_echo,
    spoiled_echo,
    late_echo,
    inversion,
    magnetization_prepared,
    uniform_t1,
    t1_map,
    transfer_ratio,
    diffusion_mean,
    susceptibility,
)


def sequence_contrast(count: int, draw: Draw) -> tuple[Tensor, Tensor]:
    """Return signals of gray matter and of fluid (n,), where that of white matter is 1.

    Each sample has a sequence of its own, and every sequence is as frequent.
    """
    tissues = Tissues.drawn(count, draw)
    images = torch.stack([sequence(tissues, draw) for sequence in SEQUENCES])
    which = draw.index(len(SEQUENCES), count)
    signal = images[which, torch.arange(count, device=draw.device)]
    ratio = signal / signal[:, WHITE:GRAY].clamp(min=LEAST_SIGNAL)
    return ratio[:, GRAY], ratio[:, FLUID].clamp(max=8.0)


def _drawn(tissues: Tissues, draw: Draw, limits: tuple[float, float]) -> Tensor:
    """Draw one value (n, 1) for each sample."""
    return draw.uniform(*limits, len(tissues.t1), 1)


def _spoiled(
    tissues: Tissues, draw: Draw, repetition_s: tuple[float, float], degrees: tuple[float, float]
) -> Tensor:
    """Steady state of a spoiled gradient echo, without its decay."""
    recovery = (-_drawn(tissues, draw, repetition_s) / tissues.t1).exp()
    angle = torch.deg2rad(_drawn(tissues, draw, degrees))
    return tissues.protons * angle.sin() * (1 - recovery) / (1 - angle.cos() * recovery)


def _inverted(tissues: Tissues, repetition_s: Tensor, delay_s: Tensor) -> Tensor:
    """Magnetization some time after an inversion, with its sign."""
    recovered = 1 - 2 * (-delay_s / tissues.t1).exp() + (-repetition_s / tissues.t1).exp()
    return tissues.protons * recovered


def _positive(signal: Tensor) -> Tensor:
    """Shift signals (n, 3) so that the lowest is just above zero."""
    return signal - signal.amin(dim=1, keepdim=True).clamp(max=0) + LEAST_SIGNAL
