"""Mosaics of Siemens: the slices of a volume as tiles of one picture."""

from __future__ import annotations

import math
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scgm.io.dicom.packages import silence
from scgm.io.dicom.tags import number, numbers, private, value, whole

_CSA = "SIEMENS CSA HEADER"
_MR = "SIEMENS MR HEADER"


@dataclass(frozen=True, slots=True)
class Mosaic:
    """How many tiles there are, how many lie side by side, and where the next slice lies."""

    count: int
    across: int
    step_mm: float
    normal: tuple[float, ...]

    def tile(self, picture: NDArray[Any], index: int) -> NDArray[Any]:
        """Return a tile (rows, columns) of the picture; they are read as a text is."""
        rows, columns = (size // self.across for size in picture.shape)
        down, right = divmod(index, self.across)
        return picture[down * rows : (down + 1) * rows, right * columns : (right + 1) * columns]


def mosaic_of(header: Any) -> Mosaic | None:
    """Return how a picture is divided, or None if Siemens' own tags that say it are gone.

    The order of the tiles follows the normal that Siemens writes, which can be opposite to that of
    the picture's rows and columns.
    """
    fields = _csa_fields(header)
    count = whole(private(header, _MR, 0x0A, 0x0019)) or whole(fields.get("NumberOfImagesInMosaic"))
    normal = numbers(fields.get("SliceNormalVector"), 3)
    step = number(value(header, "SpacingBetweenSlices")) or number(value(header, "SliceThickness"))
    if not count or normal is None or not step:
        return None
    if count < 1 or not math.isclose(np.linalg.norm(normal), 1, abs_tol=1e-2):
        return None
    return Mosaic(count, math.ceil(math.sqrt(count)), step, normal)


def _csa_fields(header: Any) -> dict[str, Any]:
    """Return the fields of Siemens' own header: the first value, or all where there are several."""
    content = private(header, _CSA, 0x10, 0x0029)
    if not isinstance(content, bytes):
        return {}
    try:
        with silence():
            tags = import_module("nibabel.nicom.csareader").read(content)["tags"]
    except Exception:  # noqa: BLE001  a damaged header says nothing
        return {}
    items = {name: tag["items"] for name, tag in tags.items()}
    return {name: found[0] if len(found) == 1 else found for name, found in items.items() if found}
