"""Labeled slices as they are read for an atlas."""

from pathlib import Path

import nibabel as nib
import numpy as np

from scgm.datasets import read_dataset
from scgm.segmenters.classical.labeled_slices import labeled_slices


def write_scan(folder: Path, name: str, up: float = 5.0) -> str:
    """Write a scan of four slices with cord and gray matter in the last three; return the paths."""
    masks = np.zeros((3, 40, 40, 4), np.float32)
    masks[0] = 1 + np.arange(masks[0].size).reshape(masks[0].shape) % 7
    masks[1, 16:24, 14:26, 1:] = 1
    masks[2, 10:30, 10:30, 1:] = 1
    paths = [f"{name}-{what}.nii.gz" for what in ("image", "gm", "cord")]
    for voxels, path in zip(masks, paths, strict=True):
        nib.save(nib.Nifti1Image(voxels, np.diag([0.5, 0.5, up, 1])), folder / path)
    return ",".join(paths)


def test_levels_are_those_of_the_slices_that_have_labels(tmp_path: Path) -> None:
    """Slices go from inferior to superior, also where the file has them the other way round."""
    first, second, third = (
        write_scan(tmp_path, name, up) for name, up in (("a", 5.0), ("b", -5.0), ("c", 5.0))
    )
    (tmp_path / "up.txt").write_text("0 T1\n1 C7\n2 C6\n3 C5\n")
    (tmp_path / "down.txt").write_text("0 C5\n1 C6\n2 C7\n3 T1\n")
    rows = [f"{first},up.txt", f"{second},down.txt", f"{third},"]
    (tmp_path / "set.csv").write_text("\n".join(["image,gm,cord,levels", *rows, ""]))

    slices = labeled_slices(read_dataset(tmp_path / "set.csv"))

    assert slices.level is not None
    assert slices.level.tolist() == [7, 6, 5, 8, 7, 6, 0, 0, 0]
