"""Stacks: what is alike in neighboring slices of one scan, and what is not."""

import pytest
import torch

from scgm.synthesis.draw import Draw
from scgm.synthesis.stacks import StackDraw
from scgm.synthesis.tissue import _lesions


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
