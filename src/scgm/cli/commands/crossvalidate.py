"""``scgm crossvalidate``: how well a recipe does on sites that it has not seen."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from scgm.cli.commands.train import TrainDevice
from scgm.cli.console import Messages
from scgm.cli.options import Log, Quiet, Verbose


def crossvalidate(
    datasets: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[DATASET]...",
            help="Learn from these (BIDS, SCGM challenge, table), not from the recipe's images.",
        ),
    ] = None,
    *,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Folder for the trainings and their table.")
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
    verbose: Verbose = False,
    quiet: Quiet = False,
    log: Log = None,
) -> None:
    """Train once for each site with that site left out, and score it on that site.

    Writes a training for each site (without-SITE), cross_validation.csv and
    cross_validation.md. The same call again goes on where an interrupted one
    stopped. Needs the extra "train".

    For example:

      scgm crossvalidate my-bids --recipe fine-tune --output runs/folds

      scgm crossvalidate --method ddc --output runs/ddc-folds
    """
    from scgm.errors import ConfigError

    try:
        from scgm.training.config.methods import configured
        from scgm.training.config.settings import TrainConfig
        from scgm.training.cross_validation import cross_validate
        from scgm.training.engine.run import train
    except ImportError as error:
        msg = f"training needs {error.name}, which is not installed: pip install 'scgm[train]'"
        raise ConfigError(msg) from error
    messages = Messages(verbose, quiet, log)
    settings = configured(config, recipe, method, change or (), datasets or ())

    def run(fold: TrainConfig, folder: Path, resume: bool) -> None:
        messages.result(f"without {', '.join(fold.leave_out)}")
        train(fold, data, folder, device=device.value, report=messages.result, resume=resume)

    messages.result(cross_validate(settings, output, run, data).rstrip())
