"""The files of a result: their names, and writing all of them or none."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal

from scgm.errors import ImageReadError
from scgm.io.atomic import write_bytes, write_json, write_text
from scgm.io.font_cache import use_quiet_font_cache
from scgm.io.hashing import sha256_of_file
from scgm.io.nifti.write import is_own_label, write_nifti
from scgm.io.read import ReadOptions, image_checksum
from scgm.io.tables import table_text
from scgm.io.text import name_text
from scgm.io.transaction import check_set, checksums, claims_from, file_set
from scgm.segmentation.measurements import SliceMeasurement, measure
from scgm.segmentation.result import LABELS, Label, Result

QcSlices = Literal["all", "flagged"] | int | None

# Fields of the record that are no options.
_IN_WORDS = {
    "hint_sha256": "mask or center line of the cord",
    "levels_sha256": "file of levels",
}

_IMAGE_ENDINGS = (".nii.gz", ".nii", ".hdr", ".img.gz", ".img", ".zip", ".dcm", ".ima")


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
        does not have is removed, so that a folder never shows two results as one. Only files that
        the record of that result lists, and that did not change since, are ever replaced.
    qc_slices : {"all", "flagged"} or int, optional
        Which slices the picture shows; see `scgm.segmentation.qc_figure.four_panels`.
    dicom : bool
        Write the result as DICOM, too: a segmentation (``NAME_seg.dcm``), a report of areas
        (``NAME_measurements.dcm``) and, with *picture*, a secondary capture (``NAME_qc.dcm``).
    """

    soft: bool = False
    picture: bool = False
    overwrite: bool = False
    qc_slices: QcSlices = None
    dicom: bool = False


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


def listed_mask(name: str, files: Iterable[str], label: Label, *, soft: bool = False) -> str:
    """Return the file name of a mask (a map) as a record lists it, whichever names were used.

    Parameters
    ----------
    name : str
        Of the result.
    files : iterable of str
        Names of the files that its record lists.
    label : Label
        Which mask.
    soft : bool
        Look for the probability map.
    """
    end = "probseg" if soft else "(seg|mask)"
    pattern = re.compile(rf"[^/\\]+_label-{label.suffix}(_desc-[A-Za-z0-9]+)?_{end}\.nii\.gz")
    usual = label_file(name, label, soft=soft)
    return next((file for file in files if pattern.fullmatch(file)), usual)


def record_file(name: str) -> str:
    """Return the file name of the record of a result."""
    return f"{name}_seg.json"


def dicom_files(name: str) -> tuple[str, str, str]:
    """Return the names of segmentation, report and picture in DICOM."""
    return f"{name}_seg.dcm", f"{name}_measurements.dcm", f"{name}_qc.dcm"


def possible_names(name: str) -> tuple[str, ...]:
    """Return every file name that a result of *name* can have."""
    maps = [label_file(name, label, soft=soft) for soft in (False, True) for label in LABELS]
    others = (f"{name}_measurements.csv", f"{name}_qc.png", *dicom_files(name))
    return (*maps, record_file(name), *others)


def possible_files(directory: Path, name: str) -> tuple[Path, ...]:
    """Return every path that a result of *name* can have in *directory*."""
    return tuple(directory / file for file in possible_names(name))


def check_targets(directory: Path, name: str, *, overwrite: bool = False) -> None:
    """Make sure that a result of *name* can go to *directory*.

    Raises
    ------
    OutputError
        If *directory* cannot be a folder for it, or holds files of these names and *overwrite* is
        not set, or they are not what an earlier run wrote.
    """
    check_set(
        directory, possible_names(name), overwrite=overwrite, claims=claims_from(record_file(name))
    )


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
    names = possible_names(name)
    check_targets(folder, name, overwrite=options.overwrite)
    with file_set(
        folder, names, overwrite=options.overwrite, claims=claims_from(record_file(name))
    ) as staging:
        written = _write_files(segmentation, staging, name, options)
        write_record(segmentation, staging / record_file(name), written)
    return tuple(folder / path.name for path in (*written, staging / record_file(name)))


def _write_files(
    segmentation: Result, folder: Path, name: str, options: OutputOptions
) -> list[Path]:
    """Write all files of a result, but for its record, to an empty folder."""
    written = []
    for label in segmentation.labels:
        written.append(folder / label_file(name, label))
        write_nifti(segmentation.mask(label), written[-1])
    if options.soft:
        for label in segmentation.labels:
            written.append(folder / label_file(name, label, soft=True))
            write_nifti(segmentation.probability(label), written[-1])
    written.append(folder / f"{name}_measurements.csv")
    write_table(measure(segmentation), written[-1])
    if options.picture:
        written.append(folder / f"{name}_qc.png")
        use_quiet_font_cache()
        from scgm.segmentation.qc_figure import four_panels  # noqa: PLC0415  (imports matplotlib)

        four_panels(segmentation, options.qc_slices).savefig(written[-1])
    if options.dicom:
        written.extend(_write_dicom(segmentation, folder, name, options))
    return written


def _write_dicom(
    segmentation: Result, folder: Path, name: str, options: OutputOptions
) -> list[Path]:
    """Write a result as DICOM to the folder that has its picture."""
    from scgm.segmentation.dicom_outputs import dicom_objects  # noqa: PLC0415  (for DICOM alone)

    picture = folder / f"{name}_qc.png" if options.picture else None
    files = [folder / file for file in dicom_files(name)]
    objects = dicom_objects(segmentation, picture)
    for file, content in zip(files, objects, strict=False):
        write_bytes(file, content)
    return files[: len(objects)]


def write_record(segmentation: Result, path: Path, files: Sequence[Path] = ()) -> None:
    """Write what made the result, and the checksums of its files, by which they are known again."""
    write_json(path, record_of(segmentation, files))


def record_of(segmentation: Result, files: Sequence[Path] = ()) -> dict[str, Any]:
    """Return what `write_record` writes."""
    slices = [
        {"slice": segmentation.stack.native_index(z), "slice_is": z, "status": status}
        for z, status in enumerate(segmentation.status)
    ]
    made_by = asdict(segmentation.provenance)
    if made_by["input"]["file"] is not None:
        made_by["input"]["file"] = name_text(made_by["input"]["file"])
    record = {**made_by, "threshold": segmentation.threshold, "slices": slices}
    return {**record, "files": checksums(files)}


def write_table(rows: list[SliceMeasurement], path: Path) -> None:
    """Write measurements as CSV; what was not measured is an empty cell."""
    head = [field.name for field in fields(SliceMeasurement)]
    named = [asdict(row) | {"file": name_text(row.file)} for row in rows]
    text = table_text(head, (list(row.values()) for row in named), digits=".4f")
    write_text(path, text)


def read_record(directory: Path, name: str) -> dict[str, Any] | None:
    """Read the record of a result; None if there is none that we wrote."""
    path = directory / record_file(name)
    try:
        if path.is_symlink() or not path.is_file():
            return None
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    sound = isinstance(record, dict) and {"version", "method", "slices"} <= record.keys()
    return record if sound and isinstance(record.get("files"), dict) else None


def what_differs(
    directory: Path, image: Path, made_from: Mapping[str, Any], options: OutputOptions
) -> str:
    """Say why the result of an image in a folder is not the one that is asked for.

    Parameters
    ----------
    directory : Path
        The folder of results.
    image : Path
        The image; its checksum must be that of the record.
    made_from : mapping
        Fields of the record that must be the same, such as "version", "options" and "model".
    options : OutputOptions
        What must be there beside the masks.

    Returns
    -------
    str
        Empty for the whole result, made in the same way.
    """
    name = result_name(image.name)
    record = read_record(directory, name)
    if record is None:
        return "has no record"
    same = json.loads(json.dumps(made_from))
    if other := other_choices(record, same):
        return f"was made with another {', '.join(other)}"
    if not _is_of(record, image, ReadOptions(series=same.get("options", {}).get("series"))):
        return "is that of another image, or the image was changed since"
    for option, file in _beside_masks(name, options):
        if name_text(file) not in record["files"]:
            return f"was made without {option}"
    return "" if _is_whole(directory, name, record["files"]) else "lacks a file, or one was changed"


def _is_of(record: Mapping[str, Any], image: Path, reading: ReadOptions) -> bool:
    """Tell whether a record is that of an image, as far as both can be read."""
    if not (image.is_file() or image.is_dir()):  # reading a pipe would wait for its other end
        return False
    try:
        return bool(record["input"]["sha256"] == image_checksum(image, reading))
    except (ImageReadError, OSError, KeyError, TypeError):
        return False


def anywhere(made_from: Mapping[str, Any]) -> dict[str, Any]:
    """Return how a result was made, without what only says on how large a machine."""
    model = made_from.get("model")
    if not isinstance(model, Mapping):
        return dict(made_from)
    return {**made_from, "model": {key: model[key] for key in model if key != "threads"}}


def other_choices(record: Mapping[str, Any], made_from: Mapping[str, Any]) -> list[str]:
    """Name the fields of a record that differ from *made_from*; of the options, each."""
    earlier, wanted = anywhere(record), anywhere(made_from)
    names = [name for name in wanted if earlier.get(name) != wanted[name]]
    if "options" not in names:
        return names
    before, now = earlier.get("options"), wanted["options"]
    if not isinstance(before, dict):
        return names
    keys = [key for key in {**before, **now} if before.get(key) != now.get(key)]
    return [name for name in names if name != "options"] + [_IN_WORDS.get(k, k) for k in keys]


def _beside_masks(name: str, options: OutputOptions) -> list[tuple[str, str]]:
    """Return each option that asks for more than the masks, with a file that it makes."""
    dicom, _, dicom_picture = dicom_files(name)
    wanted = {
        "--soft": (options.soft, label_file(name, Label.GM, soft=True)),
        "--qc": (options.picture, f"{name}_qc.png"),
        "--dicom": (options.dicom, dicom),
        "--dicom --qc": (options.dicom and options.picture, dicom_picture),
    }
    return [(option, file) for option, (asked, file) in wanted.items() if asked]


def is_own_result(image: Path) -> bool:
    """Tell whether a file is a mask or probability map that scgm wrote, and no image to segment.

    >>> is_own_result(Path("no/such/folder/a_label-GM_seg.nii.gz"))
    False
    """
    for ending in (label_file("", label, soft=soft) for label in LABELS for soft in (False, True)):
        if image.name.endswith(ending):
            record = read_record(image.parent, image.name.removesuffix(ending))
            if record is not None and name_text(image.name) in record["files"]:
                return True
    return is_own_label(image)


def _is_whole(directory: Path, name: str, files: Mapping[str, str]) -> bool:
    """Tell whether all files of a record are there, and unchanged."""
    paths = {name_text(path.name): path for path in possible_files(directory, name)}
    return all(
        file in paths and paths[file].is_file() and sha256_of_file(paths[file]) == digest
        for file, digest in files.items()
    )
