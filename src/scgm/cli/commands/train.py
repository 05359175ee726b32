"""``scgm train``: networks from a configuration and images with labels."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from scgm.cli.console import Messages
from scgm.cli.options import Log, Quiet, Verbose
from scgm.cli.training_options import (
    Change,
    Config,
    Data,
    Datasets,
    OnDevice,
    Recipe,
    TrainDevice,
    TrainMethod,
    needs_train_extra,
)


def train(
    datasets: Datasets = None,
    *,
    output: Annotated[
        Path,
        typer.Option(
            "--output", "-o", metavar="FOLDER", help="Folder for weights, record and log."
        ),
    ],
    config: Config = None,
    recipe: Recipe = None,
    method: TrainMethod = None,
    data: Data = None,
    change: Change = None,
    device: OnDevice = TrainDevice.auto,
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue the unfinished training in --output.")
    ] = False,
    verbose: Verbose = False,
    quiet: Quiet = False,
    log: Log = None,
) -> None:
    """Train the cord finder and the segmentation network.

    Writes finder.safetensors, segmenter.safetensors, checkpoint.json (how they were made, with
    scores on the sites left out) and log.jsonl. Says first how long it is going to take. Needs the
    extra "train".

    With --resume and no configuration, the training continues with its own. Several GPUs or
    machines: torchrun --nproc-per-node 4 -m scgm train ...

    For example:

      scgm train my-bids --recipe fine-tune --output runs/mine

      scgm train --config mine.toml --data my-data --output runs/mine

      scgm train --data data --output runs/default

      scgm train --output runs/mine --resume
    """
    with needs_train_extra():
        from scgm.training.config.methods import configured, data_folder
        from scgm.training.engine.run import train as run
        from scgm.training.engine.state import read_state
    messages = Messages(verbose, quiet, log)
    if resume and not (config or recipe or method or change or datasets):
        settings = read_state(output).config
    else:
        settings = configured(config, recipe, method, change or (), datasets or ())
    root = data_folder(settings, data)
    if os.environ.get("RANK", "0") == "0":  # of several processes one warns (torchrun sets it)
        settings = settings.expanded(root, messages.warning)
    run(settings, root, output, device=device.value, report=messages.result, resume=resume)
