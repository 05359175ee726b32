"""Every choice that segmentation leaves to the user."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from scgm.errors import UsageError
from scgm.io.read import VolumeChoice
from scgm.segmenters.registry import Device


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentOptions:
    """Every choice that `segment` and ``scgm segment`` leave to the user.

    Parameters
    ----------
    method : str
        A name out of `scgm.methods`.
    model : str or Path, optional
        Name or path of what the method has learned: a model (``.onnx``) or an atlas (``.npz``),
        each with its card beside it; by default the method's own.
    cord_model : str or Path, optional
        Name or path of the model that finds the cord, for a method that does not.
    threshold : float, optional
        Probability from which on a pixel counts, above 0 and below 1; by default the model's.
    centre : (x, y), optional
        Center of the cord in voxels, along the two in-plane axes of the image, in their order.
    cord : str, Path or nibabel image, optional
        Mask of the cord on the image's grid: voxels of at least 0.5 are cord.
    device : {"auto", "cpu", "cuda"}
        Where a model runs.
    volume : int or "mean", optional
        Which volume of a 4D image.
    threads : int, optional
        Processor threads; by default the variable SCGM_THREADS, else all.

    Raises
    ------
    UsageError
        If the choices contradict each other or make no sense.
    """

    method: str = "default"
    model: str | Path | None = None
    cord_model: str | Path | None = None
    threshold: float | None = None
    centre: tuple[float, float] | None = None
    cord: Any = None
    device: Device = "auto"
    volume: VolumeChoice = None
    threads: int | None = None

    def __post_init__(self) -> None:
        if self.threshold is not None and not 0 < self.threshold < 1:
            msg = f"the threshold is {self.threshold:g}; give a value above 0 and below 1"
            raise UsageError(msg)
        if self.centre is not None and self.cord is not None:
            msg = "a center and a mask of the cord exclude each other; give one of them"
            raise UsageError(msg)


DEFAULT_OPTIONS = SegmentOptions()


def recorded(options: SegmentOptions) -> dict[str, Any]:
    """Return the options as they are written to the record of a result."""
    values = {field.name: getattr(options, field.name) for field in fields(options)}
    for name in ("model", "cord_model"):
        if values[name] is not None:
            values[name] = str(values[name])
    if options.cord is not None:
        in_file = isinstance(options.cord, str | Path)
        values["cord"] = str(options.cord) if in_file else "an image in memory"
    return values
