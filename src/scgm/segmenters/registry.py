"""The methods that find cord and gray matter, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from scgm.artifacts.atlases import read_atlas
from scgm.artifacts.models import DEFAULT_MODEL
from scgm.errors import ModelError, UsageError
from scgm.segmenters.base import CordHint, Probabilities, Segmenter
from scgm.segmenters.ddc_published import load_published
from scgm.segmenters.onnx import Device, OnnxModel, load_model
from scgm.segmenters.within_cord import InCord

__all__ = [
    "METHODS",
    "CordHint",
    "Device",
    "Learned",
    "Method",
    "MethodSettings",
    "OnnxModel",
    "Probabilities",
    "Segmenter",
    "load_model",
    "methods",
    "open_method",
]

# What a method is given as its model: an ONNX graph, an atlas, the file that others published, or
# nothing, as it learns nothing.
Learned = Literal["graph", "atlas", "published", "nothing"]


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
    """

    model: str | Path | None = None
    cord_model: str | Path | None = None
    device: Device = "auto"
    threads: int | None = None


@dataclass(frozen=True, slots=True)
class Method:
    """A method in the table: how it starts, and what it has learned."""

    open: Callable[[MethodSettings], Segmenter]
    learned: Learned

    @property
    def needs_cord(self) -> bool:
        """Whether another model finds the cord for it."""
        return self.learned in ("atlas", "nothing")


def _graph(name: str) -> Method:
    def start(settings: MethodSettings) -> Segmenter:
        return load_model(settings.model or name, device=settings.device, threads=settings.threads)

    return Method(start, "graph")


def _published(settings: MethodSettings) -> Segmenter:
    return load_published(settings.model, threads=settings.threads)


def _with_atlas(name: str) -> Method:
    def start(settings: MethodSettings) -> Segmenter:
        atlas = read_atlas(settings.model or name, name)
        module = import_module(f"scgm.segmenters.classical.{name}")
        return InCord(getattr(module, f"open_{name}")(atlas), _cord_finder(settings))

    return Method(start, "atlas")


def _without_atlas(name: str) -> Method:
    def start(settings: MethodSettings) -> Segmenter:
        if settings.model is not None:
            msg = f"method {name} learns nothing and takes no --model; leave it away"
            raise UsageError(msg)
        module = import_module(f"scgm.segmenters.classical.{name}")
        return InCord(getattr(module, f"open_{name}")(), _cord_finder(settings))

    return Method(start, "nothing")


def _cord_finder(settings: MethodSettings) -> OnnxModel:
    model = settings.cord_model or DEFAULT_MODEL
    return load_model(model, device=settings.device, threads=settings.threads)


METHODS: Mapping[str, Method] = MappingProxyType(
    {
        "default": _graph(DEFAULT_MODEL),
        "ddc": _graph("ddc"),
        "unet": _graph("unet"),
        "deepseg": _graph("deepseg"),
        "ddc-published": Method(_published, "published"),
        "gsbme": _without_atlas("gsbme"),
        "jcscs": _with_atlas("jcscs"),
        "mgac": _with_atlas("mgac"),
        "sct": _with_atlas("sct"),
        "vbem": _with_atlas("vbem"),
    }
)


def methods() -> tuple[str, ...]:
    """Return the names that `--method` and ``scgm.segment(method=...)`` know."""
    return tuple(METHODS)


def open_method(name: str, settings: MethodSettings) -> Segmenter:
    """Start the method *name*.

    Raises
    ------
    ModelError
        If there is no such method, or it cannot start.
    UsageError
        If it is told what does not concern it.
    """
    if name not in METHODS:
        msg = f"there is no method {name!r}; known: {', '.join(METHODS)}"
        raise ModelError(msg)
    method = METHODS[name]
    if settings.cord_model is not None and not method.needs_cord:
        msg = f"method {name} finds the cord itself and takes no --cord-model; leave it away"
        raise UsageError(msg)
    return method.open(settings)
