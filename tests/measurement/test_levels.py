"""Names, numbers and ranges of levels; levels by average lengths, from text and label images."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from scgm.errors import GeometryError, ImageReadError, UsageError
from scgm.image.orientation import to_axial
from scgm.image.volume import Geometry, Volume
from scgm.measurement.level_image import LevelMeaning, levels_from_image, show_surfaces
from scgm.measurement.level_lengths import approximate_levels
from scgm.measurement.level_text import read_level_text
from scgm.measurement.levels import (
    LevelKind,
    level_names,
    level_number,
    parsed_level,
    parsed_range,
    range_text,
)

VERTEBRAL, SPINAL = LevelKind.VERTEBRAL, LevelKind.SPINAL
SHAPE = (10, 9, 8)
GRID = Geometry(SHAPE, np.diag([1.0, 1.0, 5.0, 1.0]))
CORD = np.zeros(SHAPE, bool)
CORD[3:7, 3:6] = True
STACK = to_axial(Volume(CORD.astype(np.float32), GRID))
ON_SLICES = STACK.axes.to_stack(CORD)


def labels(
    values: np.ndarray[tuple[int, ...], np.dtype[np.float32]], grid: Geometry = GRID
) -> Volume:
    return Volume(values, grid, source=Path("levels.nii.gz"))


def surfaces(*numbers: float) -> Volume:
    """Return a label image whose slices, from below, have these numbers in the cord."""
    return labels(CORD * np.array(numbers, np.float32))


def discs(places: dict[int, int], column: int = 0) -> Volume:
    """Return a label image with one voxel for each disc: number -> slice."""
    values = np.zeros(SHAPE, np.float32)
    for number, k in places.items():
        values[column, column, k] = number
    return labels(values)


def test_numbers_and_names_are_those_of_label_images() -> None:
    assert [level_number(name, VERTEBRAL) for name in ("C1", "C7", "T1", "T12", "L1")] == [
        1,
        7,
        8,
        19,
        20,
    ]
    assert [level_number(name, SPINAL) for name in ("C1", "C8", "T1")] == [1, 8, 9]
    assert len(level_names(VERTEBRAL)) == len(set(level_names(VERTEBRAL))) == 30
    assert parsed_level("c3", VERTEBRAL) == parsed_level("3", VERTEBRAL) == "C3"
    assert parsed_level("C8", VERTEBRAL) is None
    assert parsed_level("31", VERTEBRAL) is None


def test_ranges_are_read_and_written() -> None:
    assert parsed_range("c2:C4", VERTEBRAL) == ("C2", "C3", "C4")
    assert parsed_range("C6:T1", VERTEBRAL) == ("C6", "C7", "T1")
    assert parsed_range("C6:T1", SPINAL) == ("C6", "C7", "C8", "T1")
    assert parsed_range("C5,C2:C3,C3", VERTEBRAL) == ("C2", "C3", "C5")
    assert range_text(("C5", "C2", "C3"), VERTEBRAL) == "C2:C3,C5"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("C2-C5", "C2:C5"),
        ("C8", "C1 to Co"),
        ("C5:C2", "C2:C5"),
        ("", "C2:C5"),
        ("C1:C2:C3", "C2:C5"),
    ],
)
def test_what_is_no_range_is_refused(text: str, words: str) -> None:
    with pytest.raises(UsageError) as refused:
        parsed_range(text, VERTEBRAL)

    assert words in str(refused.value)


def test_levels_are_counted_from_one_slice() -> None:
    """C3 is 18.5 mm long, C4 too, C2 15.5 mm: from the middle of C3, 9.25 mm to each end."""
    positions = tuple(float(mm) for mm in range(-40, 41, 5))
    found = approximate_levels("c3", positions.index(0.0), positions, VERTEBRAL)
    at = dict(zip(positions, found.of_slice, strict=True))

    assert [at[mm] for mm in (0, 5, -5, 10, -10, 20, -25, -30)] == [
        "C3",
        "C3",
        "C3",
        "C2",
        "C4",
        "C2",
        "C4",
        "C5",
    ]
    assert at[40] is None  # above C1
    assert found.source == "approximate"
    assert "approximate" in found.warnings[0]


@pytest.mark.parametrize(("level", "z"), [("C9", 0), ("S1", 0), ("C3", 3), ("C3", -1)])
def test_an_unknown_level_or_slice_is_refused(level: str, z: int) -> None:
    with pytest.raises(UsageError):
        approximate_levels(level, z, (0.0, 5.0, 10.0), VERTEBRAL)


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "site1-sc01-levels.txt"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "text",
    [
        "0 C3\n1 C4\n2 C4\n",
        "slice,level\n0,3\n1,4\n2,4.0\n",
        "C3\nC4\nC4\n",
        "# levels\n2: c4\n1: c4\n0: c3",
    ],
)
def test_a_text_file_names_the_level_of_each_slice(tmp_path: Path, text: str) -> None:
    """Slices run down in this image: the lowest slice has number 2."""
    found = read_level_text(write(tmp_path, text), (2, 1, 0), VERTEBRAL)

    assert found.of_slice == ("C4", "C4", "C3")
    assert (found.kind, found.source) == (VERTEBRAL, "text file")


def test_levels_in_a_text_file_that_run_the_wrong_way_are_refused(tmp_path: Path) -> None:
    with pytest.raises(GeometryError, match=r"levels\.txt: C4 lies above C3, so .* not in order"):
        read_level_text(write(tmp_path, "0 C3\n1 0\n2 C4\n"), (0, 1, 2), VERTEBRAL)


def test_slices_without_a_level_stay_without(tmp_path: Path) -> None:
    found = read_level_text(write(tmp_path, "0 C4\n1 0\n"), (0, 1, 2), VERTEBRAL)

    assert found.of_slice == ("C4", None, None)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("C4\nC3\n", "2 lines with a level, but the image has 3 slices"),
        ("7 C4\n", "slice 7, which the image does not have"),
        ("0 C9\n", "'C9' (slice 0) is no vertebral level"),
        ("0 C4\n0 C3\n", "slice 0 has two levels"),
        ("0 C4 x\n", "not of the form 'SLICE LEVEL'"),
        ("", "not of the form"),
        ("0 -\n1 NA\n2 0\n", "names no level of any slice"),
    ],
)
def test_a_text_file_that_is_no_list_of_levels_is_refused(
    tmp_path: Path, text: str, words: str
) -> None:
    with pytest.raises(ImageReadError) as refused:
        read_level_text(write(tmp_path, text), (0, 1, 2), VERTEBRAL)

    assert words in str(refused.value)


def test_a_file_that_is_missing_or_no_text_is_named(tmp_path: Path) -> None:
    binary = tmp_path / "levels.txt"
    binary.write_bytes(b"\xff\xfe\x00\x81")
    for path in (tmp_path / "no.txt", binary):
        with pytest.raises(ImageReadError, match=path.name):
            read_level_text(path, (0,), VERTEBRAL)


def test_surfaces_name_the_level_by_most_pixels_of_the_cord() -> None:
    found = levels_from_image(surfaces(5, 5, 4, 4, 3, 3, 0, 0), STACK, ON_SLICES)

    assert found.of_slice == ("C5", "C5", "C4", "C4", "C3", "C3", None, None)
    assert found.kind == VERTEBRAL
    assert "taken as vertebral" in found.warnings[0]


@pytest.mark.parametrize(("meaning", "name"), [("vertebral", "T1"), ("spinal", "C8")])
def test_the_number_8_depends_on_the_kind(meaning: str, name: str) -> None:
    image = surfaces(8, 8, 8, 7, 7, 7, 7, 7)
    found = levels_from_image(image, STACK, ON_SLICES, LevelMeaning(meaning))

    assert found.of_slice[0] == name
    assert found.kind == meaning
    assert found.warnings == ()


def test_levels_on_another_grid_are_found_by_place() -> None:
    """The same levels in voxels of 2 mm, stored from the top down."""
    affine = np.array([[2.0, 0, 0, -1], [0, 2.0, 0, -1], [0, 0, -2.0, 40], [0, 0, 0, 1]])
    heights = 40 - 2 * np.arange(24)
    values = np.zeros((8, 8, 24), np.float32)
    values[:, :, heights >= 0] = 4
    values[:, :, heights > 17] = 3
    found = levels_from_image(labels(values, Geometry((8, 8, 24), affine)), STACK, ON_SLICES)

    assert found.of_slice == ("C4",) * 4 + ("C3",) * 4
    assert "another grid" in found.warnings[-1]


@pytest.mark.parametrize("shift", [-2.0, 2.0])
def test_a_level_is_that_of_the_nearest_voxel(shift: float) -> None:
    """Slices of 5 mm, 2 mm away from those of the labels."""
    affine = GRID.affine.copy()
    affine[2, 3] = shift
    values = surfaces(5, 5, 4, 4, 3, 3, 2, 2).voxels
    found = levels_from_image(labels(values, Geometry(SHAPE, affine)), STACK, ON_SLICES)

    assert found.of_slice == ("C5", "C5", "C4", "C4", "C3", "C3", "C2", "C2")


def test_levels_of_another_place_are_refused() -> None:
    affine = GRID.affine.copy()
    affine[2, 3] = 500
    with pytest.raises(GeometryError, match="none of its labels lies in the cord"):
        levels_from_image(
            labels(surfaces(*[3] * 8).voxels, Geometry(SHAPE, affine)), STACK, ON_SLICES
        )


@pytest.mark.parametrize(("meaning", "numbers"), [("discs", (6, 5, 4)), ("discs-below", (5, 4, 3))])
def test_both_meanings_of_the_numbers_of_discs_are_known(
    meaning: str, numbers: tuple[int, int, int]
) -> None:
    """Discs C5/C6, C4/C5 and C3/C4 in slices 1, 4 and 6, from below."""
    image = discs(dict(zip(numbers, (1, 4, 6), strict=True)))
    found = levels_from_image(image, STACK, ON_SLICES, LevelMeaning(meaning))

    assert found.of_slice == (None, None, "C5", "C5", "C5", "C4", "C4", None)
    assert (found.kind, found.source) == (VERTEBRAL, "discs")


@pytest.mark.parametrize(("meaning", "first"), [("discs", "C1"), ("discs-below", "C2")])
def test_label_1_is_the_top_of_c1_or_the_disc_below_it(meaning: str, first: str) -> None:
    image = discs({1: 6, 2: 2, 50: 7})
    found = levels_from_image(image, STACK, ON_SLICES, LevelMeaning(meaning))

    assert found.of_slice[3:7] == (first,) * 4
    assert found.of_slice[7] is None


def test_points_are_not_guessed_at() -> None:
    with pytest.raises(UsageError) as refused:
        levels_from_image(discs({3: 6, 4: 2}), STACK, ON_SLICES)

    assert "--level-kind discs" in str(refused.value)
    assert "discs-below" in str(refused.value)


def test_balls_around_discs_are_points() -> None:
    values = np.zeros(SHAPE, np.float32)
    values[2:5, 2:5, 6], values[2:5, 2:5, 2] = 3, 4
    with pytest.raises(UsageError, match="points"):
        levels_from_image(labels(values), STACK, ON_SLICES)


def test_a_missing_disc_leaves_its_levels_unknown() -> None:
    found = levels_from_image(discs({3: 7, 4: 5, 6: 1}), STACK, ON_SLICES, LevelMeaning.DISCS)

    assert found.of_slice == (None,) * 6 + ("C3", "C3")


def test_surfaces_in_the_wrong_order_are_refused() -> None:
    with pytest.raises(GeometryError, match=r"levels\.nii\.gz: C4 lies above C3"):
        levels_from_image(surfaces(5, 5, 4, 4, 3, 3, 4, 2), STACK, ON_SLICES)


def test_levels_as_surfaces_are_no_discs() -> None:
    """The cord is 3 mm wide and 2 mm deep here; the same on pixels of 3 mm is one of a person."""
    voxels = surfaces(5, 5, 4, 4, 3, 3, 2, 2).voxels
    image = labels(voxels, Geometry(SHAPE, np.diag([3.0, 3.0, 5.0, 1.0])))

    assert show_surfaces(image)
    assert not show_surfaces(discs({3: 6, 4: 2}))
    with pytest.raises(UsageError, match="levels and no discs"):
        levels_from_image(image, STACK, ON_SLICES, LevelMeaning.DISCS)


@pytest.mark.parametrize("places", [{3: 2, 4: 6}, {3: 2, 4: 2}])
def test_discs_in_the_wrong_order_are_refused(places: dict[int, int]) -> None:
    values = discs({}).voxels.copy()
    for number, k in places.items():
        values[number, 0, k] = number
    with pytest.raises(GeometryError, match="not in order"):
        levels_from_image(labels(values), STACK, ON_SLICES, LevelMeaning.DISCS)


@pytest.mark.parametrize(
    ("image", "words"),
    [
        (surfaces(31, 3, 3, 3, 3, 3, 3, 3), "holds 31"),
        (surfaces(-1, 3, 3, 3, 3, 3, 3, 3), "holds -1"),
        (surfaces(2.5, 3, 3, 3, 3, 3, 3, 3), "no whole numbers"),
        (surfaces(0, 0, 0, 0, 0, 0, 0, 0), "holds no label"),
    ],
)
def test_what_are_no_levels_is_refused(image: Volume, words: str) -> None:
    with pytest.raises(ImageReadError) as refused:
        levels_from_image(image, STACK, ON_SLICES)

    assert words in str(refused.value)
    assert "levels.nii.gz" in str(refused.value)


@pytest.mark.parametrize("meaning", [None, LevelMeaning.VERTEBRAL])
def test_what_is_odd_about_a_label_image_is_told(meaning: LevelMeaning | None) -> None:
    odd = replace(surfaces(5, 5, 5, 4, 4, 4, 3, 3), warnings=("3 voxels are NaN",))
    found = levels_from_image(odd, STACK, ON_SLICES, meaning)

    assert found.warnings[0] == "levels.nii.gz: 3 voxels are NaN"
