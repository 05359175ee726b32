"""``scgm train``: networks from a configuration and a data folder."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from scgm.cli.console import Messages, Quiet, Verbose


class TrainDevice(StrEnum):
    """Where networks are trained."""

    auto = "auto"
    cpu = "cpu"
    cuda = "cuda"


def train(
    output: Annotated[
        Path, typer.Option("--output", "-o", help="New folder for weights, record and log.")
    ],
    config: Annotated[
        Path | None,
        typer.Option(help="Configuration (TOML); by default the shipped model's recipe."),
    ] = None,
    data: Annotated[
        Path,
        typer.Option(envvar="SCGM_DATA", help="Folder that the configuration's paths start from."),
    ] = Path("../shared/data"),
    change: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Change one value; may be repeated."),
    ] = None,
    device: Annotated[TrainDevice, typer.Option(help="Where to train.")] = TrainDevice.auto,
    verbose: Verbose = False,
    quiet: Quiet = False,
) -> None:
    """Train the cord finder and the segmentation network.

    Writes finder.safetensors, segmenter.safetensors, checkpoint.json (what made them, with
    scores on the sites left out) and log.jsonl. Needs the extra "train".

    For example:

      scgm train --output runs/mine --config mine.toml

      scgm train --output runs/without-ucl --set 'leave_out=["ucl"]' --set segmenter.steps=500
    """
    from scgm.errors import ConfigError

    try:
        from scgm.training.config import DEFAULT_RECIPE, read_config
        from scgm.training.run import train as run
    except ImportError as error:
        msg = f"training needs {error.name}, which is not installed: pip install 'scgm[train]'"
        raise ConfigError(msg) from error
    messages = Messages(verbose, quiet)
    settings = read_config(config or DEFAULT_RECIPE, tuple(change or ()))
    run(settings, data, output, device=device.value, report=messages.result)
