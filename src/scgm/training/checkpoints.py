"""Checkpoints: two weight files and a JSON that says how they came to be."""

import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import nn

from scgm.errors import ModelError
from scgm.networks.cord_finder import CordFinder
from scgm.networks.ddc import DeepDilatedNetwork
from scgm.networks.graph import CordAndGrayMatter
from scgm.networks.unet import UNet
from scgm.training.config import FinderStage, SegmenterStage, TrainConfig

RECORD = "checkpoint.json"


def build_finder(stage: FinderStage) -> CordFinder:
    """Make the cord finder of a configuration, untrained."""
    return CordFinder(stage.widths)


def build_segmenter(stage: SegmenterStage) -> nn.Module:
    """Make the segmentation network of a configuration, untrained."""
    if stage.network == "ddc":
        return DeepDilatedNetwork(filters=stage.filters, outputs=2, dropout=0.1)
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
    state = {key: value.detach().cpu().contiguous() for key, value in network.state_dict().items()}
    temporary = path.with_name(f".{path.name}.tmp")
    save_file(state, temporary)
    temporary.replace(path)


def save_record(folder: Path, config: TrainConfig, facts: dict[str, Any]) -> None:
    """Write the configuration and what is known of the run beside the weights."""
    record = {"config": config.model_dump(mode="json"), **facts}
    temporary = folder / f".{RECORD}.tmp"
    temporary.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    temporary.replace(folder / RECORD)


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
        finder, segmenter = build_finder(config.finder), build_segmenter(config.segmenter)
        finder.load_state_dict(load_file(folder / "finder.safetensors"))
        segmenter.load_state_dict(load_file(folder / "segmenter.safetensors"))
    except (OSError, ValueError, RuntimeError) as error:
        msg = f"{folder}: not a complete checkpoint ({error}); train again or give another folder"
        raise ModelError(msg) from error
    return CordAndGrayMatter(finder, segmenter).eval(), config, record
