/** The plane of the slices: steps in (column, row) to mm toward the patient's right and front. */
import type { Scan } from "../types";

export type Matrix2 = [number, number, number, number];
type Vector = [number, number, number];

const LEAST_IN_PLANE = 0.5;

const dot = (a: Vector, b: Vector) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
const scaled = (a: Vector, by: number): Vector => [a[0] * by, a[1] * by, a[2] * by];
const minus = (a: Vector, b: Vector): Vector => [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
const unit = (a: Vector) => scaled(a, 1 / Math.hypot(...a));
const cross = (a: Vector, b: Vector): Vector => [
  a[1] * b[2] - a[2] * b[1],
  a[2] * b[0] - a[0] * b[2],
  a[0] * b[1] - a[1] * b[0],
];

/** The step in mm, RAS+, along an axis of the stack: 0 slices, 1 rows, 2 columns. */
export function step(scan: Scan, axis: 0 | 1 | 2): Vector {
  const native = scan.order[axis];
  const sign = scan.flipped[axis] ? -1 : 1;
  return [0, 1, 2].map((world) => sign * scan.affine[world]![native]!) as Vector;
}

/** Row by row: right by column, right by row, front by column, front by row. */
export function pixelToMm(scan: Scan): Matrix2 {
  const [along, rows, columns] = [step(scan, 0), step(scan, 1), step(scan, 2)];
  let normal = unit(cross(columns, rows));
  if (dot(normal, along) < 0) normal = scaled(normal, -1);
  const flat = minus([1, 0, 0], scaled(normal, normal[0]));
  const right = unit(Math.hypot(...flat) > LEAST_IN_PLANE ? flat : columns);
  const front = unit(minus(rows, scaled(right, dot(rows, right))));
  return [dot(right, columns), dot(right, rows), dot(front, columns), dot(front, rows)];
}
