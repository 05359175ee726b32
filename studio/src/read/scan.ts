/** A NIfTI file as axial slices, or one sentence why it cannot be used. */
import { general } from "../format";
import { UserError, type Grid, type Scan, type Triple } from "../types";
import { content } from "./bytes";
import { header, layout } from "./header";
import { stored, type VolumeChoice } from "./numbers";
import { axisMap, toStack } from "./orientation";
import { lengths, placement, type Placement } from "./placement";
import { grayValues } from "./values";

const MAX_PIXEL_MM = 2;

export async function readScan(file: File, choice: VolumeChoice): Promise<Scan> {
  const bytes = await content(file);
  const head = header(bytes);
  const arranged = layout(head);
  const values = grayValues(stored(bytes, head, arranged, choice));
  const place = placement(head.grid, arranged);
  const axes = axisMap(place.affine);
  const size = lengths(place.affine);
  const spacing = axes.order.map((axis) => size[axis]!) as Triple;
  const shape = axes.order.map((axis) => arranged.shape[axis]!) as Triple;
  requireVisible(shape, spacing);
  return {
    name: file.name,
    shape,
    slices: toStack(values.voxels, arranged.shape, axes),
    missing: values.missing === null ? null : toStack(values.missing, arranged.shape, axes),
    spacing,
    ...axes,
    affine: place.affine,
    nativeShape: arranged.nativeShape,
    pixelArea: pixelArea(place.affine, axes.order),
    sizeFrom: place.sizeFrom,
    warnings: [...arranged.warnings, ...values.warnings, ...place.warnings],
    grid: kept(head.grid, place),
    truthGm: null,
    truthCord: null,
  };
}

function requireVisible(shape: Triple, spacing: Triple): void {
  const [, height, width] = spacing;
  if (Math.max(height, width) > MAX_PIXEL_MM + 1e-3)
    throw new UserError(
      `gray matter cannot be seen in axial pixels of ${general(height, 3)} x ${general(width, 3)} mm ` +
        "(front-back x left-right); give a scan with axial slices and pixels of at most 2 mm",
    );
  if (Math.min(shape[1], shape[2]) < 2)
    throw new UserError(
      `its axial slices have only ${shape[1]} x ${shape[2]} pixels (front-back x left-right); give a ` +
        "scan with whole axial slices",
    );
}

/** Area of the parallelogram that two steps in the slice span. */
function pixelArea(affine: number[][], order: Triple): number {
  const [a, b] = [0, 1, 2]
    .filter((axis) => axis !== order[0])
    .map((axis) => [0, 1, 2].map((world) => affine[world]![axis]!)) as [Triple, Triple];
  return Math.hypot(
    a[1] * b[2] - a[2] * b[1],
    a[2] * b[0] - a[0] * b[2],
    a[0] * b[1] - a[1] * b[0],
  );
}

/** The header's fields for results: forms that make no sense are left out. */
function kept(grid: Grid, place: Placement): Grid {
  const out = { ...grid, pixdim: [...grid.pixdim] };
  if (place.unusable.includes("sform")) {
    out.sform_code = 0;
    [out.srow_x, out.srow_y, out.srow_z] = [[0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]];
  }
  if (place.unusable.includes("qform"))
    Object.assign(out, {
      qform_code: 0,
      quatern_b: 0,
      quatern_c: 0,
      quatern_d: 0,
      qoffset_x: 0,
      qoffset_y: 0,
      qoffset_z: 0,
    });
  if (out.qform_code) out.pixdim[0] = out.pixdim[0]! < 0 ? -1 : 1;
  return out;
}
