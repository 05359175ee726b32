"""From a folder, a ZIP or a file to a volume."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scgm.errors import ImageReadError, PatientNamedError
from scgm.image.values import gray_values
from scgm.image.volume import Volume
from scgm.io.dicom.hashes import series_hash
from scgm.io.dicom.headers import Headers, Instance, read_headers
from scgm.io.dicom.identity import Identifiers
from scgm.io.dicom.packages import silence
from scgm.io.dicom.pixels import stored_values
from scgm.io.dicom.scan import Scan
from scgm.io.dicom.series import Series, choose, list_series
from scgm.io.dicom.sources import Part, looks_like_dicom, parts_of
from scgm.io.dicom.stack import placed
from scgm.io.dicom.tags import text, value
from scgm.io.dicom.volumes import Volumes, volumes_of
from scgm.io.options import DEFAULT_READING, ReadOptions
from scgm.io.slice_axis import named_axis

_KEPT = (
    *("PatientID", "PatientName", "PatientBirthDate", "AccessionNumber", "StudyDate"),
    *("StudyInstanceUID", "SeriesInstanceUID"),
)


def series_in(path: str | Path) -> list[Series]:
    """Return all series of a folder, a ZIP or a file.

    Raises
    ------
    ImageReadError
        If there is none, or pydicom is not installed.
    """
    with _opened(Path(path)) as found:
        return found.series


def dicom_volume(path: Path, reading: ReadOptions = DEFAULT_READING) -> Volume:
    """Read the series that is meant as a volume.

    Parameters
    ----------
    path : Path
        A folder, a ZIP or a file for which `scgm.io.dicom.sources.is_dicom` holds.
    reading : ReadOptions
        The user's choices; *series* names one of several.

    Raises
    ------
    ImageReadError
        If no or several series are meant, slices are missing, doubled or uneven, or a file is
        damaged; also if pydicom is not installed.
    """
    _require_no_nifti_options(reading)
    with _opened(path) as found:
        if not reading.keep_identifiers and found.identifiers.in_text(path.name):
            msg = (
                "this name holds the patient's name, number or birth date, and results are called "
                "by it; rename it, or use --keep-identifiers"
            )
            raise ImageReadError(msg)
        series = found.chosen(reading)
        volumes = volumes_of(series)
        wanted = volumes.wanted(reading.volume)
        used = tuple(volumes.volumes[index] for index in wanted)
        values = gray_values(stored_values(used, reading.volume))
        digest = series_hash(series.instances)
    first = used[0][0]
    geometry = placed(first.position, volumes.step, first.grid, len(used[0]))
    axis, turned = named_axis(geometry.affine, reading.slice_axis)
    return Volume(
        values.voxels,
        geometry,
        source=path,
        warnings=(
            *volumes.notes,
            *volumes.combined_note(reading.volume),
            *values.warnings,
            *turned,
        ),
        missing=values.missing,
        sha256=digest,
        voxel_size_from="dicom",
        slice_axis=axis,
        unit=values.unit,
        scan=Scan(used, volumes.step, _about(series, volumes, wanted, reading), found.identifiers),
    )


def dicom_checksum(path: Path, reading: ReadOptions = DEFAULT_READING) -> str:
    """Return the checksum of the series that is meant, as `dicom_volume` gives it.

    Raises
    ------
    ImageReadError
        As from `dicom_volume`, as far as the headers tell.
    """
    with _opened(path) as found:
        return series_hash(found.chosen(reading).instances)


def require_unnamed(path: Path, words: str) -> None:
    """Make sure that what results will be called does not name the patient.

    Parameters
    ----------
    path : Path
        A folder, a ZIP or a file for which `scgm.io.dicom.sources.is_dicom` holds. If it cannot be
        read, nothing is said: `dicom_volume` says why.
    words : str
        Names of folders and files, which results are called by.

    Raises
    ------
    PatientNamedError
        If they hold the name, number or birth date of a patient.
    """
    try:
        with silence(), parts_of(path) as parts:
            identifiers = Identifiers.of(read_headers(parts).all_headers)
    except ImageReadError:
        return
    if identifiers.in_text(words):
        msg = (
            f"{identifiers.removed_from(words)}: these names hold the patient's name, number or "
            "birth date, and results are called by them; rename them, or use --keep-identifiers"
        )
        raise PatientNamedError(msg)


@dataclass(frozen=True, slots=True, eq=False)
class _Found:
    """What is in a folder, a ZIP or a file."""

    series: list[Series]
    headers: Headers
    identifiers: Identifiers

    def chosen(self, reading: ReadOptions) -> Series:
        """Return the series that is meant, if no file of it is damaged."""
        series = choose(self.series, None if reading.series is None else str(reading.series))
        for part, uid in self.headers.damaged:
            if uid in ("", series.uid):
                msg = (
                    f"{part.name} is damaged or cut short and may belong to this series; copy or "
                    "export it again, or move it away"
                )
                raise ImageReadError(msg)
        return series


@contextmanager
def _opened(path: Path) -> Iterator[_Found]:
    """List what is there; a ZIP stays open, and no message names the patient."""
    identifiers = Identifiers(frozenset())
    try:
        with silence(), parts_of(path) as parts:
            headers = read_headers(parts)
            identifiers = Identifiers.of(headers.all_headers)
            if parts[0].path == path:
                _require_whole_series(path, headers.images)
            yield _Found(list_series(headers, identifiers), headers, identifiers)
    except ImageReadError as error:
        raise ImageReadError(identifiers.removed_from(str(error))) from None


def _require_whole_series(path: Path, images: Sequence[Instance]) -> None:
    """Refuse one slice of a series whose other slices lie beside it."""
    if len(images) != 1 or images[0].frame_count > 1:
        return
    if "MOSAIC" in str(value(images[0].header, "ImageType")):
        return
    for other in sorted(path.absolute().parent.iterdir()):
        if other.name == path.name or not other.is_file():
            continue
        beside = _image_in(Part(other.name, other))
        if beside and beside[0].series == images[0].series:
            msg = "this file is one slice of a series; give the folder, which holds all of it"
            raise ImageReadError(msg)


def _image_in(part: Part) -> tuple[Instance, ...]:
    """Return the image of a file; none if it cannot be read."""
    with suppress(ImageReadError):
        if looks_like_dicom(part.start()):
            return read_headers([part]).images
    return ()


def _require_no_nifti_options(reading: ReadOptions) -> None:
    if reading.voxel_size_from is not None or reading.slices_in_time:
        option = "--slices-in-time" if reading.slices_in_time else "--voxel-size-from"
        msg = f"it is DICOM, where {option} has no meaning; omit it"
        raise ImageReadError(msg)


def _about(
    series: Series, volumes: Volumes, wanted: Sequence[int], reading: ReadOptions
) -> dict[str, Any]:
    """Return what the record says: nothing of the patient, unless it was asked for."""
    header = series.instances[0].header
    about: dict[str, Any] = {
        "series_number": series.number,
        "stack": series.stack or None,
        "series_description": series.description,
        "modality": text(value(header, "Modality")),
        "manufacturer": text(value(header, "Manufacturer")),
        "files": len(series.instances),
        "volumes": len(volumes.volumes),
        "volumes_used": list(wanted),
        "echo_times_ms": [volumes.echoes_ms[index] for index in wanted],
    }
    if reading.keep_identifiers:
        about["identifiers"] = {name: text(value(header, name)) for name in _KEPT}
    return about
