/** Writing NIfTI-1 and NIfTI-2 files. */
import { step } from "../measure/plane";
import type { Grid, Scan } from "../types";

const LABEL_INTENT = 1002;

/** What goes into a header. */
interface Layout {
  version: number;
  shape: number[];
  float: boolean;
  most: number;
  descrip: string;
  intent: number;
  grid: Grid;
}

/** Stack voxels as a NIfTI-1 image whose axes are columns, rows and slices, for the viewer. */
export function stackImage(scan: Scan): ArrayBuffer {
  const [depth, height, width] = scan.shape;
  const header = new Uint8Array(352);
  const matrix = stackAffine(scan);
  const grid: Grid = {
    version: 1,
    sform_code: 1,
    srow_x: matrix[0]!,
    srow_y: matrix[1]!,
    srow_z: matrix[2]!,
    qform_code: 0,
    quatern_b: 0,
    quatern_c: 0,
    quatern_d: 0,
    qoffset_x: 0,
    qoffset_y: 0,
    qoffset_z: 0,
    pixdim: [1, scan.spacing[2], scan.spacing[1], scan.spacing[0], 1, 1, 1, 1],
    xyzt_units: 2,
  };
  const shape = [width, height, depth];
  first(header, { version: 1, shape, float: true, most: 0, descrip: "", intent: 0, grid });
  const out = new Uint8Array(352 + scan.slices.byteLength);
  out.set(header);
  out.set(new Uint8Array(scan.slices.buffer, scan.slices.byteOffset, scan.slices.byteLength), 352);
  return out.buffer;
}

/** From (column, row, slice) of the stack to mm, three rows. */
function stackAffine(scan: Scan): number[][] {
  const size = [...scan.shape].reverse();
  const steps = [step(scan, 2), step(scan, 1), step(scan, 0)];
  return [0, 1, 2].map((world) => {
    let origin = scan.affine[world]![3]!;
    ([2, 1, 0] as const).forEach((axis, i) => {
      if (scan.flipped[axis]) origin += scan.affine[world]![scan.order[axis]]! * (size[i]! - 1);
    });
    return [...steps.map((one) => one[world]!), origin];
  });
}

/** Bring values on the pixels of the stack to the order of the file: first axis fastest. */
export function toNative<T extends Uint8Array | Float32Array>(scan: Scan, values: T): T {
  const [depth, height, width] = scan.shape;
  const sizes = [0, 0, 0];
  scan.order.forEach((axis, i) => (sizes[axis] = scan.shape[i]!));
  const strides = [1, sizes[0]!, sizes[0]! * sizes[1]!];
  const walk = scan.order.map((axis, i) => {
    const n = scan.shape[i]!;
    const stride = strides[axis]!;
    return scan.flipped[i] ? { start: (n - 1) * stride, by: -stride } : { start: 0, by: stride };
  });
  const [wz, wy, wx] = walk as [Walk, Walk, Walk];
  const out = values.slice() as T;
  let from = 0;
  for (let z = 0; z < depth; z++)
    for (let y = 0; y < height; y++) {
      let to = wz.start + z * wz.by + wy.start + y * wy.by + wx.start;
      for (let x = 0; x < width; x++, from++, to += wx.by) out[to] = values[from]!;
    }
  return out;
}

interface Walk {
  start: number;
  by: number;
}

/** Labels (whole numbers) or probabilities of the stack as a file on the grid of the image. */
export function nativeImage(scan: Scan, values: Uint8Array | Float32Array, version: string): Uint8Array {
  const float = values instanceof Float32Array;
  const native = toNative(scan, values);
  const layout: Layout = {
    version: scan.grid.version,
    shape: scan.nativeShape,
    float,
    most: float ? 1 : values.reduce((a, b) => Math.max(a, b), 0),
    descrip: `scgm ${version}`,
    intent: float ? 0 : LABEL_INTENT,
    grid: scan.grid,
  };
  const start = layout.version === 2 ? 544 : 352;
  const out = new Uint8Array(start + native.byteLength);
  (layout.version === 2 ? second : first)(out, layout);
  out.set(new Uint8Array(native.buffer, native.byteOffset, native.byteLength), start);
  return out;
}

/** Pack with gzip. */
export async function gzip(content: Uint8Array): Promise<Blob> {
  const stream = new Blob([content as BlobPart]).stream().pipeThrough(new CompressionStream("gzip"));
  return new Response(stream).blob();
}

function first(out: Uint8Array, layout: Layout): void {
  const view = new DataView(out.buffer);
  const { grid } = layout;
  view.setInt32(0, 348, true);
  dims(layout).forEach((n, i) => view.setInt16(40 + 2 * i, n, true));
  view.setInt16(68, layout.intent, true);
  view.setInt16(70, layout.float ? 16 : 2, true);
  view.setInt16(72, layout.float ? 32 : 8, true);
  grid.pixdim.forEach((size, i) => view.setFloat32(76 + 4 * i, size, true));
  view.setFloat32(108, 352, true);
  view.setFloat32(112, 1, true);
  view.setUint8(123, grid.xyzt_units);
  view.setFloat32(124, layout.most, true);
  out.set(new TextEncoder().encode(layout.descrip), 148);
  view.setInt16(252, grid.qform_code, true);
  view.setInt16(254, grid.sform_code, true);
  quaternion(grid).forEach((value, i) => view.setFloat32(256 + 4 * i, value, true));
  rows(grid).forEach((value, i) => view.setFloat32(280 + 4 * i, value, true));
  out.set(new TextEncoder().encode("n+1"), 344);
}

function second(out: Uint8Array, layout: Layout): void {
  const view = new DataView(out.buffer);
  const { grid } = layout;
  view.setInt32(0, 540, true);
  out.set([0x6e, 0x2b, 0x32, 0, 0x0d, 0x0a, 0x1a, 0x0a], 4);
  view.setInt16(12, layout.float ? 16 : 2, true);
  view.setInt16(14, layout.float ? 32 : 8, true);
  dims(layout).forEach((n, i) => view.setBigInt64(16 + 8 * i, BigInt(n), true));
  grid.pixdim.forEach((size, i) => view.setFloat64(104 + 8 * i, size, true));
  view.setBigInt64(168, 544n, true);
  view.setFloat64(176, 1, true);
  view.setFloat64(192, layout.most, true);
  out.set(new TextEncoder().encode(layout.descrip), 240);
  view.setInt32(344, grid.qform_code, true);
  view.setInt32(348, grid.sform_code, true);
  quaternion(grid).forEach((value, i) => view.setFloat64(352 + 8 * i, value, true));
  rows(grid).forEach((value, i) => view.setFloat64(400 + 8 * i, value, true));
  view.setInt32(500, grid.xyzt_units, true);
  view.setInt32(504, layout.intent, true);
}

function dims({ shape }: Layout): number[] {
  return [shape.length, ...shape, ...Array<number>(7 - shape.length).fill(1)];
}

function quaternion(grid: Grid): number[] {
  return [
    grid.quatern_b,
    grid.quatern_c,
    grid.quatern_d,
    grid.qoffset_x,
    grid.qoffset_y,
    grid.qoffset_z,
  ];
}

function rows(grid: Grid): number[] {
  return [...grid.srow_x, ...grid.srow_y, ...grid.srow_z];
}
