"""``scgm atlas``: what classical methods learn from labeled images."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from scgm.cli.console import Messages
from scgm.cli.options import Log, Quiet, Verbose
from scgm.segmenters.methods import METHODS

_WITH_ATLAS = ", ".join(name for name, method in METHODS.items() if method.build)

atlas = typer.Typer(no_args_is_help=True, help="Build the atlas of a classical method.")


@atlas.callback()
def group() -> None:
    """Build the atlas of a classical method."""


@atlas.command("build")
def build(
    dataset: Annotated[
        Path,
        typer.Argument(
            metavar="DATASET", help="Folder (BIDS or SCGM challenge) or table of labeled images."
        ),
    ],
    method: Annotated[
        str, typer.Option(metavar="NAME", help=f"One of {_WITH_ATLAS} (see 'scgm models').")
    ],
    output: Annotated[
        Path,
        typer.Option(
            "--output", "-o", metavar="FILE", help="The atlas (.npz); its card lies beside it."
        ),
    ],
    leave_out: Annotated[
        list[str] | None, typer.Option(metavar="SITE", help="A site to leave out; may be repeated.")
    ] = None,
    change: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Change one setting; may be repeated."),
    ] = None,
    description: Annotated[
        str, typer.Option(metavar="SENTENCE", help="One sentence for the card.")
    ] = "Made by scgm atlas build",
    license_: Annotated[
        str,
        typer.Option(
            "--license", metavar="NAME", help="Under which the images allow the atlas to be used."
        ),
    ] = "as the images it was made from",
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace an earlier atlas of the same name.")
    ] = False,
    verbose: Verbose = False,
    quiet: Quiet = False,
    log: Log = None,
) -> None:
    """Build an atlas from images on which gray matter and cord were drawn.

    For example:

      scgm atlas build gm-challenge --method sct --output sct.npz

      scgm segment scan.nii.gz --method sct --model sct.npz
    """
    from scgm.datasets import read_dataset
    from scgm.io.key_value import read_key_value
    from scgm.segmenters.classical.building import AtlasOptions, build_atlas

    messages = Messages(verbose, quiet, log)
    data = read_dataset(dataset)
    for warning in data.warnings:
        messages.warning(warning)
    made = build_atlas(
        data,
        output,
        AtlasOptions(
            method=method,
            leave_out=tuple(leave_out or ()),
            settings=dict(read_key_value(text, "weight=0.5") for text in change or ()),
            description=description,
            license=license_,
            overwrite=overwrite,
        ),
    )
    slices, sites = made.card.training["slices"], made.card.training["sites"]
    messages.result(f"{made.path}: {slices} slices of sites {', '.join(sites)}")
