"""Options of the command line become arguments of Python."""

import pytest

from scgm.segmentation.messages import in_python


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ("tell where it is with --center or --cord", "tell where it is with center= or cord="),
        ("takes no --cord-model; omit it", "takes no cord_model=; omit it"),
        ("use --volume N (0 to 3)", "use volume= N (0 to 3)"),
        ("(--device cpu)", "(device= cpu)"),
        ("a--b -- c /x--y.nii", "a--b -- c /x--y.nii"),
        ("give another --output folder", "give another directory= folder"),
    ],
)
def test_options_become_arguments(told: str, expected: str) -> None:
    assert in_python(told) == expected
