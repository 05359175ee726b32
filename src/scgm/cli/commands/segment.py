"""``scgm segment``: the main job."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from scgm.cli.console import Failures, Messages, Quiet, Verbose
from scgm.errors import UsageError

if TYPE_CHECKING:
    from scgm.segmentation.options import SegmentOptions
    from scgm.segmentation.outputs import OutputOptions
    from scgm.segmentation.segmentation import Segmentation


class DeviceName(StrEnum):
    """Where a model runs."""

    auto = "auto"
    cpu = "cpu"
    cuda = "cuda"


def _centre(text: str) -> tuple[float, float]:
    try:
        x, y = (float(part) for part in text.split(","))
    except ValueError as error:
        msg = f"{text!r} is not of the form X,Y, for example 120,131.5"
        raise typer.BadParameter(msg) from error
    return x, y


def _volume(text: str) -> int | Literal["mean"]:
    if text == "mean":
        return "mean"
    if not text.isdecimal():
        msg = f"{text!r} is neither 'mean' nor the number of a volume, counted from 0"
        raise typer.BadParameter(msg)
    return int(text)


def segment(
    images: Annotated[
        list[Path], typer.Argument(metavar="IMAGE", help="NIfTI files with axial slices.")
    ],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Folder for the results; by default the image's own."),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(help="Model or atlas of the method: a name ('scgm models') or a file's path."),
    ] = None,
    method: Annotated[str, typer.Option(help="Method that finds the gray matter.")] = "default",
    cord_model: Annotated[
        str | None,
        typer.Option(help="Model that finds the cord for a method that does not find it."),
    ] = None,
    soft: Annotated[bool, typer.Option("--soft", help="Write the probabilities, too.")] = False,
    threshold: Annotated[
        float | None,
        typer.Option(help="Probability from which on a pixel counts; by default the model's."),
    ] = None,
    centre: Annotated[
        str | None,
        typer.Option(metavar="X,Y", help="Center of the cord, in voxels of the image in plane."),
    ] = None,
    cord: Annotated[
        Path | None, typer.Option(help="Mask of the cord, on the grid of the image.")
    ] = None,
    device: Annotated[DeviceName, typer.Option(help="Where the model runs.")] = DeviceName.auto,
    volume: Annotated[
        str | None,
        typer.Option(metavar="N|mean", help="Which volume of a 4D image, counted from 0."),
    ] = None,
    qc: Annotated[bool, typer.Option("--qc", help="Draw a picture to check the result.")] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace earlier results of the same name.")
    ] = False,
    verbose: Verbose = False,
    quiet: Quiet = False,
) -> None:
    """Find the gray matter in axial images of the spinal cord.

    For NAME.nii.gz this writes NAME_label-GM_seg.nii.gz (gray matter),
    the same with WM (white matter) and SC (whole cord),
    NAME_measurements.csv (areas) and NAME_seg.json (how it was made).

    For example:

      scgm segment sub-01_T2starw.nii.gz --qc

      scgm segment data/*_T2starw.nii.gz --output results --soft

      scgm segment lumbar.nii.gz --centre 120,131
    """
    from scgm.segmentation.options import SegmentOptions
    from scgm.segmentation.outputs import OutputOptions

    messages = Messages(verbose, quiet)
    options = SegmentOptions(
        model=model,
        method=method,
        cord_model=cord_model,
        threshold=threshold,
        center=None if centre is None else _centre(centre),
        cord=cord,
        device=device.value,
        volume=None if volume is None else _volume(volume),
    )
    outputs = OutputOptions(soft=soft, picture=qc, overwrite=overwrite)
    jobs = [(image, output or image.parent) for image in dict.fromkeys(images)]
    _refuse_clashes(jobs)
    statuses = _segment_all(jobs, options, outputs, messages)
    if statuses:
        messages.error(f"{len(statuses)} of {len(jobs)} images could not be processed")
        raise typer.Exit(max(statuses))


def _refuse_clashes(jobs: Sequence[tuple[Path, Path]]) -> None:
    """Make sure that no result replaces another one, or an input, of the same call."""
    from scgm.segmentation.outputs import possible_files, result_name

    images = {image.resolve() for image, _ in jobs}
    owners: dict[tuple[Path, str], Path] = {}
    for image, folder in jobs:
        name = result_name(image.name)
        other = owners.setdefault((folder.resolve(), name), image)
        if other is not image:
            msg = (
                f"{other} and {image} would both write {folder / name}_*; use two --output folders"
            )
            raise UsageError(msg)
        replaced = images.intersection(path.resolve() for path in possible_files(folder, name))
        if replaced:
            msg = f"the result of {image} would replace the input {min(replaced)}; use --output"
            raise UsageError(msg)


def _segment_all(
    jobs: Sequence[tuple[Path, Path]],
    options: SegmentOptions,
    outputs: OutputOptions,
    messages: Messages,
) -> list[int]:
    """Segment image by image; name those that fail, and return their exit statuses."""
    from scgm.segmentation.outputs import check_targets, result_name
    from scgm.segmentation.pipeline import open_segmenter
    from scgm.segmentation.pipeline import segment as segment_image

    failures = Failures(messages)
    ready = []
    for image, folder in jobs:
        with failures.of(image):
            check_targets(folder, result_name(image.name), overwrite=outputs.overwrite)
            ready.append((image, folder))
    if not ready:
        return failures.statuses
    segmenter = open_segmenter(options)
    messages.detail(f"method {options.method}, model {segmenter.name}")
    summaries = []
    with messages.progress(len(ready), "Segmenting") as advance:
        for image, folder in ready:
            with failures.of(image):
                messages.detail(f"{image}: reading and segmenting")
                result = segment_image(image, options, segmenter=segmenter)
                summaries.append(_summary(image, result, result.save(folder, outputs), messages))
            advance()
    for summary in summaries:
        messages.result(summary)
    return failures.statuses


def _summary(image: Path, result: Segmentation, files: Sequence[Path], messages: Messages) -> str:
    """Say in two lines what was found, where it is, and how to look at it."""
    for warning in result.provenance.warnings:
        messages.warning(f"{image}: {warning}")
    areas = [
        row.area_mm2
        for row in result.measurements()
        if row.label == "GM" and row.area_mm2 is not None
    ]
    # The masks come first, gray matter before all, the cord (where there is one) last.
    gm, *others = (shlex.quote(str(path)) for path in files[: len(result.labels)])
    cord = f" {others[-1]} -cm blue -a 30" if others else ""
    return (
        f"{image}: {len(files)} files in {files[0].parent}, {result.provenance.seconds:.1f} s, "
        f"gray matter {sum(areas) / len(areas):.1f} mm2 (mean of {_count(len(areas), 'slice')}), "
        f"{_count(len(result.flagged), 'slice')} flagged\n"
        f"  fsleyes {shlex.quote(str(image))}{cord} {gm} -cm red -a 60"
    )


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
