"""Which results a report shows, and what the record of each says."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, ValidationError

from scgm.errors import ImageReadError, RecordError
from scgm.io.hashing import sha256_of
from scgm.segmentation.outputs import record_file, result_name

RECORD_ENDING = record_file("")
# A record has some 80 bytes a slice.
_MOST_BYTES = 1 << 26

Number = Annotated[int, Field(ge=0)]


class _Part(BaseModel):
    """Fields that a later version adds are left alone."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class SliceRecord(_Part):
    """What a record says of one slice."""

    slice: Number
    slice_is: Number
    status: str


class InputRecord(_Part):
    """What a record says of the image."""

    file: str | None
    sha256: str | None
    shape: tuple[Number, ...] = ()
    voxel_size_mm: tuple[FiniteFloat, ...] = ()


class Record(_Part):
    """The record of a result, as `scgm segment` writes it, and where it lies."""

    path: Path
    version: str
    method: str
    model: dict[str, str | None]
    options: dict[str, Any]
    input: InputRecord
    warnings: tuple[str, ...] = ()
    seconds: FiniteFloat | None = None
    threshold: FiniteFloat
    slices: Annotated[tuple[SliceRecord, ...], Field(min_length=1)]
    files: dict[str, str]

    @property
    def name(self) -> str:
        """Name that the files of the result begin with."""
        return self.path.name.removesuffix(RECORD_ENDING)

    @property
    def title(self) -> str:
        """Name of the result for people: that given by the user, else of the image."""
        given = self.options.get("name")
        return (
            given if isinstance(given, str) and given else result_name(self.input.file or self.name)
        )

    @property
    def how(self) -> str:
        """Method, with its model where that has a name of its own, and whether it got the cord."""
        model = self.model.get("name")
        parts = [self.method]
        if model and model != self.method:
            parts.append(Path(model).stem if model.endswith(".onnx") else model)
        return ", ".join([*parts, *["cord given"] * (self.options.get("cord") is not None)])

    @property
    def key(self) -> str:
        """A name for exactly this result: another one for another image, masks or method."""
        made = [self.input.sha256, sorted(self.files.items()), self.method]
        return sha256_of(json.dumps(made))[:16]


def find_records(results: Iterable[Path]) -> list[Path]:
    """Return the records that are named, and those in folders that are named, each once.

    Raises
    ------
    ImageReadError
        If there is nothing of such a name, or it is no record.
    """
    found: list[Path] = []
    for path in results:
        if path.is_dir():
            found.extend(sorted(file for file in path.rglob(f"*{RECORD_ENDING}") if file.is_file()))
        elif path.name.endswith(RECORD_ENDING):
            found.append(path)
        else:
            what = "this is no record of a result" if path.exists() else "there is no such file"
            msg = f"{path}: {what}; give files *{RECORD_ENDING}, or folders that hold some"
            raise ImageReadError(msg)
    return list({path.absolute(): path for path in found}.values())


def is_foreign(path: Path) -> bool:
    """Tell whether a file is sound JSON that another program wrote, as a sidecar of BIDS."""
    try:
        content = _content(path)
    except RecordError:
        return False
    return not {"method", "slices", "files"} & content.keys()


def read_record(path: Path) -> Record:
    """Read a record.

    Raises
    ------
    RecordError
        If it is missing, damaged, or of a version that this one cannot read.
    """
    content = _content(path)
    try:
        return Record.model_validate({**content, "path": path})
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        msg = (
            f"{path}: this is no record that this version reads (version "
            f"{str(content.get('version', 'unknown'))[:40]}; {where}: {first['msg'].lower()}); "
            "segment the image again"
        )
        raise RecordError(msg) from error


def _content(path: Path) -> dict[str, Any]:
    try:
        if not path.is_file() and path.exists():  # reading a pipe would wait for its other end
            msg = f"{path}: this is no regular file; give the record of a result"
            raise RecordError(msg)
        if path.stat().st_size > _MOST_BYTES:
            msg = f"{path}: it is too large for a record of scgm; segment the image again"
            raise RecordError(msg)
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        msg = f"{path}: it cannot be read ({error.strerror or error}); check the path"
        raise RecordError(msg) from error
    except (ValueError, RecursionError) as error:
        msg = f"{path}: the record is damaged (no JSON); segment the image again"
        raise RecordError(msg) from error
    if not isinstance(content, dict):
        msg = f"{path}: this is no record of scgm; segment the image again"
        raise RecordError(msg)
    return content
