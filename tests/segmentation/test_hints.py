"""What the user says of the cord: believed, followed, checked, or refused by name."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from numpy.typing import NDArray

from scgm.errors import CordMaskError, ImageReadError, UsageError
from scgm.segmentation.options import SegmentOptions
from scgm.segmentation.pipeline import segment
from scgm.segmenters.registry import OnnxModel, load_model
from tests.helpers.standin import scan, turned, write_model

SLICES = 5
ROWS, COLUMNS = np.ogrid[:120, :120]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> OnnxModel:
    return load_model(write_model(tmp_path_factory.mktemp("model")))


def middle(z: int) -> tuple[int, int]:
    """Return where the cord of slice *z* has its middle: it moves by a pixel each slice."""
    return 60 + z, 64


def oval(center: tuple[int, int], half: tuple[float, float]) -> NDArray[np.bool_]:
    """Return an oval on 120 x 120 pixels of 0.5 mm."""
    away = ((ROWS - center[0]) / half[0]) ** 2 + ((COLUMNS - center[1]) / half[1]) ** 2
    return np.asarray(away <= 1)


def ovals(half: tuple[float, float], shift: int = 0) -> NDArray[np.uint8]:
    """Return ovals around the middles, half a pixel wider in every other slice."""
    pixels = [
        oval((middle(z)[0] + shift, middle(z)[1]), (half[0], half[1] + z % 2 / 2))
        for z in range(SLICES)
    ]
    return np.stack(pixels, axis=-1).astype(np.uint8)


CORD = ovals((13, 9))  # 92 mm2
GRAY = ovals((6, 2))


@pytest.fixture(scope="module")
def image() -> Any:
    """Return a scan with a cord of 13 x 9 mm for the stand-in."""
    return scan((CORD + GRAY).astype(np.float32))


def test_a_right_mask_is_taken_without_a_word(model: OnnxModel, image: Any) -> None:
    result = segment(image, segmenter=model, cord=scan(CORD))

    assert set(result.status) == {"ok"}
    assert not any("mask" in line for line in result.provenance.warnings)
    assert result.provenance.given_cord is not None
    assert result.provenance.given_cord["median_dice"] == 1
    assert result.provenance.given_cord["median_distance_mm"] == 0


def test_no_gray_matter_lies_outside_of_the_given_mask(model: OnnxModel, image: Any) -> None:
    """The mask is the cord without its first rows, in which there is gray matter."""
    given = CORD * (ROWS >= 58)[..., None].astype(np.uint8)

    result = segment(image, segmenter=model, cord=scan(given))

    expected = GRAY.astype(bool) & (ROWS >= 58)[..., None]
    assert expected.sum() < GRAY.sum()
    np.testing.assert_array_equal(np.asarray(result.gm.dataobj) > 0, expected)


def test_a_rough_mask_is_taken_without_a_word(model: OnnxModel, image: Any) -> None:
    """One pixel smaller all around: a rater may draw it so."""
    result = segment(image, segmenter=model, cord=scan(ovals((12, 8))))

    assert set(result.status) == {"ok"}
    assert not any("mask" in line for line in result.provenance.warnings)


def rounded(mask: Any) -> Any:
    """Return a mask whose origin has another third decimal, as a rounded header has."""
    affine = mask.affine.copy()
    affine[0, 3] += 0.02  # a 25th of a pixel
    return nib.Nifti1Image(np.asarray(mask.dataobj), affine)


@pytest.mark.parametrize("option", ["cord", "centerline"])
@pytest.mark.parametrize(
    ("change", "note"),
    [
        (rounded, "its voxels lie up to 0.02 mm from those of the image; they were taken as the"),
        (lambda mask: turned(mask, "LPI"), "its axes were brought into the order of those of"),
    ],
)
def test_what_differs_between_the_grids_is_said_and_kept(
    model: OnnxModel, image: Any, option: str, change: Callable[[Any], Any], note: str
) -> None:
    given = CORD if option == "cord" else line()

    exact = segment(image, segmenter=model, **{option: scan(given)})
    result = segment(image, segmenter=model, **{option: change(scan(given))})

    assert any(note in warning for warning in result.provenance.warnings)
    assert not any(note in warning for warning in exact.provenance.warnings)
    np.testing.assert_array_equal(result.axial_mask("gm"), exact.axial_mask("gm"))


@pytest.mark.parametrize("option", ["cord", "centerline"])
def test_the_record_tells_which_drawing_was_given(
    model: OnnxModel, image: Any, tmp_path: Path, option: str
) -> None:
    file = tmp_path / "drawn.nii.gz"
    scan(CORD if option == "cord" else line()).to_filename(file)
    choice: dict[str, Any] = {option: file}

    result = segment(image, segmenter=model, **choice)

    checksum = hashlib.sha256(file.read_bytes()).hexdigest()
    assert result.provenance.options["hint_sha256"] == checksum
    assert segment(image, segmenter=model).provenance.options["hint_sha256"] is None


def disc_mask() -> NDArray[np.uint8]:
    return np.stack([oval(middle(z), (10, 10)) for z in range(SLICES)], axis=-1).astype(np.uint8)


@pytest.mark.parametrize(
    ("mask", "named"),
    [
        (lambda: ovals((19, 15)), "larger than the cord, as a mask of the spinal canal"),
        (lambda: ovals((6, 3)), "smaller than the cord, as a mask of the gray matter"),
        (lambda: ovals((13, 9), shift=12), "shifted against the cord"),
        (lambda: ovals((13, 9), shift=2), "shifted against the cord"),
        (disc_mask, "a cylinder, round and equal in all slices"),
    ],
)
def test_a_doubtful_mask_is_named_and_no_slice_is_ok(
    model: OnnxModel, image: Any, mask: Callable[[], NDArray[np.uint8]], named: str
) -> None:
    result = segment(image, segmenter=model, cord=scan(mask()))

    assert set(result.status) == {"cord mask in doubt"}
    (line,) = (line for line in result.provenance.warnings if "it is" in line)
    assert named in line
    assert "5 of 5 slices" in line


def test_distance_and_agreement_are_in_the_record(model: OnnxModel, image: Any) -> None:
    """Twelve pixels of 0.5 mm are 6 mm."""
    made_by = segment(image, segmenter=model, cord=scan(ovals((13, 9), shift=12))).provenance

    assert made_by.given_cord is not None
    assert made_by.given_cord["median_distance_mm"] == pytest.approx(6, abs=0.01)
    assert made_by.given_cord["slices"] == made_by.given_cord["compared"] == SLICES


def test_only_the_slices_in_doubt_are_flagged(model: OnnxModel, image: Any) -> None:
    mask = CORD.copy()
    mask[..., 2] = np.roll(mask[..., 2], 12, axis=0)

    status = segment(image, segmenter=model, cord=scan(mask)).status

    assert status == ("ok", "ok", "cord mask in doubt", "ok", "ok")


def test_what_cannot_be_compared_is_said(model: OnnxModel) -> None:
    voxels = (CORD + GRAY).astype(np.float32)
    voxels[..., 4] = 0

    result = segment(scan(voxels), segmenter=model, cord=scan(CORD))

    assert any("could not be checked in 1 of 5 slices" in w for w in result.provenance.warnings)


def test_a_method_with_a_separate_cord_detector_is_compared_with_that(image: Any) -> None:
    """It takes the user's mask for its cord: that says nothing about the mask."""
    result = segment(image, method="gsbme", cord=scan(ovals((13, 9), shift=12)))

    assert result.provenance.given_cord is not None
    assert result.provenance.given_cord["median_dice"] != 1


def line() -> NDArray[np.uint8]:
    voxels = np.zeros(CORD.shape, np.uint8)
    for z in range(SLICES):
        voxels[(*middle(z), z)] = 1
    return voxels


@pytest.mark.parametrize(
    ("mask", "named"),
    [
        (line, "center line, not a mask of the cord; give it with --centerline"),
        (lambda: 1 - CORD, "it is inverted"),
        (lambda: ovals((40, 38)), "no cord is so large"),
        (lambda: CORD * 0, "no voxel of this mask of the cord reaches 0.5"),
    ],
)
def test_what_can_be_no_cord_is_refused(
    model: OnnxModel, image: Any, mask: Callable[[], NDArray[Any]], named: str
) -> None:
    with pytest.raises(CordMaskError, match=named):
        segment(image, segmenter=model, cord=scan(mask()))


def test_a_mask_of_values_below_a_half_is_refused(model: OnnxModel, image: Any) -> None:
    with pytest.raises(ImageReadError, match=r"its largest value is 0.4, and .* at least 0.5"):
        segment(image, segmenter=model, cord=scan(CORD * np.float32(0.4)))


def test_any_value_from_a_half_on_is_cord(model: OnnxModel, image: Any) -> None:
    result = segment(image, segmenter=model, cord=scan(CORD * 2))

    np.testing.assert_array_equal(np.asanyarray(result.cord.dataobj), CORD)


def test_a_center_beside_the_cord_is_moved_into_it(model: OnnxModel, image: Any) -> None:
    """The stand-in sees 16 mm to either side: from 14 mm beside the middle it sees a part."""
    result = segment(image, segmenter=model, center=(61 + 28, 64))

    np.testing.assert_array_equal(np.asanyarray(result.cord.dataobj), CORD)
    assert set(result.status) == {"ok"}
    assert any("given center lies up to 14" in line for line in result.provenance.warnings)
    assert result.provenance.given_cord is not None
    assert result.provenance.given_cord["largest_distance_mm"] == pytest.approx(14.5, abs=0.1)


def test_a_center_in_the_cord_is_no_matter(model: OnnxModel, image: Any) -> None:
    result = segment(image, segmenter=model, center=(63, 64))

    np.testing.assert_array_equal(np.asanyarray(result.cord.dataobj), CORD)
    assert not any("center" in line for line in result.provenance.warnings)


def test_a_center_far_from_any_cord_is_an_error_that_says_so(model: OnnxModel, image: Any) -> None:
    from scgm.errors import CordNotFoundError  # noqa: PLC0415

    with pytest.raises(CordNotFoundError, match="near the given center"):
        segment(image, segmenter=model, center=(5, 5))


def test_a_center_line_is_followed_and_interpolated(model: OnnxModel) -> None:
    """Two cords in each slice; the line has points in slices 0 and 4 and chooses between them."""
    voxels = np.concatenate([CORD + GRAY, CORD + GRAY]).astype(np.float32)
    points = np.zeros(voxels.shape, np.uint8)
    points[180, 64, 0] = points[184, 64, 4] = 1

    result = segment(scan(voxels), segmenter=model, centerline=scan(points))

    found = np.asanyarray(result.cord.dataobj)
    np.testing.assert_array_equal(found[120:], CORD)
    assert not found[:120].any()


def test_beyond_its_ends_the_cord_is_found(model: OnnxModel, image: Any) -> None:
    points = line()
    points[..., [0, 4]] = 0

    result = segment(image, segmenter=model, centerline=scan(points))

    np.testing.assert_array_equal(np.asanyarray(result.cord.dataobj), CORD)


def test_an_empty_center_line_is_refused(model: OnnxModel, image: Any) -> None:
    with pytest.raises(CordMaskError, match="no voxel of this center line"):
        segment(image, segmenter=model, centerline=scan(line() * 0))


@pytest.mark.parametrize(
    "two",
    [
        {"center": (1, 2), "cord": "a.nii"},
        {"center": (1, 2), "centerline": "a.nii"},
        {"cord": "a.nii", "centerline": "b.nii"},
    ],
)
def test_only_one_hint_can_be_given(two: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="exclude each other"):
        SegmentOptions(**two)


def test_centre_is_another_spelling() -> None:
    assert SegmentOptions(centre=(1, 2)).center == (1, 2)
