"""Training on data sets, on phantoms alone, from a model's weights, and site by site."""

import csv
import json
from pathlib import Path

import pytest
import torch

from scgm.artifacts.models import read_card
from scgm.cli.commands.crossvalidate import crossvalidate
from scgm.cli.commands.train import train as train_command
from scgm.errors import ConfigError
from scgm.networks.preparation import with_pixel_size
from scgm.networks.unet import UNet
from scgm.training.config.read import read_config
from scgm.training.config.settings import TrainConfig
from scgm.training.data.examples import LabeledStack
from scgm.training.data.materials import prepare
from scgm.training.data.phantoms import phantom_stacks
from scgm.training.engine.checkpoints import load_checkpoint
from scgm.training.engine.run import train
from scgm.training.engine.start import read_start
from scgm.training.export import export
from tests.helpers.training_files import silent, write_data

SMALL = {"finder": {"steps": 1, "batch": 1, "widths": [4, 4, 4, 4, 8]}}
SMALL_SEGMENTER = {"steps": 1, "batch": 2, "widths": [4, 4, 8, 8]}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with two scans, and a table of them that names a site each."""
    folder = write_data(tmp_path_factory.mktemp("data"))
    (folder / "set.csv").write_text(
        "image,gm,cord,site,subject\n"
        "scan.nii.gz,gm.nii.gz,cord.nii.gz,here,one\n"
        "other.nii.gz,other_gm.nii.gz,other_cord.nii.gz,there,two\n",
        encoding="utf-8",
    )
    return folder


@pytest.fixture(scope="module")
def model(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a model file that was trained for a step."""
    folder = tmp_path_factory.mktemp("model")
    config = read_config(data / "recipe.toml", ("leave_out=[]", "segmenter.steps=1"))
    train(config, data, folder / "run", device="cpu", report=silent)
    export(folder / "run", folder / "mine.onnx", description="for tests")
    return folder / "mine.onnx"


@pytest.mark.slow
def test_the_weights_of_a_model_file_are_those_of_its_checkpoint(model: Path) -> None:
    start = read_start(str(model), Path())
    joined, _, _ = load_checkpoint(model.parent / "run")

    for name, values in joined.state_dict().items():
        if not name.endswith("num_batches_tracked"):
            torch.testing.assert_close(start.weights[name], values, rtol=0, atol=0)


@pytest.mark.slow
def test_a_start_of_another_shape_is_refused(model: Path) -> None:
    start = read_start(str(model), Path())

    with pytest.raises(ConfigError, match=r"start .*mine\.onnx: its segmenter has"):
        start.load_into(torch.nn.Conv2d(1, 3, 3), "segmenter")


@pytest.mark.slow
def test_a_network_that_is_told_the_pixel_size_may_start_from_one_that_is_not(model: Path) -> None:
    """It answers alike, whatever the size, until it learns."""
    start = read_start(str(model), Path())
    before = load_checkpoint(model.parent / "run")[0].segmenter
    after = UNet((4, 4, 8, 8), inputs=2).eval()
    start.load_into(after, "segmenter")
    windows = torch.rand(1, 32, 32)

    with torch.no_grad():
        told = after(with_pixel_size(windows, 0.125))
        torch.testing.assert_close(told, before(windows[:, None]))


@pytest.mark.slow
def test_a_network_without_steps_stays_what_it_started_as(
    data: Path, model: Path, tmp_path: Path
) -> None:
    changes = [f"finder.start={model}", "finder.steps=0", f"segmenter.start={model}"]
    config = read_config(data / "recipe.toml", (*changes, "segmenter.steps=2"))
    train(config, data, tmp_path / "run", device="cpu", report=silent)

    before, _, _ = load_checkpoint(model.parent / "run")
    after, _, _ = load_checkpoint(tmp_path / "run")
    same = before.finder.state_dict()
    for name, values in after.finder.state_dict().items():
        if not name.endswith("num_batches_tracked"):
            torch.testing.assert_close(values, same[name], rtol=0, atol=0)
    moved = before.segmenter.state_dict()
    learned = after.segmenter.state_dict()["down.0.0.weight"]
    assert not torch.equal(learned, moved["down.0.0.weight"])


@pytest.mark.slow
def test_what_a_start_has_seen_is_on_the_record(data: Path, model: Path, tmp_path: Path) -> None:
    """The model saw sites a and b; what starts from it has seen them, too."""
    changes = (f"finder.start={model}", "finder.steps=0", 'leave_out=["b"]', "segmenter.steps=1")
    train(
        read_config(data / "recipe.toml", changes),
        data,
        tmp_path / "r",
        device="cpu",
        report=silent,
    )

    record = load_checkpoint(tmp_path / "r")[2]
    assert record["sites"] == ["a", "b"]
    assert record["learned"]["finder"]["sites"] == ["a", "b"]
    assert record["learned"]["segmenter"]["sites"] == ["a"]


def test_nothing_is_learned_without_steps_and_start() -> None:
    with pytest.raises(ValueError, match="nothing is learned"):
        TrainConfig.model_validate({"finder": {"steps": 0}})


@pytest.mark.slow
def test_the_command_learns_from_a_data_set(data: Path, model: Path, tmp_path: Path) -> None:
    changes = [f"{part}.start={model}" for part in ("finder", "segmenter")]
    changes += ["finder.widths=[4,4,4,4,8]", "segmenter.widths=[4,4,8,8]", "phantoms=0"]
    train_command(
        [data / "set.csv"],
        output=tmp_path / "run",
        recipe="fine-tune",
        change=[*changes, "segmenter.steps=1", "segmenter.batch=2"],
        quiet=True,
    )
    export(tmp_path / "run", tmp_path / "fine.onnx", description="fine")

    card = read_card(tmp_path / "fine.onnx")
    assert card.training["sites"] == ["a", "b", "here", "there"]
    # Its own two images, and those of the model that it started from.
    own = [str(data / name) for name in ("other.nii.gz", "scan.nii.gz")]
    assert card.data == (*own, "other.nii.gz", "scan.nii.gz")


@pytest.mark.slow
def test_phantoms_alone_can_be_learned_from(tmp_path: Path) -> None:
    config = TrainConfig.model_validate(
        {"phantoms": 2, "phantom_scans": 1, **SMALL, "segmenter": SMALL_SEGMENTER}
    )
    train(config, tmp_path, tmp_path / "run", device="cpu", report=silent)

    assert load_checkpoint(tmp_path / "run")[2]["sites"] == ["phantom"]


@pytest.mark.slow
def test_phantom_scans_are_scans_with_their_truth() -> None:
    first, second = phantom_stacks(2, seed=0)

    for stack in (first, second):
        assert isinstance(stack, LabeledStack)
        assert stack.image is not None
        assert stack.gm is not None
        assert stack.cord is not None
        assert stack.image.shape == stack.gm.shape == stack.cord.shape
        assert bool((stack.gm <= stack.cord + 1e-5).all())
        assert float(stack.gm.sum()) > 0
    assert first.spacing_mm != second.spacing_mm


def test_prepared_images_are_kept_and_come_back_the_same(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCGM_CACHE", str(tmp_path))
    config = read_config(data / "recipe.toml").expanded(data)
    made = prepare(config, data)
    monkeypatch.setattr("scgm.training.data.materials.make_crops", None)  # would fail if called
    monkeypatch.setattr("scgm.training.data.materials.make_scenes", None)

    kept = prepare(config, data)

    assert len(list((tmp_path / "prepared").glob("*.safetensors"))) == 2
    for name in made.crops.__slots__:
        assert torch.equal(getattr(made.crops, name), getattr(kept.crops, name))
    for name in made.scenes.__slots__:
        assert torch.equal(getattr(made.scenes, name), getattr(kept.scenes, name))


@pytest.mark.slow
def test_a_kept_file_that_is_damaged_is_made_again(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCGM_CACHE", str(tmp_path))
    config = read_config(data / "recipe.toml").expanded(data)
    made = prepare(config, data)
    for path in (tmp_path / "prepared").glob("*.safetensors"):
        path.write_bytes(path.read_bytes()[:100])

    again = prepare(config, data)

    assert torch.equal(made.crops.gm, again.crops.gm)


@pytest.mark.slow
def test_each_site_is_left_out_once_and_scored(data: Path, tmp_path: Path) -> None:
    changes = ["finder.widths=[4,4,4,4,8]", "finder.steps=1", "finder.batch=1", "phantoms=0"]
    changes += ["segmenter.widths=[4,4,8,8]", "segmenter.steps=1", "segmenter.batch=2"]
    arguments = {"output": tmp_path / "folds", "change": changes, "quiet": True}

    crossvalidate([data / "set.csv"], **arguments)  # type: ignore[arg-type]

    with (tmp_path / "folds" / "cross_validation.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["site"] for row in rows] == ["here", "there"]
    for row in rows:
        record = tmp_path / "folds" / f"without-{row['site']}" / "checkpoint.json"
        held = json.loads(record.read_text(encoding="utf-8"))
        assert row["site"] not in held["sites"]
        assert held["scores"][0]["decided"] is False
    page = (tmp_path / "folds" / "cross_validation.md").read_text(encoding="utf-8")
    assert "mean over 2 sites" in page

    crossvalidate([data / "set.csv"], **arguments)  # type: ignore[arg-type]  # nothing is done again
    arguments["change"] = [*changes, "seed=3"]
    with pytest.raises(ConfigError, match="another configuration"):
        crossvalidate([data / "set.csv"], **arguments)  # type: ignore[arg-type]


def test_one_site_cannot_be_validated_across(data: Path, tmp_path: Path) -> None:
    (tmp_path / "one.csv").write_text(
        f"image,gm,cord,site\n{data}/scan.nii.gz,{data}/gm.nii.gz,{data}/cord.nii.gz,here\n",
        encoding="utf-8",
    )

    with pytest.raises(ConfigError, match="at least two sites; found: here"):
        crossvalidate([tmp_path / "one.csv"], output=tmp_path / "folds", quiet=True)
