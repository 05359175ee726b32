"""The names that outsiders rely on."""

import importlib
import inspect
import pkgutil
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

import scgm
from scgm.errors import ScgmWarning
from tests.helpers.standin import cord_voxels, scan, write_model


def test_the_public_names_are_these() -> None:
    assert scgm.__all__ == [
        "SegmentOptions",
        "Segmentation",
        "__version__",
        "evaluate",
        "load_model",
        "measure",
        "methods",
        "segment",
    ]


@pytest.mark.parametrize("name", scgm.__all__)
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(scgm, name) is not None
    assert name in dir(scgm)


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="nonsense"):
        scgm.nonsense  # noqa: B018  (looking it up is the test)


def test_the_methods_have_names() -> None:
    assert "default" in scgm.methods()


def test_a_result_offers_what_is_promised(tmp_path: Path) -> None:
    """The cord has 20 x 16 pixels of 0.5 mm (80 mm2), the gray matter in it 8 x 4 (8 mm2)."""
    voxels = cord_voxels()
    cord, gm = voxels >= 1, voxels == 2

    model = scgm.load_model(write_model(tmp_path))
    with pytest.warns(ScgmWarning, match="confidence not available"):
        result = scgm.segment(scan(voxels), segmenter=model)
    shown = {"GM": result.gm, "WM": result.wm, "SC": result.cord}

    for label, mask in {"GM": gm, "WM": cord & ~gm, "SC": cord}.items():
        np.testing.assert_array_equal(np.asarray(shown[label].dataobj), mask)
        np.testing.assert_array_equal(np.asarray(result.probability(label).dataobj), mask)
    areas = {(row.label, row.area_mm2) for row in result.measurements()}
    assert areas == {("GM", 8), ("WM", 72), ("SC", 80)}
    saved = {path.name: path for path in result.save(tmp_path / "out")}
    stored = nib.load(saved["image_label-GM_seg.nii.gz"])
    np.testing.assert_array_equal(np.asarray(stored.dataobj), gm)
    assert len(result.figure(0).axes) >= 4


def test_the_package_is_typed() -> None:
    assert (Path(scgm.__file__).parent / "py.typed").is_file()


@pytest.mark.parametrize(
    "module",
    [
        module.name
        for module in pkgutil.walk_packages(scgm.__path__, "scgm.")
        if not module.name.endswith("__main__")
    ],
)
def test_what_a_module_offers_is_described(module: str) -> None:
    loaded = importlib.import_module(module)
    public = [
        value
        for name, value in vars(loaded).items()
        if not name.startswith("_")
        and (inspect.isfunction(value) or inspect.isclass(value))
        and value.__module__ == module
    ]

    assert loaded.__doc__ or not public
    assert [value.__qualname__ for value in public if not inspect.getdoc(value)] == []
