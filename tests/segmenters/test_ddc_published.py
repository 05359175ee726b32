"""The published network as a method: it marks gray matter, and says nothing of a cord."""

import csv
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from scgm.errors import CordNotFoundError, ModelError, UsageError
from scgm.image.orientation import AxialStack, to_axial
from scgm.io.read import volume_from_nibabel
from scgm.networks.published import Constants
from scgm.segmentation.options import SegmentOptions
from scgm.segmentation.pipeline import segment
from scgm.segmentation.result import Label
from scgm.segmentation.segmentation import Segmentation
from scgm.segmenters.base import CordHint, Probabilities
from scgm.segmenters.ddc_published import (
    FOUND,
    NAME,
    WITH_CONSTANTS,
    PublishedNetwork,
    load_published,
)
from tests.helpers.keras_file import write_weights
from tests.helpers.standin import cord_voxels, run_scgm, save_scan, scan

OPTIONS = SegmentOptions(method=NAME)


def brightest(slices: Tensor) -> Tensor:
    """Stand in for the network: sure of the brightest pixels, and of nothing else."""
    return torch.where(slices > 0.7 * slices.max(), 50.0, -50.0)


def method(**choices: Any) -> PublishedNetwork:
    network: Any = brightest
    return PublishedNetwork(network=network, sha256="0" * 64, **choices)


def found(voxels: np.ndarray | None = None, **choices: Any) -> Segmentation:
    image = scan(cord_voxels() if voxels is None else voxels)
    return segment(image, OPTIONS, segmenter=method(), **choices)


def test_gray_matter_smaller_than_any_cord_is_kept() -> None:
    """It has 8 mm2 in each slice: a cord of that size would be taken for a speck."""
    areas = [row.area_mm2 for row in found().measurements() if row.label == "GM"]

    assert len(areas) == 5
    assert all(area is not None and 6 <= area < 10 for area in areas)


def test_gray_matter_is_where_it_is() -> None:
    """A flip or a transposition would put it elsewhere: it lies off the middle."""
    middle = np.argwhere(found().axial_mask(Label.GM)).mean(axis=0)

    assert middle == pytest.approx((2, 15.5, 37.5), abs=0.5)


def test_cord_and_white_matter_are_missing_and_not_zero() -> None:
    rows = [row for row in found().measurements() if row.label in ("WM", "SC")]

    assert len(rows) == 10
    for row in rows:
        assert row.area_mm2 is row.area_soft_mm2 is row.center_x is row.center_y is None
        assert row.status == "not found by this method"


@pytest.mark.parametrize("label", ["wm", "cord"])
def test_a_mask_that_was_not_found_cannot_be_asked_for(label: str) -> None:
    with pytest.raises(ModelError, match="method ddc-published finds no cord"):
        found().mask(label)


def test_only_the_files_of_gray_matter_are_written(tmp_path: Path) -> None:
    files = [path.name for path in found().save(tmp_path, soft=True, picture=True)]

    assert files == [
        "image_label-GM_seg.nii.gz",
        "image_label-GM_probseg.nii.gz",
        "image_measurements.csv",
        "image_qc.png",
        "image_seg.json",
    ]


def test_a_slice_without_gray_matter_is_missing_and_flagged() -> None:
    voxels = cord_voxels()
    voxels[:, :, 1] = np.minimum(voxels[:, :, 1], 1)

    result = found(voxels)

    assert result.status == ("ok", "no gray matter", "ok", "ok", "ok")
    assert result.measurements()[3].area_mm2 is None
    assert result.flagged == (1,)
    assert "1 of 5 slices: no gray matter" in result.provenance.warnings
    assert any("finds no cord" in line for line in result.provenance.warnings)


def test_an_image_without_any_is_not_processed() -> None:
    class Nothing:
        def __call__(self, slices: Tensor) -> Tensor:
            return torch.full_like(slices, -50)

    network: Any = Nothing()

    with pytest.raises(CordNotFoundError, match="finds gray matter in no slice"):
        segment(
            scan(cord_voxels()), OPTIONS, segmenter=PublishedNetwork(network=network, sha256="0")
        )


def test_it_looks_where_the_user_says() -> None:
    """A window of 50 mm, 48 mm to the left of the cord, leaves it out."""
    wide = np.pad(cord_voxels(), ((0, 120), (0, 120), (0, 0)))

    assert found(wide, center=(40, 15)).axial_mask("gm").any()
    with pytest.raises(CordNotFoundError):
        found(wide, center=(140, 15))


class Finder:
    """Stand in for a model: the same center in every slice, and no cord in the first."""

    name = "finder"
    provenance: Mapping[str, str | None] = MappingProxyType({"sha256": "f" * 64})

    def __init__(self, row: float, column: float) -> None:
        self.place = row, column

    def __call__(self, stack: AxialStack, hint: CordHint | None = None) -> Probabilities:
        """Answer the same whatever is asked."""
        del hint
        count = len(stack.slices)
        nothing = np.zeros_like(stack.slices)
        presence = np.ones(count, np.float32)
        presence[0] = 0.4
        centers = np.tile(np.array(self.place, np.float32), (count, 1))
        return Probabilities(nothing, nothing, centers, presence)


def test_it_looks_where_the_cord_was_found_and_marks_nothing_where_there_is_none() -> None:
    wide = np.pad(cord_voxels(), ((0, 120), (0, 120), (0, 0)))
    stack = to_axial(volume_from_nibabel(scan(wide)))
    near: Any = Finder(15, 40)
    far: Any = Finder(15, 140)

    seen = method(name=FOUND, cord_finder=near)(stack).gm

    assert seen.any(axis=(1, 2)).tolist() == [False, True, True, True, True]
    assert not method(name=FOUND, cord_finder=far)(stack).gm.any()
    assert method(name=FOUND, cord_finder=near).provenance["cord_finder"] == "finder"


@pytest.mark.parametrize("name", [NAME, FOUND])
def test_a_center_that_is_to_be_found_is_a_method_of_its_own(name: str) -> None:
    options = SegmentOptions(method=name, center="found")

    assert options == SegmentOptions(method=FOUND)


def test_other_methods_look_for_the_cord_anyway() -> None:
    with pytest.raises(UsageError, match="method vbem looks for the cord anyway; omit --center"):
        SegmentOptions(method="vbem", center="found")


def test_the_constants_are_read_beside_the_weights(tmp_path: Path) -> None:
    weights = write_weights(tmp_path / "w.hdf5")
    (tmp_path / "w.json").write_text('{"std_train": 489.5, "mean_train": 450}', "utf-8")

    network = load_published(weights, name=WITH_CONSTANTS)

    assert network.constants == Constants(450, 489.5)
    assert network.provenance["standardized_by"] == "450, 489.5"
    assert load_published(weights).constants is None


@pytest.mark.parametrize(
    "content", [None, "{", "[]", "{}", '{"mean_train": 1, "std_train": 0}', "[" * 5000]
)
def test_constants_that_are_none_are_named(tmp_path: Path, content: str | None) -> None:
    weights = write_weights(tmp_path / "w.hdf5")
    if content is not None:
        (tmp_path / "w.json").write_text(content, "utf-8")

    with pytest.raises(ModelError, match=r"w\.json: .*fetch"):
        load_published(weights, name=WITH_CONSTANTS)


def test_a_cord_that_is_given_is_a_cord() -> None:
    cord = (cord_voxels() >= 1).astype(np.float32)

    result = found(cord=scan(cord))

    assert result.labels == tuple(Label)
    assert int(result.axial_mask("cord").sum()) == 5 * 20 * 16
    assert not (result.axial_mask("gm") & ~result.axial_mask("cord")).any()


def test_the_method_leaves_the_cord_to_no_one() -> None:
    probabilities = method()(to_axial(volume_from_nibabel(scan(cord_voxels()))))

    assert probabilities.cord is None
    assert np.isnan(probabilities.centre_px).all()


def test_without_weights_it_says_which_file_it_needs() -> None:
    with pytest.raises(ModelError, match=r"torch and the weights .*data get gmseg.* with --model"):
        load_published(None)


@pytest.mark.parametrize("path", ["missing.hdf5", "~nobody-of-this-name/weights.hdf5", "/", "\0"])
def test_weights_that_are_not_there_are_named(path: str) -> None:
    with pytest.raises(ModelError, match="weights"):
        load_published(path)


def test_a_file_that_is_not_the_weights_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "weights.hdf5"
    path.write_bytes(b"rubbish")

    with pytest.raises(ModelError, match="not the published Keras weights"):
        load_published(path)


def test_the_command_prints_what_there_is(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scgm.segmentation.pipeline.open_method", lambda *_: method())

    ended = run_scgm(
        capsys, "segment", save_scan(tmp_path / "scan.nii.gz"), "--method", NAME, "--model", "w"
    )

    assert ended.status == 0
    assert "3 files" in ended.out
    assert "label-GM_seg" in ended.out
    assert "label-SC" not in ended.out
    with (tmp_path / "scan_measurements.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert {row["area_mm2"] for row in rows if row["label"] == "SC"} == {""}
