"""Random numbers: their ranges, and fields that are smooth and of unit variance."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from scgm.synthesis.draw import Draw


@settings(max_examples=20, deadline=None)
@given(low=st.floats(-5, 5), width=st.floats(0.01, 10), seed=st.integers(0, 1000))
def test_uniform_values_fill_their_range(low: float, width: float, seed: int) -> None:
    values = Draw(seed).uniform(low, low + width, 4000)

    assert low - 1e-4 <= float(values.min()) < low + 0.01 * width
    assert low + 0.99 * width < float(values.max()) <= low + width + 1e-4
    assert torch.equal(values, Draw(seed).uniform(low, low + width, 4000))


def test_log_uniform_values_have_the_geometric_mean_as_their_median() -> None:
    """Between 1 and 100 half of them lie below 10."""
    values = Draw(0).log_uniform(1.0, 100.0, 5000)

    assert float(values.median()) == pytest.approx(10, rel=0.1)


def test_a_chance_comes_true_as_often_as_it_says() -> None:
    assert float(Draw(0).chance(0.2, 5000).float().mean()) == pytest.approx(0.2, abs=0.02)


@pytest.mark.parametrize("cells", [2, 3, 6, 12, 24])
def test_fields_have_about_unit_variance_and_mean_zero(cells: int) -> None:
    values = Draw(0).field(300, 64, cells)

    assert float(values.std()) == pytest.approx(1.1, abs=0.1)
    assert float(values.mean()) == pytest.approx(0, abs=0.1)


def test_fields_have_as_many_knots_across_as_asked() -> None:
    """Knots are independent: half of their distance apart a field is alike, two apart not."""
    values = Draw(0).field(400, 96, 6)  # a knot in 16 pixels

    def alike(apart: int) -> float:
        pair = torch.stack([values[:, 48, 48 - apart // 2], values[:, 48, 48 + apart // 2]])
        return float(torch.corrcoef(pair)[0, 1])

    assert alike(8) > 0.6
    assert abs(alike(32)) < 0.2
