"""Worker: run one method on one image, ``python -m scgm.benchmark.worker``.

It is given a description (JSON) and writes one file, which appears whole or not at all. Whatever
goes wrong ends it with a status above 0 and one sentence on the last line of stderr.
"""

from __future__ import annotations

import json
import math
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from scgm.errors import ScgmError, UsageError
from scgm.io.parent import end_with_parent
from scgm.segmentation.options import SegmentOptions
from scgm.segmentation.pipeline import open_segmenter, segment
from scgm.segmentation.result import Label
from scgm.segmentation.status import SliceStatus

_KIB = 1024


def run(description: dict[str, Any], result: Path) -> None:
    """Segment one image, and write masks, times and memory.

    Parameters
    ----------
    description : dict
        ``image``, ``method``, ``model``, ``cord_model``, ``cord`` (file of a mask) and
        ``threads``; each can be None. ``parent`` is the process that started this one. Without an
        image the method is only started, and nothing is written. ``save`` is a folder in which the
        files of the result are written, as by ``scgm segment --soft``, and ``name`` what they are
        called.
    result : Path
        An ``.npz`` file: ``mask`` (Z, Y, X) bool, ``soft`` (Z, Y, X) float32, ``ok`` (Z,) bool for
        slices that are not flagged, ``seconds`` from the file to the masks with the method already
        started, ``peak_mib`` of this process.
    """
    options = SegmentOptions(
        method=description["method"],
        model=description["model"],
        cord_model=description["cord_model"],
        cord=description["cord"],
        threads=description["threads"],
        device="cpu",
        name=description.get("name"),
    )
    segmenter = open_segmenter(options)
    if description["image"] is None:
        return
    started = time.perf_counter()
    found = segment(description["image"], options, segmenter=segmenter)
    seconds = time.perf_counter() - started
    if description.get("save") is not None:
        found.save(description["save"], soft=True)
    part = result.with_name(f"{result.name}.part")
    with part.open("wb") as file:
        np.savez_compressed(
            file,
            mask=found.axial_mask(Label.GM),
            soft=found.axial_probability(Label.GM),
            ok=np.array([status is SliceStatus.OK for status in found.status]),
            seconds=seconds,
            peak_mib=peak_mib(),
            warnings=np.array(found.volume.warnings, np.str_),
        )
    part.replace(result)


def peak_mib() -> float:
    """Return the most memory that this process ever held, in MiB.

    The kernel's own count for this program is preferred: that of `getrusage` starts, on Linux, with
    what the process that started this one had held before.
    """
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
        return float(next(line.split()[1] for line in lines if line.startswith("VmHWM"))) / _KIB
    except (OSError, StopIteration):
        pass
    try:
        import resource  # noqa: PLC0415  (not on every system)
    except ImportError:
        return math.nan
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / _KIB**2 if sys.platform == "darwin" else peak / _KIB


def main(arguments: list[str]) -> int:
    """Run what a file describes; return the exit status."""
    description, result = map(Path, arguments)
    fields = json.loads(description.read_text(encoding="utf-8"))
    if fields.get("parent") is not None:
        end_with_parent(fields["parent"])
    try:
        run(fields, result)
    except (ScgmError, UsageError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
