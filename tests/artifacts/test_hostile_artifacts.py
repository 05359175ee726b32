"""Damaged, wrong and harmful atlases and models end in one sentence, never in a fault of ours."""

from pathlib import Path

import numpy as np
import pytest

from scgm.artifacts.models import read_model
from scgm.errors import ScgmError
from scgm.segmentation.pipeline import segment
from scgm.segmenters.registry import MethodSettings, load_model, open_method
from tests.helpers.hostile_artifacts import ATLAS_METHODS, hostile_atlases, hostile_models
from tests.helpers.standin import cord_voxels, run_scgm, save_scan, scan, write_model

# What differs from a good one, and yet is one: an atlas that knows no gray matter, mirror or level.
HARMLESS_ATLASES = {
    "jcscs": {"image-zeros", "gm-zeros"},
    "mgac": {"gm-zeros"},
    "sct": {
        *("image-zeros", "image-negative", "middle-zeros", "middle-negative"),
        *("mirrored-zeros", "decay-zeros", "level-zeros", "without-level"),
    },
    "vbem": {"mean-zeros", "mean-negative"},
}


@pytest.mark.parametrize("method", ATLAS_METHODS)
def test_a_hostile_atlas_is_refused_in_one_sentence(method: str, tmp_path: Path) -> None:
    cord_model = write_model(tmp_path)
    opened, refused = set(), {}
    for name, path in hostile_atlases(tmp_path, method):
        try:
            open_method(method, MethodSettings(model=path, cord_model=cord_model, threads=1))
        except ScgmError as error:
            refused[name] = str(error).replace(str(path), "FILE", 1)
        else:
            opened.add(name)

    assert opened == HARMLESS_ATLASES[method]
    assert len(refused) >= 50
    assert [text for text in refused.values() if not text.startswith("FILE: ")] == []
    assert [text for text in refused.values() if "\n" in text] == []


@pytest.mark.slow
@pytest.mark.parametrize("method", ATLAS_METHODS)
def test_a_strange_atlas_that_opens_runs_without_a_fault(method: str, tmp_path: Path) -> None:
    """Whether it finds anything is its own affair."""
    voxels = 100 * cord_voxels(2) + np.random.default_rng(0).normal(0, 3, (60, 50, 2))
    finder = load_model(write_model(tmp_path))
    cord = scan((cord_voxels(2) >= 1).astype(np.float32))
    for name, path in hostile_atlases(tmp_path, method):
        if name in HARMLESS_ATLASES[method]:
            settings = MethodSettings(model=path, cord_model=finder.file.path, threads=1)
            result = segment(
                scan(voxels.astype(np.float32)), segmenter=open_method(method, settings), cord=cord
            )

            assert np.isfinite(result.probabilities.gm).all(), name


def test_a_hostile_model_never_runs_wrong_or_long(tmp_path: Path) -> None:
    voxels = cord_voxels(6)
    right = np.clip(voxels - 1, 0, 1).sum()
    refused, ran = {}, set()
    for name, path in hostile_models(tmp_path):
        try:
            segmenter = open_method("default", MethodSettings(model=path, threads=1))
            found = segment(scan(voxels), segmenter=segmenter)
        except ScgmError as error:
            refused[name] = str(error)
        else:
            ran.add(name)
            gm = found.axial_probability("gm")
            assert gm.shape == found.stack.slices.shape, name
            assert np.isfinite(gm).all(), name
            assert name.startswith("bytes-") or gm.sum() in (right, 0), name

    assert len(refused) + len(ran) >= 100
    assert [text for text in refused.values() if "\n" in text] == []
    assert {name for name in ran if not name.startswith("bytes-")} <= {
        *("gm-huge", "gm-negative", "center-nan", "center-huge"),
        *(f"card-confidence-{k}" for k in range(4)),
    }


@pytest.mark.slow
def test_no_hostile_file_ends_the_command_with_a_fault_of_ours(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    image = save_scan(tmp_path / "scan.nii.gz")
    files = [("default", path) for _, path in hostile_models(tmp_path)]
    for method in ATLAS_METHODS:
        refused = HARMLESS_ATLASES[method]
        files += [
            (method, path)
            for name, path in hostile_atlases(tmp_path, method)
            if name not in refused
        ]
    for k, (method, path) in enumerate(files):
        out = ["-o", tmp_path / f"out-{k}"]
        ended = run_scgm(capsys, "segment", image, "--method", method, "--model", path, *out)

        assert ended.status in (0, 1, 2), (path, ended.err)
        assert "Traceback" not in ended.err
        assert "Aborted" not in ended.err
    assert len(files) >= 238


def test_a_model_that_is_read_by_others_is_checked_as_well(tmp_path: Path) -> None:
    """A training starts from it, and the list of models shows it."""
    for name, path in hostile_models(tmp_path):
        if name in ("loop", "branch", "weights-elsewhere", "constant-elsewhere", "functions"):
            with pytest.raises(ScgmError, match="export the model without it"):
                read_model(path)
