"""Recipes, methods and the command: what the paper of 2018 says, and what a user can choose."""

import math
from pathlib import Path

import pytest
import torch
from torch import nn

from scgm.cli.commands.train import train as command
from scgm.errors import ConfigError, UsageError
from scgm.networks.ddc import DeepDilatedNetwork
from scgm.networks.paper_unet import PaperUNet
from scgm.networks.unet import UNet
from scgm.synthesis.draw import Draw
from scgm.synthesis.windows import Crops, crop_size
from scgm.training.config.methods import TRAINABLE, changes_of
from scgm.training.config.read import DEFAULT_RECIPE, RECIPES, find_recipe, read_config
from scgm.training.config.settings import SegmenterStage, Stage, TrainConfig
from scgm.training.data import augmentation
from scgm.training.data.augmentation import paper_batch, require_scans
from scgm.training.engine.checkpoints import build_segmenter, load_checkpoint
from scgm.training.engine.learner import learning_rate
from scgm.training.engine.losses import segmentation_loss, soft_dice_loss
from scgm.training.engine.state import STATE
from tests.helpers.training_files import write_data

CROP = crop_size()


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_data(tmp_path_factory.mktemp("data"))


@pytest.mark.parametrize("path", sorted(RECIPES.glob("*.toml")), ids=lambda path: path.stem)
def test_every_recipe_is_a_valid_configuration_and_found_by_its_name(path: Path) -> None:
    config = read_config(find_recipe(path.stem))

    assert find_recipe(path.stem) == path
    assert config.name == path.stem
    # To fine-tune, the data are named when it starts.
    assert any(source.scored for source in config.kept()) or path.stem == "fine-tune"


def test_the_recipe_of_2018_is_that_of_the_paper() -> None:
    config = read_config(find_recipe("ddc-2018"))
    stage = config.segmenter

    assert (stage.batch, stage.epoch_steps, stage.steps) == (11, 32, 1000 * 32)
    assert (stage.learning_rate, stage.schedule, stage.weight_decay) == (1e-3, "poly", 0)  # Adam
    assert (stage.network, stage.filters, stage.dropout) == ("ddc", 32, 0.4)
    assert (stage.loss, stage.augmentation, stage.real_share) == ("dice", "ddc-2018", 1)
    assert (stage.average, stage.clip) == (0, 0)


def test_the_shipped_model_was_not_chosen_by_its_score() -> None:
    assert read_config(DEFAULT_RECIPE).segmenter.keep == "last"


def test_a_model_is_fine_tuned_on_the_windows_that_it_has_learned() -> None:
    default, fine_tune = (read_config(find_recipe(name)) for name in ("default", "fine-tune"))

    assert fine_tune.segmenter.windows == default.segmenter.windows
    assert fine_tune.segmenter.fine_share == default.segmenter.fine_share


def test_a_recipe_or_method_that_is_not_there_is_named_with_those_that_are() -> None:
    with pytest.raises(ConfigError, match="no recipe 'mine'; known: ddc-2018, default"):
        find_recipe("mine")
    with pytest.raises(ConfigError, match="no method 'mine' to train; known: default, ddc, unet"):
        changes_of("mine")


@pytest.mark.parametrize(
    ("method", "network"), [("default", UNet), ("ddc", DeepDilatedNetwork), ("unet", PaperUNet)]
)
def test_a_method_is_a_network_and_a_name(method: str, network: type[nn.Module]) -> None:
    config = read_config(DEFAULT_RECIPE, (*changes_of(method), "segmenter.dropout=0.25"))
    built = build_segmenter(config)

    assert config.name == method
    assert isinstance(built, network)
    shares = {layer.p for layer in built.modules() if isinstance(layer, nn.Dropout)}
    assert shares == (set() if network is UNet else {0.25})
    assert set(TRAINABLE) == {"default", "ddc", "unet", "deepseg"}


@pytest.mark.parametrize("method", sorted(TRAINABLE))
def test_every_method_can_be_trained_by_the_default_recipe(method: str) -> None:
    config = read_config(DEFAULT_RECIPE, changes_of(method))

    assert config.segmenter.network == TRAINABLE[method]


def test_there_is_no_dropout_unless_it_is_set() -> None:
    built = build_segmenter(TrainConfig(segmenter=SegmenterStage(network="ddc", filters=2)))

    assert {layer.p for layer in built.modules() if isinstance(layer, nn.Dropout)} == {0.0}


def test_the_learning_rate_warms_up_and_falls_as_a_cosine() -> None:
    stage = Stage(steps=1000, learning_rate=1.0)

    assert learning_rate(0, stage) == pytest.approx(0.01, rel=0.01)
    assert learning_rate(99, stage) > 0.95
    assert learning_rate(500, stage) == pytest.approx(0.505)
    assert learning_rate(999, stage) == pytest.approx(0.01, rel=0.01)


def test_poly_falls_by_the_epoch_as_a_power() -> None:
    """1000 epochs of 32 steps: constant within an epoch, (1 - 500 / 1000) ** 0.9 halfway."""
    stage = Stage(steps=32000, epoch_steps=32, learning_rate=0.001, schedule="poly")

    assert learning_rate(0, stage) == learning_rate(31, stage) == 0.001
    assert learning_rate(32, stage) == pytest.approx(0.001 * 0.999**0.9)
    assert learning_rate(16000, stage) == pytest.approx(0.001 * 0.5**0.9)
    assert learning_rate(31999, stage) == pytest.approx(0.001 * 0.001**0.9)


def test_dice_alone_is_the_dice_of_cord_and_twice_that_of_gray_matter() -> None:
    torch.manual_seed(0)
    logits, targets, known = torch.randn(2, 2, 6, 6), torch.rand(2, 2, 6, 6), torch.ones(2, 2, 1, 1)
    cord = torch.sigmoid(logits[:, 0])
    gray = cord * torch.sigmoid(logits[:, 1])
    expected = soft_dice_loss(cord, targets[:, 0], known[:, 0])
    expected = expected + 2 * soft_dice_loss(gray, targets[:, 1], known[:, 1])

    assert torch.equal(segmentation_loss(logits, targets, known, entropy_weight=0), expected)
    assert segmentation_loss(logits, targets, known) > expected


def crops_with(gm: torch.Tensor, *, has_image: bool = True, knows_gm: bool = True) -> Crops:
    """Make one crop whose image is its gray matter on a bright background."""
    flag = torch.ones(1, dtype=torch.bool)
    return Crops(
        gm=gm[None],
        cord=torch.ones(1, CROP, CROP),
        image=(1 + gm)[None],
        has_image=flag & has_image,
        knows_gm=flag & knows_gm,
        knows_cord=flag,
        neighbor=torch.zeros(1, dtype=torch.long),
        weight=torch.ones(1),
    )


def test_image_and_label_are_moved_together_and_labels_stay_masks() -> None:
    """The image is 2 where gray matter is and 1 elsewhere: standardized, its two levels part it."""
    gm = torch.zeros(CROP, CROP)
    gm[60:90, 70:80] = 1
    batch = paper_batch(crops_with(gm), 16, Draw(0))
    bright = batch.images[:, 0] > batch.images.flatten(1).mean(dim=1)[:, None, None]
    gray = batch.targets[:, 1] == 1
    both, total = (bright & gray).sum(dim=(1, 2)), bright.sum(dim=(1, 2)) + gray.sum(dim=(1, 2))

    assert set(batch.targets.flatten().tolist()) == {0, 1}
    assert float((2 * both / total).min()) > 0.9


def test_beyond_the_scan_all_is_zero_and_dark_pixels_within_are_not() -> None:
    """Ten rows at the border lie beyond the scan; a black spot in its middle does not."""
    crops = crops_with(torch.zeros(CROP, CROP))
    crops.image[0, :32] = 0
    crops.image[0, 78:84, 78:84] = 0
    crops.image[0, 100:] = 2
    images = paper_batch(crops, 8, Draw(0)).images[:, 0]

    assert bool((images[:, 0] == 0).all())
    assert bool((images[:, 60:68, 60:68].amin(dim=(1, 2)) < -0.5).all())


def test_shapes_move_as_little_as_the_paper_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without bending: the corner of a square turns by 4.6 degrees at most, and 6 pixels away."""
    monkeypatch.setattr(augmentation, "ELASTIC_SHARE", 0.0)
    gm = torch.zeros(CROP, CROP)
    gm[79:81, 39:121] = 1  # a bar through the middle, 20.5 mm long
    targets = paper_batch(crops_with(gm), 64, Draw(1)).targets[:, 1]
    for bar in targets:
        rows, columns = torch.nonzero(bar, as_tuple=True)
        length = math.hypot(*(float(part.max() - part.min() + 1) for part in (rows, columns)))
        slope = (rows[columns >= columns.median()].float().mean() - rows.float().mean()) / 20.5
        middle = [float(part.float().mean()) - 63.5 for part in (rows, columns)]
        assert 0.98 * 82 - 3 < length < 1.02 * 82 + 3
        assert abs(float(slope)) < math.tan(math.radians(4.6)) + 0.03
        assert max(map(abs, middle)) < 1.02 * 6 * 1.08 + 0.6


@pytest.mark.parametrize("size", [128, 320])
def test_a_share_of_the_samples_is_bent_by_a_pixel_or_two(size: int) -> None:
    """Noise in [-1, 1], smoothed by s pixels and times a: a / (s sqrt(12 pi)), here 1.2 pixels."""
    bend = augmentation._elastic_mm(100, size, 32 / size, Draw(0)) / 0.25
    deviation = bend[:, 32:-32, 32:-32].flatten(1).std(dim=1)
    bent = deviation > 0

    assert float(bent.float().mean()) == pytest.approx(0.3, abs=0.08)
    expected = 29 / (3.75 * math.sqrt(12 * math.pi))
    assert float(deviation[bent].mean()) == pytest.approx(expected, rel=0.05)


def test_crops_without_scan_or_gray_matter_are_not_drawn() -> None:
    gm = torch.zeros(CROP, CROP)
    for crops in (crops_with(gm, has_image=False), crops_with(gm, knows_gm=False)):
        with pytest.raises(ConfigError, match="learns from scans alone"):
            require_scans(crops)
    require_scans(crops_with(gm))


TINY = ["finder.steps=2", "segmenter.steps=2", "phantoms=0"]


def test_the_command_trains_a_method_of_a_recipe(data: Path, tmp_path: Path) -> None:
    changes = [*TINY, "segmenter.batch=2", "segmenter.filters=2"]
    command(
        output=tmp_path,
        config=data / "recipe.toml",
        method="ddc",
        data=data,
        change=changes,
        quiet=True,
    )

    config = load_checkpoint(tmp_path)[1]
    assert (config.name, config.segmenter.network, config.segmenter.filters) == ("ddc", "ddc", 2)


def test_the_command_goes_on_without_being_told_the_configuration_again(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("scgm.training.engine.stages.window_batch", stop)
        with pytest.raises(KeyboardInterrupt):
            command(
                output=tmp_path, config=data / "recipe.toml", data=data, change=TINY, quiet=True
            )
    with pytest.raises(ConfigError, match=r"segmenter\.steps = 2, not 3"):
        command(
            output=tmp_path, config=data / "recipe.toml", data=data, change=TINY[::2], resume=True
        )
    command(output=tmp_path, data=data, resume=True, quiet=True)

    assert load_checkpoint(tmp_path)[1].segmenter.steps == 2
    assert not (tmp_path / STATE).exists()


def test_a_configuration_and_a_recipe_exclude_each_other(data: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="exclude each other"):
        command(output=tmp_path, config=data / "recipe.toml", recipe="default")
