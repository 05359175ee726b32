"""The files of a result: their names, and writing all of them or none."""

from __future__ import annotations

import json
import tempfile
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from scgm.errors import OutputError
from scgm.io.font_cache import use_quiet_font_cache
from scgm.io.nifti.write import write_nifti
from scgm.io.tables import table_text
from scgm.segmentation.measurements import SliceMeasurement, measure
from scgm.segmentation.result import LABELS, Label, Result

_IMAGE_ENDINGS = (".nii.gz", ".nii", ".hdr", ".img.gz", ".img")


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputOptions:
    """What is written beside the masks, the table and the record.

    Parameters
    ----------
    soft : bool
        Write the probabilities, too.
    picture : bool
        Draw the four-panel picture.
    overwrite : bool
        Replace the files of an earlier result of the same name, all of them: what this result
        does not have is removed, so that a folder never shows two results as one.
    """

    soft: bool = False
    picture: bool = False
    overwrite: bool = False


DEFAULT_OUTPUT = OutputOptions()


def result_name(image_name: str) -> str:
    """Return what the results of an image are called: its name without its ending.

    >>> result_name("sub-01_T2starw.nii.gz")
    'sub-01_T2starw'
    """
    for ending in _IMAGE_ENDINGS:
        if image_name.lower().endswith(ending) and len(image_name) > len(ending):
            return image_name[: -len(ending)]
    return image_name


def label_file(name: str, label: Label, *, soft: bool = False) -> str:
    """Return the file name of a mask, or with *soft* of a probability map."""
    return f"{name}_label-{label.suffix}_{'probseg' if soft else 'seg'}.nii.gz"


def possible_files(directory: Path, name: str) -> tuple[Path, ...]:
    """Return every path that a result of *name* can have in *directory*."""
    maps = [label_file(name, label, soft=soft) for soft in (False, True) for label in LABELS]
    rest = [f"{name}_seg.json", f"{name}_measurements.csv", f"{name}_qc.png"]
    return tuple(directory / file for file in (*maps, *rest))


def check_targets(directory: Path, name: str, *, overwrite: bool = False) -> None:
    """Make sure that a result of *name* can go to *directory*.

    Raises
    ------
    OutputError
        If *directory* is a file, or holds a result of this name and *overwrite* is not set.
    """
    if directory.exists() and not directory.is_dir():
        msg = f"{directory}: this is a file; give a folder for the results"
        raise OutputError(msg)
    present = [path for path in possible_files(directory, name) if path.exists()]
    if present and not overwrite:
        msg = f"{present[0]}: it exists already; use --overwrite, or another --output folder"
        raise OutputError(msg)


def save(
    segmentation: Result, directory: str | Path, options: OutputOptions = DEFAULT_OUTPUT
) -> tuple[Path, ...]:
    """Write masks, table and record of a result: all files, or none.

    Parameters
    ----------
    segmentation : Result
        The result.
    directory : str or Path
        Folder, made where it is missing.
    options : OutputOptions
        What else to write, and whether to replace an earlier result.

    Returns
    -------
    tuple of Path
        The files that were written; the first is the gray matter's mask.

    Raises
    ------
    OutputError
        If a file exists and may not be replaced, or the folder cannot be written.
    """
    folder = Path(directory)
    name = result_name(segmentation.source_name)
    check_targets(folder, name, overwrite=options.overwrite)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # Beside the target, so that a move is a rename, which happens at once or not at all.
        with tempfile.TemporaryDirectory(prefix=".scgm-", dir=folder) as staging:
            staged = _write_files(segmentation, Path(staging), name, options)
            check_targets(folder, name, overwrite=options.overwrite)
            return _move_in(staged, folder, possible_files(folder, name))
    except OSError as error:
        msg = f"{folder}: the results cannot be written ({error.strerror or error})"
        raise OutputError(msg) from error


def _write_files(
    segmentation: Result, folder: Path, name: str, options: OutputOptions
) -> list[Path]:
    """Write all files of a result to an empty folder."""
    written = []
    for label in segmentation.labels:
        written.append(folder / label_file(name, label))
        write_nifti(segmentation.mask(label), written[-1])
    if options.soft:
        for label in segmentation.labels:
            written.append(folder / label_file(name, label, soft=True))
            write_nifti(segmentation.probability(label), written[-1])
    written.append(folder / f"{name}_seg.json")
    write_record(segmentation, written[-1])
    written.append(folder / f"{name}_measurements.csv")
    write_table(measure(segmentation), written[-1])
    if options.picture:
        written.append(folder / f"{name}_qc.png")
        use_quiet_font_cache()
        from scgm.segmentation.qc_figure import four_panels  # noqa: PLC0415  (imports matplotlib)

        four_panels(segmentation).savefig(written[-1])
    return written


def write_record(segmentation: Result, path: Path) -> None:
    """Write what made the result: versions, checksums, options, warnings, slices."""
    slices = [
        {"slice": segmentation.stack.native_index(z), "slice_is": z, "status": status}
        for z, status in enumerate(segmentation.status)
    ]
    made_by = asdict(segmentation.provenance)
    record = {**made_by, "threshold": segmentation.threshold, "slices": slices}
    path.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


def write_table(rows: list[SliceMeasurement], path: Path) -> None:
    """Write measurements as CSV; what was not measured is an empty cell."""
    head = [field.name for field in fields(SliceMeasurement)]
    text = table_text(head, (list(asdict(row).values()) for row in rows), digits=".4f")
    path.write_text(text, encoding="utf-8")


def _move_in(staged: list[Path], folder: Path, earlier: tuple[Path, ...]) -> tuple[Path, ...]:
    """Put the staged files in place of an earlier result; on any failure put that back."""
    kept = staged[0].parent / "earlier"
    kept.mkdir()
    out: list[Path] = []
    arrived: list[Path] = []
    try:
        for path in earlier:
            if path.exists():
                path.replace(kept / path.name)
                out.append(path)
        for path in staged:
            arrived.append(path.replace(folder / path.name))
    except BaseException:
        for path in arrived:
            path.unlink()
        for path in out:
            (kept / path.name).replace(path)
        raise
    return tuple(arrived)
