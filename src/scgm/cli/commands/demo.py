"""``scgm demo``: a scan whose truth is known, segmented and scored."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scgm.cli.console import Messages, Quiet, Verbose

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from scgm.phantom import Phantom
    from scgm.segmentation.result import Label
    from scgm.segmentation.segmentation import Segmentation

SEED = 1
NAME = "phantom"


def demo(
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Folder for scan, results and picture.")
    ] = Path("scgm-demo"),
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace the files of an earlier demo.")
    ] = False,
    verbose: Verbose = False,
    quiet: Quiet = False,
) -> None:
    """Make a synthetic scan, segment it, and score the result against the known truth.

    Needs no data and no network.
    Writes the scan, its truth, the result, the scores and a picture.

    For example:

      scgm demo

      scgm demo --output somewhere/else
    """
    from scgm.phantom import make_phantom
    from scgm.segmentation.outputs import check_targets
    from scgm.segmentation.pipeline import segment

    messages = Messages(verbose, quiet)
    check_targets(output, NAME, overwrite=overwrite)
    phantom = make_phantom(seed=SEED)
    scan = _write_phantom(phantom, output, overwrite=overwrite)
    messages.detail(f"{scan}: a synthetic scan, to be segmented")
    result = segment(scan)
    files = result.save(output, picture=True, overwrite=overwrite)
    rows = _scores(result, phantom)
    table = output / f"{NAME}_scores.csv"
    table.write_text("".join(",".join(row) + "\n" for row in rows), encoding="utf-8")
    messages.table(rows)
    messages.result(f"picture: {files[-1]}\ntable:   {table}")


def _write_phantom(phantom: Phantom, folder: Path, *, overwrite: bool) -> Path:
    """Write the scan and its true masks; return the path of the scan."""
    import numpy as np

    from scgm.io.nifti.write import as_nifti, write_nifti

    folder.mkdir(parents=True, exist_ok=True)
    scan = folder / f"{NAME}.nii.gz"
    image = as_nifti(phantom.volume.voxels, phantom.volume, dtype=np.float32)
    write_nifti(image, scan, overwrite=overwrite)
    for label, mask in _truth(phantom).items():
        image = as_nifti(mask, phantom.volume, dtype=np.uint8)
        write_nifti(image, folder / f"{NAME}_truth-{label.suffix}.nii.gz", overwrite=overwrite)
    return scan


def _truth(phantom: Phantom) -> dict[Label, NDArray[np.bool_]]:
    """Return the true masks: where at least half of a voxel is that tissue."""
    from scgm.segmentation.result import Label

    return {
        Label.GM: phantom.gm >= 0.5,
        Label.WM: (phantom.cord >= 0.5) & ~(phantom.gm >= 0.5),
        Label.CORD: phantom.cord >= 0.5,
    }


def _scores(result: Segmentation, phantom: Phantom) -> list[list[str]]:
    """Compare masks with the truth, label by label; the first row is the head."""
    import numpy as np

    from scgm.evaluation.metrics import dice

    axis = result.stack.native_axis
    per_slice_mm2 = result.stack.pixel_area_mm2 / phantom.volume.voxels.shape[axis]
    rows = [["label", "dice", "mean_area_mm2", "true_mean_area_mm2", "area_error_percent"]]
    for label, true in _truth(phantom).items():
        found = np.asarray(result.mask(label).dataobj) > 0
        area, true_area = (np.count_nonzero(mask) * per_slice_mm2 for mask in (found, true))
        error = 100 * (area - true_area) / true_area
        numbers = f"{dice(found, true):.3f} {area:.2f} {true_area:.2f} {error:+.1f}"
        rows.append([label.suffix, *numbers.split()])
    return rows
