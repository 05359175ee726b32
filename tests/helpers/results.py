"""Results of the stand-in, saved as `scgm segment` saves them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scgm.segmentation.options import SegmentOptions
from scgm.segmentation.outputs import OutputOptions
from scgm.segmentation.pipeline import segment
from tests.helpers.standin import cord_voxels, save_scan, write_model


def save_result(
    folder: Path,
    name: str = "t2s",
    voxels: NDArray[np.float32] | None = None,
    *,
    images: Path | None = None,
    soft: bool = True,
) -> Path:
    """Segment a scan for the stand-in, and return the record of the result.

    The scan lies in *images*, by default beside its result.
    """
    place = images or folder
    for each in (folder, place, place / "model"):
        each.mkdir(parents=True, exist_ok=True)
    image = save_scan(place / f"{name}.nii.gz", cord_voxels() if voxels is None else voxels)
    options = SegmentOptions(model=write_model(place / "model"))
    segment(image, options).save(folder, OutputOptions(soft=soft))
    return folder / f"{name}_seg.json"


def with_gray_matter(width: int, height: int = 4, slices: int = 5) -> NDArray[np.float32]:
    """Return a scan for the stand-in with gray matter of a quarter mm2 times width and height."""
    voxels = cord_voxels(slices)
    voxels[30:50, 10:26] = 1
    voxels[32 : 32 + width, 14 : 14 + height] = 2
    return voxels


def edit(path: Path, change: Callable[[dict[str, Any]], object]) -> Path:
    """Change the content of a JSON file."""
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))
    return path
