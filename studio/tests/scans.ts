/** Small scans for tests. */
import type { Grid, Scan, Triple } from "../src/types";

export const GRID: Grid = {
  version: 1,
  sform_code: 1,
  srow_x: [0.5, 0, 0, 0],
  srow_y: [0, 0.5, 0, 0],
  srow_z: [0, 0, 5, 0],
  qform_code: 0,
  quatern_b: 0,
  quatern_c: 0,
  quatern_d: 0,
  qoffset_x: 0,
  qoffset_y: 0,
  qoffset_z: 0,
  pixdim: [1, 0.5, 0.5, 5, 1, 1, 1, 1],
  xyzt_units: 2,
};

/** A scan of zeros whose axes go right, front and up, half a millimeter in the slice. */
export function scan(shape: Triple, changes: Partial<Scan> = {}): Scan {
  return {
    name: "scan.nii",
    shape,
    slices: new Float32Array(shape[0] * shape[1] * shape[2]),
    missing: null,
    spacing: [5, 0.5, 0.5],
    order: [2, 1, 0],
    flipped: [false, false, false],
    affine: [
      [0.5, 0, 0, 0],
      [0, 0.5, 0, 0],
      [0, 0, 5, 0],
      [0, 0, 0, 1],
    ],
    nativeShape: [shape[2], shape[1], shape[0]],
    pixelArea: 0.25,
    sizeFrom: "sform",
    warnings: [],
    grid: GRID,
    truthGm: null,
    truthCord: null,
    ...changes,
  };
}

/** Labels of one slice: an ellipse of cord, rotated, with a bar of gray matter to the patient's right. */
export function labels(size: number, angle = 0): Uint8Array {
  const out = new Uint8Array(size * size);
  const middle = (size - 1) / 2;
  for (let row = 0; row < size; row++)
    for (let column = 0; column < size; column++) {
      const [x, y] = [column - middle, row - middle];
      const u = x * Math.cos(angle) + y * Math.sin(angle);
      const v = -x * Math.sin(angle) + y * Math.cos(angle);
      if ((u / 13) ** 2 + (v / 9) ** 2 <= 1) out[row * size + column] = u > 2 && u < 6 && Math.abs(v) < 4 ? 1 : 2;
    }
  return out;
}
