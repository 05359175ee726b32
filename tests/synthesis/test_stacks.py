"""Stacks: what is alike in neighboring slices of one scan, and what is not."""

import numpy as np
import pytest
import torch

from scgm.networks.resampling import centroids
from scgm.synthesis.draw import Draw
from scgm.synthesis.sequences import sequence_contrast
from scgm.synthesis.stacks import StackDraw, stack_batch
from scgm.synthesis.tissue import _lesions
from tests.helpers.label_shapes import STILL, some_crops


def test_lesions_stay_where_they_are_within_a_stack() -> None:
    together = StackDraw(Draw(4), stacks=6, depth=3)
    patches = _lesions(torch.Size((18, 64, 64)), together, 0.5, share=1.0).reshape(6, 3, 64, 64)

    assert patches.amax() > 0.1
    assert torch.equal(patches[:, 0], patches[:, 2])


def test_a_draw_for_no_whole_batch_is_refused() -> None:
    """Whether it is for each stack or for each slice must not be guessed."""
    together = StackDraw(Draw(0), stacks=3, depth=4)

    for shape in ((3,), (1,), (4, 12), ()):
        with pytest.raises(ValueError, match="12 slices"):
            together.uniform(0.0, 1.0, *shape)
    with pytest.raises(ValueError, match="12 slices"):
        together.field(3, 16, 2)


def test_what_is_drawn_for_the_whole_batch_is_that_of_plain_draws() -> None:
    together, plain = StackDraw(Draw(5), stacks=2, depth=2), Draw(5)
    plain.uniform(0.0, 1.0, 2, 1, 1)  # how much alike the slices of each stack are

    assert torch.equal(together.whole_batch.uniform(0.0, 1.0, 3), plain.uniform(0.0, 1.0, 3))
    assert plain.whole_batch is plain


def test_slices_of_a_stack_share_what_is_drawn_for_them() -> None:
    together = StackDraw(Draw(0), 3, 4)
    values = together.uniform(0.0, 1.0, 12, 2).reshape(3, 4, 2)

    assert torch.equal(values, values[:, :1].expand_as(values))
    assert len(torch.unique(values[:, 0])) == 6
    assert together.whole_batch.uniform(0.0, 1.0, 5).shape == (5,)
    assert len(torch.unique(together.normal(12))) == 12


def test_fields_are_alike_in_a_stack_and_have_the_variance_of_others() -> None:
    fields = [StackDraw(Draw(seed), 1, 2).field(2, 32, 6) for seed in range(60)]
    pairs = torch.stack(fields)
    together = [float(torch.corrcoef(pair.flatten(1))[0, 1]) for pair in pairs]
    plain = torch.stack([Draw(seed).field(2, 32, 6) for seed in range(60)])

    assert 0.5 < np.mean(together) < 0.8  # the middle of ALIKE is 0.64
    assert pairs.std().item() == pytest.approx(plain.std().item(), rel=0.1)


@pytest.mark.slow
def test_a_batch_of_stacks_is_finite_nested_and_drawn_again_by_the_same_seed() -> None:
    batch, again = (stack_batch(some_crops(), 3, 4, 48, STILL, Draw(1)) for _ in range(2))

    assert batch.images.shape == batch.cord.shape == batch.gm.shape == (3, 4, 48, 48)
    assert bool(batch.images.isfinite().all())
    assert float(batch.images.abs().max()) <= 5
    assert float(batch.gm.min()) >= 0
    assert bool((batch.gm <= batch.cord + 1e-5).all())
    assert float(batch.cord.max()) <= 1 + 1e-6
    assert torch.equal(batch.images, again.images)


@pytest.mark.slow
def test_the_middle_of_the_cord_differs_by_half_a_millimeter_between_slices() -> None:
    """One pixel of 0.5 mm: so far apart, in the mean of both directions, are the centroids."""
    cord = stack_batch(some_crops(), 30, 4, 48, STILL, Draw(1)).cord.flatten(0, 1)
    place = (torch.arange(48) - 23.5) * 0.5
    row_mm = centroids(cord, place, place)[:, 0]

    assert float(row_mm.std()) == pytest.approx(0.5, rel=0.2)


def test_slices_of_a_stack_have_one_contrast() -> None:
    gray, fluid = sequence_contrast(60, StackDraw(Draw(1), 15, 4))
    for signal in (gray, fluid):
        stacks = signal.reshape(15, 4)
        assert torch.equal(stacks, stacks[:, :1].expand(-1, 4))
    assert len(set(gray.tolist())) == 15
