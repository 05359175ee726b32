"""Starts the methods of the table by their names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from scgm.artifacts.atlases import read_atlas
from scgm.artifacts.models import DEFAULT_MODEL
from scgm.errors import ModelError, UsageError
from scgm.image.patches import WindowMethod
from scgm.segmenters.base import CordHint, Probabilities, Segmenter
from scgm.segmenters.ddc_published import load_published
from scgm.segmenters.methods import METHODS, Learned, MethodSpec, resolve
from scgm.segmenters.onnx import OnnxModel, load_model
from scgm.segmenters.runtime import Device
from scgm.segmenters.within_cord import InCord

__all__ = [
    "METHODS",
    "CordHint",
    "Device",
    "MethodSettings",
    "MethodSpec",
    "OnnxModel",
    "Probabilities",
    "Segmenter",
    "load_model",
    "methods",
    "open_method",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodSettings:
    """What a method may be told before it starts; each takes what concerns it.

    Parameters
    ----------
    model : str or Path, optional
        What the method has learned: a model, an atlas or weights.
    cord_model : str or Path, optional
        The model that finds the cord for a method which does not.
    device : {"auto", "cpu", "cuda"}
        Where a model runs.
    threads : int, optional
        Processor threads.

    Raises
    ------
    UsageError
        If the name of a model is empty.
    """

    model: str | Path | None = None
    cord_model: str | Path | None = None
    device: Device = "auto"
    threads: int | None = None

    def __post_init__(self) -> None:
        for option, value in (("model", self.model), ("cord-model", self.cord_model)):
            if value is not None and not str(value).strip():
                msg = f"--{option} is empty; give a name or a file, or omit it"
                raise UsageError(msg)


def methods() -> tuple[str, ...]:
    """Return the names that `--method` and ``scgm.segment(method=...)`` know."""
    return tuple(METHODS)


def open_method(name: str, settings: MethodSettings) -> Segmenter:
    """Start the method *name*.

    Raises
    ------
    ModelError
        If it cannot start.
    UsageError
        If there is no such method, or it is told what does not concern it.
    """
    if name not in METHODS:
        msg = f"there is no method {name[:100]!r}; known: {', '.join(METHODS)}"
        raise UsageError(msg)
    method = METHODS[name]
    if settings.cord_model is not None and not method.needs_cord:
        found = "finds the cord itself" if method.cord_source == "itself" else "uses no cord"
        msg = f"method {name} {found} and takes no --cord-model; omit it"
        raise UsageError(msg)
    return _OPENERS[method.learned](method, settings)


def _graph(method: MethodSpec, settings: MethodSettings) -> Segmenter:
    model = load_model(
        settings.model or method.name, device=settings.device, threads=settings.threads
    )
    of = model.file.card.method
    if of != method.name:
        advice = f"use --method {of}" if of in METHODS else "use another --model"
        msg = f"{model.file.path}: this model is for method {of}, not for {method.name}; {advice}"
        raise ModelError(msg)
    return model


def _published(method: MethodSpec, settings: MethodSettings) -> Segmenter:
    finder = _cord_finder(settings) if method.needs_cord else None
    return load_published(
        settings.model, name=method.name, cord_finder=finder, threads=settings.threads
    )


def _with_atlas(method: MethodSpec, settings: MethodSettings) -> Segmenter:
    atlas = read_atlas(settings.model or method.name, method.name)
    return _in_cord(_window_method(method, atlas), settings)


def _without_atlas(method: MethodSpec, settings: MethodSettings) -> Segmenter:
    if settings.model is not None:
        msg = f"method {method.name} has no trained model; omit --model"
        raise UsageError(msg)
    return _in_cord(_window_method(method), settings)


def _window_method(method: MethodSpec, *learned: object) -> WindowMethod:
    assert method.open is not None
    opened: WindowMethod = resolve(method.open)(*learned)
    return opened


def _in_cord(method: WindowMethod, settings: MethodSettings) -> InCord:
    return InCord(method, _cord_finder(settings))


def _cord_finder(settings: MethodSettings) -> OnnxModel:
    model = settings.cord_model or DEFAULT_MODEL
    return load_model(model, device=settings.device, threads=settings.threads)


_OPENERS: Mapping[Learned, Callable[[MethodSpec, MethodSettings], Segmenter]] = MappingProxyType(
    {
        "graph": _graph,
        "atlas": _with_atlas,
        "published": _published,
        "nothing": _without_atlas,
    }
)
