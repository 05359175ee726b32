"""Sentences of the command line on the page."""

import pytest

from scgm.studio.sentences import for_page


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("it is empty", "it is empty"),
        (
            "it holds 2 series; choose with --series",
            "it holds 2 series; choose in the field Series",
        ),
        ("no volume 3; omit --volume", "no volume 3; omit Volume"),
        (
            "no cord; tell where it is with --center or --cord",
            "no cord; tell where it is with --center or --cord (options of 'scgm segment')",
        ),
        (
            "the size by sform is used (--voxel-size-from decides)",
            "the size by sform is used (--voxel-size-from decides) (an option of 'scgm segment')",
        ),
        ("sub-01--a: damaged", "sub-01--a: damaged"),
    ],
)
def test_options_without_a_field_are_named_as_options(said: str, shown: str) -> None:
    assert for_page(said) == shown


def test_the_image_is_called_by_its_name() -> None:
    assert for_page("/tmp/x/a.nii: it is empty", "/tmp/x/a.nii") == "a.nii: it is empty"
