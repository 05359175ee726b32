"""A model whose answer is known on paper, in place of a trained one.

An image made for it says in its gray values what each voxel is: 0 background, 1 white matter,
2 gray matter, and anything between as likely as it says (0.3: cord with probability 0.3; 1.6: cord,
and gray matter with probability 0.6). What lies more than 16 mm from the cord's center, in rows or
in columns, is not seen.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import onnx
import onnx.parser
import pytest
from numpy.typing import NDArray

from scgm.artifacts.models import ModelCard
from scgm.cli.main import main

GRAPH = """
<ir_version: 8, opset_import: ["" : 17]>
standin (float[Z,Y,X] slices, float[3] spacing, float[Z,2] centre)
     => (float[Z,Y,X] gm, float[Z,Y,X] cord, float[Z,2] found_centre, float[Z] presence)
<float zero = {0.0}, float one = {1.0}, float half = {16.0}, int64[2] plane = {1, 2},
 int64[2] flat = {-1, 1},
 int64[3] as_rows = {1, -1, 1}, int64[3] as_columns = {1, 1, -1}, int64[3] as_slices = {-1, 1, 1},
 int64[1] first = {0}, int64[1] second = {1}, int64[1] third = {2},
 int64 i_zero = {0}, int64 i_one = {1}, int64 i_two = {2}>
{
    cord_all = Clip (slices, zero, one)
    beyond = Sub (slices, one)
    gm_all = Clip (beyond, zero, one)

    shape = Shape (slices)
    count_y = Gather (shape, i_one)
    count_x = Gather (shape, i_two)
    range_y = Range (i_zero, count_y, i_one)
    range_x = Range (i_zero, count_x, i_one)
    float_y = Cast <to = 1> (range_y)
    float_x = Cast <to = 1> (range_x)
    rows = Reshape (float_y, as_rows)
    columns = Reshape (float_x, as_columns)

    total = ReduceSum <keepdims = 1> (cord_all, plane)
    by_row = Mul (cord_all, rows)
    by_column = Mul (cord_all, columns)
    sum_row = ReduceSum <keepdims = 1> (by_row, plane)
    sum_column = ReduceSum <keepdims = 1> (by_column, plane)
    mean_row = Div (sum_row, total)
    mean_column = Div (sum_column, total)
    flat_row = Reshape (mean_row, flat)
    flat_column = Reshape (mean_column, flat)
    found = Concat <axis = 1> (flat_row, flat_column)
    unknown = IsNaN (centre)
    found_centre = Where (unknown, found, centre)

    row_px = Gather <axis = 1> (found_centre, first)
    column_px = Gather <axis = 1> (found_centre, second)
    row_3d = Reshape (row_px, as_slices)
    column_3d = Reshape (column_px, as_slices)
    height = Gather (spacing, second)
    width = Gather (spacing, third)
    away_y_px = Sub (rows, row_3d)
    away_x_px = Sub (columns, column_3d)
    away_y_mm = Mul (away_y_px, height)
    away_x_mm = Mul (away_x_px, width)
    abs_y = Abs (away_y_mm)
    abs_x = Abs (away_x_mm)
    near_y = LessOrEqual (abs_y, half)
    near_x = LessOrEqual (abs_x, half)
    near = And (near_y, near_x)
    seen = Cast <to = 1> (near)
    cord = Mul (cord_all, seen)
    gm = Mul (gm_all, seen)
    presence = ReduceMax <axes = [1, 2], keepdims = 0> (cord_all)
}
"""


def standin_graph() -> bytes:
    """Return the stand-in as the bytes of an ONNX file."""
    model = onnx.parser.parse_model(GRAPH)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def write_model(
    folder: Path, graph: bytes | None = None, name: str = "standin", **changes: object
) -> Path:
    """Write a graph, by default the stand-in, with a card that fits it but for *changes*."""
    graph = standin_graph() if graph is None else graph
    card = ModelCard(
        name=name,
        version="1",
        description="gray values are the answer",
        license="MIT",
        created="2026-11-23",
        sha256=hashlib.sha256(graph).hexdigest(),
        opset=17,
        inputs=("slices", "spacing", "centre"),
        outputs=("gm", "cord", "found_centre", "presence"),
    )
    path = folder / f"{name}.onnx"
    path.write_bytes(graph)
    text = card.model_copy(update=changes).model_dump_json()
    path.with_suffix(".json").write_text(text, encoding="utf-8")
    return path


def cord_voxels(slices: int = 5) -> NDArray[np.float32]:
    """Return a scan for the stand-in, voxels (i, j, k) of 0.5 x 0.5 x 5 mm, RAS.

    In every slice: cord 20 x 16 voxels (80 mm2), in it gray matter 8 x 4 voxels (8 mm2), off the
    middle of the image, so that a flip or a transposition is seen.
    """
    voxels = np.zeros((60, 50, slices), np.float32)
    voxels[30:50, 10:26] = 1
    voxels[34:42, 14:18] = 2
    return voxels


def scan(voxels: NDArray[Any], affine: NDArray[np.float64] | None = None) -> Any:
    """Return voxels as a nibabel image, by default of 0.5 x 0.5 x 5 mm and RAS.

    Voxels of floats are a scan, whose background is uneven; others are a mask.
    """
    if np.issubdtype(voxels.dtype, np.floating):
        voxels = uneven(voxels)
    return nib.Nifti1Image(voxels, np.diag([0.5, 0.5, 5, 1]) if affine is None else affine)


def uneven(voxels: NDArray[Any]) -> NDArray[Any]:
    """Put values below 0 (to -0.02; to -31 in whole numbers) where there is 0, for the stand-in.

    They are background, too. A scan has many values; one of three would be refused as a mask.
    """
    places = np.indices(voxels.shape)
    steps = np.tensordot(np.array([7, 13, 5, 3])[: voxels.ndim], places, 1) % 31
    whole = np.issubdtype(voxels.dtype, np.integer)
    low = -steps - 1 if whole else -steps / 1500 - 1e-4
    return np.where(voxels == 0, low, voxels).astype(voxels.dtype)


def turned(image: Any, axes: str) -> Any:
    """Return an image stored with other axes, as "LPI"; every voxel stays at its place."""
    target = nib.orientations.axcodes2ornt(tuple(axes))
    now = nib.orientations.io_orientation(image.affine)
    return image.as_reoriented(nib.orientations.ornt_transform(now, target))


def save_scan(path: Path, voxels: NDArray[np.float32] | None = None, axes: str = "RAS") -> Path:
    """Write a scan for the stand-in to a file."""
    turned(scan(cord_voxels() if voxels is None else voxels), axes).to_filename(path)
    return path


@dataclass(frozen=True)
class Ended:
    """How a run of the command line ended."""

    status: int
    out: str
    err: str


def run_scgm(capsys: pytest.CaptureFixture[str], *arguments: object) -> Ended:
    """Run the command line in this process, as a shell would."""
    with pytest.raises(SystemExit) as end:
        main([str(argument) for argument in arguments])
    shown = capsys.readouterr()
    code = end.value.code
    return Ended(code if isinstance(code, int) else int(code is not None), shown.out, shown.err)
