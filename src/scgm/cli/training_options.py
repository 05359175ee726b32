"""The options that ``scgm train`` and ``scgm crossvalidate`` share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class TrainDevice(StrEnum):
    """Where networks are trained."""

    auto = "auto"
    cpu = "cpu"
    cuda = "cuda"


Datasets = Annotated[
    list[Path] | None,
    typer.Argument(
        metavar="[DATASET]...",
        help="Data sets to learn from (BIDS, SCGM challenge, or a table of paths), instead of the "
        "images that the recipe names.",
    ),
]
Config = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", help="Configuration (TOML); by default the recipe of the shipped model."
    ),
]
Recipe = Annotated[
    str | None,
    typer.Option(
        metavar="NAME", help="A configuration of the package: default, ddc-2018, fine-tune."
    ),
]
TrainMethod = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="What to train: default, ddc, unet or deepseg."),
]
Data = Annotated[
    Path | None,
    typer.Option(
        envvar="SCGM_DATA",
        metavar="FOLDER",
        help="Folder that the configuration's relative paths start from.",
    ),
]
Change = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Change one value of the configuration, such as segmenter.steps=500; repeat for more.",
    ),
]
OnDevice = Annotated[TrainDevice, typer.Option(help="Where to train.")]


@contextmanager
def needs_train_extra() -> Iterator[None]:
    """Say what to install where an import for training fails.

    Raises
    ------
    ConfigError
        If a library is missing.
    """
    from scgm.errors import ConfigError, missing_library

    try:
        yield
    except ImportError as error:
        raise ConfigError(missing_library("training", error.name, "train")) from error
