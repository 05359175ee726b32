"""``scgm crossvalidate``: how well a recipe does on sites that it has not seen."""

from __future__ import annotations

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


def crossvalidate(
    datasets: Datasets = None,
    *,
    output: Annotated[
        Path,
        typer.Option(
            "--output", "-o", metavar="FOLDER", help="Folder for the trainings and their table."
        ),
    ],
    config: Config = None,
    recipe: Recipe = None,
    method: TrainMethod = None,
    data: Data = None,
    change: Change = None,
    device: OnDevice = TrainDevice.auto,
    verbose: Verbose = False,
    quiet: Quiet = False,
    log: Log = None,
) -> None:
    """Train once for each site with that site left out, and score it on that site.

    Writes a training for each site (without-SITE), cross_validation.csv and
    cross_validation.md. The same call again continues where an interrupted one
    stopped. Says first how long it is going to take. Needs the extra "train".

    With --recipe fine-tune every training starts from a model. Sites that this model
    has learned from are marked: their scores say nothing about new sites.

    For example:

      scgm crossvalidate my-bids --recipe fine-tune --output runs/folds

      scgm crossvalidate my-bids --method ddc --output runs/ddc-folds
    """
    with needs_train_extra():
        from scgm.training.config.methods import configured, data_folder
        from scgm.training.cross_validation import Runner, cross_validate
    messages = Messages(verbose, quiet, log)
    settings = configured(config, recipe, method, change or (), datasets or ())
    root = data_folder(settings, data)
    runner = Runner(root, device.value, messages.result, messages.warning)
    messages.result(cross_validate(settings, output, runner).rstrip())
