"""``scgm segment``: masks, areas and a picture of images."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from scgm.cli.commands.report import check_report, make_report
from scgm.cli.console import Failures, Messages, counted
from scgm.cli.level_options import LevelKind
from scgm.cli.level_options import level_at as read_level_at
from scgm.cli.options import Log, Quiet, Verbose
from scgm.cli.signals import Stopped
from scgm.errors import OutputError, UsageError
from scgm.io.text import printable
from scgm.segmenters.methods import METHODS

if TYPE_CHECKING:
    from scgm.segmentation.options import SegmentOptions
    from scgm.segmentation.outputs import OutputOptions, QcSlices
    from scgm.segmentation.segmentation import Segmentation
    from scgm.segmenters.base import Segmenter


class DeviceName(StrEnum):
    """Where a model runs."""

    auto = "auto"
    cpu = "cpu"
    cuda = "cuda"


class VoxelSizeFrom(StrEnum):
    """Field of the header that gives the size of voxels."""

    sform = "sform"
    qform = "qform"
    pixdim = "pixdim"


class SliceAxis(StrEnum):
    """Axis of the file along which the axial slices lie."""

    i = "i"
    j = "j"
    k = "k"


def _center(text: str) -> tuple[float, float] | Literal["found"]:
    if text == "found":
        return "found"
    try:
        x, y = (float(part) for part in text.split(","))
    except ValueError as error:
        msg = f"{text[:40]!r} is not of the form X,Y, for example 120,131.5"
        raise typer.BadParameter(msg, param_hint="--center") from error
    return x, y


def read_volume_choice(text: str) -> int | Literal["mean", "rms"]:
    """Return what `--volume` names.

    Raises
    ------
    typer.BadParameter
        If it names nothing.
    """
    if text == "mean":
        return "mean"
    if text == "rms":
        return "rms"
    if not re.fullmatch("[0-9]{1,9}", text):
        msg = f"{text[:40]!r} is none of 'mean', 'rms' and the number of a volume, counted from 0"
        raise typer.BadParameter(msg, param_hint="--volume")
    return int(text)


def _qc_slices(text: str) -> QcSlices:
    if text == "all":
        return "all"
    if text == "flagged":
        return "flagged"
    if not re.fullmatch("[1-9][0-9]{0,3}", text):
        msg = f"{text[:40]!r} is none of 'all', 'flagged' and a number of slices"
        raise typer.BadParameter(msg, param_hint="--qc-slices")
    return int(text)


def segment(
    images: Annotated[
        list[Path],
        # An image that cannot be read is named like any other bad one, and does not end the call.
        typer.Argument(
            metavar="IMAGE",
            readable=False,
            help="NIfTI files, or folders, ZIPs or files of DICOM, with axial slices.",
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FOLDER",
            help="Folder for the results; by default the image's own.",
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|FILE",
            help="Model or atlas of the method: a name ('scgm models') or a file's path.",
        ),
    ] = None,
    method: Annotated[
        str,
        typer.Option(
            metavar="NAME", help=f"Method that finds the gray matter: {', '.join(METHODS)}."
        ),
    ] = "default",
    cord_model: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|FILE",
            help="Model that finds the cord for a method that does not find it.",
        ),
    ] = None,
    soft: Annotated[bool, typer.Option("--soft", help="Write the probabilities, too.")] = False,
    threshold: Annotated[
        float | None,
        typer.Option(
            metavar="NUMBER",
            help="Probability from which on a pixel counts; by default the model's.",
        ),
    ] = None,
    center: Annotated[
        str | None,
        typer.Option(
            "--center",
            "--centre",
            metavar="X,Y|found",
            help="Center of the cord, in voxels of the image in plane; 'found' (of ddc-published) "
            "looks for it.",
        ),
    ] = None,
    cord: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", readable=False, help="Mask of the cord, on the grid of the image."
        ),
    ] = None,
    centerline: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            readable=False,
            help="Center line of the cord, one voxel a slice, on the same grid.",
        ),
    ] = None,
    levels_from: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            readable=False,
            help="Vertebral levels, for method sct: label image of levels or discs, or a text "
            "file.",
        ),
    ] = None,
    level_at: Annotated[
        str | None,
        typer.Option(metavar="SLICE=C3", help="One slice, and the level whose middle it shows."),
    ] = None,
    level_kind: LevelKind = None,
    device: Annotated[DeviceName, typer.Option(help="Where the model runs.")] = DeviceName.auto,
    volume: Annotated[
        str | None,
        typer.Option(
            metavar="N|mean|rms",
            help="Which volume of a 4D image or which echo, counted from 0, or all of them as one.",
        ),
    ] = None,
    voxel_size_from: Annotated[
        VoxelSizeFrom | None,
        typer.Option(
            help="Where fields of the header disagree on voxel sizes: which one is right."
        ),
    ] = None,
    slices_in_time: Annotated[
        bool, typer.Option("--slices-in-time", help="The slices lie along the fourth dimension.")
    ] = False,
    slice_axis: Annotated[
        SliceAxis | None,
        typer.Option(help="Where the header is wrong: axis of the file along which slices lie."),
    ] = None,
    series: Annotated[
        str | None,
        typer.Option(
            metavar="NUMBER|UID|NAME",
            help="Which of several DICOM series, by its description, too.",
        ),
    ] = None,
    qc: Annotated[bool, typer.Option("--qc", help="Draw a picture to check the result.")] = False,
    qc_slices: Annotated[
        str | None,
        typer.Option(
            metavar="all|flagged|N",
            help="Slices of that picture; by default 5 and those that are flagged.",
        ),
    ] = None,
    dicom: Annotated[
        bool,
        typer.Option(
            "--dicom", help="Write DICOM, too: segmentation, report of areas, picture (--qc)."
        ),
    ] = False,
    keep_identifiers: Annotated[
        bool,
        typer.Option(
            "--keep-identifiers",
            help="Let the patient's name and number, as in DICOM, reach records and file names.",
        ),
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace earlier results that scgm wrote.")
    ] = False,
    skip_existing: Annotated[
        bool,
        typer.Option(
            "--skip-existing",
            help="Leave out images that were done in the same way, checked by their records.",
        ),
    ] = False,
    keep_doubtful: Annotated[
        bool,
        typer.Option("--keep-doubtful", help="Write results even if no slice of them is ok."),
    ] = False,
    report: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.html", help="Make a report of the results, too; see 'scgm report'."
        ),
    ] = None,
    verbose: Verbose = False,
    quiet: Quiet = False,
    log: Log = None,
) -> None:
    """Find the gray matter in axial images of the spinal cord.

    For NAME.nii.gz this writes NAME_label-GM_seg.nii.gz (gray matter),
    the same with WM (white matter) and SC (whole cord),
    NAME_measurements.csv (areas) and NAME_seg.json (how it was made).

    For example:

      scgm segment sub-01_T2starw.nii.gz --qc

      scgm segment data/*_T2starw.nii.gz --output results --soft

      scgm segment lumbar.nii.gz --center 120,131

      scgm segment dicom_folder --series 5 --volume rms --dicom --qc
    """
    from scgm.segmentation.options import SegmentOptions
    from scgm.segmentation.outputs import OutputOptions

    messages = Messages(verbose, quiet, log)
    options = SegmentOptions(
        model=model,
        method=method,
        cord_model=cord_model,
        threshold=threshold,
        center=None if center is None else _center(center),
        cord=cord,
        centerline=centerline,
        levels_from=levels_from,
        level_at=None if level_at is None else read_level_at(level_at),
        level_kind=None if level_kind is None else level_kind.value,
        device=device.value,
        volume=None if volume is None else read_volume_choice(volume),
        voxel_size_from=None if voxel_size_from is None else voxel_size_from.value,
        slices_in_time=slices_in_time,
        slice_axis=None if slice_axis is None else slice_axis.value,
        series=series,
        keep_identifiers=keep_identifiers,
    )
    slices = None if qc_slices is None else _qc_slices(qc_slices)
    outputs = OutputOptions(
        soft=soft,
        picture=qc or slices is not None,
        overwrite=overwrite,
        qc_slices=slices,
        dicom=dicom,
    )
    batch = Batch(options, outputs, messages, skip_existing, keep_doubtful)
    jobs = batch.jobs(images, output)
    if report is not None:
        check_report(report, overwrite=overwrite, to_come=[folder for _, folder in jobs])
    failures = batch.run(jobs)
    if report is not None and batch.done:
        from scgm.report.page import LeftOut
        from scgm.report.write import Beside

        beside = Beside(refused=[LeftOut(image, why) for image, why in failures.reasons])
        images = [image for image in dict(jobs) if image.exists()]
        make_report(batch.done, report, messages, images=images, overwrite=overwrite, beside=beside)
    if statuses := failures.statuses:
        messages.error(f"{len(statuses)} of {len(jobs)} images could not be processed")
        raise typer.Exit(max(statuses))


def _with_name(image: Path) -> Path:
    """Return a path that ends with a name, by which results are called; ``.`` has none."""
    return image if image.name not in ("", "..") else Path(os.path.abspath(image))  # noqa: PTH100


def _refuse_clashes(jobs: Sequence[tuple[Path, Path]]) -> None:
    """Make sure that no result replaces another one, or an input, of the same call."""
    from scgm.segmentation.outputs import possible_files, result_name

    # Not Path.resolve, which fails at a link that leads to itself.
    images = {os.path.realpath(image) for image, _ in jobs}
    owners: dict[tuple[str, str], Path] = {}
    for image, folder in jobs:
        name = result_name(image.name)
        other = owners.setdefault((os.path.realpath(folder), name), image)
        if other is not image:
            msg = (
                f"{other} and {image} would both write {folder / name}_*; use two --output folders"
            )
            raise UsageError(msg)
        replaced = images.intersection(map(os.path.realpath, possible_files(folder, name)))
        if replaced:
            msg = f"the result of {image} would replace the input {min(replaced)}; use --output"
            raise UsageError(msg)


@dataclass(frozen=True, slots=True)
class Batch:
    """Images of one call, segmented one after the other."""

    options: SegmentOptions
    outputs: OutputOptions
    messages: Messages
    skip_existing: bool
    keep_doubtful: bool
    summaries: list[str] = field(default_factory=list)
    done: list[Path] = field(default_factory=list)  # records of the results

    def jobs(self, images: Sequence[Path], output: Path | None) -> list[tuple[Path, Path]]:
        """Pair each image with the folder of its results; leave out what scgm wrote itself."""
        from scgm.segmentation.outputs import is_own_result

        jobs = []
        for image in dict.fromkeys(map(_with_name, images)):
            if is_own_result(image):
                self.messages.warning(f"{image}: a mask that scgm wrote, no image; skipped")
            else:
                jobs.append((image, output or image.parent))
        if not jobs:
            msg = "there is no image to segment among these files; name at least one"
            raise UsageError(msg)
        if len(jobs) > 1 and (self.options.levels_from or self.options.level_at):
            msg = "levels are those of one image; give one image, or omit --levels-from, --level-at"
            raise UsageError(msg)
        _refuse_clashes(jobs)
        return jobs

    def run(self, jobs: Sequence[tuple[Path, Path]]) -> Failures:
        """Segment image by image; name those that fail, and return them."""
        failures = Failures(self.messages)
        try:
            ready = self._ready(jobs, failures)
            if ready:
                self._segment_all(ready, failures)
        except Stopped:
            self.messages.error(
                f"stopped; {len(self.summaries)} of {len(jobs)} images are done; for the others, "
                "run the same command with --skip-existing"
            )
            raise
        finally:
            for summary in self.summaries:
                self.messages.result(summary)
        return failures

    def _ready(
        self, jobs: Sequence[tuple[Path, Path]], failures: Failures
    ) -> list[tuple[Path, Path]]:
        """Return the jobs whose results can be written, before anything is computed."""
        from scgm.io.dicom.sources import is_dicom
        from scgm.segmentation.dicom_outputs import no_dicom
        from scgm.segmentation.outputs import check_targets, result_name

        overwrite = self.outputs.overwrite
        ready = []
        for image, folder in jobs:
            with failures.of(image):
                if self.outputs.dicom and image.exists() and not is_dicom(image):
                    raise no_dicom(str(image))
                # What is there already is looked at again when the method is known.
                if not self.skip_existing:
                    check_targets(folder, result_name(image.name), overwrite=overwrite)
                ready.append((image, folder))
        return ready

    def _segment_all(self, jobs: Sequence[tuple[Path, Path]], failures: Failures) -> None:
        from scgm.segmentation.pipeline import open_segmenter

        segmenter = open_segmenter(self.options)
        self.messages.detail(f"method {self.options.method}, model {segmenter.name}")
        what = f"Segmenting {jobs[0][0].name}" if len(jobs) == 1 else "Segmenting"
        alone = len(jobs) == 1
        with self.messages.progress(len(jobs), printable(what)) as advance:
            for image, folder in jobs:
                with failures.of(image):
                    self._segment(image, folder, segmenter, alone=alone)
                advance()

    def _segment(self, image: Path, folder: Path, segmenter: Segmenter, *, alone: bool) -> None:
        """Segment one image, write its files, and keep what is to be said of it."""
        from scgm.segmentation.outputs import save
        from scgm.segmentation.pipeline import segment

        if self.skip_existing and self._is_done(image, folder, segmenter):
            return
        self.messages.detail(f"{image}: reading and segmenting")
        result = segment(image, self.options, segmenter=segmenter)
        for warning in result.provenance.warnings:
            self.messages.warning(f"{image}: {warning}")
        self._refuse_doubtful(image, result)
        files = save(result, folder, self.outputs)
        self.done.append(files[-1])
        self.summaries.append(_summary(image, result, files))
        # No viewer takes a mask and the DICOM files of a series at once.
        if (alone or self.messages.verbose) and result.volume.scan is None:
            self.summaries.append(_view(image, result, files))

    def _is_done(self, image: Path, folder: Path, segmenter: Segmenter) -> bool:
        """Tell whether the result is there; refuse to make it where another one is in the way."""
        from scgm.segmentation.outputs import check_targets, record_file, result_name, what_differs

        name = result_name(image.name)
        record = folder / record_file(name)
        differs = what_differs(folder, image, self._made_from(segmenter), self.outputs)
        if not differs:
            self.summaries.append(f"{printable(str(image))}: done already, skipped")
            self.done.append(record)
            return True
        try:
            check_targets(folder, name, overwrite=self.outputs.overwrite)
        except OutputError as error:
            if not record.is_file():
                raise
            msg = f"{image}: the result that is there {differs}; {error}"
            raise OutputError(msg) from error
        return False

    def _made_from(self, segmenter: Segmenter) -> dict[str, Any]:
        """Return what the record of a result says of how it was made."""
        from scgm.segmentation.options import recorded
        from scgm.version import __version__

        model = {"name": segmenter.name, **segmenter.provenance}
        made = {"version": __version__, "method": segmenter.method_name, "model": model}
        return {**made, "options": recorded(self.options, self._hint_sha256())}

    def _hint_sha256(self) -> str | None:
        """Return the checksum of the file that says where the cord is; None if there is none."""
        from scgm.io.hashing import sha256_of_file

        file = self.options.cord or self.options.centerline
        # What cannot be read is named when the image is segmented.
        return sha256_of_file(Path(file)) if file is not None and Path(file).is_file() else None

    def _refuse_doubtful(self, image: Path, result: Segmentation) -> None:
        """Write nothing of an image without a single slice that is ok, unless it was asked for."""
        from scgm.segmentation.status import nothing_ok

        doubt = nothing_ok(result.status)
        if not doubt:
            return
        found = f"{image}: {doubt}"
        if not self.keep_doubtful:
            msg = f"{found}, so nothing was written; look at the image, or use --keep-doubtful"
            raise OutputError(msg)
        self.messages.warning(f"{found}; do not use the areas without a look at the masks")


def _summary(image: Path, result: Segmentation, files: Sequence[Path]) -> str:
    """Say in one line what was found, and where it is."""
    areas = [
        row.area_mm2
        for row in result.measurements()
        if row.label == "GM" and not row.flagged and row.area_mm2 is not None
    ]
    of_all = f"{len(areas)} ok of {counted(len(result.status), 'slice')}"
    mean = f"{sum(areas) / len(areas):.1f} mm2 (mean of {of_all})" if areas else "in no ok slice"
    return (
        f"{printable(str(image))}: {len(files)} files in {printable(str(files[0].parent))}, "
        f"{result.provenance.seconds:.1f} s, gray matter {mean}, "
        f"{counted(len(result.flagged), 'slice')} flagged"
    )


def _view(image: Path, result: Segmentation, files: Sequence[Path]) -> str:
    """Say how to look at it."""
    # The masks come first, gray matter before all, the cord (where there is one) last.
    gm, *others = (shlex.quote(str(path)) for path in files[: len(result.labels)])
    cord = f" {others[-1]} -cm blue -a 30" if others else ""
    return f"  fsleyes {shlex.quote(str(image))}{cord} {gm} -cm red -a 60"
