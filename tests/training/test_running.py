"""What happens while a run goes on: validations, what is kept, progress, what stops it."""

import json
import math
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import matplotlib.image
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn

from scgm.errors import ConfigError, ScgmError
from scgm.synthesis.draw import Draw
from scgm.training.config.read import read_config
from scgm.training.config.settings import Stage, TrainConfig
from scgm.training.config.sources import Source
from scgm.training.data.examples import LabeledStack, read_source
from scgm.training.engine.checkpoints import (
    build_finder,
    build_model,
    build_segmenter,
    load_checkpoint,
)
from scgm.training.engine.compute import Compute, choose, find_device, repeatable
from scgm.training.engine.files import read_tensors
from scgm.training.engine.learner import Learner
from scgm.training.engine.loop import Task, fit
from scgm.training.engine.pictures import Shown, draw, spread
from scgm.training.engine.progress import in_words, require_tensorboard
from scgm.training.engine.run import train
from scgm.training.engine.state import read_state
from scgm.training.engine.validation import Validation, mean_dice, score, slice_dice, validate
from tests.helpers.training_files import (
    CPU,
    Images,
    session_in,
    silent,
    tiny_network,
    tiny_task,
    write_data,
)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_data(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def stack(data: Path) -> LabeledStack:
    scan, gm, cord = (Path(f"{name}.nii.gz") for name in ("scan", "gm", "cord"))
    return read_source(Source(site="a", image=scan, gm=gm, cord=(cord,)), data)


class Seen:
    """Gives the scores of a list, one a call, and keeps the weights that it was shown."""

    def __init__(self, scores: list[float]) -> None:
        self.scores = iter(scores)
        self.weights: list[dict[str, torch.Tensor]] = []

    def __call__(self, network: nn.Module) -> Validation:
        """Return the next score."""
        assert not network.training
        self.weights.append({k: v.clone() for k, v in network.state_dict().items()})
        square = np.zeros((8, 8), np.float32)
        return Validation(next(self.scores), [Shown("", square, square, square, (1, 1))])


def judged(seen: Seen, steps: int, *, patience: int = 0, keep: str = "best") -> Task[Images]:
    return replace(tiny_task(steps), validate=seen, every=2, patience=patience, keep=keep)


def same(network: nn.Module, weights: dict[str, torch.Tensor]) -> bool:
    return all(torch.equal(value, weights[key]) for key, value in network.state_dict().items())


def test_the_weights_that_scored_best_are_kept(tmp_path: Path) -> None:
    seen = Seen([0.1, 0.7, 0.3, 0.2])
    task = judged(seen, 8)
    kept, place = fit(tiny_network(), task, session_in(tmp_path))

    assert (place.best_step, place.best_dice, place.step) == (4, 0.7, 8)
    assert same(kept, seen.weights[1])


def test_of_equal_scores_the_later_weights_are_kept(tmp_path: Path) -> None:
    seen = Seen([0.5, 0.5, 0.4])
    task = judged(seen, 6)
    kept, place = fit(tiny_network(), task, session_in(tmp_path))

    assert place.best_step == 4
    assert same(kept, seen.weights[1])


def test_the_last_weights_are_kept_on_request(tmp_path: Path) -> None:
    seen = Seen([0.7, 0.1])
    task = judged(seen, 4, keep="last")
    kept, _ = fit(tiny_network(), task, session_in(tmp_path))

    assert same(kept, seen.weights[-1])


def test_it_stops_after_as_many_validations_without_a_better_one(tmp_path: Path) -> None:
    """The best is the second, at step 4; two more follow, at 6 and 8."""
    _, place = fit(
        tiny_network(),
        judged(Seen([0.1, 0.7, 0.3, 0.7, 0.9]), 100, patience=2),
        session_in(tmp_path),
    )

    assert (place.step, place.best_dice) == (8, 0.7)
    assert read_state(tmp_path).place.step == 8


def test_the_best_weights_survive_a_stop(tmp_path: Path) -> None:
    """The best came before the stop; what goes on brings them back."""
    whole = judged(Seen([0.1, 0.7, 0.3, 0.2, 0.2]), 10)
    expected, _ = fit(tiny_network(), whole, session_in(tmp_path / "whole"))
    first = replace(tiny_task(10, stop_after=7), validate=Seen([0.1, 0.7, 0.3]), every=2)
    with pytest.raises(KeyboardInterrupt):
        fit(tiny_network(), first, session_in(tmp_path / "half"))
    earlier = read_state(tmp_path / "half")  # of step 5
    second = judged(Seen([0.3, 0.2, 0.2]), 10)
    kept, place = fit(tiny_network(), second, session_in(tmp_path / "half", earlier))

    assert place.best_step == 4
    assert same(kept, dict(expected.state_dict()))


def test_every_validation_leaves_a_picture_and_a_line(tmp_path: Path) -> None:
    fit(tiny_network(), judged(Seen([0.25, 0.5]), 4), session_in(tmp_path))
    rows = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]

    assert [(row["step"], row["dice"]) for row in rows if "dice" in row] == [(2, 0.25), (4, 0.5)]
    assert sorted(path.name for path in (tmp_path / "pictures").iterdir()) == [
        "tiny-000002.png",
        "tiny-000004.png",
    ]


def test_the_line_of_progress_says_loss_score_speed_and_time_left(tmp_path: Path) -> None:
    lines: list[str] = []
    task = replace(judged(Seen([0.25, 0.25]), 100), every=50)
    fit(tiny_network(), task, session_in(tmp_path, report=lines.append))

    # On a slow machine there are more lines: one at least in ten seconds.
    half, end = (next(each for each in lines if f"tiny {step}/100" in each) for step in (50, 100))
    for part in ("loss ", "Dice 0.250 (best 0.250)", "images/s", " left"):
        assert part in half
    assert "0 s left" in end


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (59.2, "1 min 0 s"), (61, "1 min 1 s"), (3600, "1 h 0 min"), (7500, "2 h 5 min")],
)
def test_durations_in_words(seconds: float, words: str) -> None:
    assert in_words(seconds) == words


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_loss_that_is_not_finite_stops_the_run_and_leaves_the_batch(
    tmp_path: Path, bad: float
) -> None:
    task, drawn = tiny_task(20), []

    def batch() -> Images:
        drawn.append(task.batch().images)
        if len(drawn) == 8:
            drawn[-1][0, 0, 3, 3] = bad
        return Images(drawn[-1])

    with pytest.raises(ScgmError, match=r"step 8 of tiny .* bad_batch\.safetensors"):
        fit(tiny_network(), replace(task, batch=batch), session_in(tmp_path))

    tensors, facts = read_tensors(tmp_path / "bad_batch.safetensors")
    assert torch.equal(tensors["images"].nan_to_num(), drawn[-1].nan_to_num())
    assert facts == {"stage": "tiny", "step": "8"}
    state = read_state(tmp_path)
    assert state.place.step == 5  # what was good before is still there
    assert all(value.isfinite().all() for value in state.tensors.values())


def test_a_gradient_that_is_not_finite_changes_no_weight(tmp_path: Path) -> None:
    """The square root's slope at 0 is infinite, and the root itself is 0."""
    task = tiny_task(1)
    learner = Learner(tiny_network(), task.stage, task.draw, session_in(tmp_path).team)
    before = {key: value.clone() for key, value in learner.network.state_dict().items()}
    loss = (learner.network[0].weight.sum() * 0).sqrt()

    assert not learner.learn(loss, 0)
    assert float(loss.detach()) == 0
    assert same(learner.network, before)


def test_dice_counts_the_slices_that_have_a_label() -> None:
    """Half of a label of 4 pixels found: 2 * 2 / (4 + 2); an empty label does not count."""
    label, found = torch.zeros(2, 4, 4), torch.zeros(2, 4, 4)
    label[0, :2, :2] = 1
    found[0, 0, :2] = 1
    found[1, 0, 0] = 1

    assert float(slice_dice(found, label)[0]) == pytest.approx(4 / 6)
    assert math.isnan(float(slice_dice(found, label)[1]))
    assert mean_dice(found, label) == pytest.approx(4 / 6)


class Everything(nn.Module):
    """Finds cord and gray matter everywhere in its window."""

    def __init__(self) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.full((1, 2, 1, 1), 20.0))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return the same logits for every pixel."""
        return self.bias.expand(len(images), 2, *images.shape[2:])


def test_a_network_is_validated_in_windows_around_the_label(stack: LabeledStack) -> None:
    """Found is the window of 28 mm, label the area A: Dice is 2 A / (A + window)."""
    assert stack.gm is not None
    pixel = stack.spacing_mm[1] * stack.spacing_mm[2]
    area = (stack.gm >= 0.5).sum(dim=(1, 2)) * pixel
    area = area[area > 0]
    result = validate(Everything(), [stack, stack])

    assert result.dice == pytest.approx(float((2 * area / (area + 28**2)).mean()), rel=0.05)
    assert len(result.shown) == 2 * len(area)


def test_a_picture_of_a_validation_shows_image_and_label_at_one_place(
    stack: LabeledStack,
) -> None:
    """What is cut out has the label's centroid in its middle."""
    shown = validate(Everything(), [stack]).shown
    for one in shown:
        rows, columns = np.indices(one.label.shape)
        middle = [(part * one.label).sum() / one.label.sum() for part in (rows, columns)]
        half = [(length - 1) / 2 for length in one.label.shape]
        assert one.image.shape == one.label.shape == one.found.shape
        # The window is put on the middle of the cord; gray matter lies a little behind it.
        assert np.abs(np.subtract(middle, half)).max() * max(one.pixel_mm) < 2


def test_a_picture_has_its_outlines_where_the_image_shows_them(tmp_path: Path) -> None:
    """Anterior is up: what is bright in the last rows is in the upper half, outlined in blue."""
    label = np.zeros((40, 40), np.float32)
    label[28:36, 10:30] = 1
    nothing = np.zeros_like(label)
    draw([Shown("", label, label, nothing, (0.5, 0.5))], "title", tmp_path / "p.png")
    panel = matplotlib.image.imread(tmp_path / "p.png")[60:, : 90 * 10 // 4, :3]
    blue = np.nonzero((panel[..., 2] > 0.7) & (panel[..., 0] < 0.5))
    black = (panel < 0.02).all(axis=2)  # the image beside what is bright; the page is white
    image_rows, image_columns = (np.unique(axis)[[0, -1]] for axis in np.nonzero(black))
    bright = np.nonzero((panel > 0.98).all(axis=2) & inside(panel, image_rows, image_columns))

    assert blue[0].mean() < image_rows.mean()
    for drawn, shown in zip(blue, bright, strict=True):
        assert drawn.min() == pytest.approx(shown.min(), abs=4)
        assert drawn.max() == pytest.approx(shown.max(), abs=4)


def inside(
    panel: NDArray[np.float32], rows: NDArray[np.intp], columns: NDArray[np.intp]
) -> NDArray[np.bool_]:
    """Return which pixels lie between the first and last of these rows and columns."""
    kept = np.zeros(panel.shape[:2], bool)
    kept[rows[0] : rows[1], columns[0] : columns[1]] = True
    return kept


def test_many_slices_are_thinned_evenly() -> None:
    square = np.zeros((2, 2), np.float32)
    shown = [Shown(str(n), square, square, square, (1, 1)) for n in range(15)]

    assert [one.title for one in spread(shown)] == ["0", "2", "4", "6", "8", "10", "12", "14"]
    assert spread(shown[:3]) == shown[:3]


@pytest.mark.slow
def test_images_decide_only_where_sites_are_named(data: Path, tmp_path: Path) -> None:
    """With `validate_on` the sites left out stay unseen until the end; with neither, the last."""
    cases = {
        ('leave_out=["b"]',): (["b"], "best", [True]),
        ('leave_out=["b"]', "segmenter.keep=last"): (["b"], "last", [False]),
        ('leave_out=["b"]', "segmenter.validate_every=0"): ([], "last", [False]),
        ("leave_out=[]", 'validate_on=["b"]'): (["b"], "best", []),
        ("leave_out=[]",): ([], "last", []),
    }
    for number, (changes, expected) in enumerate(cases.items()):
        config = read_config(data / "recipe.toml", (*changes, "phantoms=0"))
        folder = tmp_path / str(number)
        train(config, data, folder, device="cpu", report=silent)
        record = json.loads((folder / "checkpoint.json").read_text())
        choice = record["choice"]
        decided = [row["decided"] for row in record["scores"]]
        assert (choice["validated_on"], choice["kept"], decided) == expected


@pytest.mark.parametrize(("scores", "decided"), [([0.5, 0.4], True), ([0.4, 0.5, 0.6], False)])
def test_a_site_that_stopped_the_training_has_decided_though_the_last_weights_are_kept(
    data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    scores: list[float],
    decided: bool,
) -> None:
    """With a patience of 1 it stops at step 2 of 3, unless the scores rise."""
    seen = Seen(scores)
    monkeypatch.setattr(
        "scgm.training.engine.stages.validate", lambda network, *_: seen(network.eval())
    )
    changes = ("phantoms=0", "finder.steps=1", "segmenter.keep=last", "segmenter.patience=1")
    config = read_config(data / "recipe.toml", (*changes, "segmenter.validate_every=1"))
    train(config, data, tmp_path / "run", device="cpu", report=silent)

    record = json.loads((tmp_path / "run" / "checkpoint.json").read_text())
    assert record["choice"]["kept"] == "last"
    assert record["choice"]["stopped_early"] is decided
    assert record["choice"]["steps_done"] == (2 if decided else 3)
    assert [row["decided"] for row in record["scores"]] == [decided]


def test_a_site_has_decided_in_whichever_spelling_it_was_named(data: Path, tmp_path: Path) -> None:
    changes = ('leave_out=["-B"]', "phantoms=0", "finder.steps=1", "segmenter.steps=1")
    config = read_config(data / "recipe.toml", changes)
    train(config, data, tmp_path / "run", device="cpu", report=silent)

    record = json.loads((tmp_path / "run" / "checkpoint.json").read_text())
    assert [(row["site"], row["decided"]) for row in record["scores"]] == [("b", True)]


def test_a_score_says_who_drew_the_label_and_in_how_many_slices(stack: LabeledStack) -> None:
    assert stack.gm is not None
    gm = stack.gm.clone()
    gm[1:] = 0
    source = stack.source.model_copy(update={"rater": "r1"})
    config = TrainConfig.model_validate(
        {"finder": {"widths": [4, 4, 4, 4, 8]}, "segmenter": {"widths": [4, 4, 8, 8]}}
    )
    networks = build_finder(config.finder), build_segmenter(config)
    model = build_model(*networks, config.segmenter)

    row = score(model, replace(stack, gm=gm, source=source))

    assert (row["rater"], row["gm_slices"], row["slices"]) == ("r1", 1, len(gm))


def test_sites_without_a_scan_to_validate_on_are_refused(data: Path, tmp_path: Path) -> None:
    shape = '[[source]]\nsite = "c"\ngm = "gm.nii.gz"\ncord = ["cord.nii.gz"]\n'
    (tmp_path / "r.toml").write_text((data / "recipe.toml").read_text() + shape)
    config = read_config(tmp_path / "r.toml", ('validate_on=["c"]',))
    with pytest.raises(ConfigError, match="no scan of c has gray matter drawn on it"):
        train(config, data, tmp_path / "run", device="cpu", report=silent)


def test_sites_to_validate_on_are_not_learned_from() -> None:
    sources = [
        Source(site=site, image=Path("i"), gm=gm) for site in "abc" for gm in (Path("g"), None)
    ]
    config = TrainConfig(source=tuple(sources), leave_out=("a",), validate_on=("b",))

    assert {source.site for source in config.kept()} == {"c"}
    assert [source.site for source in config.validated()] == ["b"]  # those with gray matter
    assert {source.site for source in config.left_out()} == {"a"}


def test_mixed_precision_computes_roughly_and_returns_float32() -> None:
    network, images = nn.Conv2d(1, 1, 1, bias=False), torch.full((1, 1, 1, 1), 1 + 2.0**-12)
    nn.init.ones_(network.weight)
    network.requires_grad_(False)

    assert choose(CPU, "auto") == choose(CPU, "float32") == Compute(CPU, mixed=False)
    assert float(choose(CPU, "float32")(network, images)) == 1 + 2.0**-12
    rough = choose(CPU, "bfloat16")(network, images)
    assert rough.dtype == torch.float32
    assert float(rough) == 1  # bfloat16 has 8 bits


def test_in_bfloat16_a_network_learns_and_its_weights_stay_float32(tmp_path: Path) -> None:
    """It learns to double its input: the error falls to a tenth."""
    compute, draw, losses = Compute(CPU, mixed=True), Draw(0), []
    network = nn.Conv2d(1, 1, 1)
    nn.init.zeros_(network.weight)

    def error(network: nn.Module, batch: Images, _: float) -> torch.Tensor:
        found = compute(network, batch.images)
        loss = (found - 2 * batch.images).square().mean()
        losses.append(float(loss.detach()))
        return loss

    stage = Stage(steps=200, batch=4, learning_rate=0.1, schedule="poly")
    task = Task("tiny", stage, draw, lambda: Images(draw.normal(4, 1, 8, 8)), error)
    averaged, _ = fit(network, task, session_in(tmp_path))

    assert sum(losses[-10:]) < sum(losses[:10]) / 10
    assert {weight.dtype for weight in averaged.parameters()} == {torch.float32}


@pytest.mark.slow
def test_the_precision_of_the_configuration_is_that_of_the_run(data: Path, tmp_path: Path) -> None:
    """Rounded to eight bits, the same steps give other weights."""
    found = []
    for precision in ("float32", "bfloat16"):
        config = read_config(data / "recipe.toml", (f"precision={precision}", "phantoms=0"))
        train(config, data, tmp_path / precision, device="cpu", report=silent)
        found.append(load_checkpoint(tmp_path / precision)[0].state_dict())

    name = "segmenter.down.0.0.weight"
    assert not torch.equal(found[0][name], found[1][name])
    torch.testing.assert_close(found[0][name], found[1][name], rtol=0.1, atol=0.02)


def test_only_the_same_algorithms_are_taken_on_request_and_then_any_again() -> None:
    with repeatable(wanted=True):
        assert torch.are_deterministic_algorithms_enabled()
        assert not torch.backends.cudnn.benchmark
    assert not torch.are_deterministic_algorithms_enabled()


def test_a_network_is_compiled_on_request(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compiled: list[nn.Module] = []
    monkeypatch.setattr(nn.Module, "compile", lambda network: compiled.extend([network]))
    fit(tiny_network(), tiny_task(1), session_in(tmp_path / "plain"))
    assert compiled == []
    fit(tiny_network(), tiny_task(1), session_in(tmp_path / "compiled", compile=True))

    assert len(compiled) == 1


def test_a_device_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)

    assert find_device("auto") == CPU
    with pytest.raises(ConfigError, match="no usable GPU"):
        find_device("cuda")


def test_tensorboard_gets_every_number_with_its_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[tuple[str, int]] = []

    class Writer:
        def __init__(self, folder: str, purge_step: int) -> None:
            written.append((Path(folder).name, purge_step))

        def add_scalar(self, tag: str, value: float, step: int) -> None:
            written.append((tag, step))

        def close(self) -> None:
            written.append(("closed", 0))

    board = ModuleType("torch.utils.tensorboard")
    monkeypatch.setattr(board, "SummaryWriter", Writer, raising=False)
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", board)
    require_tensorboard()
    fit(tiny_network(), judged(Seen([0.5]), 2), session_in(tmp_path, tensorboard=True))

    assert written == [
        ("tiny", 1),
        ("tiny/dice", 2),
        ("tiny/loss", 2),
        ("tiny/rate", 2),
        ("tiny/images_per_s", 2),
        ("closed", 0),
    ]


def test_tensorboard_that_is_not_installed_is_said_before_anything_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    config = TrainConfig(tensorboard=True)
    with pytest.raises(ConfigError, match=r"tensorboard = true needs .*'\.\[train\]', or set"):
        train(config, tmp_path, tmp_path / "run", device="cpu", report=silent)

    assert not (tmp_path / "run").exists()
