"""Checkpoints: files of weights, and a JSON record of how they were made."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from pydantic import BaseModel, ConfigDict
from torch import Tensor, nn

from scgm.errors import ModelError
from scgm.io.atomic import write_json
from scgm.networks.cord_finder import CordFinder
from scgm.networks.ddc import DeepDilatedNetwork
from scgm.networks.deepseg import Cascade, CascadeGraph
from scgm.networks.graph import CordAndGrayMatter
from scgm.networks.paper_unet import PaperUNet
from scgm.networks.unet import UNet
from scgm.training.config.settings import FinderStage, SegmenterStage, TrainConfig
from scgm.training.engine.files import read_tensors, write_tensors

RECORD = "checkpoint.json"


class _Record(BaseModel):
    """What a record must hold; whatever else is known of a run may stand beside it."""

    model_config = ConfigDict(extra="allow", allow_inf_nan=False)

    config: TrainConfig
    sites: list[str]
    scores: list[dict[str, Any]]
    started_with: list[str] = []


def build_finder(stage: FinderStage) -> CordFinder:
    """Make the cord finder of a configuration, untrained."""
    return CordFinder(stage.widths)


def build_model(
    finder: nn.Module, segmenter: nn.Module, stage: SegmenterStage
) -> CordAndGrayMatter:
    """Join both, in evaluation mode."""
    if isinstance(segmenter, Cascade):
        return CascadeGraph(finder, segmenter).eval()
    return CordAndGrayMatter(finder, segmenter, stage.windows).eval()


def build_segmenter(config: TrainConfig) -> nn.Module:
    """Make the segmentation network of a configuration, untrained."""
    stage = config.segmenter
    if stage.network == "deepseg":
        return Cascade(config.deepseg.cord_filters, config.deepseg.gray_filters)
    if stage.network == "ddc":
        return DeepDilatedNetwork(filters=stage.filters, outputs=2, dropout=stage.dropout)
    if stage.network == "unet-paper":
        return PaperUNet(outputs=2, dropout=stage.dropout)
    return UNet(stage.widths, inputs=2 if stage.windows.tells_pixel else 1)


@torch.no_grad()
def round_weights(network: nn.Module) -> None:
    """Round the weights of convolutions and linear layers to half precision, in place.

    Done once, at the end of training and before anything is scored: the model file then stores
    them in half the space and still equals the checkpoint. Statistics of batch normalization
    stay as they are.
    """
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            layer.weight.copy_(layer.weight.half().float())


def save_weights(network: nn.Module, path: Path) -> None:
    """Write weights (safetensors) whole or not at all."""
    write_tensors(path, network.state_dict())


def load_weights(network: nn.Module, path: Path) -> nn.Module:
    """Fill a network from a file of its weights, and set it to evaluation mode.

    Raises
    ------
    ModelError
        If the file is missing or does not fit.
    """
    tensors, _ = read_tensors(path)
    require_finite(path, tensors)
    try:
        network.load_state_dict(tensors)
    except RuntimeError as error:
        why = " ".join(str(error).split())[:200]
        msg = f"{path}: not the weights of the configured network ({why}); train again"
        raise ModelError(msg) from error
    return network.eval()


def require_finite(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """Make sure that weights are numbers.

    Raises
    ------
    ModelError
        If any is infinite or not a number.
    """
    for name, values in tensors.items():
        if values.is_floating_point() and not bool(values.isfinite().all()):
            msg = f"{path}: {name} has values that are not finite numbers; train again"
            raise ModelError(msg)


def save_record(folder: Path, config: TrainConfig, facts: dict[str, Any]) -> None:
    """Write the configuration and what is known of the run beside the weights."""
    write_json(folder / RECORD, {"config": config.model_dump(mode="json"), **facts})


def read_record(folder: Path) -> tuple[TrainConfig, dict[str, Any]]:
    """Read the configuration of a finished training, and what is known of it.

    Raises
    ------
    ModelError
        If there is no record, or it is damaged.
    """
    if not (folder / RECORD).exists():
        found = "no folder of a finished training" if folder.is_dir() else "no such folder"
        msg = f"{folder}: there is {found}; give the one that scgm train wrote, with its {RECORD}"
        raise ModelError(msg)
    try:
        text = (folder / RECORD).read_text(encoding="utf-8")
        record = json.loads(text, parse_constant=_refuse_constant)
        config = _Record.model_validate(record).config
    except (OSError, ValueError, RecursionError) as error:
        why = " ".join(str(error).split())[:200]
        msg = f"{folder}: not a complete checkpoint ({why}); train again or give another folder"
        raise ModelError(msg) from error
    del record["config"]
    return config, record


def _refuse_constant(name: str) -> None:
    msg = f"{name} is not a number"
    raise ValueError(msg)


def load_checkpoint(folder: Path) -> tuple[CordAndGrayMatter, TrainConfig, dict[str, Any]]:
    """Rebuild the joined model from a folder written by training, in evaluation mode.

    Raises
    ------
    ModelError
        If a file is missing or does not fit the configuration.
    """
    config, record = read_record(folder)
    finder = load_weights(build_finder(config.finder), folder / "finder.safetensors")
    segmenter = load_weights(build_segmenter(config), folder / "segmenter.safetensors")
    return build_model(finder, segmenter, config.segmenter), config, record
