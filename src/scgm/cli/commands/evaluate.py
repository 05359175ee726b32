"""``scgm evaluate``: masks against references, by every metric."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scgm.cli.console import Failures, Messages
from scgm.cli.options import Log, Quiet, Verbose
from scgm.errors import ImageReadError, OutputError, UsageError

if TYPE_CHECKING:
    from scgm.evaluation import EvaluateOptions, Evaluation
    from scgm.evaluation.matching import MatchedFiles
    from scgm.evaluation.metrics import Summary


class ModeName(StrEnum):
    """How slices are counted."""

    two = "2d"
    three = "3d"


class ConsensusName(StrEnum):
    """What becomes of several raters."""

    each = "each"
    majority = "majority"
    lenient = "lenient"
    staple = "staple"


def evaluate(
    prediction: Annotated[
        Path, typer.Argument(metavar="PREDICTION", help="Mask, probability map, or a folder.")
    ],
    references: Annotated[
        list[Path],
        typer.Argument(metavar="REFERENCE...", help="Masks of raters, or a folder for each."),
    ],
    mode: Annotated[
        ModeName, typer.Option(help="Mean over the slices of the reference, or whole volumes.")
    ] = ModeName.two,
    tolerance: Annotated[
        float, typer.Option(min=0, metavar="MM", help="Distance that the surface Dice calls near.")
    ] = 0.5,
    threshold: Annotated[
        float,
        typer.Option(min=0, max=1, metavar="P", help="Probability from which on a pixel counts."),
    ] = 0.5,
    label: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Label to take of files that hold several."),
    ] = None,
    consensus: Annotated[
        ConsensusName,
        typer.Option(help="Each rater alone; or one reference: strict or lenient vote, STAPLE."),
    ] = ConsensusName.each,
    soft: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Probability map behind the prediction.")
    ] = None,
    cord: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Mask of the cord; calibration is looked at only there."),
    ] = None,
    measurements: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Measurements of the prediction, for its flags."),
    ] = None,
    resample: Annotated[
        bool, typer.Option("--resample", help="Bring other grids to that of the reference.")
    ] = False,
    table: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a row a comparison: .csv or .tsv.")
    ] = None,
    json: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write everything, by slice too.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace earlier tables.")] = False,
    verbose: Verbose = False,
    quiet: Quiet = False,
    log: Log = None,
) -> None:
    """Compare masks with references, by every metric.

    Several references are raters: the prediction is compared with each,
    and they with each other. In folders, files belong together by name.

    For example:

      scgm evaluate t2s_label-GM_seg.nii.gz t2s_gmseg-manual.nii.gz

      scgm evaluate found.nii.gz rater1.nii.gz rater2.nii.gz --json scores.json

      scgm evaluate results/ labels/ --table scores.csv
    """
    from scgm.evaluation import EvaluateOptions
    from scgm.evaluation.tables import as_json, as_table
    from scgm.io.atomic import write_text

    messages = Messages(verbose, quiet, log)
    options = EvaluateOptions(
        mode=mode.value,
        tolerance_mm=tolerance,
        threshold=threshold,
        label=label,
        consensus=consensus.value,
        resample=resample,
        soft=soft,
        cord=cord,
        measurements=measurements,
    )
    for file, endings in ((table, (".csv", ".tsv")), (json, (".json",))):
        _check_target(file, endings, overwrite=overwrite)
    jobs = _jobs(prediction, references, options)
    found, statuses = _evaluate_all(jobs, options, messages)
    for name, some in found.items():
        _show(name, some, messages)
    if table is not None and found:
        separator = "\t" if table.suffix.lower() == ".tsv" else ","
        write_text(table, as_table(found, separator=separator))
    if json is not None and found:
        write_text(json, as_json(found))
    if statuses:
        messages.error(f"{len(statuses)} of {len(jobs)} references could not be compared")
        raise typer.Exit(max(statuses))


def _jobs(
    prediction: Path, references: Sequence[Path], options: EvaluateOptions
) -> list[MatchedFiles]:
    """Return what is to be compared: files as they are, folders by the names in them."""
    from scgm.evaluation.matching import MatchedFiles, matched_files

    folders = {path.is_dir() for path in (prediction, *references)}
    if len(folders) > 1:
        msg = "files and folders cannot be compared; give only files, or only folders"
        raise UsageError(msg)
    if folders == {False}:
        return [MatchedFiles("", prediction, tuple(references), options.soft)]
    if options.soft or options.cord or options.measurements:
        msg = (
            "--soft, --cord and --measurements are for a single prediction; leave them out for "
            "folders"
        )
        raise UsageError(msg)
    return matched_files(prediction, references)


def _evaluate_all(
    jobs: Sequence[MatchedFiles], options: EvaluateOptions, messages: Messages
) -> tuple[dict[str, list[Evaluation]], list[int]]:
    """Score one after the other, by label; name those that fail and return their statuses."""
    from scgm.evaluation import evaluate as evaluate_files

    failures = Failures(messages)
    found: dict[str, list[Evaluation]] = {}
    with messages.progress(len(jobs), "Comparing") as advance:
        for job in jobs:
            with failures.of(job.prediction or job.references[0]):
                if job.prediction is None:
                    msg = f"{job.references[0]}: there is no prediction of that name; make one"
                    raise ImageReadError(msg)
                messages.detail(f"{job.prediction}: compared with {len(job.references)}")
                scored = replace(options, soft=job.soft)
                result = evaluate_files(job.prediction, job.references, scored)
                for warning in result.warnings:
                    messages.warning(warning)
                found.setdefault(job.label, []).append(result)
            advance()
    return found, failures.statuses


def _show(label: str, evaluations: Sequence[Evaluation], messages: Messages) -> None:
    """Say what was compared, and show all scores."""
    from scgm.evaluation.tables import summary_of, summary_rows

    summary = summary_of([each for some in evaluations for each in some.comparisons])
    way = "mean over slices of the reference" if summary.mode == "2d" else "whole volumes"
    messages.result(
        f"{f'{label}: ' if label else ''}{summary.mode} ({way}), comparisons: {summary.n}, slices: "
        f"{summary.n_slices}, missed: {summary.n_missed_slices}, in the prediction alone: "
        f"{summary.n_false_slices} of {summary.n_outside_slices} slices outside the reference"
        f"{_by_status(summary)}, surface Dice at {summary.tolerance_mm:g} mm"
    )
    ties = [each.tie_share for each in evaluations if each.tie_share is not None]
    if ties:
        messages.result(f"ties between raters: {sum(ties) / len(ties):.1%} of what any marked")
    messages.table(summary_rows(evaluations))


def _by_status(summary: Summary) -> str:
    """Say how many of the false slices are ok and flagged, if that is known."""
    if summary.n_false_ok_slices is None:
        return ""
    return f" ({summary.n_false_ok_slices} ok, {summary.n_false_flagged_slices} flagged)"


def _check_target(file: Path | None, endings: tuple[str, ...], *, overwrite: bool) -> None:
    """Refuse a name for a table before any work is done."""
    if file is None:
        return
    if file.suffix.lower() not in endings:
        msg = f"{file}: give a name that ends with {' or '.join(endings)}"
        raise UsageError(msg)
    if file.is_dir() or (os.path.lexists(file) and not overwrite):
        msg = f"{file}: it exists already; give another name, or use --overwrite for a file"
        raise OutputError(msg)
    if not file.absolute().parent.is_dir():
        msg = f"{file}: there is no folder {file.parent}; make it first"
        raise OutputError(msg)
