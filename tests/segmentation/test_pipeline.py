"""The line from an image to its segmentation, with a model whose answer is known."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import permutations, product
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from numpy.typing import NDArray

from scgm.errors import CordNotFoundError, GeometryError, ModelError, UsageError
from scgm.image.orientation import AxialStack
from scgm.image.volume import Geometry, Volume
from scgm.io.read import read_volume
from scgm.segmentation.options import SegmentOptions
from scgm.segmentation.pipeline import segment
from scgm.segmentation.postprocessing import one_piece
from scgm.segmenters.registry import CordHint, OnnxModel, Probabilities, load_model
from tests.helpers.standin import cord_voxels, save_scan, scan, turned, uneven, write_model

ORIENTATIONS = [
    "".join(codes) for order in permutations(("RL", "AP", "SI")) for codes in product(*order)
]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> OnnxModel:
    return load_model(write_model(tmp_path_factory.mktemp("model")))


@dataclass
class Fixed:
    """A method that gives what it was told to, and keeps what it was given."""

    answer: Any
    name: str = "fixed"
    method_name: str = "by hand"
    threshold: float = 0.5
    confidence: Mapping[str, float] | None = None
    provenance: Mapping[str, str | None] = field(default_factory=dict)
    hints: list[CordHint | None] = field(default_factory=list)

    def __call__(self, stack: AxialStack, hint: CordHint | None = None) -> Probabilities:
        """Give the answer."""
        self.hints.append(hint)
        result: Probabilities = self.answer(stack)
        return result


def values(image: Any) -> NDArray[Any]:
    return np.asanyarray(image.dataobj)


def probabilities(stack: AxialStack, gm: float, cord: float, presence: float) -> Probabilities:
    """Give these values where `cord_voxels` has its cord, and zero elsewhere."""
    shape = stack.slices.shape
    cord_map = np.zeros(shape, np.float32)
    cord_map[:, 10:26, 30:50] = 1
    return Probabilities(
        gm=gm * cord_map,
        cord=cord * cord_map,
        centre_px=np.full((shape[0], 2), 3, np.float32),
        presence=np.full(shape[0], presence, np.float32),
    )


def test_the_record_names_the_method_that_ran_whatever_the_options_say() -> None:
    method = Fixed(lambda stack: probabilities(stack, 0.9, 1, 1), method_name="ddc")

    result = segment(scan(cord_voxels()), segmenter=method)

    assert result.provenance.method == "ddc"
    assert result.provenance.options["method"] == "ddc"


@pytest.mark.parametrize("axes", ORIENTATIONS)
def test_masks_lie_on_the_tissue_in_every_orientation(model: OnnxModel, axes: str) -> None:
    image = turned(scan(cord_voxels()), axes)
    gray_values = values(image)

    result = segment(image, segmenter=model)

    np.testing.assert_array_equal(values(result.gm), gray_values == 2)
    np.testing.assert_array_equal(values(result.wm), gray_values == 1)
    np.testing.assert_array_equal(values(result.cord), gray_values >= 1)
    np.testing.assert_array_equal(result.gm.affine, image.affine)


def test_a_tilted_scan_keeps_its_affine(model: OnnxModel) -> None:
    angle = np.deg2rad(20)
    affine = np.eye(4)
    affine[1:3, 1:3] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    affine = affine @ np.diag([0.5, 0.5, 5, 1])
    affine[:3, 3] = 12.5, -40, 7

    result = segment(scan(cord_voxels(), affine), segmenter=model)

    np.testing.assert_allclose(result.cord.affine, affine, atol=1e-5)
    np.testing.assert_array_equal(values(result.gm), cord_voxels() == 2)


@pytest.mark.parametrize(("threshold", "expected"), [(0.2, 2), (0.25, 2), (0.4, 1), (0.8, 0)])
def test_a_pixel_counts_from_the_threshold_on(
    model: OnnxModel, threshold: float, expected: int
) -> None:
    voxels = cord_voxels()
    voxels[35, 15] = 1.25
    voxels[36, 15] = 1.5
    asked = np.zeros(voxels.shape, bool)
    asked[35:37, 15] = True

    result = segment(scan(voxels), segmenter=model, threshold=threshold)

    assert values(result.gm)[asked].sum() == expected * voxels.shape[2]
    assert values(result.probability("gm"))[35, 15, 0] == pytest.approx(0.25)


def test_the_threshold_of_the_model_holds_unless_another_is_given(tmp_path: Path) -> None:
    strict = load_model(write_model(tmp_path, threshold=0.9))
    voxels = cord_voxels()
    voxels[35, 15] = 1.7

    assert values(segment(scan(voxels), segmenter=strict).gm)[35, 15, 0] == 0
    assert values(segment(scan(voxels), segmenter=strict, threshold=0.5).gm)[35, 15, 0] == 1


def test_probabilities_are_those_of_the_model(model: OnnxModel) -> None:
    voxels = cord_voxels()
    voxels[30:50, 10] = 0.3
    voxels[34:42, 14] = 1.6

    result = segment(scan(voxels), segmenter=model)

    np.testing.assert_allclose(values(result.probability("cord")), np.clip(voxels, 0, 1))
    np.testing.assert_allclose(values(result.probability("gm")), np.clip(voxels - 1, 0, 1))
    np.testing.assert_allclose(
        values(result.probability("wm")), np.clip(voxels, 0, 1) - np.clip(voxels - 1, 0, 1)
    )
    assert result.probability("gm").get_data_dtype() == np.float32


def test_gray_matter_beyond_the_cord_is_cut_to_it() -> None:
    greedy = Fixed(lambda stack: probabilities(stack, gm=0.9, cord=0.6, presence=1))

    result = segment(scan(cord_voxels()), segmenter=greedy)

    assert values(result.probability("gm")).max() == pytest.approx(0.6)
    assert values(result.probability("wm")).min() == 0


def test_a_slice_without_cord_is_empty_and_flagged(model: OnnxModel) -> None:
    voxels = cord_voxels()
    voxels[..., 3] = 0

    result = segment(scan(voxels), segmenter=model)

    assert result.status == ("ok", "ok", "ok", "no cord", "ok")
    assert result.flagged == (3,)
    assert result.provenance.warnings[0] == "1 of 5 slices: no cord"
    assert not values(result.cord)[..., 3].any()


def test_flagged_slices_are_counted_as_the_image_counts_them(model: OnnxModel) -> None:
    voxels = cord_voxels()
    voxels[..., 1] = 0

    result = segment(turned(scan(voxels), "RAI"), segmenter=model)

    assert result.flagged == (3,)


def test_a_speck_is_no_cord(model: OnnxModel) -> None:
    voxels = cord_voxels()
    voxels[..., 2] = 0
    voxels[30:36, 10:16, 2] = 2  # 9 mm2

    result = segment(scan(voxels), segmenter=model)

    assert result.status[2] == "no cord"
    assert not values(result.probability("gm"))[..., 2].any()


def test_a_cord_of_ten_square_millimeters_is_one(model: OnnxModel) -> None:
    voxels = cord_voxels()
    voxels[..., 2] = 0
    voxels[30:40, 10:14, 2] = 2  # 10 mm2

    assert segment(scan(voxels), segmenter=model).status[2] == "ok"


def test_only_one_piece_of_cord_is_kept() -> None:
    """Of two squares the one with the most probable pixel stays, a corner's touch joins."""
    cord = np.zeros((2, 12, 12), np.float32)
    cord[0, 1:4, 1:4] = 0.8
    cord[0, 4, 4] = 0.6  # touches by a corner
    cord[0, 8:11, 8:11] = 0.7
    cord[0, 6, 0] = 0.3  # below the threshold: no piece, left as it is
    cord[1, 8:11, 8:11] = 0.9
    cord[1, 2, 2] = 0.6
    nowhere = np.full((2, 2), np.nan, np.float32)
    gm = (cord / 2).astype(np.float32)
    found = one_piece(Probabilities(gm, cord, nowhere, np.ones(2, np.float32)), 0.5)
    expected = cord.copy()
    expected[0, 8:11, 8:11] = 0
    expected[1, 2, 2] = 0

    assert found.cord is not None
    assert np.array_equal(found.cord, expected)
    assert np.array_equal(found.gm, (expected / 2).astype(np.float32))


def test_no_cord_at_all_stays_as_it_is() -> None:
    faint = np.full((1, 5, 5), 0.2, np.float32)
    nowhere = np.full((1, 2), np.nan, np.float32)
    found = one_piece(Probabilities(faint, faint, nowhere, np.zeros(1, np.float32)), 0.5)

    assert found.cord is not None
    assert np.array_equal(found.cord, faint)


def test_a_slice_that_probably_has_no_cord_is_empty() -> None:
    unsure = Fixed(lambda stack: probabilities(stack, gm=0.9, cord=0.9, presence=0.49))

    with pytest.raises(CordNotFoundError, match="no slice shows a spinal cord"):
        segment(scan(cord_voxels()), segmenter=unsure)


def test_a_cord_without_gray_matter_is_flagged(model: OnnxModel) -> None:
    voxels = cord_voxels()
    voxels[..., 4] = np.clip(voxels[..., 4], 0, 1)

    assert segment(scan(voxels), segmenter=model).status[4] == "no gray matter"


def test_without_a_cord_values_that_were_cut_off_are_named() -> None:
    nowhere = Fixed(lambda stack: probabilities(stack, gm=0, cord=0, presence=0))
    image = np.random.default_rng(0).uniform(1, 100, (40, 50, 3))

    with pytest.raises(CordNotFoundError, match=r"cord; 4\d% of its voxels, zeros aside, have the"):
        segment(scan(image.clip(0, 60)), segmenter=nowhere)
    with pytest.raises(CordNotFoundError, match="cord; tell where it is"):
        segment(scan(image), segmenter=nowhere)
    with pytest.raises(CordNotFoundError, match="cord; tell where it is"):
        segment(scan(-image.clip(50, 100) + 50), segmenter=nowhere)  # zero is the largest value


def test_an_image_without_cord_is_an_error_that_names_it(model: OnnxModel, tmp_path: Path) -> None:
    voxels = np.zeros((20, 20, 3), np.float32)
    voxels[0, 0, 0] = 0.2

    with pytest.raises(CordNotFoundError, match=r"empty\.nii\.gz: no slice shows a spinal cord"):
        segment(save_scan(tmp_path / "empty.nii.gz", voxels), segmenter=model)


@pytest.mark.parametrize("axes", ["RAS", "LPI", "ASR", "PIL", "SRA"])
def test_a_given_center_chooses_what_lies_there(model: OnnxModel, axes: str) -> None:
    voxels = np.zeros((160, 50, 3), np.float32)
    voxels[10:30, 20:36] = voxels[120:140, 20:36] = 2
    image = turned(scan(voxels), axes)
    right = np.zeros(voxels.shape, np.uint8)
    right[120:140, 20:36] = 1
    right_image = turned(scan(right), axes)
    place = np.argwhere(values(right_image) == 1).mean(axis=0)
    slice_axis = next(i for i, code in enumerate(axes) if code in "SI")

    result = segment(image, segmenter=model, center=tuple(np.delete(place, slice_axis)))

    np.testing.assert_array_equal(values(result.cord), values(right_image))


def test_a_center_outside_of_the_image_is_refused(model: OnnxModel) -> None:
    with pytest.raises(GeometryError, match="lies outside"):
        segment(scan(cord_voxels()), segmenter=model, center=(60, 10))


def test_a_given_cord_is_the_cord(model: OnnxModel) -> None:
    mask = np.zeros((60, 50, 5), np.uint8)
    mask[31:50, 11:26, 1:4] = 1  # 71 of 80 mm2
    image = turned(scan(cord_voxels()), "LIP")
    cord = turned(scan(mask), "LIP")

    result = segment(image, segmenter=model, cord=cord)

    np.testing.assert_array_equal(values(result.cord), values(cord))
    np.testing.assert_array_equal(values(result.gm), (values(image) == 2) & (values(cord) == 1))
    assert result.status == ("no cord", "ok", "ok", "ok", "no cord")


def test_a_given_cord_keeps_all_its_pieces(model: OnnxModel) -> None:
    mask = np.zeros((60, 50, 5), np.uint8)
    mask[30:39, 10:26] = mask[41:50, 10:26] = 1
    voxels = cord_voxels() * mask

    result = segment(scan(voxels), segmenter=model, cord=scan(mask))

    np.testing.assert_array_equal(values(result.cord), mask)
    np.testing.assert_array_equal(values(result.gm), voxels == 2)


def test_a_given_cord_may_be_small_where_the_cord_is(model: OnnxModel) -> None:
    voxels, mask = np.zeros((60, 50, 5), np.float32), np.zeros((60, 50, 5), np.uint8)
    mask[34:38, 14:18] = 1  # 4 mm2, less than what is taken for a cord without a mask
    voxels[34:38, 14:18] = 2

    assert set(segment(scan(voxels), segmenter=model, cord=scan(mask)).status) == {"ok"}


def test_the_method_gets_the_middle_of_the_given_cord() -> None:
    method = Fixed(lambda stack: probabilities(stack, gm=0.9, cord=0.9, presence=1))
    mask = np.zeros((60, 50, 5), np.uint8)
    mask[20:31, 10:15, 2] = 1

    segment(scan(cord_voxels()), segmenter=method, cord=scan(mask))

    (hint,) = method.hints
    assert hint is not None
    assert hint.centre_px is not None
    np.testing.assert_array_equal(hint.centre_px[2], (12, 25))
    assert np.isnan(hint.centre_px[[0, 1, 3, 4]]).all()


def test_a_given_cord_on_another_grid_is_refused(model: OnnxModel) -> None:
    mask = np.ones((60, 50, 4), np.uint8)
    mask[0] = 0

    with pytest.raises(GeometryError, match="resample it to the grid of the image"):
        segment(scan(cord_voxels()), segmenter=model, cord=scan(mask))


def test_a_given_center_stands_above_the_doubts_of_a_method() -> None:
    unsure = Fixed(lambda stack: probabilities(stack, gm=0.9, cord=0.9, presence=0))

    result = segment(scan(cord_voxels()), segmenter=unsure, center=(40, 18))

    assert "no cord" not in result.status


def test_path_image_and_volume_give_the_same(model: OnnxModel, tmp_path: Path) -> None:
    path = save_scan(tmp_path / "scan.nii.gz", axes="LPI")

    doors = (path, str(path), turned(scan(cord_voxels()), "LPI"), read_volume(path))
    masks = [values(segment(door, segmenter=model).gm) for door in doors]

    for mask in masks[1:]:
        np.testing.assert_array_equal(mask, masks[0])


def test_one_volume_of_several_is_chosen(model: OnnxModel) -> None:
    voxels = np.stack([np.roll(cord_voxels(), shift, axis=0) for shift in (0, 4)], axis=-1)

    result = segment(scan(voxels), segmenter=model, volume=1)

    np.testing.assert_array_equal(values(result.gm), voxels[..., 1] == 2)


def test_numbers_that_are_none_are_an_error() -> None:
    broken = Fixed(lambda stack: probabilities(stack, gm=float("nan"), cord=1, presence=1))

    with pytest.raises(ModelError, match="not numbers"):
        segment(scan(cord_voxels()), segmenter=broken)


def test_the_record_says_what_made_the_result(model: OnnxModel, tmp_path: Path) -> None:
    path = save_scan(tmp_path / "scan.nii.gz")

    made_by = segment(path, segmenter=model, threshold=0.4).provenance

    assert made_by.model["name"] == "standin"
    assert made_by.model["sha256"] == model.file.card.sha256
    assert made_by.input["file"] == "scan.nii.gz"
    assert made_by.options["threshold"] == 0.4


def test_the_record_holds_the_checksum_of_what_was_read(model: OnnxModel, tmp_path: Path) -> None:
    path = save_scan(tmp_path / "scan.nii.gz")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    volume = read_volume(path)
    path.write_bytes(b"another file by now")

    assert segment(volume, segmenter=model).provenance.input["sha256"] == digest


def test_an_image_out_of_memory_has_no_checksum(model: OnnxModel, tmp_path: Path) -> None:
    """Its values can be others than those of the file that it came from."""
    image = nib.load(save_scan(tmp_path / "scan.nii.gz"))

    assert segment(image, segmenter=model).provenance.input["sha256"] is None


@pytest.mark.parametrize("threshold", [0, 1, -0.1, 2, float("nan")])
def test_a_threshold_that_means_nothing_is_refused(threshold: float) -> None:
    with pytest.raises(UsageError, match="above 0 and below 1"):
        SegmentOptions(threshold=threshold)


def test_center_and_cord_exclude_each_other() -> None:
    with pytest.raises(UsageError, match="exclude each other"):
        SegmentOptions(center=(1, 2), cord="mask.nii.gz")


def test_an_unknown_method_is_an_error_that_lists_the_known() -> None:
    with pytest.raises(UsageError, match="known: default"):
        segment(scan(cord_voxels()), method="magic")


def test_an_unknown_choice_is_refused(model: OnnxModel) -> None:
    with pytest.raises(TypeError, match="colour"):
        segment(scan(cord_voxels()), segmenter=model, colour="red")


def with_missing(voxels: NDArray[np.float32], missing: NDArray[np.bool_]) -> Volume:
    return Volume(voxels, Geometry(voxels.shape, np.diag([0.5, 0.5, 5, 1])), missing=missing)


def test_a_voxel_without_value_is_never_tissue(model: OnnxModel) -> None:
    """Three of 320 voxels of the cord are too few to matter in slice 1, 40 are not in slice 2."""
    missing = np.zeros((60, 50, 5), bool)
    missing[34:37, 14, 1] = True
    missing[30:40, 14:18, 2] = True

    result = segment(with_missing(uneven(cord_voxels()), missing), segmenter=model)

    for label in ("gm", "wm", "cord"):
        assert not values(result.mask(label))[missing].any()
        assert not values(result.probability(label))[missing].any()
    assert result.status == ("ok", "ok", "missing values", "ok", "ok")
    assert "1 of 5 slices: missing values" in result.provenance.warnings


def test_missing_values_far_from_the_cord_are_no_matter(model: OnnxModel) -> None:
    missing = np.zeros((60, 50, 5), bool)
    missing[:20] = True

    assert set(segment(with_missing(uneven(cord_voxels()), missing), segmenter=model).status) == {
        "ok"
    }


def test_the_record_holds_the_voxel_size(model: OnnxModel) -> None:
    assert segment(scan(cord_voxels()), segmenter=model).provenance.input["voxel_size_mm"] == [
        *(0.5, 0.5, 5)
    ]
