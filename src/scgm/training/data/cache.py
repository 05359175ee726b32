"""A cache of prepared training data, which takes long to make."""

import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

from scgm.errors import ConfigError, ModelError, OutputError
from scgm.io.hashing import sha256_of
from scgm.io.paths import cache
from scgm.training.config.sources import Source
from scgm.training.engine.files import read_tensors, write_tensors
from scgm.version import __version__

# Increased whenever prepared data change their meaning: what was cached before is made again.
FORMAT = 6

Prepared = TypeVar("Prepared")


def cache_folder() -> Path | None:
    """Return where prepared data are kept.

    None if the user wants no cache, or there is no home folder for it.
    """
    try:
        folder = cache()
    except ConfigError:
        return None
    return None if folder is None else folder / "prepared"


def cached(
    kind: type[Prepared],
    key: str,
    make: Callable[[], Prepared],
) -> Prepared:
    """Return a dataclass of tensors from the cache, or make it and put it there.

    Where the cache cannot be written, it is made every time.

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
        held, _ = read_tensors(path)
        return kind(*(held[name] for name in names))
    except (ModelError, KeyError):
        pass  # not there, or damaged: made again
    made = make()
    with suppress(OSError, OutputError):
        folder.mkdir(parents=True, exist_ok=True)
        write_tensors(path, {name: getattr(made, name) for name in names})
    return made


def key_of(sources: Sequence[Source], root: Path, *more: Any) -> str:
    """Return a short checksum of everything that prepared data depend on.

    These are the sources with size and time of change of each file, whatever else is given, and the
    version of the package.
    """
    files = []
    for source in sources:
        for path in source.files:
            status = (root / path).stat()
            files.append((str(root / path), status.st_size, status.st_mtime_ns))
    told = [source.model_dump(mode="json") for source in sources]
    text = json.dumps([FORMAT, __version__, told, files, *more], sort_keys=True)
    return sha256_of(text)[:16]
