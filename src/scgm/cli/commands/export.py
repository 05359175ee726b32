"""``scgm export``: a model file from a checkpoint."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from scgm.cli.console import Messages
from scgm.cli.options import Log, Quiet, Verbose
from scgm.cli.training_options import needs_train_extra


def export(
    checkpoint: Annotated[
        Path, typer.Argument(metavar="CHECKPOINT", help="Folder written by 'scgm train'.")
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="The model file (.onnx); by default one of 'scgm models' with the folder's name.",
        ),
    ] = None,
    description: Annotated[
        str,
        typer.Option(metavar="SENTENCE", help="One sentence for the card: what the model is for."),
    ] = "Gray matter and cord on axial MRI",
    fold: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FOLDER",
            help="Checkpoint that left sites out: its scores go on the card; repeat for more.",
        ),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Folder of the training data, whose sites left out help to fit the confidence; by "
            "default the one that the training used.",
        ),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace an earlier model of the same name.")
    ] = False,
    verbose: Verbose = False,
    quiet: Quiet = False,
    log: Log = None,
) -> None:
    """Write a checkpoint as an ONNX graph with its card, and check that both compute the same.

    It also fits the confidence of slices, on 60 synthetic scans and on the
    labeled scans of sites left out. That takes about a minute.

    For example:

      scgm export runs/mine

      scgm export runs/all --fold runs/without-ucl --output models/all.onnx
    """
    from scgm.artifacts.atlases import atlas_names
    from scgm.artifacts.models import own_model, read_card
    from scgm.errors import ConfigError

    with needs_train_extra():
        from scgm.training.confidence import fit_for_export
        from scgm.training.export import export as run
    messages = Messages(verbose, quiet, log)
    name = checkpoint.resolve().name
    if output is None and name in atlas_names():
        msg = f"{name} is the name of an atlas that the package carries; say --output FILE.onnx"
        raise ConfigError(msg)
    output = output or own_model(name)
    with messages.progress(1, "Exporting and fitting the confidence"):
        card = run(
            checkpoint,
            output,
            description=description,
            folds=tuple(fold or ()),
            overwrite=overwrite,
            confidence=partial(fit_for_export, data=data, report=messages.detail),
        )
    messages.result(f"{output}\n{card}")
    if read_card(output).confidence is None:
        messages.warning(
            f"{card}: confidence not available for this model, so its results have no flags of "
            "low confidence: look at every slice"
        )
