"""``scgm serve``: the studio, a page in the browser."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from scgm.cli.console import Messages
from scgm.cli.options import Log, Quiet, Verbose
from scgm.cli.signals import Stopped
from scgm.errors import UsageError, missing_library

INTERRUPTED = 130


def serve(
    source: Annotated[
        Path | None,
        typer.Argument(
            metavar="[FILE|FOLDER]", help="An image, or a folder of images, to choose from."
        ),
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(min=1, max=65535, metavar="N", help="By default the first free from 8765."),
    ] = None,
    host: Annotated[
        str,
        typer.Option(
            metavar="ADDRESS",
            help="Where to listen; by default this machine alone. Anybody who reaches another "
            "address and knows the token sees your images: use it in a network that you trust.",
        ),
    ] = "127.0.0.1",
    time_limit: Annotated[
        float,
        typer.Option(min=1, max=86400, metavar="SECONDS", help="After which a job is ended."),
    ] = 600.0,
    no_browser: Annotated[
        bool, typer.Option("--no-browser", help="Only print the address.")
    ] = False,
    export_site: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER", help="Write the page as a site that needs no server, and end."
        ),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace an earlier export.")
    ] = False,
    verbose: Verbose = False,
    quiet: Quiet = False,
    log: Log = None,
) -> None:
    """Open a page in the browser: look, segment, compare, correct, rate and learn.

    Images stay on this machine. Ctrl-C ends it.

    For example:

      scgm serve

      scgm serve data/

      scgm serve --export-site public/
    """
    messages = Messages(verbose, quiet, log)
    if export_site is not None:
        if source is not None:
            msg = "a site holds no images: omit FILE or FOLDER, or --export-site"
            raise UsageError(msg)
        _export(export_site, messages, overwrite=overwrite)
        return
    try:
        from scgm.studio.server import ServeOptions
        from scgm.studio.server import serve as run
    except ImportError as error:
        raise UsageError(missing_library("the studio", error.name, "studio")) from error
    from dataclasses import replace

    from scgm.studio.limits import DEFAULT_LIMITS

    def opened(address: str) -> None:
        messages.result(f"{address}\nOpen this address in a browser. Ctrl-C ends the server.")
        if not no_browser:
            import webbrowser

            webbrowser.open(address)

    limits = replace(DEFAULT_LIMITS, job_s=time_limit)
    try:
        run(ServeOptions(root=source, host=host, port=port, limits=limits), opened)
    except Stopped as end:
        if end.status != INTERRUPTED:
            raise
        messages.result("ended")  # Ctrl-C is how it is meant to end


def _export(folder: Path, messages: Messages, *, overwrite: bool) -> None:
    from scgm.studio.site import export_site

    count = export_site(folder, overwrite=overwrite)
    messages.result(
        f"{folder}: a site of {count} files; put it on any web server (https, or this machine), "
        "for example: python -m http.server --directory " + str(folder)
    )
