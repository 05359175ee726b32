"""Scores of what methods found."""

from scgm.benchmark.scores import mask_only_methods
from tests.helpers.benchmark_results import result


def test_a_method_is_mask_only_if_it_never_gave_a_probability() -> None:
    results = [
        result("hard", mask_only=True),
        result("soft", mask_only=True),
        result("soft", "other", mask_only=False),
        result("failed", reason="no cord"),
    ]

    assert mask_only_methods(results) == {"hard"}
