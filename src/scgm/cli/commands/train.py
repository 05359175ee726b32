"""``scgm train``: networks from a configuration and a data folder."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from scgm.cli.console import Messages
from scgm.cli.options import Log, Quiet, Verbose


class TrainDevice(StrEnum):
    """Where networks are trained."""

    auto = "auto"
    cpu = "cpu"
    cuda = "cuda"


def train(
    datasets: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[DATASET]...",
            help="Learn from these (BIDS, SCGM challenge, table), not from the recipe's images.",
        ),
    ] = None,
    *,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Folder for weights, record and log.")
    ],
    config: Annotated[
        Path | None,
        typer.Option(help="Configuration (TOML); by default the shipped model's recipe."),
    ] = None,
    recipe: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="A configuration of the package: default, ddc-2018, fine-tune."
        ),
    ] = None,
    method: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="What to train: default, ddc, unet or deepseg."),
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
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the unfinished training in --output.")
    ] = False,
    verbose: Verbose = False,
    quiet: Quiet = False,
    log: Log = None,
) -> None:
    """Train the cord finder and the segmentation network.

    Writes finder.safetensors, segmenter.safetensors, checkpoint.json (what made them, with
    scores on the sites left out) and log.jsonl. Needs the extra "train".

    With --resume and no configuration, the training goes on with its own. Several GPUs or
    machines: torchrun --nproc-per-node 4 -m scgm train ...

    For example:

      scgm train --output runs/mine --config mine.toml

      scgm train --output runs/without-ucl --set 'leave_out=["ucl"]' --set segmenter.steps=500

      scgm train my-bids --recipe fine-tune --output runs/mine

      scgm train --output runs/ddc --recipe ddc-2018

      scgm train --output runs/mine --resume
    """
    from scgm.errors import ConfigError

    try:
        from scgm.training.config.methods import configured
        from scgm.training.engine.run import train as run
        from scgm.training.engine.state import read_state
    except ImportError as error:
        msg = f"training needs {error.name}, which is not installed: pip install 'scgm[train]'"
        raise ConfigError(msg) from error
    messages = Messages(verbose, quiet, log)
    if resume and not (config or recipe or method or change or datasets):
        settings = read_state(output).config
    else:
        settings = configured(config, recipe, method, change or (), datasets or ())
    run(settings, data, output, device=device.value, report=messages.result, resume=resume)
