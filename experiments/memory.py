"""Measures the memory that reading an image, and all of ``scgm segment``, take for each voxel.

``python -m experiments.memory [--segment] [--shape I J K] [--type int16]`` tiles a real scan to the
shape, runs each step in a process of its own and makes one row: the peak of resident memory less
that of the same process before it reads, by the number of voxels. ``--segment`` runs the whole
command, too. Without a shape it takes 512 x 512 x 100, 512 x 512 x 400 and 2000 x 2000 x 20; with
``--segment`` it writes them into the results page. A line through the first two tells the constant
part.
"""

import argparse
import math
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np

from experiments.evidence import DATA
from experiments.markdown import Row, table
from experiments.results_page import replace_section
from scgm.io.nifti.header import MAX_VOXELS

SCAN = DATA / "gm-challenge/sub-9418/anat/sub-9418_run-1_T2starw.nii.gz"
SHAPES = ((512, 512, 100), (512, 512, 400), (2000, 2000, 20))

# What is there before an image is read: the libraries, and for a segmentation also the model.
STEPS = {
    "read": (
        "from scgm.io.read import read_volume",
        "read_volume(sys.argv[1])",
    ),
    "segment": (
        "import scgm; model = scgm.load_model('default'); from pathlib import Path",
        "scgm.segment(sys.argv[1], segmenter=model).save(Path(sys.argv[1]).parent / 'results')",
    ),
}
PROGRAM = """
import sys
{prepare}
# Not getrusage: its peak holds that of the parent process, too.
peak = lambda: int(open("/proc/self/status").read().split("VmHWM:")[1].split()[0])
before = peak()
try:
    {step}
except Exception as error:
    print(error, file=sys.stderr)
print(peak() - before)
"""


def tiled(target: Path, shape: tuple[int, int, int], dtype: str) -> None:
    """Write a scan of that shape, slice by slice, made of copies of a real one."""
    scan = nib.load(SCAN)
    values = np.asanyarray(scan.dataobj)
    values = (values / values.max() * 4000).astype(dtype)
    repeats = [
        -(-wanted // found) for wanted, found in zip(shape[:2], values.shape[:2], strict=True)
    ]
    header = nib.Nifti1Header()
    header.set_data_dtype(dtype)
    header.set_data_shape(shape)
    header.set_zooms(scan.header.get_zooms()[:3])
    header.set_sform(scan.affine, 1)
    header.set_xyzt_units("mm")
    with target.open("wb") as file:
        header["magic"], header["vox_offset"] = b"n+1", 352
        file.write(header.binaryblock + bytes(4))
        for k in range(shape[2]):
            plane = np.tile(values[:, :, k % values.shape[2]], repeats)[: shape[0], : shape[1]]
            file.write(plane.tobytes(order="F"))


def measured(image: Path, step: str) -> tuple[float, float]:
    """Return the bytes of memory and the seconds that a step takes."""
    prepare, call = STEPS[step]
    program = PROGRAM.format(prepare=prepare, step=call)
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", program, str(image)], stdout=subprocess.PIPE, text=True, check=True
    )
    return int(done.stdout) * 1024, time.perf_counter() - started


def main() -> None:
    """Measure each shape and step."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--segment", action="store_true")
    parser.add_argument("--shape", type=int, nargs=3)
    parser.add_argument("--type", default="int16")
    options = parser.parse_args()
    shapes = (tuple(options.shape),) if options.shape else SHAPES
    steps = ("read", "segment") if options.segment else ("read",)
    found = [each for shape in shapes for each in taken(shape, options.type, steps)]
    content = table(
        ("shape", "type", "step", "MB", "bytes a voxel", "s"), (each.row() for each in found)
    )
    if options.segment and not options.shape:
        content += f"\n\n{line_through([each for each in found if each.step == 'segment'][:2])}"
        replace_section("memory", content)
    sys.stdout.write(f"{content}\n")


@dataclass(frozen=True, slots=True)
class Taken:
    """Memory in bytes and seconds of one step."""

    shape: tuple[int, int, int]
    dtype: str
    step: str
    memory: float
    seconds: float

    @property
    def voxels(self) -> int:
        """How many there are."""
        return math.prod(self.shape)

    def row(self) -> Row:
        """Return the cells of the table."""
        size = " x ".join(map(str, self.shape))
        each = self.memory / self.voxels
        cells = (f"{self.memory / 1e6:.0f}", f"{each:.1f}", f"{self.seconds:.0f}")
        return (size, self.dtype, self.step, *cells)


def taken(shape: tuple[int, int, int], dtype: str, steps: Sequence[str]) -> list[Taken]:
    """Write an image and run each step on it."""
    with tempfile.TemporaryDirectory() as folder:
        image = Path(folder) / "scan.nii"
        tiled(image, shape, dtype)
        found = [Taken(shape, dtype, step, *measured(image, step)) for step in steps]
    sys.stderr.write("".join(f"{each}\n" for each in found))
    return found


def line_through(found: Sequence[Taken]) -> str:
    """Say how much each voxel takes, and how much there is without any."""
    small, large = found
    each = (large.memory - small.memory) / (large.voxels - small.voxels)
    constant = small.memory - each * small.voxels
    return (
        f"Through the first two shapes, `segment` takes {each:.1f} bytes a voxel and a constant of "
        f"{constant / 1e6:.0f} MB; the largest image that is taken, {MAX_VOXELS:,} voxels, takes "
        f"{(constant + each * MAX_VOXELS) / 1e9:.1f} GB by this line."
    )


if __name__ == "__main__":
    main()
