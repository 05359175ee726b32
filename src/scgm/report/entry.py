"""One image of a report: everything that the page shows of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import fmean
from typing import Any

from scgm.artifacts.models import MODELS
from scgm.errors import ModelError, ScgmError, UsageError
from scgm.image.orientation import AxialStack
from scgm.report.command import repeating_command
from scgm.report.images import ImageFolders, read_image
from scgm.report.masks import Masks, changed_files, read_masks
from scgm.report.pictures import pictures, thumbnail
from scgm.report.records import Record
from scgm.report.shape import contrast_to_noise, spread_over_size, width_over_height
from scgm.report.table import SliceRow, empty_rows, fill_rows
from scgm.version import __version__


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """An image as the page shows it.

    *notices* say what is wrong with its files, one sentence each. *folders* are those that they
    may name, which the page leaves out. *scores* are further columns of the list.
    """

    record: Record
    rows: list[SliceRow]
    pictures: dict[str, Any] | None
    thumbnail: str | None = None
    notices: list[str] = field(default_factory=list)
    folders: tuple[Path, ...] = ()
    scores: dict[str, float] = field(default_factory=dict)

    @property
    def flagged(self) -> int:
        """How many slices need a look."""
        return sum(not row.ok for row in self.rows)

    def features(self) -> dict[str, float | None]:
        """Return the means over the slices that are ok, by which images are compared."""
        fine = [row for row in self.rows if row.ok]
        gm, cord = (_mean([row.areas.get(label) for row in fine]) for label in ("GM", "SC"))
        return {
            "gm_area": gm,
            "cord_area": cord,
            "gm_ratio": gm / cord if gm is not None and cord else None,
            "cord_shape": _mean([row.cord_shape for row in fine]),
            "gm_spread": _mean([row.gm_spread for row in fine]),
            "confidence": _mean([row.confidence for row in fine]),
            "contrast": _mean([row.contrast for row in fine]),
        }

    def details(self) -> dict[str, Any]:
        """Return what the page shows when the image is chosen, ready for JSON."""
        record = self.record
        return {
            "rows": [asdict(row) for row in self.rows],
            "pictures": self.pictures,
            "made": _made(record),
            "card": model_card(record.model),
            "command": repeating_command(record),
        }


def read_entry(record: Record, folders: ImageFolders) -> Entry:
    """Read all that belongs to a record; what cannot be read becomes a notice.

    Raises
    ------
    RecordError
        If the record itself contradicts itself.
    """
    rows = empty_rows(record)
    notices: list[str] = []
    if record.version != __version__:
        notices.append(
            f"{record.path.name}: made by version {record.version} of scgm, not by {__version__}; "
            "compare it with others only if they were made alike"
        )
    notices += [f"{name}: it has changed since it was written" for name in changed_files(record)]
    _tried(notices, lambda: fill_rows(record, rows))
    drawn = _tried(notices, lambda: _drawn(record, folders, rows, notices))
    places = {path.parent for path in (record.path, *folders.candidates(record))}
    all_slices, small = drawn or (None, None)
    return Entry(record, rows, all_slices, small, notices, tuple(places))


def model_card(model: Mapping[str, str | None]) -> dict[str, str] | None:
    """Return what the card of a model says, if this machine has that very model by its name."""
    name = model.get("name")
    if not name:
        return None
    try:
        card = MODELS.read_card(name)
    except (ModelError, OSError):
        return None
    if card.sha256 != model.get("sha256"):
        return None
    sites = card.training.get("sites", ())
    return {
        "name": f"{card.name} {card.version} ({card.created})",
        "description": card.description,
        "license": card.license,
        "trained on": ", ".join(map(str, sites)) or f"{len(card.data)} images and labels",
    }


def _drawn(
    record: Record, folders: ImageFolders, rows: list[SliceRow], notices: list[str]
) -> tuple[dict[str, Any], str]:
    stack = read_image(record, folders)
    masks = read_masks(record, stack)
    notices += masks.notes
    _measure(rows, stack, masks)
    return pictures(stack, masks), thumbnail(stack, masks)


def _measure(rows: list[SliceRow], stack: AxialStack, masks: Masks) -> None:
    """Add contrast and shape to the slices."""
    pixel_mm = stack.spacing_mm[1:]
    for row in rows:
        gm = masks.gm[row.slice_is]
        row.gm_spread = spread_over_size(gm, pixel_mm)
        if masks.cord is not None:
            cord = masks.cord[row.slice_is]
            row.cord_shape = width_over_height(cord, pixel_mm)
            row.contrast = contrast_to_noise(stack.slices[row.slice_is], gm, cord)


def _tried(notices: list[str], do: Callable[[], Any]) -> Any:
    try:
        return do()
    except (ScgmError, UsageError) as error:
        notices.append(str(error))
    except OSError as error:
        notices.append(f"{error.filename or 'a file'}: it cannot be read ({error.strerror})")
    return None


def _made(record: Record) -> dict[str, str]:
    size = " x ".join(f"{mm:.3g}" for mm in record.input.voxel_size_mm)
    shape = " x ".join(map(str, record.input.shape))
    seconds = "" if record.seconds is None else f"{record.seconds:.1f}"
    made = {
        "image": record.input.file or "in memory",
        "voxels": f"{shape}, {size} mm" if shape and size else "",
        "SHA-256 of the image": record.input.sha256 or "",
        "method": record.method,
        "model": " ".join(filter(None, (record.model.get("name"), record.model.get("version")))),
        "SHA-256 of the model": record.model.get("sha256") or "",
        "threshold": f"{record.threshold:g}",
        "version of scgm": record.version,
        "seconds": seconds,
    }
    return {name: value for name, value in made.items() if value}


def _mean(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return fmean(known) if known else None
