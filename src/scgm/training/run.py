"""A whole training run: read, train the cord finder, train the segmentation network, save."""

import platform
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

from scgm.errors import ConfigError, OutputError
from scgm.networks.graph import CordAndGrayMatter
from scgm.synthesis.draw import Draw
from scgm.synthesis.scenes import Scenes, scene_batch
from scgm.synthesis.windows import Crops, window_batch
from scgm.training.checkpoints import (
    RECORD,
    build_finder,
    build_segmenter,
    round_weights,
    save_record,
    save_weights,
)
from scgm.training.config import TrainConfig
from scgm.training.data import LabeledStack, make_crops, make_scenes, read_source
from scgm.training.loop import fit, forward
from scgm.training.losses import place_loss, segmentation_loss
from scgm.training.phantoms import with_phantoms
from scgm.training.validation import score
from scgm.version import __version__

Report = Callable[[str], None]


def train(config: TrainConfig, data: Path, output: Path, *, device: str, report: Report) -> None:
    """Train both networks and write ``output`` (weights, ``checkpoint.json``, ``log.jsonl``).

    Raises
    ------
    ConfigError
        If ``output`` already holds a checkpoint or the device is not there.
    """
    chosen = _device(device)
    config = config.expanded(data)
    if (output / RECORD).exists():
        msg = f"{output}: already holds a checkpoint; give another --output"
        raise ConfigError(msg)
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        msg = f"{output}: the folder cannot be made ({error.strerror}); give another --output"
        raise OutputError(msg) from error
    started = time.perf_counter()
    torch.manual_seed(config.seed)
    torch.backends.cudnn.benchmark = True
    # All is read and checked before anything is trained.
    stacks = [read_source(source, data) for source in config.kept()]
    left_out = [read_source(source, data) for source in config.left_out() if source.image]
    scenes, crops = _scenes(config, stacks).to(chosen), make_crops(stacks).to(chosen)
    report(f"read {len(stacks)} volumes to learn from, {len(left_out)} scans to be scored")
    finder = _train_finder(config, scenes, output, report)
    segmenter = _train_segmenter(config, crops, output, report)
    round_weights(finder)
    round_weights(segmenter)
    save_weights(finder, output / "finder.safetensors")
    save_weights(segmenter, output / "segmenter.safetensors")
    model = CordAndGrayMatter(finder, segmenter).eval()
    scores = [score(model, stack) for stack in left_out]
    for row in scores:
        report(f"left out: {row}")
    facts = {
        "scgm": __version__,
        "torch": torch.__version__,
        "device": _device_name(chosen),
        "seconds": round(time.perf_counter() - started),
        "sites": sorted({source.site for source in config.kept()}),
        "scores": scores,
    }
    save_record(output, config, facts)
    report(f"saved {output} after {facts['seconds']} s")


def _scenes(config: TrainConfig, stacks: list[LabeledStack]) -> Scenes:
    scenes = make_scenes(stacks)
    if not config.phantoms:
        return scenes
    return with_phantoms(scenes, config.phantoms, config.finder.phantom_share, config.seed)


def _train_finder(config: TrainConfig, scenes: Scenes, output: Path, report: Report) -> nn.Module:
    stage, device = config.finder, scenes.weight.device
    draw = Draw(config.seed + 1, device)

    def loss_of(network: nn.Module) -> Tensor:
        batch = scene_batch(scenes, stage.batch, draw)
        return place_loss(forward(network, batch.images), batch.targets, batch.weight)

    network = build_finder(stage).to(device)
    return fit(network, stage, loss_of, output, name="finder", report=report)


def _train_segmenter(config: TrainConfig, crops: Crops, output: Path, report: Report) -> nn.Module:
    stage, device = config.segmenter, crops.weight.device
    draw = Draw(config.seed + 2, device)

    def loss_of(network: nn.Module) -> Tensor:
        batch = window_batch(crops, stage.batch, stage.real_share, draw)
        return segmentation_loss(forward(network, batch.images), batch.targets, batch.known)

    network = build_segmenter(stage).to(device)
    return fit(network, stage, loss_of, output, name="segmenter", report=report)


def _device(name: str) -> torch.device:
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if name == "cuda" and not torch.cuda.is_available():
        msg = "--device cuda: this machine has no usable GPU; use --device cpu"
        raise ConfigError(msg)
    return torch.device(name)


def _device_name(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{platform.machine()} CPU, {torch.get_num_threads()} threads"
