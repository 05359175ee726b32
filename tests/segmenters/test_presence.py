"""Which slices show a cord."""

import numpy as np
import pytest

from scgm.segmenters.presence import is_present


@pytest.mark.parametrize(
    ("presence", "shown"),
    [
        ([0.9, 0.25, 0.5], [True, True, True]),
        ([0.5, 0.24, 0.3, 0.49, 0.9], [True, False, True, True, True]),
        ([0.49, 0.9, 0.49], [False, True, False]),  # the ends of the cord
        ([0.3, 0.49, 0.3], [False, False, False]),
        ([0.9, 0.4, 0.4, 0.4, 0.4, 0.4, 0.9], [True] * 7),  # 30 mm apart
        ([0.9, 0.4, 0.4, 0.4, 0.4, 0.4, 0.4, 0.9], [True, *[False] * 6, True]),
        ([], []),
    ],
)
def test_a_cord_does_not_end_and_begin_again(presence: list[float], shown: list[bool]) -> None:
    assert is_present(np.array(presence, np.float32), 5.0).tolist() == shown
