"""Build an atlas from a data set: read labeled slices, train the method, write the result."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from scgm.artifacts.atlases import ATLASES, Atlas, write_atlas
from scgm.datasets import DataSet
from scgm.errors import UsageError
from scgm.segmenters.classical.labeled_slices import LabeledSlices, labeled_slices
from scgm.segmenters.methods import METHODS, resolve
from scgm.version import __version__

# Methods that have an atlas.
LEARNING = tuple(name for name, method in METHODS.items() if method.build)


@dataclass(frozen=True, slots=True, kw_only=True)
class AtlasOptions:
    """Every choice that ``scgm atlas build`` leaves to the user.

    Parameters
    ----------
    method : str
        One of `LEARNING`.
    leave_out : tuple of str
        Sites that are not read.
    settings : mapping
        Settings of the method by name, as its ``build`` takes them.
    description, license : str
        For the card.
    overwrite : bool
        Replace an earlier atlas.
    """

    method: str
    leave_out: tuple[str, ...] = ()
    settings: Mapping[str, Any] | None = None
    description: str = "Made by scgm atlas build"
    license: str = "as the images it was made from"
    overwrite: bool = False


def build_atlas(dataset: DataSet, output: Path, options: AtlasOptions) -> Atlas:
    """Build the atlas of a method from a data set.

    Parameters
    ----------
    dataset : DataSet
        Images; used are the slices with both gray matter and cord drawn on them.
    output : Path
        The ``.npz`` file; its card lies beside it.

    Raises
    ------
    UsageError
        If the method has no atlas, or a setting is unknown.
    DataSetError
        If no labeled slice is left.
    OutputError
        If a file exists already, or cannot be written.
    """
    learn = _learning(options.method)
    settings = dict(options.settings or {})
    _check_settings(options.method, learn, settings)
    ATLASES.check_target(output, overwrite=options.overwrite)  # before the work, which takes long
    slices = labeled_slices(dataset, options.leave_out)
    arrays = learn(slices, **settings)
    known = {
        "method": options.method,
        "version": __version__,
        "description": options.description,
        "license": options.license,
        "created": datetime.now(UTC).date().isoformat(),
        "settings": settings,
        "training": {"sites": sorted(set(slices.sites)), "slices": len(slices.gm)},
        "data": _origin(dataset, slices),
    }
    return write_atlas(output, arrays, known, overwrite=options.overwrite)


def _learning(method: str) -> Callable[..., Mapping[str, Any]]:
    build = METHODS[method].build if method in METHODS else None
    if build is None:
        msg = f"method {method} has no atlas; those that have one: {', '.join(LEARNING)}"
        raise UsageError(msg)
    learn: Callable[..., Mapping[str, Any]] = resolve(build)
    return learn


def _check_settings(
    method: str, learn: Callable[..., Mapping[str, Any]], settings: Mapping[str, Any]
) -> None:
    _, *known = inspect.signature(learn).parameters
    unknown = sorted(set(settings) - set(known))
    if unknown:
        msg = (
            f"--set {unknown[0]}: method {method} has no such setting; "
            f"known: {', '.join(known) or 'none'}"
        )
        raise UsageError(msg)


def _origin(dataset: DataSet, slices: LabeledSlices) -> tuple[str, ...]:
    """Return the images that were used, by their names and the folders that they lie in."""
    used = [case.image.resolve() for case in dataset.cases if case.name in slices.names]
    return tuple(f"{image.parent.name}/{image.name}" for image in used)
