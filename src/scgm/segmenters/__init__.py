"""The methods that find cord and gray matter, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from scgm.errors import ModelError
from scgm.models import DEFAULT_MODEL
from scgm.segmenters.base import CordHint, Probabilities, Segmenter
from scgm.segmenters.ddc_published import load_published
from scgm.segmenters.onnx_model import Device, OnnxModel, load_model

__all__ = [
    "METHODS",
    "CordHint",
    "Device",
    "MethodSettings",
    "OnnxModel",
    "Probabilities",
    "Segmenter",
    "load_model",
    "methods",
    "open_method",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodSettings:
    """What a method may be told before it starts; each takes what concerns it."""

    model: str | Path | None = None
    device: Device = "auto"
    threads: int | None = None


def _default(settings: MethodSettings) -> Segmenter:
    return load_model(
        settings.model or DEFAULT_MODEL, device=settings.device, threads=settings.threads
    )


def _ddc_published(settings: MethodSettings) -> Segmenter:
    return load_published(settings.model, threads=settings.threads)


METHODS: Mapping[str, Callable[[MethodSettings], Segmenter]] = MappingProxyType(
    {"default": _default, "ddc-published": _ddc_published}
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
    """
    if name not in METHODS:
        msg = f"there is no method {name!r}; known: {', '.join(METHODS)}"
        raise ModelError(msg)
    return METHODS[name](settings)
