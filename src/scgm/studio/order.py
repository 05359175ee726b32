"""What the page asks to be done, checked: a description that a worker gets."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from scgm.segmenters.methods import METHODS

Region = Annotated[str, Field(pattern=r"^(cervical|thoracic|lumbar|[CTLS]\d{1,2})$")]
Choice = Annotated[str, Field(max_length=40, pattern=r"^[a-z0-9-]+$")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PhantomOrder(_Strict):
    """Parameters of a synthetic scan; `scgm.phantom` has their meaning."""

    region: Region = "cervical"
    contrast: Literal["t2star", "mt", "psir", "t1", "t2"] = "t2star"
    pixel_mm: Annotated[float, Field(ge=0.2, le=2)] = 0.5
    thickness_mm: Annotated[float, Field(ge=0.5, le=20)] = 5.0
    slices: Annotated[int, Field(ge=1, le=30)] = 10
    snr: Annotated[float, Field(ge=1, le=1000)] = 20.0
    rotation_deg: Annotated[float, Field(ge=-180, le=180)] = 0.0
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 1


class JobOrder(_Strict):
    """A job: an image out of three sources, and what is done with it.

    Exactly one of *upload*, *file* and *phantom* names the image. To save, *corrected* is a zip
    file that was sent, with the masks of a *file*. To look inside a network, *slice* is counted
    from below.
    """

    upload: Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")] | None = None
    file: Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")] | None = None
    phantom: PhantomOrder | None = None
    kind: Literal["segment", "save", "network"] = "segment"
    slice: Annotated[int, Field(ge=0, lt=100_000)] = 0
    corrected: Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")] | None = None
    method: Choice = "default"
    threshold: Annotated[float, Field(gt=0, lt=1)] | None = None
    volume: Annotated[int, Field(ge=0, lt=100_000)] | Literal["mean", "rms"] | None = None
    series: Annotated[int, Field(ge=0)] | Annotated[str, Field(max_length=200)] | None = None
    voxel_size_from: Literal["sform", "qform", "pixdim"] | None = None
    slices_in_time: bool = False

    def problem(self) -> str | None:
        """Return why this cannot be done, or None."""
        if sum(source is not None for source in (self.upload, self.file, self.phantom)) != 1:
            return "name one image: a file that was sent, one of the folder, or a phantom"
        if (self.kind == "save") != (self.corrected is not None and self.file is not None):
            return "corrected masks are saved beside an image of the folder"
        if self.method not in METHODS:
            return f"there is no method {self.method}"
        return None
