"""The confidence of a trained model: fitted when it is exported, on scans that it has not seen."""

import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest

from scgm.artifacts.models import read_card
from scgm.errors import ImageReadError
from scgm.image.confidence import COEFFICIENTS
from scgm.image.orientation import to_axial
from scgm.io.read import read_labels
from scgm.phantom import Anatomy, make_phantom
from scgm.phantom.confidence import Find, LabeledScan
from scgm.segmenters.registry import load_model
from scgm.training import confidence
from scgm.training.confidence import DATA_FOLDER, finder, fit_for_export
from scgm.training.config.read import read_config
from scgm.training.engine.checkpoints import load_checkpoint
from scgm.training.engine.run import train
from scgm.training.export import export
from tests.helpers.standin import run_scgm
from tests.helpers.training_files import silent, write_data

FITTED = dict.fromkeys(COEFFICIENTS, 0.25)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_data(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def checkpoint(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "tiny"
    train(read_config(data / "recipe.toml"), data, folder, device="cpu", report=silent)
    return folder


@pytest.fixture
def fitted_on(monkeypatch: pytest.MonkeyPatch) -> list[LabeledScan]:
    """Return the scans that confidence is fitted on, of three phantoms and what else there is."""
    scans: list[LabeledScan] = []

    def fit(find: Find, given: Iterable[LabeledScan]) -> dict[str, float]:
        del find
        scans.extend(given)
        return FITTED

    monkeypatch.setattr(confidence, "PHANTOMS", 3)
    monkeypatch.setattr(confidence, "fit_on_scans", fit)
    return scans


def test_the_card_has_what_was_fitted_and_no_folder_of_the_machine(
    data: Path, checkpoint: Path, tmp_path: Path
) -> None:
    card = export(checkpoint, tmp_path / "m.onnx", description="tiny", confidence=lambda *_: FITTED)

    assert read_card(tmp_path / "m.onnx").confidence == FITTED
    assert str(data) not in card.read_text("utf-8")
    assert DATA_FOLDER not in json.loads(card.read_text("utf-8"))["training"]


def test_it_is_fitted_on_phantoms_and_the_site_left_out(
    data: Path, checkpoint: Path, fitted_on: list[LabeledScan]
) -> None:
    _, config, record = load_checkpoint(checkpoint)

    found = fit_for_export(load_model(), config, record, data=None, report=silent)

    assert found == FITTED
    assert len(fitted_on) == 4
    phantom = make_phantom()
    np.testing.assert_array_equal(fitted_on[3].stack.slices, to_axial(phantom.volume).slices + 1)
    drawn = to_axial(read_labels(data / "other_gm.nii.gz")).slices
    np.testing.assert_array_equal(fitted_on[3].gm, drawn == 1)


def test_a_scan_that_the_start_model_has_seen_tells_nothing(
    checkpoint: Path, fitted_on: list[LabeledScan]
) -> None:
    _, config, record = load_checkpoint(checkpoint)
    seen = [{**row, "seen_by_start": True} for row in record["scores"]]

    fit_for_export(load_model(), config, {**record, "scores": seen}, data=None, report=silent)

    assert len(fitted_on) == 3


def test_where_the_data_is_gone_phantoms_remain_unless_it_was_named(
    checkpoint: Path, tmp_path: Path, fitted_on: list[LabeledScan]
) -> None:
    _, config, record = load_checkpoint(checkpoint)
    moved = {**record, DATA_FOLDER: str(tmp_path / "gone")}

    fit_for_export(load_model(), config, moved, data=None, report=silent)

    assert len(fitted_on) == 3
    with pytest.raises(ImageReadError, match=r"other\.nii\.gz"):
        fit_for_export(load_model(), config, moved, data=tmp_path / "gone", report=silent)


def test_a_method_is_fitted_on_what_the_pipeline_leaves() -> None:
    phantom = make_phantom()
    maps = finder(load_model())(to_axial(phantom.volume))

    assert maps is not None
    assert maps.gm.shape == phantom.gm.T.shape
    assert ((maps.gm >= maps.threshold) & phantom.gm.T).sum() > 0.7 * phantom.gm.sum()
    assert finder(load_model())(to_axial(make_phantom(Anatomy(cord=False)).volume)) is None


def test_the_command_fits_it(
    checkpoint: Path,
    tmp_path: Path,
    fitted_on: list[LabeledScan],
    capsys: pytest.CaptureFixture[str],
) -> None:
    ended = run_scgm(capsys, "export", checkpoint, "--output", tmp_path / "m.onnx")

    assert ended.status == 0
    assert "confidence not available" not in ended.err
    assert len(fitted_on) == 4
    assert read_card(tmp_path / "m.onnx").confidence == FITTED
