"""Slices of a scan as they are drawn: which, how often, and what lies around gray matter."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
import torch

from scgm.errors import ConfigError
from scgm.synthesis.deformation import Deformation
from scgm.synthesis.draw import Draw
from scgm.synthesis.stacks import stack_batch
from scgm.synthesis.windows import window_batch
from scgm.training.config.sources import Source
from scgm.training.data.counting import Counter
from scgm.training.data.examples import (
    LabeledStack,
    centers_mm,
    cord_region,
    make_crops,
    make_scenes,
    read_source,
)


def stack(slices: int = 6, *, site: str = "a", **source: object) -> LabeledStack:
    """Return a scan whose slice n shows n + 1 rows of gray matter in a square cord."""
    gm = torch.zeros(slices, 60, 60)
    cord = torch.zeros(slices, 60, 60)
    for number in range(slices):
        gm[number, 26 : 27 + number, 26:34] = 1
        cord[number, 20:40, 20:40] = 1
    given = Source.model_validate(
        {"site": site, "image": "a", "gm": "gm", "cord": ["cord"], **source}
    )
    return LabeledStack(given, 1 + gm + cord, gm, cord, (5.0, 0.5, 0.5))


def test_every_so_many_labeled_slices_are_cut_the_first_of_them_first() -> None:
    """Slices 0, 2 and 4 have 1, 3 and 5 rows of 8 pixels of 0.5 mm."""
    areas = make_crops([stack(every=2)]).gm.sum(dim=(1, 2)) * 0.25**2

    assert areas.tolist() == pytest.approx([8 * 0.25 * rows for rows in (1, 3, 5)], rel=0.02)
    assert len(make_crops([stack()]).gm) == 6


def test_the_weight_of_a_source_is_shared_by_its_slices() -> None:
    """A source of weight 3 is drawn three times as often, however many slices either has."""
    crops = make_crops([stack(6), stack(2, weight=3.0)])
    scenes = make_scenes([stack(6), stack(2, weight=3.0)])

    for weight in (crops.weight, scenes.weight):
        assert weight.tolist() == pytest.approx([1 / 6] * 6 + [3 / 2] * 2)


def test_the_neighbor_of_a_slice_is_the_next_of_its_scan() -> None:
    """The last one has itself."""
    assert make_crops([stack(3), stack(2)]).neighbor.tolist() == [1, 2, 2, 4, 4]


def sparse(slices: int, drawn: list[int], **source: Any) -> LabeledStack:
    """Return a scan with a cord in all slices, and gray matter in some of them."""
    given = stack(slices, **source)
    assert given.gm is not None
    alone = [number for number in range(slices) if number not in drawn]
    given.gm[alone] = 0
    return given


def test_gray_matter_is_known_in_the_slices_alone_in_which_it_is_drawn() -> None:
    crops = make_crops([sparse(6, [0, 5])])

    assert crops.knows_gm.tolist() == [True, False, False, False, False, True]
    assert crops.knows_cord.all()


def test_a_share_of_one_half_is_drawn_gray_matter() -> None:
    given = sparse(3, [1])
    assert given.gm is not None
    given.gm[0, 30, 30], given.gm[2, 30, 30] = 0.5, 0.4

    assert make_crops([given]).knows_gm.tolist() == [True, True, False]


def test_windows_and_stacks_are_painted_from_slices_with_gray_matter_alone() -> None:
    """All the others are marked as unknown in real windows, and never mixed into painted ones."""
    crops = make_crops([sparse(12, [2, 5, 11])])
    drawn = torch.nonzero(crops.knows_gm)[:, 0]
    batch = window_batch(crops, 40, 0.5, Draw(0))
    real, painted = batch.known[:20, 1].flatten(), batch.known[20:, 1].flatten()

    assert crops.neighbor[drawn].tolist() == [5, 11, 11]
    assert set(real.tolist()) == {0, 1}
    assert bool((real == 1).logical_or(batch.targets[:20, 1].sum(dim=(1, 2)) == 0).all())
    assert bool((painted == 1).all())
    assert bool((batch.targets[20:, 1].sum(dim=(1, 2)) > 0).all())
    stacks = stack_batch(crops, 4, 3, 48, Deformation(), Draw(0))
    assert bool((stacks.gm.sum(dim=(2, 3)) > 0).all())


def test_of_slices_with_gray_matter_every_so_many_are_cut_whatever_lies_between() -> None:
    """Gray matter is in slices 1, 3 and 5: of these 1 and 5 are cut, of the others 0 and 4."""
    crops = make_crops([sparse(6, [1, 3, 5], every=2)])

    assert crops.knows_gm.tolist() == [False, True, False, True]


def test_slices_without_a_label_are_neither_cut_nor_shown() -> None:
    """Slice 1 has no cord, slice 2 half a pixel of it."""
    given = stack(4)
    assert given.cord is not None
    given.cord[1:3] = 0
    given.cord[2, 30, 30] = 0.5

    assert len(make_crops([given]).gm) == 3
    assert len(make_scenes([given]).image) == 3


def test_slices_known_to_be_without_cord_are_shown_without_one() -> None:
    """Slices 0 and 1 have no label and are named; slice 5 is named although it has one."""
    given = stack(6, without_cord=[[0, 1], [5, 5]])
    assert given.cord is not None
    given.cord[:3] = 0

    scenes = make_scenes([given])

    shown = scenes.cord.sum(dim=(1, 2)) > 0
    assert shown.tolist() == [False, False, True, True, False]
    assert len(make_crops([stack(6, without_cord=[[0, 1]])]).gm) == 6


def test_a_scan_may_have_no_label_where_it_shows_no_cord() -> None:
    given = replace(stack(4, without_cord=[[1, 2]]), gm=None, cord=None)

    scenes = make_scenes([given])

    assert len(scenes.image) == 2
    assert float(scenes.cord.sum()) == 0


@pytest.mark.parametrize("ranges", [[[3, 2]], [[-1, 2]]])
def test_impossible_ranges_without_cord_are_refused(ranges: list[list[int]]) -> None:
    with pytest.raises(ValueError, match="without_cord"):
        stack(4, without_cord=ranges, image="a.nii")


def test_named_centers_stand_for_the_cord_of_a_scan_without_labels() -> None:
    """Named in slices 1 and 3: slice 2 lies halfway; 0 and 4 are not shown."""
    given = replace(
        stack(5, centers=[[1, 20, 30], [3, 24, 40]], gm=None, cord=[]), gm=None, cord=None
    )
    region = cord_region(given)

    assert (region.sum(dim=(1, 2)) > 0).tolist() == [False, True, True, True, False]
    pixel = given.pixel
    middle = centers_mm(region, pixel)[1:4] / pixel
    assert middle.tolist() == [[20, 30], [22, 35], [24, 40]]
    area_mm2 = float(region[2].sum() * pixel.prod())
    assert area_mm2 == pytest.approx(np.pi * 16, rel=0.05)
    assert len(make_scenes([given]).image) == 3


@pytest.mark.parametrize(
    ("key", "value"), [("centers", [[1, 20, 30], [9, 20, 30]]), ("without_cord", [[1, 9]])]
)
def test_slices_that_a_scan_does_not_have_are_refused(
    tmp_path: Path, key: str, value: list[list[int]]
) -> None:
    values = np.random.default_rng(0).random((40, 40, 4), np.float32)
    nib.save(nib.Nifti1Image(values, np.eye(4)), tmp_path / "a.nii")
    source = Source.model_validate({"site": "a", "image": "a.nii", key: value})

    with pytest.raises(ConfigError, match=f"{key} names slice 9, and the last one is 3"):
        read_source(source, tmp_path)


def test_centers_outside_the_image_are_refused(tmp_path: Path) -> None:
    values = np.random.default_rng(0).random((40, 40, 4), np.float32)
    nib.save(nib.Nifti1Image(values, np.eye(4)), tmp_path / "a.nii")
    source = Source(site="a", image=Path("a.nii"), centers=((1, 12.0, 39.5),))

    with pytest.raises(ConfigError, match=r"row 12, column 39\.5 in slice 1, and the last "):
        read_source(source, tmp_path)


@pytest.mark.parametrize(("key", "value"), [("centers", [[1, 20, 30]]), ("without_cord", [[0, 1]])])
def test_scans_without_labels_teach_the_cord_finder_alone(key: str, value: object) -> None:
    told: dict[str, Any] = {"gm": None, "cord": [], key: value}
    unlabeled = replace(stack(3, **told), gm=None, cord=None)

    assert len(make_crops([stack(2), unlabeled]).gm) == 2


@pytest.mark.parametrize(
    "told",
    [
        {"image": "a.nii", "centers": [[3, 1, 1], [2, 1, 1]]},
        {"image": "a.nii", "centers": [[3, 1, 1], [3, 2, 2]]},
        {"image": "a.nii", "cord": ["c.nii"], "centers": [[3, 1, 1]]},
        {"gm": "g.nii", "cord": ["c.nii"], "centers": [[3, 1, 1]]},
        {"image": "a.nii", "centers": [[3, 1, 1], [6, 1, 1]], "without_cord": [[4, 5]]},
    ],
)
def test_impossible_centers_are_refused(told: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="centers"):
        Source.model_validate({"site": "a", **told})


def test_images_have_a_mean_of_1_whatever_their_scale() -> None:
    crops, scenes = make_crops([stack(2)]), make_scenes([stack(2)])

    assert crops.image.mean(dim=(1, 2)).tolist() == pytest.approx([1, 1], abs=1e-5)
    inside = scenes.inside
    means = (scenes.image * inside).sum(dim=(1, 2)) / inside.sum(dim=(1, 2))
    assert means.tolist() == pytest.approx([1, 1], abs=1e-4)


def test_one_source_must_have_both_labels() -> None:
    whole = stack(2)
    gray, cord = replace(whole, cord=None), replace(whole, gm=None)

    assert make_crops([gray, cord, whole]).knows_cord.tolist() == [False] * 2 + [True] * 4
    for apart in ([gray, cord], [gray], [cord]):
        with pytest.raises(ConfigError, match="no source has both gm and cord"):
            make_crops(apart)


def test_a_source_for_the_cord_finder_alone_gives_no_crops() -> None:
    crops = make_crops([stack(6), stack(2, teaches="finder")])

    assert len(crops.gm) == 6


def test_where_only_gray_matter_is_labeled_the_cord_reaches_2_5_mm_further() -> None:
    """One pixel of 0.5 x 1 mm: five more on each side along columns, two or three along rows."""
    gm = torch.zeros(1, 21, 21)
    gm[0, 10, 10] = 1
    source = Source(site="a", gm=Path("gm"))
    region = cord_region(LabeledStack(source, None, gm, None, (5.0, 1.25, 0.5)))
    rows, columns = np.nonzero(region[0].numpy())

    assert (rows.min(), rows.max()) == (8, 12)  # 2 x 1.25 mm
    assert (columns.min(), columns.max()) == (5, 15)  # 5 x 0.5 mm
    assert region.sum() == 5 * 11


def test_a_labeled_cord_is_taken_as_it_is() -> None:
    made = stack(2)

    assert cord_region(made) is made.cord


def test_long_preparations_are_counted_every_few_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    """By a clock that advances by two seconds at each look, every third one is reported."""
    seconds = iter(range(0, 100, 2))
    monkeypatch.setattr("time.monotonic", lambda: float(next(seconds)))
    lines: list[str] = []
    counter = Counter(lines.append, "volumes read", 7)
    for _ in range(7):
        counter.step()

    assert lines == ["volumes read: 3 of 7", "volumes read: 6 of 7"]
