/** Maps of slices (Z, Y, X) and the box that holds the cord. */
import type { Scan, Triple } from "../types";

export interface Maps {
  shape: Triple;
  gm: Float32Array;
  cord: Float32Array;
  /** Row and column of the cord's center in each slice; NaN where there is none. */
  centre: Float32Array;
  presence: Float32Array;
}

/** Rows and columns of all slices, first and one after the last. */
export interface Box {
  rows: [number, number];
  columns: [number, number];
}

/** First row, last row, first column, last column. */
export type Sides = [boolean, boolean, boolean, boolean];

/** The part of an image in the box. */
export interface Part {
  shape: Triple;
  slices: Float32Array;
  missing: Uint8Array | null;
  pixel: [number, number];
  distance: number;
  pixelArea: number;
  atBorder: Sides;
}

/** Copy the part of whole slices that lies in a box. */
export function crop<T extends Float32Array | Uint8Array>(values: T, shape: Triple, box: Box): T {
  const [depth, height, width] = shape;
  const [[top, bottom], [left, right]] = [box.rows, box.columns];
  const make = values.constructor as new (size: number) => T;
  const out = new make(depth * (bottom - top) * (right - left));
  let at = 0;
  for (let z = 0; z < depth; z++)
    for (let row = top; row < bottom; row++) {
      const from = (z * height + row) * width;
      out.set(values.subarray(from + left, from + right) as never, at);
      at += right - left;
    }
  return out;
}

/** The box that holds all that is above zero, and the maps in it. */
export function boxed(found: Maps): { found: Maps; box: Box } {
  const [depth, height, width] = found.shape;
  const [rows, columns] = [new Uint8Array(height), new Uint8Array(width)];
  for (let i = 0; i < found.gm.length; i++) {
    if (!(found.gm[i]! > 0 || found.cord[i]! > 0)) continue;
    rows[Math.floor(i / width) % height] = 1;
    columns[i % width] = 1;
  }
  const box = { rows: span(rows), columns: span(columns) };
  const shape: Triple = [depth, box.rows[1] - box.rows[0], box.columns[1] - box.columns[0]];
  const [gm, cord] = [crop(found.gm, found.shape, box), crop(found.cord, found.shape, box)];
  return { found: { ...found, shape, gm, cord }, box };
}

/** First and one after the last of what is set; the first pixel where nothing is. */
export function span(used: Uint8Array): [number, number] {
  const first = used.indexOf(1);
  return first < 0 ? [0, 1] : [first, used.lastIndexOf(1) + 1];
}

export function partOf(scan: Scan, slices: Float32Array, box: Box): Part {
  const [, height, width] = scan.shape;
  const shape: Triple = [scan.shape[0], box.rows[1] - box.rows[0], box.columns[1] - box.columns[0]];
  return {
    shape,
    slices: crop(slices, scan.shape, box),
    missing: scan.missing === null ? null : crop(scan.missing, scan.shape, box),
    pixel: [scan.spacing[1], scan.spacing[2]],
    distance: scan.spacing[0],
    pixelArea: scan.pixelArea,
    atBorder: [
      box.rows[0] === 0,
      box.rows[1] === height,
      box.columns[0] === 0,
      box.columns[1] === width,
    ],
  };
}

/** One slice of a map. */
export function slice<T extends Float32Array | Uint8Array>(values: T, shape: Triple, z: number): T {
  const size = shape[1] * shape[2];
  return values.subarray(z * size, (z + 1) * size) as T;
}

/** Set both maps to zero wherever *keep* says no. */
export function only(found: Maps, keep: (i: number) => boolean): Maps {
  const [gm, cord] = [found.gm.slice(), found.cord.slice()];
  for (let i = 0; i < gm.length; i++) if (!keep(i)) gm[i] = cord[i] = 0;
  return { ...found, gm, cord };
}

export function maskOf(values: Float32Array, threshold: number): Uint8Array {
  const out = new Uint8Array(values.length);
  for (let i = 0; i < out.length; i++) out[i] = values[i]! >= threshold ? 1 : 0;
  return out;
}

export function count(mask: Uint8Array): number {
  let sum = 0;
  for (const value of mask) sum += value;
  return sum;
}

/** Row and column of the middle of each slice of a mask; NaN where it is empty. */
export function centroids(mask: Uint8Array, shape: Triple): Float32Array {
  const [depth, , width] = shape;
  const out = new Float32Array(2 * depth).fill(NaN);
  for (let z = 0; z < depth; z++) {
    let [total, rows, columns] = [0, 0, 0];
    slice(mask, shape, z).forEach((inside, i) => {
      if (!inside) return;
      total += 1;
      rows += Math.floor(i / width);
      columns += i % width;
    });
    if (total) [out[2 * z], out[2 * z + 1]] = [rows / total, columns / total];
  }
  return out;
}

/** Grow *start* within *allowed*, over sides, with *corners* over corners too. */
export function joined(
  start: number[],
  allowed: Uint8Array,
  width: number,
  corners: boolean,
): Uint8Array {
  const height = allowed.length / width;
  const out = new Uint8Array(allowed.length);
  const stack = start.filter((i) => allowed[i]);
  for (const i of stack) out[i] = 1;
  while (stack.length) {
    const i = stack.pop()!;
    const [row, column] = [Math.floor(i / width), i % width];
    for (let r = Math.max(0, row - 1); r <= Math.min(height - 1, row + 1); r++)
      for (let c = Math.max(0, column - 1); c <= Math.min(width - 1, column + 1); c++) {
        const next = r * width + c;
        if (out[next] || !allowed[next] || (!corners && r !== row && c !== column)) continue;
        out[next] = 1;
        stack.push(next);
      }
  }
  return out;
}
