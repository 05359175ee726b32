"""``scgm benchmark``: methods side by side."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scgm.cli.commands.report import check_report, make_report
from scgm.cli.console import EXIT_FAILED, Messages
from scgm.cli.options import Log, Quiet, Verbose

if TYPE_CHECKING:
    from scgm.benchmark.workflow import Benchmark


class CordChoice(StrEnum):
    """Where the cord comes from."""

    found = "found"
    given = "given"
    both = "both"


def benchmark(
    dataset: Annotated[
        Path,
        typer.Argument(
            metavar="DATASET", help="Folder (BIDS or SCGM challenge) or table of labeled images."
        ),
    ],
    method: Annotated[
        list[str] | None,
        typer.Option(
            "--method", metavar="NAME[=MODEL]", help="A method, with a model of your own; repeat."
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="DIR",
            help="Folder for the results; by default benchmark_DATASET.",
        ),
    ] = None,
    models: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Folder of models: each image is given to one that was trained without its site.",
        ),
    ] = None,
    weights: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Published weights, for the methods ddc-published..."),
    ] = None,
    cord: Annotated[
        CordChoice,
        typer.Option(help="Whether methods find the cord, are given the label, or both."),
    ] = CordChoice.found,
    threads: Annotated[
        int, typer.Option(min=1, metavar="N", help="Processor threads of each method.")
    ] = 1,
    timeout: Annotated[
        float,
        typer.Option(min=1, metavar="SECONDS", help="A method that takes longer has failed."),
    ] = 600,
    published: Annotated[
        bool, typer.Option("--published", help="Print the published comparison beside it.")
    ] = False,
    report: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.html",
            help="Make a report to look through all results, too; see 'scgm report'.",
        ),
    ] = None,
    overwrite: Annotated[
        bool,
        typer.Option(
            "--overwrite", help="Replace the tables of another benchmark, and an earlier report."
        ),
    ] = False,
    verbose: Verbose = False,
    quiet: Quiet = False,
    log: Log = None,
) -> None:
    """Compare methods on labeled images: scores, time, memory, statistics, figures.

    Writes report.md, cases.csv, summary.csv, headline.csv, statistics.csv and figures.
    A method that fails on an image is scored as having found nothing there.
    The same command resumes an interrupted run, and repeats what failed.

    For example:

      scgm benchmark gm-challenge --method default --models folds

      scgm benchmark gm-challenge --method default --method default=mine.onnx
    """
    from scgm.benchmark.plan import BenchmarkOptions, count_runs
    from scgm.benchmark.report import (
        PUBLISHED_NOTE,
        aligned,
        image_warnings,
        main_rows,
        published_rows,
        training_notes,
    )
    from scgm.benchmark.scores import PRIMARY
    from scgm.benchmark.workflow import BenchmarkFolder, run_benchmark
    from scgm.datasets import read_dataset

    messages = Messages(verbose, quiet, log)
    options = BenchmarkOptions(
        models=models,
        weights=weights,
        cord=cord.value,
        threads=threads,
        timeout_s=timeout,
        published=published,
        keep_results=report is not None,
    )
    data = read_dataset(dataset)
    for warning in data.warnings:
        messages.warning(warning)
    folder = BenchmarkFolder(output or Path(f"benchmark_{data.name}"), overwrite=overwrite)
    # In the folder of a benchmark, its report is as much its own as its tables.
    own_report = overwrite or (report is not None and report.parent == folder.path)
    if report is not None:
        check_report(report, overwrite=own_report, to_come=[folder.path])
    asked = tuple(method or ())
    with messages.progress(count_runs(data, len(asked), options.cord), "Running") as advance:

        def over(what: str) -> None:
            messages.detail(what)
            advance()

        found = run_benchmark(data, asked, folder, options, over)
    failures = _failures(found)
    for _, reason in failures:
        messages.error(reason)
    by_method = main_rows(found.groups, found.results, PRIMARY)
    messages.table(list(zip(*by_method, strict=True)))  # narrow enough for a terminal
    notes = training_notes([result.job for result in found.results])
    for sentence in (*image_warnings(found.results), *notes):
        messages.warning(sentence)
    if published:
        messages.result(PUBLISHED_NOTE.replace("**", ""))
        messages.result(aligned(published_rows(found.groups, deviations=False)))
    messages.result(f"{found.files[0]}: {len(found.files)} files in {folder.path}")
    _report(found, report, messages, overwrite=own_report)
    if failures:
        messages.error(f"{len(failures)} of {len(found.results)} runs failed, scored as misses")
        raise typer.Exit(EXIT_FAILED)


def _failures(found: Benchmark) -> list[tuple[Path, str]]:
    """Return the images of runs that failed, and what to say of each."""
    return [
        (run.job.case.image, f"{run.job.label}, {run.job.case.name}: {run.outcome.reason}")
        for run in found.results
        if run.outcome.failed
    ]


def _report(found: Benchmark, report: Path | None, messages: Messages, *, overwrite: bool) -> None:
    """Write a report of all results, if one is wanted, with their Dice and the runs that failed."""
    if report is None or not found.kept:
        return
    from scgm.report.page import LeftOut
    from scgm.report.write import Beside

    beside = Beside(
        refused=[LeftOut(image, reason) for image, reason in _failures(found)],
        scores={record: {"Dice": dice} for record, dice in found.kept.items()},
    )
    images = list(dict.fromkeys(run.job.case.image for run in found.results))
    make_report([*found.kept], report, messages, images=images, overwrite=overwrite, beside=beside)
