"""The files of a result in a cohort: all of them, or the reason why there is none."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from scgm.cohort.choices import CohortChoices, Naming
from scgm.cohort.scans import Scan
from scgm.errors import ImageReadError
from scgm.image.orientation import from_axial
from scgm.io.atomic import write_json
from scgm.io.font_cache import use_quiet_font_cache
from scgm.io.hashing import sha256_of_file
from scgm.io.nifti.write import as_nifti, write_nifti
from scgm.io.paths import is_safe_name
from scgm.io.read import image_checksum
from scgm.io.text import name_text
from scgm.io.transaction import checksums, file_set
from scgm.segmentation.measurements import measure
from scgm.segmentation.outputs import (
    label_file,
    other_choices,
    possible_names,
    read_record,
    record_file,
    record_of,
    write_table,
)
from scgm.segmentation.result import LABELS, Label, Result

FAILED = "_failed.json"
# Where a value of the label map stands for a tissue, as BIDS numbers them.
LABEL_VALUES = {Label.GM: 1, Label.WM: 2}
WORDS = {Label.GM: "gray matter", Label.WM: "white matter", Label.CORD: "spinal cord"}


@dataclass(frozen=True, slots=True)
class Derivatives:
    """The files of one image's result, in the folder of results."""

    scan: Scan
    choices: CohortChoices

    @property
    def folder(self) -> Path:
        """Where they lie."""
        return self.choices.output / self.scan.folder

    @property
    def record(self) -> dict[str, Any] | None:
        """What the record of the result says; None if there is none."""
        return read_record(self.folder, self.scan.name)

    @property
    def failure_file(self) -> Path:
        """Where it is said why there is no result."""
        return self.folder / f"{self.scan.name}{FAILED}"

    def mask_file(self, label: Label, *, soft: bool = False) -> str:
        """Return the file name of a mask or a map."""
        if self.choices.naming is Naming.sct:
            return label_file(self.scan.name, label, soft=soft)
        name = self.scan.file("probseg" if soft else "mask", label=label.suffix)
        return f"{name}.nii.gz"

    def names(self) -> tuple[str, ...]:
        """Return every name that a file of the result can have, now or in an earlier run."""
        images = [self.mask_file(label, soft=soft) for label in LABELS for soft in (False, True)]
        images.append(f"{self.scan.file('dseg')}.nii.gz")
        own = [*images, *map(_sidecar, images), *possible_names(self.scan.name)]
        earlier = (self.record or {}).get("files", {})
        listed = [name for name in earlier if is_safe_name(name)]
        return tuple(dict.fromkeys((*own, self.failure_file.name, *listed)))

    def claims(self, folder: Path) -> dict[str, str]:
        """Return the files that may be replaced: those of the record, and a failure."""
        claimed = {str(k): str(v) for k, v in ((self.record or {}).get("files") or {}).items()}
        files = [folder / record_file(self.scan.name)] if claimed else []
        if read_failure(self.failure_file) is not None:
            files.append(self.failure_file)
        return {**claimed, **checksums(files)}

    def state(self, made_from: Mapping[str, Any]) -> str:
        """Say whether the result is there: "done", "edited" (a file of it was changed) or "".

        Parameters
        ----------
        made_from : mapping
            Fields of the record that must be the same, such as "version" and "model".
        """
        try:
            return self.known_state(made_from)
        except (ImageReadError, OSError):
            return ""

    def known_state(self, made_from: Mapping[str, Any]) -> str:
        """Say the same as `state`, but raise if it cannot be told.

        Raises
        ------
        ImageReadError, OSError
            If a file cannot be read now.
        """
        record = self.record
        if record is None or other_choices(record, made_from):
            return ""
        try:
            sha256, files = record["input"]["sha256"], record["files"]
        except (KeyError, TypeError):
            return ""
        if not (self.scan.image.is_file() or self.scan.image.is_dir()):
            raise FileNotFoundError(self.scan.image)
        if sha256 != image_checksum(self.scan.image, self.choices.options.reading()):
            return ""
        return self._whole(files)

    def forget_failure(self) -> None:
        """Remove what an earlier run wrote of a failure."""
        if read_failure(self.failure_file) is not None:
            self.failure_file.unlink(missing_ok=True)

    def save(self, result: Result) -> None:
        """Write all files of a result, or none.

        Raises
        ------
        OutputError
            If a file is in the way that scgm did not write, or they cannot be written.
        """
        with self._file_set() as staging:
            written = self._write(result, staging)
            record = record_of(result, written)
            # The same image gives the same bytes, however long it took.
            del record["seconds"]
            made = {**record, "source": name_text(self.scan.source)}
            write_json(staging / record_file(self.scan.name), made)

    def save_failure(self, reason: str) -> None:
        """Write why there is no result; an earlier result is removed.

        Raises
        ------
        OutputError
            As from `save`.
        """
        content = {"source": name_text(self.scan.source), "reason": reason}
        with self._file_set() as staging:
            write_json(staging / self.failure_file.name, content)

    def _file_set(self) -> Any:
        return file_set(self.folder, self.names(), overwrite=True, claims=self.claims)

    def _write(self, result: Result, folder: Path) -> list[Path]:
        """Write all files of a result, but for its record."""
        written: list[Path] = []
        for label in result.labels:
            written += self._image(folder / self.mask_file(label), result.mask(label), label)
        if self.choices.soft:
            for label in result.labels:
                path = folder / self.mask_file(label, soft=True)
                written += self._image(path, result.probability(label), label)
        if self.choices.naming is Naming.bids:
            path = folder / f"{self.scan.file('dseg')}.nii.gz"
            written += self._image(path, label_map(result), None)
        table = folder / f"{self.scan.name}_measurements.csv"
        write_table(measure(result), table)
        return [*written, table, *self._picture(result, folder)]

    def _image(self, path: Path, image: Any, label: Label | None) -> list[Path]:
        write_nifti(image, path)
        if self.choices.naming is Naming.sct:
            return [path]
        sidecar = path.with_name(_sidecar(path.name))
        write_json(sidecar, sidecar_of(path.name, label, self.scan.source))
        return [path, sidecar]

    def _picture(self, result: Result, folder: Path) -> list[Path]:
        if not self.choices.picture:
            return []
        use_quiet_font_cache()
        from scgm.segmentation.qc_figure import four_panels  # noqa: PLC0415  (imports matplotlib)

        path = folder / f"{self.scan.name}_qc.png"
        four_panels(result).savefig(path)
        return [path]

    def _whole(self, files: Mapping[str, str]) -> str:
        """Say what became of the files that a record lists."""
        expected = {self.mask_file(Label.GM)}
        if self.choices.soft:
            expected.add(self.mask_file(Label.GM, soft=True))
        if self.choices.picture:
            expected.add(f"{self.scan.name}_qc.png")
        paths = [self.folder / name for name in files if is_safe_name(name)]
        if not {name_text(name) for name in expected} <= files.keys() or len(paths) < len(files):
            return ""
        if not all(path.is_file() for path in paths):
            return ""
        same = all(sha256_of_file(path) == files[name_text(path.name)] for path in paths)
        return "done" if same else "edited"


def label_map(result: Result) -> Any:
    """Return the label map of a result, a nibabel image: 1 gray matter, 2 white matter."""
    values = np.zeros(result.stack.slices.shape, np.uint8)
    for label, value in LABEL_VALUES.items():
        if label in result.labels:
            values[result.axial_mask(label)] = value
    return as_nifti(from_axial(result.stack, values), result.volume, dtype=np.uint8)


def sidecar_of(name: str, label: Label | None, source: str) -> dict[str, Any]:
    """Return the sidecar of a derivative, as BIDS has it."""
    what = "gray and white matter of the spinal cord" if label is None else WORDS[label]
    kind = {"mask": "Mask", "dseg": "Label map", "probseg": "Probability"}
    word = next(word for suffix, word in kind.items() if name.endswith(f"_{suffix}.nii.gz"))
    more = {"Type": "ROI"} if word == "Mask" else {}
    return {
        "Description": f"{word} of {what}",
        **more,
        "Sources": [f"bids:raw:{name_text(source)}"],
        "SpatialReference": "orig",
        "Manual": False,
    }


def read_failure(file: Path) -> dict[str, str] | None:
    """Read why an image has no result; None if the file does not say it."""
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    sound = isinstance(content, dict) and content.keys() == {"source", "reason"}
    return {key: str(value) for key, value in content.items()} if sound else None


def _sidecar(image: str) -> str:
    return re.sub(r"\.nii\.gz$", ".json", image)
