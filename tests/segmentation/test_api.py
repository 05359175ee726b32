"""What users of Python meet: arrays, names, warnings, messages, notebooks."""

import inspect
import warnings
from typing import Any, cast

import nibabel as nib
import numpy as np
import pytest

import scgm
from scgm.errors import (
    GeometryError,
    ImageReadError,
    ModelError,
    OutputError,
    ScgmWarning,
    UsageError,
)
from scgm.segmenters.registry import OnnxModel, load_model
from tests.helpers.standin import cord_voxels, scan, uneven, write_model


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> OnnxModel:
    return load_model(write_model(tmp_path_factory.mktemp("model")))


def found(image: Any, model: OnnxModel, **choices: Any) -> scgm.Segmentation:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ScgmWarning)
        return scgm.segment(image, segmenter=model, **choices)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.int16, np.int64])
def test_an_array_with_its_spacing_is_an_image(model: OnnxModel, dtype: type[Any]) -> None:
    result = found(uneven(cord_voxels().astype(dtype)), model, spacing=(0.5, 0.5, 5))

    np.testing.assert_array_equal(np.asanyarray(result.gm.dataobj), cord_voxels() == 2)
    np.testing.assert_array_equal(result.gm.affine, np.diag([0.5, 0.5, 5, 1]))
    assert result.measurements()[0].area_mm2 == 8


def test_an_array_with_its_affine_is_an_image(model: OnnxModel) -> None:
    affine = np.diag([-0.5, 0.5, 5, 1])

    result = found(uneven(cord_voxels()), model, affine=affine)

    np.testing.assert_array_equal(np.asanyarray(result.gm.dataobj), cord_voxels() == 2)
    np.testing.assert_array_equal(result.gm.affine, affine)


@pytest.mark.parametrize("spacing", [(0.5, 0.5), (0.5, 0.5, 5)])
def test_one_slice_is_an_image(model: OnnxModel, spacing: tuple[float, ...]) -> None:
    result = found(uneven(cord_voxels()[..., 0]).tolist(), model, spacing=spacing)

    np.testing.assert_array_equal(np.asanyarray(result.gm.dataobj), cord_voxels()[..., 0] == 2)
    assert result.measurements()[0].area_mm2 == 8


@pytest.mark.parametrize(
    ("image", "choices", "sentence"),
    [
        (None, {}, "the image is None; give the path of a NIfTI file"),
        (5, {}, "the image is of type int; give"),
        (["a.nii", "b.nii"], {}, "1 axes of type <U5, not 2 or 3 axes of numbers"),
        ([[1, 2], [3]], {"spacing": (1, 1)}, "no even grid"),
        (np.ones((3, 3, 3, 3)), {"spacing": (1, 1, 1)}, "4 axes of type float64"),
        (np.ones((3, 3, 3), complex), {"spacing": (1, 1, 1)}, "3 axes of type complex128"),
        (cord_voxels(), {}, r"no voxel size is given for it; give either spacing=\(x, y, z\)"),
        (cord_voxels(), {"spacing": (1, 1, 1), "affine": np.eye(4)}, "two voxel sizes are given"),
        (cord_voxels(), {"spacing": (1, 1)}, "is not a voxel size; give 3 numbers above 0"),
        (cord_voxels(), {"spacing": (1, 0, 1)}, "is not a voxel size"),
        (cord_voxels(), {"spacing": 0.5}, "is not a voxel size"),
        (cord_voxels(), {"spacing": "wide"}, "is not a voxel size"),
        (cord_voxels(), {"affine": np.eye(3)}, r"the affine must be \(4, 4\), not \(3, 3\)"),
        (cord_voxels(), {"affine": np.full((4, 4), np.nan)}, "the affine holds NaN or infinity"),
        (cord_voxels(), {"affine": np.diag([0.0, 0.0, 0.0, 1.0])}, "the affine .* give the"),
        (cord_voxels(), {"affine": [[1, 2], [3]]}, "the affine is no numbers; give the"),
    ],
)
def test_what_is_no_image_is_one_sentence(
    model: OnnxModel, image: Any, choices: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ImageReadError, match=sentence):
        scgm.segment(image, segmenter=model, **choices)


def test_the_spacing_of_a_file_cannot_be_given(model: OnnxModel) -> None:
    with pytest.raises(UsageError, match="are for arrays"):
        scgm.segment(scan(cord_voxels()), segmenter=model, spacing=(1, 1, 1))


def test_masked_values_are_no_values(model: OnnxModel) -> None:
    values = uneven(cord_voxels())
    edge = np.zeros(values.shape, bool)
    edge[0] = True

    result = found(np.ma.MaskedArray(values, edge), model, spacing=(0.5, 0.5, 5))

    assert result.volume.missing is not None
    np.testing.assert_array_equal(result.volume.missing, edge)


def test_choices_may_be_numbers_of_numpy(model: OnnxModel, tmp_path: Any) -> None:
    middle = np.argwhere(cord_voxels() == 2).mean(axis=0)[:2]
    choices = {"threshold": np.float32(0.5), "center": middle.astype(np.float32)}

    result = found(scan(cord_voxels()), model, **choices)
    result.save(tmp_path, picture=True, qc_slices=cast(int, np.int64(2)))

    assert result.provenance.options["center"] == tuple(middle.tolist())
    in_time = np.stack([uneven(cord_voxels())] * 2, axis=-1)
    series = nib.Nifti1Image(in_time, scan(cord_voxels()).affine)
    np.testing.assert_array_equal(
        found(series, model, volume=np.int64(1)).gm.dataobj, result.gm.dataobj
    )


@pytest.mark.parametrize("center", ["20,20", (20,), 20, ("a", "b")])
def test_a_center_is_two_numbers(center: Any) -> None:
    with pytest.raises(UsageError, match="give two numbers"):
        scgm.SegmentOptions(center=center)


@pytest.mark.parametrize("choice", [{"method": "vbem"}, {"model": "ddc"}, {"threads": 1}])
def test_a_method_that_has_started_takes_no_choice_of_it(
    model: OnnxModel, choice: dict[str, Any]
) -> None:
    with pytest.raises(UsageError, match="comes too late; omit one"):
        scgm.segment(scan(cord_voxels()), segmenter=model, **choice)


def test_a_result_takes_the_name_it_is_given(model: OnnxModel, tmp_path: Any) -> None:
    result = found(uneven(cord_voxels()), model, spacing=(0.5, 0.5, 5), name="sub-01")

    assert result.save(tmp_path)[0].name == "sub-01_label-GM_seg.nii.gz"
    assert result.measurements()[0].file == "sub-01"


@pytest.mark.parametrize("name", ["", "a/b", "..\\a", "a\0"])
def test_a_name_that_no_file_can_have_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="cannot be that of a file"):
        scgm.SegmentOptions(name=name)


def test_what_needs_a_look_is_a_warning(model: OnnxModel) -> None:
    voxels = cord_voxels()
    voxels[..., 3] = 0

    with pytest.warns(ScgmWarning) as caught:
        scgm.segment(scan(voxels), segmenter=model, name="sub-01")

    assert "sub-01: 1 of 5 slices: no cord" in [str(each.message) for each in caught]
    assert {each.filename for each in caught} == {__file__}


def test_low_confidence_is_a_warning_that_names_the_slices(tmp_path: Any) -> None:
    """A confidence of 1 / (1 + e) in every slice, whatever it shows."""
    from scgm.image.confidence import COEFFICIENTS  # noqa: PLC0415

    unsure = dict.fromkeys(COEFFICIENTS, 0.0) | {"intercept": -1.0}
    model = load_model(write_model(tmp_path, confidence=unsure))

    with pytest.warns(ScgmWarning, match="low confidence in slices 0, 1, 2"):
        scgm.segment(scan(cord_voxels(3)), segmenter=model)


def test_errors_advise_arguments_and_not_options(model: OnnxModel, tmp_path: Any) -> None:
    empty = np.zeros((20, 20, 3), np.float32)
    empty[0, 0, 0] = 0.2
    with pytest.raises(scgm.errors.CordNotFoundError, match="with center= or cord="):
        scgm.segment(scan(empty), segmenter=model)

    result = found(scan(cord_voxels()), model)
    result.save(tmp_path)
    with pytest.raises(OutputError, match="overwrite=") as error:
        result.save(tmp_path)
    assert "--" not in str(error.value)

    with pytest.raises(ModelError) as unknown:
        scgm.load_model("nonsense")
    assert "--" not in str(unknown.value)


def test_what_can_be_written_is_in_the_help() -> None:
    parameters = inspect.signature(scgm.Segmentation.save).parameters

    assert {"soft", "picture", "overwrite"} <= set(parameters)


def test_choices_of_saving_override_the_options(model: OnnxModel, tmp_path: Any) -> None:
    from scgm.segmentation.outputs import OutputOptions  # noqa: PLC0415

    result = found(scan(cord_voxels()), model)

    files = result.save(tmp_path, OutputOptions(soft=True, picture=True), picture=False)

    assert any("probseg" in file.name for file in files)
    assert not any(file.suffix == ".png" for file in files)


def test_a_result_is_short_in_a_notebook(model: OnnxModel) -> None:
    result = found(scan(cord_voxels()), model, name="<b>.nii")

    assert repr(result) == "<Segmentation of <b>.nii: 5 slices, none flagged, method default>"
    page = result._repr_html_()
    assert "&lt;b&gt;.nii" in page
    assert "<b>" not in page
    assert "data:image/png;base64," in page


@pytest.mark.parametrize("part", ["volume", "stack", "probabilities"])
def test_the_parts_of_a_result_are_short(model: OnnxModel, part: str) -> None:
    result = found(scan(cord_voxels()), model)

    assert len(repr(getattr(result, part))) < 200


def test_an_image_of_nibabel_stays_as_it_is(model: OnnxModel) -> None:
    image: nib.Nifti1Image = scan(cord_voxels())

    found(image, model)

    np.testing.assert_array_equal(np.asanyarray(image.dataobj), uneven(cord_voxels()))


def test_an_unknown_choice_is_a_type_error(model: OnnxModel) -> None:
    with pytest.raises(TypeError, match="colour"):
        scgm.segment(scan(cord_voxels()), segmenter=model, colour="red")


def test_a_point_outside_is_a_geometry_error(model: OnnxModel) -> None:
    with pytest.raises(GeometryError, match="lies outside"):
        scgm.segment(scan(cord_voxels()), segmenter=model, center=(600, 1))
