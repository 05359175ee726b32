"""What a registration leaves on the disk: both displacement fields, a record, what was brought."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scgm.errors import ImageReadError, UsageError
from scgm.image.grid import missing_on_grid_of, on_grid_of
from scgm.image.volume import Geometry, Volume
from scgm.io.atomic import write_json
from scgm.io.nifti.vectors import read_vectors, write_vectors
from scgm.io.nifti.write import as_nifti, write_nifti
from scgm.io.read import read_labels, read_map
from scgm.io.transaction import check_set, checksums, claims_from, file_set
from scgm.registration.field import Field
from scgm.registration.register import Registration, SegmentedCord, brought_share
from scgm.version import __version__

RECORD = "_template.json"
_KIND = "scgm template"
_TO_TEMPLATE, _TO_IMAGE = "_to-template.nii.gz", "_to-image.nii.gz"
_IN_TEMPLATE, _IN_IMAGE = "_in-template.nii.gz", "_in-image.nii.gz"
_LABEL_NAMES = {"GM": "gm", "SC": "cord"}
_OWN_NAMES = (*_LABEL_NAMES.values(), *(f"template-{each}" for each in _LABEL_NAMES.values()))


@dataclass(frozen=True, slots=True)
class Travelers:
    """Files that are brought along: maps are interpolated, labels are not."""

    maps: tuple[Path, ...] = ()
    labels: tuple[Path, ...] = ()

    def named(self) -> dict[str, tuple[Path, bool]]:
        """Return the files by their names without ending, and whether they are labels.

        Raises
        ------
        UsageError
            If two have one name, or one has that of gray matter or cord.
        """
        found: dict[str, tuple[Path, bool]] = {}
        for paths, are_labels in ((self.maps, False), (self.labels, True)):
            for path in paths:
                name = path.name.removesuffix(".gz").removesuffix(".nii")
                if name.lower() in _OWN_NAMES:
                    own = ", ".join(_OWN_NAMES)
                    msg = f"{path}: {own} are names of files that scgm writes; rename it"
                    raise UsageError(msg)
                if name in found:
                    msg = f"{path}: another map has this name; bring them to different folders"
                    raise UsageError(msg)
                found[name] = (path, are_labels)
        return found


@dataclass(frozen=True, slots=True, eq=False)
class SavedWarp:
    """A registration that was saved."""

    folder: Path
    name: str
    record: dict[str, Any]

    @property
    def template_grid(self) -> Geometry:
        """The grid of the template."""
        return _grid(self.record["template_grid"])

    def field(self, *, back: bool) -> Field:
        """Return the field that brings values to the template, or back to the image."""
        name, grid = (_TO_IMAGE, "image_grid") if back else (_TO_TEMPLATE, "template_grid")
        whole = _grid(self.record[grid])
        displacement, box = read_vectors(self.folder / f"{self.name}{name}")
        first = np.linalg.inv(whole.affine) @ box.affine[:, 3]
        i, j, k = (round(float(value)) for value in first[:3])
        return Field(whole, (i, j, k), displacement)

    def brought(self, name: str) -> Path:
        """Return the file of a map in the template's space: "gm", "cord", or a map's name.

        Raises
        ------
        ImageReadError
            If there is none.
        """
        known = self.record.get("in_template", {})
        if name not in known:
            listed = ", ".join(sorted(known))
            msg = (
                f"{self.folder / (self.name + RECORD)}: it has no map {name!r}; known: {listed}; "
                "bring it along with 'scgm template apply' and the folder of this file as --output"
            )
            raise ImageReadError(msg)
        return self.folder / str(known[name])


def check_output(folder: Path, name: str, travelers: Travelers, *, overwrite: bool) -> None:
    """Make sure that a registration can be written.

    Raises
    ------
    OutputError, UsageError
        If not.
    """
    names = _names(name, travelers)
    check_set(folder, names, overwrite=overwrite, claims=claims_from(f"{name}{RECORD}"))


def read_travelers(travelers: Travelers, grid: Geometry) -> dict[str, tuple[Volume, bool]]:
    """Read what is to travel from a grid.

    Raises
    ------
    GeometryError, ImageReadError
        If a file lies on another grid, or is none.
    """
    found = {}
    for name, (path, labels) in travelers.named().items():
        volume = read_labels(path) if labels else read_map(path)
        values, grid_notes = on_grid_of(grid, volume)
        if labels and not np.array_equal(values, np.round(values)):
            msg = f"{path}: its values are no whole numbers, so no labels; use --map"
            raise ImageReadError(msg)
        known = values * np.float32(volume.unit)
        notes = (*(f"{path}: {note}" for note in volume.warnings), *grid_notes)
        missing = None if labels else missing_on_grid_of(grid, volume)
        found[name] = (Volume(known, grid, warnings=notes, missing=missing), labels)
    return found


def write_registration(
    done: Registration,
    cords: tuple[SegmentedCord, SegmentedCord],
    target: tuple[Path, str],
    travelers: Travelers,
    *,
    back: bool = False,
    overwrite: bool = False,
) -> Path:
    """Write a registration.

    Parameters
    ----------
    done : Registration
        What `register` returned.
    cords : (SegmentedCord, SegmentedCord)
        The image and the template.
    target : (Path, str)
        Folder, and how the names of the files begin.
    travelers : Travelers
        Maps on the grid of the image; of the template with *back*.
    back : bool
        Bring the template to the image, too.
    overwrite : bool
        Replace an earlier registration.

    Returns
    -------
    Path
        The record.
    """
    native, template = cords
    folder, name = target
    volumes = read_travelers(travelers, template.geometry if back else native.geometry)
    in_template = {
        label: (brought_share(done.to_template, native, template, key), False)
        for key, label in _LABEL_NAMES.items()
    }
    in_image: dict[str, tuple[NDArray[np.float32], bool]] = {}
    if back:
        in_image = {
            f"template-{label}": (brought_share(done.to_native, template, native, key), False)
            for key, label in _LABEL_NAMES.items()
        }
    (in_image if back else in_template).update(
        _brought(volumes, done.to_native if back else done.to_template)
    )
    record = f"{name}{RECORD}"
    claims = claims_from(record)
    with file_set(folder, _names(name, travelers), overwrite=overwrite, claims=claims) as staging:
        for field, ending in ((done.to_template, _TO_TEMPLATE), (done.to_native, _TO_IMAGE)):
            write_vectors(field.displacement, field.box_geometry, staging / f"{name}{ending}")
        for values, grid, ending in (
            (in_template, template.geometry, _IN_TEMPLATE),
            (in_image, native.geometry, _IN_IMAGE),
        ):
            _write_maps(values, grid, staging, name, ending)
        content = _content(done, cords)
        content["in_template"] = {each: f"{name}_{each}{_IN_TEMPLATE}" for each in in_template}
        content["files"] = checksums(sorted(staging.iterdir()))
        write_json(staging / record, content)
    return folder / record


def apply_saved(
    saved: SavedWarp, travelers: Travelers, folder: Path, *, back: bool, overwrite: bool = False
) -> tuple[list[Path], tuple[str, ...]]:
    """Bring maps and labels along a saved registration.

    In the folder of the registration, they are added to its record.

    Returns
    -------
    files : list of Path
        What was written.
    warnings : tuple of str
        What was odd about the files that were read.
    """
    field = saved.field(back=back)
    grid = _grid(saved.record["template_grid" if back else "image_grid"])
    volumes = read_travelers(travelers, grid)
    ending = _IN_IMAGE if back else _IN_TEMPLATE
    names = {each: f"{saved.name}_{each}{ending}" for each in volumes}
    check_set(folder, list(names.values()), overwrite=overwrite)
    record = f"{saved.name}{RECORD}"
    listed = [record] if folder.resolve() == saved.folder.resolve() else []
    with file_set(
        folder, [*names.values(), *listed], overwrite=overwrite or bool(listed)
    ) as staging:
        _write_maps(_brought(volumes, field), field.grid, staging, saved.name, ending)
        for each in listed:
            files = checksums(sorted(staging.iterdir()))
            write_json(staging / each, _extended(saved.record, {} if back else names, files))
    warnings = tuple(note for volume, _ in volumes.values() for note in volume.warnings)
    return [folder / name for name in names.values()], warnings


def read_saved(path: Path) -> SavedWarp:
    """Read the record of a registration.

    Raises
    ------
    ImageReadError
        If it is none.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        sound = content["kind"] == _KIND and path.name.endswith(RECORD)
        sound = sound and isinstance(content.get("in_template", {}), dict)
        for grid in ("template_grid", "image_grid"):
            _grid(content[grid])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        sound = False
    if not sound:
        msg = f"{path}: this is no record of scgm template warp; give NAME{RECORD}"
        raise ImageReadError(msg)
    return SavedWarp(path.parent, path.name.removesuffix(RECORD), content)


def saved_in(path: Path) -> list[SavedWarp]:
    """Return the registrations of a folder, or the one of a record.

    Raises
    ------
    ImageReadError
        If there is none.
    """
    if not path.is_dir():
        return [read_saved(path)]
    found = sorted(path.glob(f"*{RECORD}"))
    if not found:
        msg = f"{path}: it holds no result of scgm template warp; give such a folder or record"
        raise ImageReadError(msg)
    return [read_saved(each) for each in found]


def write_values(values: NDArray[Any], grid: Geometry, path: Path, *, labels: bool = False) -> None:
    """Write one value for each voxel of a grid."""
    volume = Volume(np.zeros(grid.shape, np.float32), grid)
    small = labels and values.min() >= 0 and values.max() <= 255
    write_nifti(as_nifti(values, volume, dtype=np.uint8 if small else np.float32), path)


def _names(name: str, travelers: Travelers) -> list[str]:
    labels = tuple(_LABEL_NAMES.values())
    template = [*labels, *travelers.named()]
    image = [*(f"template-{label}" for label in labels), *travelers.named()]
    return [
        *(f"{name}{ending}" for ending in (_TO_TEMPLATE, _TO_IMAGE, RECORD)),
        *(f"{name}_{each}{_IN_TEMPLATE}" for each in template),
        *(f"{name}_{each}{_IN_IMAGE}" for each in image),
    ]


def _with_gaps(volume: Volume) -> NDArray[np.float32]:
    """Return the values of a map; NaN where it has none."""
    if volume.missing is None:
        return volume.voxels
    return np.where(volume.missing, np.float32(np.nan), volume.voxels)


def _brought(
    volumes: Mapping[str, tuple[Volume, bool]], field: Field
) -> dict[str, tuple[NDArray[np.float32], bool]]:
    return {
        name: (field.bring(_with_gaps(volume), volume.geometry, labels=labels), labels)
        for name, (volume, labels) in volumes.items()
    }


def _write_maps(
    values: Mapping[str, tuple[NDArray[np.float32], bool]],
    grid: Geometry,
    folder: Path,
    name: str,
    ending: str,
) -> None:
    for each, (one, labels) in values.items():
        write_values(one, grid, folder / f"{name}_{each}{ending}", labels=labels)


def _content(done: Registration, cords: Sequence[SegmentedCord]) -> dict[str, Any]:
    native, template = cords
    along = done.along
    return {
        "kind": _KIND,
        "scgm": __version__,
        "image": native.structures.name,
        "template": template.structures.name,
        "template_sha256": _sha256_of_shapes(template),
        "along_the_cord": {
            "by": along.how,
            "slices_of_image": along.native.tolist(),
            "slices_of_template": along.template.tolist(),
        },
        "scores": {
            _LABEL_NAMES[label]: {"dice": one, "mean_surface_distance_mm": distance}
            for label, (one, distance) in done.scores.items()
        },
        "warnings": list(done.warnings),
        "image_grid": _grid_record(native.geometry),
        "template_grid": _grid_record(template.geometry),
    }


def _sha256_of_shapes(cord: SegmentedCord) -> str:
    """Return a checksum of gray matter and cord, the same wherever their files lie."""
    digest = hashlib.sha256()
    for label in _LABEL_NAMES:
        digest.update(np.ascontiguousarray(cord.native(label), "<f4").tobytes())
    return digest.hexdigest()


def _extended(
    record: Mapping[str, Any], in_template: Mapping[str, str], files: Mapping[str, str]
) -> dict[str, Any]:
    """Return a record that lists more files."""
    more = {"in_template": in_template, "files": files}
    return {**record, **{key: {**record.get(key, {}), **each} for key, each in more.items()}}


def _grid_record(grid: Geometry) -> dict[str, Any]:
    return {"shape": list(grid.shape), "affine": grid.affine.tolist()}


def _grid(record: Mapping[str, Any]) -> Geometry:
    i, j, k = record["shape"]
    return Geometry((i, j, k), np.array(record["affine"], np.float64))
