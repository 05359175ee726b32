"""Prepared training data, kept: cut and resampled once, read back in a moment."""

import json
from collections.abc import Callable, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

from safetensors import SafetensorError
from safetensors.torch import load_file

from scgm.io.hashing import sha256_of
from scgm.io.paths import cache
from scgm.training.config.sources import Source
from scgm.training.engine.files import write_tensors
from scgm.version import __version__

# Raised whenever what is prepared changes its meaning: what was kept before is made again.
FORMAT = 1

Prepared = TypeVar("Prepared")


def cache_folder() -> Path | None:
    """Return where prepared data are kept; None if the user wants no cache."""
    folder = cache()
    return None if folder is None else folder / "prepared"


def kept(
    kind: type[Prepared],
    key: str,
    make: Callable[[], Prepared],
) -> Prepared:
    """Return a dataclass of tensors from the cache, or make it and keep it there.

    Parameters
    ----------
    kind
        The dataclass; all its fields are tensors.
    key
        As from `key_of`.
    make
        Makes it.
    """
    folder = cache_folder()
    if folder is None:
        return make()
    path = folder / f"{kind.__name__.lower()}-{key}.safetensors"
    names = [field.name for field in fields(kind)]  # type: ignore[arg-type]
    try:
        held = load_file(path)
        return kind(*(held[name] for name in names))
    except (OSError, KeyError, ValueError, SafetensorError):
        pass  # not there, or not whole: made again
    made = make()
    folder.mkdir(parents=True, exist_ok=True)
    write_tensors(path, {name: getattr(made, name) for name in names})
    return made


def key_of(sources: Sequence[Source], root: Path, *more: Any) -> str:
    """Return what prepared data depends on, as a short checksum.

    Sources with size and time of change of each file, whatever else is given, and the version.
    """
    files = []
    for source in sources:
        for path in (source.image, source.gm, *source.cord):
            if path is not None and (root / path).exists():  # what is missing is refused later
                status = (root / path).stat()
                files.append((str(root / path), status.st_size, status.st_mtime_ns))
    told = [source.model_dump(mode="json") for source in sources]
    text = json.dumps([FORMAT, __version__, told, files, *more], sort_keys=True)
    return sha256_of(text)[:16]
