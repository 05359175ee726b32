"""Checkpoints: weight files and a JSON that says how they came to be."""

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from scgm.errors import ModelError
from scgm.io.atomic import write_json
from scgm.networks.cord_finder import CordFinder
from scgm.networks.ddc import DeepDilatedNetwork
from scgm.networks.deepseg import Cascade, CascadeGraph
from scgm.networks.graph import CordAndGrayMatter
from scgm.networks.paper_unet import PaperUNet
from scgm.networks.unet import UNet
from scgm.training.config.settings import FinderStage, SegmenterStage, TrainConfig
from scgm.training.engine.files import write_tensors

RECORD = "checkpoint.json"


def build_finder(stage: FinderStage) -> CordFinder:
    """Make the cord finder of a configuration, untrained."""
    return CordFinder(stage.widths)


def build_model(
    finder: nn.Module, segmenter: nn.Module, stage: SegmenterStage
) -> CordAndGrayMatter:
    """Join both, in evaluation mode."""
    if isinstance(segmenter, Cascade):
        return CascadeGraph(finder, segmenter).eval()
    return CordAndGrayMatter(finder, segmenter, stage.pixel_mm).eval()


def build_segmenter(config: TrainConfig) -> nn.Module:
    """Make the segmentation network of a configuration, untrained."""
    stage = config.segmenter
    if stage.network == "deepseg":
        return Cascade(config.deepseg.cord_filters, config.deepseg.gray_filters)
    if stage.network == "ddc":
        return DeepDilatedNetwork(filters=stage.filters, outputs=2, dropout=stage.dropout)
    if stage.network == "unet-paper":
        return PaperUNet(outputs=2, dropout=stage.dropout)
    return UNet(stage.widths)


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
    try:
        network.load_state_dict(load_file(path))
    except (OSError, RuntimeError, SafetensorError) as error:
        msg = f"{path}: not the weights of this network ({error}); train again"
        raise ModelError(msg) from error
    return network.eval()


def save_record(folder: Path, config: TrainConfig, facts: dict[str, Any]) -> None:
    """Write the configuration and what is known of the run beside the weights."""
    write_json(folder / RECORD, {"config": config.model_dump(mode="json"), **facts})


def load_checkpoint(folder: Path) -> tuple[CordAndGrayMatter, TrainConfig, dict[str, Any]]:
    """Rebuild the joined model from a folder written by training, in evaluation mode.

    Raises
    ------
    ModelError
        If a file is missing or does not fit the configuration.
    """
    try:
        record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        config = TrainConfig.model_validate(record.pop("config"))
        finder = build_finder(config.finder)
        segmenter = build_segmenter(config)
        finder.load_state_dict(load_file(folder / "finder.safetensors"))
        segmenter.load_state_dict(load_file(folder / "segmenter.safetensors"))
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        msg = f"{folder}: not a complete checkpoint ({error}); train again or give another folder"
        raise ModelError(msg) from error
    return build_model(finder, segmenter, config.segmenter), config, record
