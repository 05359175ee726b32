"""``scgm cohort``: all images of a folder, side by side, and their tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scgm.cli.bids_arguments import BidsAppCommand
from scgm.cli.cohort_progress import CohortProgress
from scgm.cli.commands.segment import DeviceName, SliceAxis, VoxelSizeFrom, read_volume_choice
from scgm.cli.console import EXIT_FAILED, EXIT_FAULT, Messages, counted
from scgm.cli.options import Log, Quiet, Verbose
from scgm.cli.signals import Stopped, stop_if_asked
from scgm.errors import UsageError
from scgm.io.text import printable
from scgm.segmenters.methods import METHODS

if TYPE_CHECKING:
    from scgm.cohort.bids_images import BidsImages
    from scgm.cohort.choices import CohortChoices
    from scgm.cohort.clusters import Cluster
    from scgm.cohort.image_task import Outcome
    from scgm.cohort.pattern import PatternImages

COMMAND_CLASS = BidsAppCommand
# A report of more images is slow to open.
MOST_IN_REPORT = 300


class Level(StrEnum):
    """What a BIDS App does: its images one by one, or all of them together."""

    participant = "participant"
    group = "group"


class NamingName(StrEnum):
    """What masks are called."""

    bids = "bids"
    sct = "sct"


def _labels(help_text: str) -> Any:
    return typer.Option(metavar="LABEL...", help=help_text)


def cohort(
    data: Annotated[
        Path, typer.Argument(metavar="BIDS_DIR", readable=False, help="Folder of the images.")
    ],
    output: Annotated[Path, typer.Argument(metavar="OUT", help="Folder of the results.")],
    level: Annotated[
        Level,
        typer.Argument(
            help="participant: segment the images; group: tables and a report of all of them."
        ),
    ],
    participant_label: Annotated[
        list[str] | None, _labels("Subjects, as 01 02; by default all.")
    ] = None,
    session_label: Annotated[list[str] | None, _labels("Sessions; by default all.")] = None,
    run_label: Annotated[list[str] | None, _labels("Runs; by default all.")] = None,
    acquisition: Annotated[list[str] | None, _labels("Values of acq-; by default all.")] = None,
    suffix: Annotated[
        list[str] | None, _labels("Contrasts, as T2starw MTS; by default T2starw.")
    ] = None,
    bids_filter_file: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", readable=False, help="JSON file with filters, as of other BIDS Apps."
        ),
    ] = None,
    pattern: Annotated[
        str | None,
        typer.Option(
            metavar="PATTERN",
            help="Where images lie in a folder that is not BIDS, as '{subject}/*_t2s.nii.gz'; "
            "{session} stands for a session; '{subject}/*/' names folders of DICOM.",
        ),
    ] = None,
    naming: Annotated[
        NamingName, typer.Option(help="bids: _label-GM_mask; sct: _label-GM_seg, without sidecars.")
    ] = NamingName.bids,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="List the images and their results; do nothing.")
    ] = False,
    n_procs: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Processes on this machine; by default all cores."),
    ] = None,
    scheduler: Annotated[
        str | None,
        typer.Option(metavar="tcp://...", help="Join the Dask cluster with this scheduler."),
    ] = None,
    cluster: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.toml",
            readable=False,
            help="Start workers by a batch system, as this file says.",
        ),
    ] = None,
    timeout: Annotated[
        float, typer.Option(min=1, metavar="SECONDS", help="Longest time of one image.")
    ] = 3600.0,
    model: Annotated[
        str | None, typer.Option(metavar="NAME|FILE", help="As of 'scgm segment'.")
    ] = None,
    method: Annotated[
        str, typer.Option(metavar="NAME", help=f"One of {', '.join(METHODS)}.")
    ] = "default",
    cord_model: Annotated[
        str | None, typer.Option(metavar="NAME|FILE", help="As of 'scgm segment'.")
    ] = None,
    soft: Annotated[bool, typer.Option("--soft", help="Write the probabilities, too.")] = False,
    threshold: Annotated[
        float | None,
        typer.Option(metavar="NUMBER", help="Probability from which on a pixel counts."),
    ] = None,
    device: Annotated[DeviceName, typer.Option(help="Where the model runs.")] = DeviceName.auto,
    volume: Annotated[
        str | None,
        typer.Option(metavar="N|mean|rms", help="Which volume of 4D images, counted from 0."),
    ] = None,
    voxel_size_from: Annotated[
        VoxelSizeFrom | None,
        typer.Option(help="Where fields of headers disagree on voxel sizes: which is right."),
    ] = None,
    slices_in_time: Annotated[
        bool, typer.Option("--slices-in-time", help="Slices lie along the fourth dimension.")
    ] = False,
    slice_axis: Annotated[
        SliceAxis | None,
        typer.Option(help="Where headers are wrong: axis of the file along which slices lie."),
    ] = None,
    series: Annotated[
        str | None,
        typer.Option(
            metavar="NUMBER|UID|NAME", help="Which DICOM series of each folder, as 'scgm segment'."
        ),
    ] = None,
    keep_identifiers: Annotated[
        bool,
        typer.Option(
            "--keep-identifiers",
            help="Let names and numbers of patients, as in DICOM, reach records and file names.",
        ),
    ] = False,
    qc: Annotated[bool, typer.Option("--qc", help="Draw a picture of each result.")] = False,
    keep_doubtful: Annotated[
        bool,
        typer.Option("--keep-doubtful", help="Write results even if no slice of them is ok."),
    ] = False,
    overwrite: Annotated[
        bool,
        typer.Option("--overwrite", help="Make results again that were made with other choices."),
    ] = False,
    report_images: Annotated[
        int,
        typer.Option(min=1, metavar="N", help="Most images of the report, those to look at first."),
    ] = MOST_IN_REPORT,
    verbose: Verbose = False,
    quiet: Quiet = False,
    log: Log = None,
) -> None:
    """Segment all images of a BIDS folder, or of any folder, side by side.

    A BIDS App. What is done already is not done again: after an
    interruption, run the same command once more.

    For example:

      scgm cohort data results participant

      scgm cohort data results group

      scgm cohort scans results participant --pattern '{subject}/*_t2s.nii.gz'
    """
    from scgm.cohort.choices import CohortChoices, Naming
    from scgm.segmentation.options import SegmentOptions

    messages = Messages(verbose, quiet, log)
    if scheduler is not None and cluster is not None:
        msg = "--scheduler and --cluster exclude each other; give one of them"
        raise UsageError(msg)
    options = SegmentOptions(
        model=model,
        method=method,
        cord_model=cord_model,
        threshold=threshold,
        device=device.value,
        threads=1,
        volume=None if volume is None else read_volume_choice(volume),
        voxel_size_from=None if voxel_size_from is None else voxel_size_from.value,
        slices_in_time=slices_in_time,
        slice_axis=None if slice_axis is None else slice_axis.value,
        series=series,
        keep_identifiers=keep_identifiers,
    )
    choices = CohortChoices(
        data=data.absolute(),
        output=output.absolute(),
        options=options,
        naming=Naming(naming.value),
        soft=soft,
        picture=qc,
        keep_doubtful=keep_doubtful,
        timeout_s=timeout,
    )
    filters = {
        "subject": participant_label or [],
        "session": session_label or [],
        "run": run_label or [],
        "acquisition": acquisition or [],
        "suffix": suffix or [],
    }
    scans = _scans(choices, filters, bids_filter_file, pattern)
    work = Cohort(choices, scans, messages, Place(n_procs, scheduler, cluster))
    if level is Level.group:
        work.collect(report_images)
    elif dry_run:
        work.list_images()
    else:
        work.segment(participant_label or [], redo=overwrite)


def _scans(
    choices: CohortChoices,
    filters: dict[str, list[str]],
    filter_file: Path | None,
    pattern: str | None,
) -> BidsImages | PatternImages:
    """Return the images that are wanted; refuse labels and patterns that make no sense."""
    from scgm.cohort.bids_images import BidsImages
    from scgm.cohort.filters import read_filters
    from scgm.cohort.output_folder import check_place
    from scgm.cohort.pattern import PatternImages

    check_place(choices.data, choices.output)
    if pattern is None:
        if choices.options.series is not None:
            msg = "--series chooses from DICOM, which --pattern names; give it, or omit --series"
            raise UsageError(msg)
        return BidsImages(choices.data, read_filters(filters, filter_file))
    others = [name for name in ("run", "acquisition", "suffix") if filters[name]]
    if others or filter_file is not None:
        other = others[0] if others else "the filter file"
        msg = f"--pattern says which files are wanted; omit {other}"
        raise UsageError(msg)
    subjects = tuple(label.removeprefix("sub-") for label in filters["subject"])
    sessions = tuple(label.removeprefix("ses-") for label in filters["session"])
    return PatternImages(choices.data, pattern, subjects, sessions, choices.output)


@dataclass(frozen=True, slots=True)
class Place:
    """Where images are segmented."""

    processes: int | None
    scheduler: str | None
    cluster: Path | None

    @contextmanager
    def workers(self) -> Iterator[Cluster | None]:
        """Start, or join, the workers; none where this very process does it."""
        from scgm.cohort.clusters import batch_workers, local_workers, running_cluster

        if self.scheduler is not None:
            opened = running_cluster(self.scheduler)
        elif self.cluster is not None:
            opened = batch_workers(self.cluster)
        elif self.processes == 1:
            yield None
            return
        else:
            opened = local_workers(self.processes)
        with opened as cluster:
            yield cluster


@dataclass(frozen=True, slots=True)
class Cohort:
    """The images of one call."""

    choices: CohortChoices
    scans: BidsImages | PatternImages
    messages: Messages
    place: Place

    def list_images(self) -> None:
        """Print each image and where its results go."""
        self.scans.check()
        count = 0
        for scan in self.scans:
            self.messages.result(printable(f"{scan.source} -> {scan.folder}/{scan.name}"))
            count += 1
        self.messages.result(counted(count, "image"))
        self._tell_left_out()

    def segment(self, subjects: list[str], *, redo: bool) -> None:
        """Segment the images that are not done, and write the tables."""
        from scgm.cohort.image_task import load
        from scgm.cohort.output_folder import only_run

        self.scans.check()
        if next(iter(self.scans), None) is None:
            self._tell_left_out()  # refuses, if there are images of other contrasts
        output = self.choices.output
        labels = [label.removeprefix("sub-") for label in subjects]
        progress = CohortProgress(self.messages)
        with _folder(output), only_run(output, labels), self.place.workers() as cluster:
            if cluster is not None:
                cluster.begin(load, self.choices.options)  # while this process does the same
            self._prepare(redo=redo)
            self._announce(cluster)
            with self._tables_at_the_end(whole=not labels):
                self._take(progress, self._outcomes(cluster))
        self._tell_left_out()
        progress.tell()
        if progress.failed:
            raise typer.Exit(EXIT_FAULT if progress.faults else EXIT_FAILED)

    def collect(self, most: int) -> None:
        """Write the tables and the report of all subjects."""
        from scgm.cohort.group import (
            REPORT,
            refresh_subjects,
            write_group_report,
            write_group_tables,
        )
        from scgm.cohort.output_folder import is_results, only_run

        output = self.choices.output
        if not output.is_dir() or not is_results(output):
            msg = (
                f"{output}: there are no results; run 'scgm cohort' at the level participant first"
            )
            raise UsageError(msg)
        with only_run(output):
            refresh_subjects(output)
            totals = write_group_tables(output)
            self.messages.result(
                f"{output}: tables of {counted(totals.done, 'image')}, {totals.failed} failed"
            )
            count = min(most, totals.done)
            with self.messages.progress(count, "Reading results") as advance:
                made = write_group_report(output, self.choices.data, most, advance)
        for notice in (*made.notices, *made.left_out):
            self.messages.warning(notice)
        of_all = "" if made.shown >= totals.done else f" of {totals.done}, those to look at first"
        self.messages.result(f"{output / REPORT}: {counted(made.shown, 'image')}{of_all}")
        if made.left_out:
            raise typer.Exit(EXIT_FAILED)

    def _prepare(self, *, redo: bool) -> None:
        """Start the method once here, so that a wrong one is refused before any work."""
        from scgm.cohort.image_task import made_from, segmenter_of
        from scgm.cohort.output_folder import prepare

        segmenter = segmenter_of(self.choices.options)
        prepare(self.choices, made_from(self.choices.options, segmenter), redo=redo)

    def _outcomes(self, cluster: Cluster | None) -> Iterable[Outcome]:
        from scgm.cohort.schedule import run_here, run_on

        if cluster is None:
            return run_here(self.scans, self.choices)
        return run_on(cluster, self.scans, self.choices, self.messages.warning)

    def _announce(self, cluster: Cluster | None) -> None:
        if cluster is not None:
            at = f"; dashboard: {cluster.dashboard}" if cluster.dashboard else ""
            begun = (
                counted(cluster.workers, "worker") if cluster.workers else "workers are waited for"
            )
            self.messages.result(f"{begun}{at}")

    def _take(self, progress: CohortProgress, outcomes: Iterable[Outcome]) -> None:
        with progress.shown(lambda: self.scans.counted()[0]):
            try:
                for outcome in outcomes:
                    stop_if_asked()
                    progress.add(outcome)
            except Stopped:
                done = counted(progress.done, "image")
                self.messages.error(f"stopped; {done} done; run the same command to go on")
                raise

    @contextmanager
    def _tables_at_the_end(self, *, whole: bool) -> Iterator[None]:
        """Put the tables together, also when stopped; not if other runs do other subjects."""
        from scgm.cohort.group import write_group_tables

        try:
            yield
        finally:
            if whole:
                write_group_tables(self.choices.output)

    def _tell_left_out(self) -> None:
        """Say which contrasts were there and not asked for."""
        wanted, left_out = self.scans.counted()
        if not left_out:
            return
        counts = ", ".join(f"{count} {suffix}" for suffix, count in sorted(left_out.items()))
        if not wanted:
            msg = (
                f"{self.choices.data}: no image fits; there are {counts}; say which with --suffix, "
                "and check the labels that were given"
            )
            raise UsageError(msg)
        self.messages.result(f"left out: {counts} (of another contrast or label than wanted)")


@contextmanager
def _folder(output: Path) -> Iterator[None]:
    """Make the folder of results; it goes again if nothing is written to it."""
    from scgm.errors import OutputError
    from scgm.io.folders import made_folder

    with ExitStack() as held:
        try:
            held.enter_context(made_folder(output))
        except OSError as error:
            msg = f"{output}: this cannot be a folder ({error.strerror or error}); give another one"
            raise OutputError(msg) from error
        yield
