"""The command that repeats a result, from its record."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

from scgm.report.records import Record
from scgm.segmentation.outputs import listed_mask
from scgm.segmentation.result import Label

_OPTIONS = (
    *("model", "cord_model", "threshold", "center", "cord", "centerline", "volume"),
    *("voxel_size_from", "slice_axis", "series"),
)
_FILES = ("model", "cord_model", "cord", "centerline")


def repeating_command(record: Record) -> str:
    """Return the command line that makes the same result from the same image; no folders."""
    parts = ["scgm", "segment", _file_word(record.input.file or "IMAGE.nii.gz")]
    parts += _method(record.method)
    parts += [word for name in _OPTIONS for word in _option(name, record.options)]
    if record.options.get("device") not in (None, "auto"):
        parts += ["--device", str(record.options["device"])]
    flags = ("slices_in_time", "keep_identifiers")
    parts += [f"--{name.replace('_', '-')}" for name in flags if record.options.get(name)]
    if listed_mask(record.name, record.files, Label.GM, soft=True) in record.files:
        parts.append("--soft")
    return shlex.join(parts)


def _method(method: str) -> list[str]:
    return [] if method == "default" else ["--method", method]


def _option(name: str, options: Mapping[str, Any]) -> list[str]:
    value = options.get(name)
    if value is None:
        return []
    if name in _FILES:
        value = PurePath(str(value)).name  # the report names no folders
    if isinstance(value, list | tuple):
        value = ",".join(f"{each:g}" if isinstance(each, float) else str(each) for each in value)
    return [f"--{name.replace('_', '-')}", str(value)]


def _file_word(name: str) -> str:
    return f"./{name}" if name.startswith("-") else name
