"""What a worker does with an image: show it, segment it, save all files of the result."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scgm.errors import ScgmError
from scgm.image.orientation import AxialStack, to_axial
from scgm.image.volume import Volume
from scgm.io.atomic import write_bytes
from scgm.io.nifti.write import as_nifti, grid_fields, write_nifti
from scgm.io.read import ReadOptions, read_volume
from scgm.phantom import Acquisition, draw_anatomy, make_phantom
from scgm.report.write import write_report
from scgm.segmentation.options import SegmentOptions
from scgm.segmentation.outputs import result_name
from scgm.segmentation.pipeline import open_segmenter, segment
from scgm.segmentation.result import Result
from scgm.segmenters.registry import Segmenter
from scgm.studio.bundle import pack
from scgm.studio.corrections import save_corrected
from scgm.studio.features import BRANCHES, SAMPLE_MM, see
from scgm.studio.sentences import for_page

Say = Callable[..., None]

SCAN, RESULT, NETWORK = "scan.bin", "result.bin", "network.bin"
BLOCKS = (SCAN, RESULT, NETWORK)
# What a page can hold and draw.
MOST_VOXELS = 1 << 27


def prepare() -> None:
    """Start the default method, so that the first image need not wait for it."""
    with suppress(ScgmError):  # what is wrong with it is told when it is used
        _started(SegmentOptions().method)


@cache
def _started(method: str) -> Segmenter:
    return open_segmenter(SegmentOptions(method=method))


def run(task: dict[str, Any], say: Say) -> None:
    """Do a job.

    Parameters
    ----------
    task : dict
        Fields of `scgm.studio.order.JobOrder`; ``path`` of the image where it is a file, and
        ``folder`` for what is made.
    say : callable
        Called with ``stage`` and ``ready``, the names of files that are finished.

    Raises
    ------
    ScgmError, UsageError
        If the image cannot be read or segmented.
    """
    folder = Path(task["folder"])
    say(stage="reading the image")
    path, truth = _source(task, folder)
    volume = read_volume(path, _reading(task))
    stack = to_axial(volume)
    if stack.slices.size > MOST_VOXELS:
        msg = f"{path.name}: it is too large for a page; crop it, or use 'scgm segment'"
        raise ScgmError(msg)
    if task["kind"] == "save":
        place = save_corrected(Path(task["masks"]), volume, Path(task["root"]), _reading(task))
        say(stage=place)
        return
    if task["kind"] == "network":
        say(stage="looking inside the network")
        write_bytes(folder / NETWORK, _network(stack, task["slice"]))
        say(stage="", ready=[NETWORK])
        return
    write_bytes(folder / SCAN, _scan(volume, stack, truth))
    say(stage="finding cord and gray matter", ready=[SCAN])
    _segment(task, volume, folder, say)


def _source(task: dict[str, Any], folder: Path) -> tuple[Path, dict[str, Any]]:
    """Return the file of the image, and for a phantom the true shares of its tissues."""
    if task.get("phantom") is None:
        return Path(task["path"]), {}
    wanted = task["phantom"]
    anatomy = draw_anatomy(np.random.default_rng(wanted["seed"]), wanted["region"])
    size = max(32, round(80 / wanted["pixel_mm"]))
    acquisition = Acquisition(
        shape=(wanted["slices"], size, size),
        spacing_mm=(wanted["thickness_mm"], wanted["pixel_mm"], wanted["pixel_mm"]),
        contrast=wanted["contrast"],
        snr=wanted["snr"],
    )
    anatomy = replace(anatomy, rotation_deg=wanted["rotation_deg"])
    phantom = make_phantom(anatomy, acquisition, seed=wanted["seed"])
    path = folder / f"phantom_{wanted['region']}_{wanted['contrast']}.nii.gz"
    write_nifti(as_nifti(phantom.volume.voxels, phantom.volume, dtype=np.float32), path)
    return path, {"truth_gm": phantom.gm, "truth_cord": phantom.cord}


def _reading(task: dict[str, Any]) -> ReadOptions:
    return ReadOptions(
        volume=task["volume"],
        voxel_size_from=task["voxel_size_from"],
        series=task["series"],
        slices_in_time=task["slices_in_time"],
    )


def _scan(volume: Volume, stack: AxialStack, truth: dict[str, Any]) -> bytes:
    """Return the slices of an image as a page draws them, and how it is stored."""
    arrays: dict[str, NDArray[Any]] = {"slices": stack.slices}
    if stack.missing is not None:
        arrays["missing"] = stack.missing
    arrays |= {name: stack.axes.to_stack(values) for name, values in truth.items()}
    fields = {
        "name": volume.source.name if volume.source else "image",
        "spacing": stack.spacing_mm,
        "order": stack.axes.order,
        "flipped": stack.axes.flipped,
        "affine": volume.geometry.affine.tolist(),
        "nativeShape": volume.native_shape,
        "pixelArea": stack.pixel_area_mm2,
        "sizeFrom": volume.voxel_size_from,
        "warnings": [for_page(line) for line in volume.warnings],
        "grid": grid_fields(volume),
    }
    return pack(fields, arrays)


def _segment(task: dict[str, Any], volume: Volume, folder: Path, say: Say) -> None:
    options = SegmentOptions(method=task["method"], threshold=task["threshold"])
    found = segment(volume, options, segmenter=_started(task["method"]))
    write_bytes(folder / RESULT, _result(found))
    say(stage="writing files", ready=[RESULT])
    made = folder / "files"
    written = found.save(made, soft=True)
    say(stage="writing the report", ready=[path.name for path in written])
    source = volume.source
    assert source is not None
    name = f"{result_name(source.name)}_report.html"
    write_report([made], made / name, images=[source])
    say(stage="", ready=[name])


def _network(stack: AxialStack, z: int) -> bytes:
    """Return what the dilated network makes of a slice; maps from 0 to 255, each on its own."""
    if z >= len(stack.slices):
        msg = f"there is no slice {z}; the image has {len(stack.slices)}"
        raise ScgmError(msg)
    seen = see(stack, z)
    low = seen.maps.min(axis=(2, 3), keepdims=True)
    span = np.maximum(np.ptp(seen.maps, axis=(2, 3), keepdims=True), np.float32(1e-6))
    fields = {
        "slice": z,
        "centre": seen.centre_px,
        "sample": SAMPLE_MM,
        "branches": [{"name": one.name, "reach": one.reach_mm} for one in BRANCHES],
    }
    shades = ((seen.maps - low) / span * 255).astype(np.uint8)
    return pack(fields, {"maps": shades, "gm": seen.gm, "without": seen.without})


def _result(found: Result) -> bytes:
    """Return what was found, in the box that holds the cord."""
    box, probabilities = found.box, found.probabilities
    arrays = {"gm": probabilities.gm}
    if probabilities.cord is not None:
        arrays["cord"] = probabilities.cord
    made_by = found.provenance
    fields = {
        "method": made_by.method,
        "model": f"{made_by.model['name']} {made_by.model.get('version') or ''}".strip(),
        "version": made_by.version,
        "threshold": found.threshold,
        "rows": box.rows,
        "columns": box.columns,
        "status": found.status,
        "confidence": found.confidence,
        "presence": [float(value) for value in probabilities.presence],
        "warnings": [for_page(line) for line in made_by.warnings],
        "seconds": made_by.seconds,
    }
    return pack(fields, arrays)
