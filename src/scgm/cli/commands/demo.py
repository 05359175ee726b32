"""``scgm demo``: a scan whose truth is known, segmented and scored."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scgm.cli.console import Messages
from scgm.cli.options import Log, Quiet, Verbose

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from scgm.phantom import Phantom
    from scgm.segmentation.result import Label
    from scgm.segmentation.segmentation import Segmentation

SEED = 1
NAME = "phantom"
TABLE = f"{NAME}_scores.csv"
PICTURE = f"{NAME}_qc.png"
RECORD = f"{NAME}_demo.json"


def demo(
    output: Annotated[
        Path,
        typer.Option(
            "--output", "-o", metavar="FOLDER", help="Folder for scan, results and picture."
        ),
    ] = Path("scgm-demo"),
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace the files of an earlier demo.")
    ] = False,
    verbose: Verbose = False,
    quiet: Quiet = False,
    log: Log = None,
) -> None:
    """Make a synthetic scan, segment it, and score the result against the known truth.

    Needs no data and no network.
    Writes the scan, its truth, the result, the scores and a picture.

    For example:

      scgm demo

      scgm demo --output somewhere/else
    """
    from scgm.io.atomic import write_json, write_text
    from scgm.io.tables import table_text
    from scgm.io.transaction import check_set, checksums, claims_from, file_set
    from scgm.phantom import make_phantom
    from scgm.segmentation.pipeline import segment
    from scgm.version import __version__

    messages = Messages(verbose, quiet, log)
    names, claims = _names(), claims_from(RECORD)
    check_set(output, names, overwrite=overwrite, claims=claims)
    phantom = make_phantom(seed=SEED)
    with file_set(output, names, overwrite=overwrite, claims=claims) as staging:
        scan = _write_phantom(phantom, staging)
        messages.detail(f"{scan.name}: a synthetic scan, to be segmented")
        result = segment(scan)
        result.save(staging, picture=True)
        head, *rows = _scores(result, phantom)
        write_text(staging / TABLE, table_text(head, rows))
        made_by = {"Name": "scgm demo", "Version": __version__}
        files = checksums(path for path in staging.iterdir() if path.is_file())
        write_json(staging / RECORD, {"GeneratedBy": [made_by], "files": files})
    messages.table([head, *rows])
    messages.result(f"picture: {output / PICTURE}\ntable:   {output / TABLE}")


def _names() -> tuple[str, ...]:
    """Return every file name of a demo."""
    from scgm.segmentation.outputs import possible_names
    from scgm.segmentation.result import LABELS

    truth = (_truth_file(label) for label in LABELS)
    return (f"{NAME}.nii.gz", *truth, *possible_names(NAME), TABLE, RECORD)


def _truth_file(label: Label) -> str:
    return f"{NAME}_truth-{label.suffix}.nii.gz"


def _write_phantom(phantom: Phantom, folder: Path) -> Path:
    """Write the scan and its true masks; return the path of the scan."""
    import numpy as np

    from scgm.io.nifti.write import as_nifti, write_nifti

    scan = folder / f"{NAME}.nii.gz"
    write_nifti(as_nifti(phantom.volume.voxels, phantom.volume, dtype=np.float32), scan)
    for label, mask in _truth(phantom).items():
        image = as_nifti(mask, phantom.volume, dtype=np.uint8)
        write_nifti(image, folder / _truth_file(label))
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
