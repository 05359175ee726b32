"""What the networks get to see: scaled by what lies near the middle, and bounded."""

import torch

from scgm.networks.preparation import CLIP, compress, standardize


def ramp(size: int = 32) -> torch.Tensor:
    """Return a window (1, y, x) whose values rise evenly along its columns."""
    return torch.arange(size, dtype=torch.float32).expand(1, size, size).clone()


def test_values_far_from_the_mean_are_cut_at_five_deviations() -> None:
    """One bright and one dark corner, a million times the rest: +5 and -5, to the last bit."""
    windows = ramp()
    windows[0, 0, 0], windows[0, -1, -1] = 1e6, -1e6
    inside = torch.ones_like(windows)

    found = standardize(windows, inside, 0.25, 1.0)

    assert CLIP == 5.0
    assert found[0, 0, 0] == 5.0
    assert found[0, -1, -1] == -5.0
    assert found.abs().max() == 5.0


def test_values_within_five_deviations_are_not_cut() -> None:
    """A ramp has at most some 2 deviations on either side, in equal steps."""
    found = standardize(ramp(), torch.ones(1, 32, 32), 0.25, 100.0)

    steps = found[0, 0, 1:] - found[0, 0, :-1]
    assert 1.5 < found.max() < 2.0
    assert steps.std() < 1e-4 * steps.mean()


def test_what_lies_outside_the_image_is_zero_and_has_no_part_in_the_scale() -> None:
    inside = torch.ones(1, 32, 32)
    inside[..., 20:] = 0
    other = torch.where(inside > 0, ramp(), torch.tensor(1e4))

    one, two = (standardize(each * 1.0, inside) for each in (ramp(), other))

    assert torch.equal(one, two)
    assert (two[..., 20:] == 0).all()


def test_the_unit_does_not_matter_to_the_cord_finder() -> None:
    values = ramp() + 1

    one, two = (compress(values * unit, torch.ones_like(values)) for unit in (1.0, 2.0**40))

    assert torch.equal(one, two)
    assert one.min() == 0
    assert one.max() < 1
