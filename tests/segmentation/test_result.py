"""What a result says of itself."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from scgm.errors import UsageError
from scgm.segmentation.pipeline import segment
from scgm.segmentation.result import LABELS, Label
from scgm.segmentation.segmentation import Segmentation
from scgm.segmenters.registry import load_model
from tests.helpers.standin import cord_voxels, save_scan, scan, write_model


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> Segmentation:
    voxels = cord_voxels()
    voxels[34:42, 14] = 1.4
    model = load_model(write_model(tmp_path_factory.mktemp("model")))
    return segment(scan(voxels), segmenter=model)


def values(image: Any) -> Any:
    return np.asanyarray(image.dataobj)


def test_labels_have_the_names_of_the_files() -> None:
    assert [label.suffix for label in LABELS] == ["GM", "WM", "SC"]


@pytest.mark.parametrize(
    ("name", "label"),
    [("gm", Label.GM), ("GM", Label.GM), ("Wm", Label.WM), ("SC", Label.CORD), ("sc", Label.CORD)],
)
def test_a_label_may_be_named_by_its_word(result: Segmentation, name: str, label: Label) -> None:
    np.testing.assert_array_equal(values(result.mask(name)), values(result.mask(label)))
    np.testing.assert_array_equal(
        values(result.probability(name)), values(result.probability(label))
    )


def test_an_unknown_label_is_refused(result: Segmentation) -> None:
    with pytest.raises(UsageError, match=r"no label 'csf'; known: GM, WM and SC"):
        result.probability("csf")


def test_gray_and_white_matter_never_overlap_and_fill_the_cord(result: Segmentation) -> None:
    gm, wm, cord = (values(image).astype(int) for image in (result.gm, result.wm, result.cord))

    assert not (gm & wm).any()
    np.testing.assert_array_equal(gm + wm, cord)


def test_probabilities_of_gray_and_white_matter_add_up(result: Segmentation) -> None:
    gm, wm, cord = (values(result.probability(label)) for label in LABELS)

    np.testing.assert_allclose(gm + wm, cord, atol=1e-6)
    assert wm.min() >= 0


def test_masks_are_labels_and_probabilities_are_not(result: Segmentation) -> None:
    assert result.gm.get_data_dtype() == np.uint8
    assert result.probability("gm").get_data_dtype() == np.float32


def test_a_result_is_called_after_its_file(result: Segmentation, tmp_path: Path) -> None:
    model = load_model(write_model(tmp_path))

    named = segment(save_scan(tmp_path / "t2s.nii.gz"), segmenter=model)

    assert named.source_name == "t2s.nii.gz"
    assert result.source_name == "image"


def test_a_two_dimensional_image_gives_two_dimensional_masks(tmp_path: Path) -> None:
    model = load_model(write_model(tmp_path))

    result = segment(scan(cord_voxels(1)[..., 0]), segmenter=model)

    np.testing.assert_array_equal(values(result.gm), cord_voxels(1)[..., 0] == 2)


def test_a_result_measures_saves_and_draws_itself(result: Segmentation, tmp_path: Path) -> None:
    assert len(result.measurements()) == 15
    assert result.save(tmp_path, soft=True)[0].name == "image_label-GM_seg.nii.gz"
    assert len(result.figure().axes) == 20
