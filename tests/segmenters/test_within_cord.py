"""Window methods as segmenters: where the cord comes from, and where the marks go."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from scgm.errors import ModelError, UsageError
from scgm.image.orientation import AxialStack, to_axial
from scgm.image.patches import CordWindows, Found
from scgm.io.read import read_volume
from scgm.segmentation.pipeline import segment
from scgm.segmenters.base import CordHint, Probabilities
from scgm.segmenters.registry import MethodSettings, load_model, open_method
from scgm.segmenters.within_cord import InCord
from tests.helpers.standin import cord_voxels, save_scan, scan, write_model


@dataclass
class Bright:
    """Marks what is brighter than 1.5 in the cord; makes a cord of its own where told."""

    name: str = "bright"
    size: int = 128
    pixel_mm: float = 0.25
    order: int = 1
    provenance: Mapping[str, str | None] = field(default_factory=dict)
    own_cord: bool = False
    seen: list[CordWindows] = field(default_factory=list)

    def __call__(self, windows: CordWindows) -> Found:
        """Mark."""
        self.seen.append(windows)
        gm = (windows.image > 1.5) & (windows.cord > 0.5)
        cord = np.ones_like(windows.cord) if self.own_cord else None
        return Found(gm.astype(np.float32), cord)


@pytest.fixture
def stack(tmp_path: Path) -> AxialStack:
    voxels = cord_voxels(4)
    voxels[..., 1] = 0
    return to_axial(read_volume(save_scan(tmp_path / "scan.nii.gz", voxels, axes="PSR")))


@pytest.fixture
def method(tmp_path: Path) -> InCord:
    return InCord(Bright(), load_model(write_model(tmp_path)))


def test_marks_lie_where_the_method_saw_them(method: InCord, stack: AxialStack) -> None:
    found = method(stack)

    np.testing.assert_array_equal(found.gm >= 0.5, stack.slices == 2)
    assert found.cord is not None
    np.testing.assert_array_equal(found.cord >= 0.5, stack.slices >= 1)


def test_slices_without_cord_are_not_shown_to_the_method(method: InCord, stack: AxialStack) -> None:
    found = method(stack)

    assert isinstance(method.method, Bright)
    (windows,) = method.method.seen
    assert windows.index.tolist() == [0, 2, 3]
    assert windows.slice_mm == 5
    assert not windows.cord_given
    assert found.presence[1] < 0.5


def test_a_stack_without_any_cord_is_empty(method: InCord, stack: AxialStack) -> None:
    nothing = AxialStack(np.zeros_like(stack.slices), stack.spacing_mm, stack.geometry, stack.axes)

    found = method(nothing)

    assert not found.gm.any()
    assert not found.presence.any()


def test_a_cord_that_is_given_replaces_the_model(method: InCord, stack: AxialStack) -> None:
    mask = np.zeros(stack.slices.shape, bool)
    rows, columns = np.argwhere(stack.slices[0] == 2).mean(axis=0).astype(int)
    mask[0, rows - 3 : rows + 3, columns - 3 : columns + 3] = True

    found = method(stack, CordHint(mask=mask))

    assert isinstance(method.method, Bright)
    (windows,) = method.method.seen
    assert windows.index.tolist() == [0]
    assert windows.cord_given
    assert found.cord is not None
    np.testing.assert_array_equal(found.cord >= 0.5, mask)
    np.testing.assert_array_equal(found.gm >= 0.5, mask & (stack.slices == 2))


def test_a_method_with_its_own_cord_does_not_replace_the_users(
    tmp_path: Path, stack: AxialStack
) -> None:
    method = InCord(Bright(own_cord=True), load_model(write_model(tmp_path)))
    mask = stack.slices == 2

    found = method(stack, CordHint(mask=mask))

    assert found.cord is not None
    np.testing.assert_array_equal(found.cord >= 0.5, mask)


def test_a_method_with_its_own_cord_is_believed(tmp_path: Path, stack: AxialStack) -> None:
    method = InCord(Bright(own_cord=True), load_model(write_model(tmp_path)))

    found = method(stack)

    assert found.cord is not None
    inside = found.cord[0] >= 0.5
    assert inside.sum() > (stack.slices[0] >= 1).sum()


def test_the_record_says_what_found_the_cord(method: InCord) -> None:
    assert method.provenance["cord_finder"] == "standin"
    assert method.provenance["cord_sha256"] == method.cord_finder.provenance["sha256"]


def test_the_line_takes_it_like_any_method(method: InCord) -> None:
    voxels = cord_voxels(2)

    result = segment(scan(voxels), segmenter=method)

    np.testing.assert_array_equal(np.asarray(result.gm.dataobj) > 0, voxels == 2)


def test_a_cord_model_is_refused_where_it_is_of_no_use() -> None:
    with pytest.raises(UsageError, match="takes no --cord-model"):
        open_method("default", MethodSettings(cord_model="default"))


@dataclass
class Finder:
    """Finds what it was told to."""

    found: Probabilities
    name: str = "finder"
    method_name: str = "none"
    threshold: float = 0.5
    confidence: Mapping[str, float] | None = None
    provenance: Mapping[str, str | None] = field(default_factory=dict)

    def __call__(self, stack: AxialStack, hint: CordHint | None = None) -> Probabilities:
        """Find."""
        return self.found


def found_as(cord: NDArray[np.float32], presence: Sequence[float]) -> Finder:
    nowhere = np.full((len(cord), 2), np.nan, np.float32)
    return Finder(
        Probabilities(np.zeros_like(cord), cord, nowhere, np.asarray(presence, np.float32))
    )


def test_a_slice_that_probably_shows_no_cord_is_not_shown_to_the_method(stack: AxialStack) -> None:
    """Its pixels are as likely cord as those of the other slices."""
    cord = (stack.slices[[0, 0, 0, 0]] >= 1).astype(np.float32)
    bright = Bright()

    found = InCord(bright, found_as(cord, [1, 0.24, 0.5, 0.49]))(stack)

    assert [windows.index.tolist() for windows in bright.seen] == [[0, 2]]
    assert found.gm.any(axis=(1, 2)).tolist() == [True, False, True, False]


def test_a_doubtful_slice_between_two_with_a_cord_is_shown_to_the_method(stack: AxialStack) -> None:
    cord = (stack.slices[[0, 0, 0, 0]] >= 1).astype(np.float32)
    bright = Bright()

    InCord(bright, found_as(cord, [1, 0.3, 0.5, 0.3]))(stack)

    assert [windows.index.tolist() for windows in bright.seen] == [[0, 1, 2]]


def test_faint_pixels_far_away_hardly_move_the_window(stack: AxialStack) -> None:
    """A cord of 16 x 20 pixels; 320 pixels of probability 0.1 lie 20 columns to the right.

    Weighted by its square, 0.01, the faint part moves the middle by 20 / 101 columns; by itself it
    would be 20 / 11, and counted like the cord 10 columns.
    """
    cord = np.zeros((1, 50, 80), np.float32)
    cord[0, 10:26, 10:30] = 1
    cord[0, 10:26, 30:50] = 0.1
    bright = Bright()
    image = AxialStack(np.ones_like(cord), (5, 0.5, 0.5), stack.geometry, stack.axes)

    InCord(bright, found_as(cord, [1]))(image)

    (windows,) = bright.seen
    columns = np.argwhere(windows.cord[0] > 0.55)[:, 1]
    middle_px = ((bright.size - 1) / 2 - columns.mean()) * bright.pixel_mm / 0.5
    assert middle_px == pytest.approx(20 / 101, abs=0.3)  # samples are half a pixel apart


def test_a_finder_without_cord_cannot_be_used(stack: AxialStack) -> None:
    alone = Finder(Probabilities.gray_matter_alone(np.zeros_like(stack.slices)))

    with pytest.raises(ModelError, match="finder finds gray matter alone"):
        InCord(Bright(), alone)(stack)
