"""Training: configuration, losses, the loop, checkpoints, export; with networks of a few maps."""

import json
import math
import shutil
from pathlib import Path

import nibabel as nib
import numpy as np
import onnxruntime
import pytest
import torch
from pydantic import ValidationError

from scgm.artifacts.models import read_model
from scgm.errors import ConfigError, ModelError, OutputError, ScgmError
from scgm.training.config.read import DEFAULT_RECIPE, read_config
from scgm.training.config.settings import SegmenterStage
from scgm.training.config.sources import LabelFolder
from scgm.training.engine.checkpoints import load_checkpoint
from scgm.training.engine.losses import place_loss, segmentation_loss, soft_dice_loss
from scgm.training.engine.run import train
from scgm.training.export import export, graph_difference, slices_at_once
from tests.helpers.standin import run_scgm
from tests.helpers.training_files import silent, write_data


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_data(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def checkpoint(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "tiny"
    train(read_config(data / "recipe.toml"), data, folder, device="cpu", report=silent)
    return folder


def test_a_scan_left_out_that_shows_no_cord_is_scored_by_what_is_left_empty(tmp_path: Path) -> None:
    write_data(tmp_path)
    below = """
[[source]]
site = "b"
image = "other.nii.gz"
without_cord = [[0, 2]]
"""
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(recipe.read_text() + below)
    lines: list[str] = []
    train(read_config(recipe), tmp_path, tmp_path / "run", device="cpu", report=lines.append)
    record = json.loads((tmp_path / "run" / "checkpoint.json").read_text())
    score = record["scores"][-1]

    assert score["slices"] == 0
    assert 0 <= score["left_empty"] <= 1
    assert "found_3mm" not in score
    assert any("of the slices without a cord left empty" in line for line in lines)


def test_the_shipped_recipe_is_valid_and_names_its_sites() -> None:
    config = read_config(DEFAULT_RECIPE, ('leave_out=["ucl"]',))

    assert {source.site for source in config.left_out()} == {"ucl"}
    assert "ucl" not in {source.site for source in config.kept()}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("segmenter.stepz=5", "stepz"),
        ("segmenter.steps=0", "steps"),
        ('leave_out=["nowhere"]', "leave_out names nowhere"),
        ('leave_out=["a", "b"]', "no source is left"),
        ('validate_on=["nowhere"]', "validate_on names nowhere"),
        ('validate_on=["a"]', "no source is left"),
        ("segmenter.real_share=1", "lower real_share"),
        ("segmenter.augmentation=ddc-2018", "set real_share = 1"),
        ("precision=float16", "precision"),
        ("segmenter.loss=entropy", "segmenter.loss"),
    ],
)
def test_a_configuration_that_makes_no_sense_is_refused_by_name(
    data: Path, change: str, message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        read_config(data / "recipe.toml", (change,)).expanded(data)


def test_a_folder_of_label_maps_is_a_set_of_sources(data: Path, tmp_path: Path) -> None:
    """With its scan a label teaches as a crop, without as a shape; without a cord not at all."""
    for name in (
        "a_label-GM_seg",
        "a_label-SC_seg",
        "a",
        "b_label-GM_seg",
        "b_label-SC_seg",
        "c_label-GM_seg",
    ):
        (tmp_path / f"{name}.nii.gz").touch()
    found = LabelFolder(site="here", path=Path(), every=2).sources(tmp_path)

    assert [source.image for source in found] == [Path("a.nii.gz"), None]
    assert [source.gm for source in found] == [
        Path("a_label-GM_seg.nii.gz"),
        Path("b_label-GM_seg.nii.gz"),
    ]
    assert found[1].cord == (Path("b_label-SC_seg.nii.gz"),)
    assert found[1].every == 2


def test_a_folder_without_label_maps_is_refused(data: Path, tmp_path: Path) -> None:
    text = (data / "recipe.toml").read_text() + '[[folder]]\nsite = "c"\npath = "empty"\n'
    (tmp_path / "r.toml").write_text(text)
    config = read_config(tmp_path / "r.toml")

    with pytest.raises(ConfigError, match="empty: no"):
        train(config, data, tmp_path / "run", device="cpu", report=silent)


@pytest.mark.parametrize(
    ("sources", "message"),
    [
        ('gm = "gm.nii.gz"\ncord = ["cord.nii.gz"]', "no source has an image"),
        ('image = "scan.nii.gz"\ncord = ["cord.nii.gz"]', "both gm and cord"),
        ('image = "scan.nii.gz"', "needs gm, cord, without_cord or centers"),
        ('image = "scan.nii.gz"\ngm = "none.nii.gz"', "no such file"),
        ('image = "scan.nii.gz"\ngm = "small.nii.gz"', "its grid has the shape"),
        ('image = "scan.nii.gz"\ngm = "moved.nii.gz"', "lie up to 3 mm from those of .*scan"),
    ],
)
def test_data_that_cannot_be_learned_from_are_refused_by_name(
    data: Path, tmp_path: Path, sources: str, message: str
) -> None:
    scan = nib.load(data / "gm.nii.gz")
    nib.save(scan.slicer[:-1], data / "small.nii.gz")
    moved = scan.affine + np.array([[0, 0, 0, 3.0]] + [[0.0] * 4] * 3)
    nib.save(nib.Nifti1Image(np.asarray(scan.dataobj), moved), data / "moved.nii.gz")
    stages = "[finder]\nsteps = 1\nbatch = 1\n[segmenter]\nsteps = 1\nbatch = 1\n"
    (tmp_path / "r.toml").write_text(f'phantoms = 0\n{stages}[[source]]\nsite = "a"\n{sources}\n')
    with pytest.raises(ScgmError, match=message):
        train(
            read_config(tmp_path / "r.toml"),
            data,
            tmp_path / "run",
            device="cpu",
            report=silent,
        )


def test_a_folder_that_cannot_be_made_is_named(
    data: Path, checkpoint: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    config = read_config(data / "recipe.toml")

    with pytest.raises(OutputError, match="cannot be made"):
        train(config, data, tmp_path / "file" / "run", device="cpu", report=silent)
    with pytest.raises(OutputError, match="this is not a folder"):
        export(checkpoint, tmp_path / "file" / "m.onnx", description="tiny")


def test_a_missing_configuration_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.toml"):
        read_config(tmp_path / "none.toml")


def test_soft_dice_of_equal_masks_is_perfect_and_of_disjoint_ones_nearly_one() -> None:
    mask = torch.zeros(1, 20, 20)
    mask[0, :10] = 1
    known = torch.ones(1, 1, 1)

    assert float(soft_dice_loss(mask, mask, known)) == pytest.approx(0, abs=1e-6)
    # 2 * 0 + 1 over 400 + 1
    assert float(soft_dice_loss(mask, 1 - mask, known)) == pytest.approx(1 - 1 / 401)


def test_what_nobody_labeled_costs_nothing() -> None:
    logits = torch.randn(2, 2, 8, 8)
    targets = torch.rand(2, 2, 8, 8)
    unknown = torch.tensor([[1.0, 0.0], [1.0, 0.0]])[:, :, None, None]
    changed = targets.clone()
    changed[:, 1] = 1 - changed[:, 1]

    assert torch.equal(
        segmentation_loss(logits, targets, unknown), segmentation_loss(logits, changed, unknown)
    )


def test_place_loss_of_uniform_logits_is_the_logarithm_of_the_places() -> None:
    targets = torch.eye(10)[:3]

    assert float(place_loss(torch.zeros(3, 10), targets, torch.ones(3))) == pytest.approx(
        math.log(10)
    )
    assert float(place_loss(torch.zeros(3, 10), targets, torch.zeros(3))) == 0


def test_training_leaves_a_log_and_scores_of_the_sites_left_out(checkpoint: Path) -> None:
    rows = [json.loads(line) for line in (checkpoint / "log.jsonl").read_text().splitlines()]
    _, config, record = load_checkpoint(checkpoint)

    assert [(row["stage"], row["step"]) for row in rows] == [
        ("finder", 3),
        ("segmenter", 2),  # a validation
        ("segmenter", 3),
        ("segmenter", 3),
    ]
    assert all(math.isfinite(row["loss"]) for row in rows if "loss" in row)
    assert config.leave_out == ("b",)
    assert record["sites"] == ["a"]
    assert [row["site"] for row in record["scores"]] == ["b"]


def test_the_same_seed_trains_the_same_weights(
    data: Path, checkpoint: Path, tmp_path: Path
) -> None:
    config = read_config(data / "recipe.toml")
    train(config, data, tmp_path / "again", device="cpu", report=silent)
    first, second = load_checkpoint(checkpoint)[0], load_checkpoint(tmp_path / "again")[0]
    pairs = zip(first.state_dict().values(), second.state_dict().values(), strict=True)

    assert all(torch.equal(one, other) for one, other in pairs)


def test_an_earlier_checkpoint_is_not_overwritten(data: Path, checkpoint: Path) -> None:
    with pytest.raises(ConfigError, match="already holds a checkpoint"):
        train(read_config(data / "recipe.toml"), data, checkpoint, device="cpu", report=silent)


def test_an_exported_graph_equals_its_checkpoint(checkpoint: Path, tmp_path: Path) -> None:
    card = json.loads(export(checkpoint, tmp_path / "m.onnx", description="tiny").read_text())
    session = onnxruntime.InferenceSession(str(tmp_path / "m.onnx"))
    slices = np.random.default_rng(0).random((4, 70, 90), dtype=np.float32)
    spacing, centre = np.array([3, 0.6, 0.4], np.float32), np.full((4, 2), np.nan, np.float32)
    found = session.run(None, {"slices": slices, "spacing": spacing, "centre": centre})
    model = load_checkpoint(checkpoint)[0]
    with torch.no_grad():
        expected = model(*map(torch.from_numpy, (slices, spacing, centre)))

    assert all(
        np.allclose(got, want.numpy(), atol=1e-4) for got, want in zip(found, expected, strict=True)
    )
    assert card["training"]["sites"] == ["a"]
    assert card["reach_slices"] == 0


def test_a_network_can_work_at_another_resolution(data: Path, tmp_path: Path) -> None:
    config = read_config(data / "recipe.toml", ("segmenter.pixel_mm=0.5",))
    train(config, data, tmp_path / "coarse", device="cpu", report=silent)
    model = load_checkpoint(tmp_path / "coarse")[0]
    card = json.loads(export(tmp_path / "coarse", tmp_path / "m.onnx", description="t").read_text())

    assert model.windows.pixel_mm == 0.5
    assert graph_difference(model, tmp_path / "m.onnx") < 1e-4
    assert card["training"]["segmenter"]["pixel_mm"] == 0.5
    start = {"segmenter.start": str(tmp_path / "m.onnx"), "segmenter.pixel_mm": "0.25"}
    finer = read_config(
        data / "recipe.toml", tuple(f"{key}={value}" for key, value in start.items())
    )
    with pytest.raises(ConfigError, match=r"trained at 0\.5 mm, and pixel_mm is 0\.25"):
        train(finer, data, tmp_path / "finer", device="cpu", report=silent)


def test_without_an_output_the_model_gets_the_name_of_its_folder(
    checkpoint: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SCGM_HOME", str(tmp_path))
    monkeypatch.setattr("scgm.training.confidence.PHANTOMS", 2)
    for name in ("mine", "sct"):
        shutil.copytree(checkpoint, tmp_path / name)

    ended = run_scgm(capsys, "export", tmp_path / "mine")
    assert ended.status == 0
    # Two phantoms are too few to fit on.
    assert read_model("mine").card.confidence is None
    assert "confidence not available for this model" in ended.err
    assert read_model("mine").card.name == "mine"
    refused = run_scgm(capsys, "export", tmp_path / "sct")
    assert refused.status == 1
    assert "sct is the name of an atlas" in refused.err


def test_a_finer_model_is_given_fewer_slices_at_once() -> None:
    assert [slices_at_once(pixel_mm) for pixel_mm in (1.0, 0.25, 0.1, 0.05)] == [48, 48, 7, 1]


def test_more_levels_than_a_window_has_halves_are_refused() -> None:
    SegmenterStage(widths=(4, 4, 4, 4, 4))
    with pytest.raises(ValidationError, match="6 levels"):
        SegmenterStage(widths=(4, 4, 4, 4, 4, 4))


def test_export_overwrites_nothing(checkpoint: Path, tmp_path: Path) -> None:
    (tmp_path / "m.onnx").write_text("mine")
    with pytest.raises(OutputError, match=r"m\.onnx: it exists already"):
        export(checkpoint, tmp_path / "m.onnx", description="tiny")

    assert (tmp_path / "m.onnx").read_text() == "mine"


def test_a_folder_without_a_checkpoint_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="there is no folder of a finished training"):
        load_checkpoint(tmp_path)
    with pytest.raises(ModelError, match="there is no such folder; give the one that scgm train"):
        load_checkpoint(tmp_path / "nowhere")
