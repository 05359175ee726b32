/** Left and right, anterior and posterior parts in the cord's own frame; as `scgm.measurement`. */
import type { Matrix2 } from "./plane";

/** A mask of one slice, cut to what it holds with a margin of a pixel. */
export interface Cut {
  mask: Uint8Array;
  height: number;
  width: number;
}

export interface Parts {
  anteriorLeft: number;
  anteriorRight: number;
  posteriorLeft: number;
  posteriorRight: number;
}

export interface Axis {
  center: [number, number];
  angle: number;
}

const MOST_DEG = 40;
const COARSE_DEG = 2;
const FINE_DEG = 0.25;
const PREFER_UPRIGHT = 0.1;
const POINTS = 6;

export const pixelMm2 = (m: Matrix2) => Math.abs(m[0] * m[3] - m[1] * m[2]);

interface Points {
  x: Float64Array;
  y: Float64Array;
}

function points(cut: Cut, m: Matrix2): Points {
  const x: number[] = [];
  const y: number[] = [];
  for (let row = 0; row < cut.height; row++)
    for (let column = 0; column < cut.width; column++)
      if (cut.mask[row * cut.width + column]) {
        x.push(m[0] * column + m[1] * row);
        y.push(m[2] * column + m[3] * row);
      }
  return { x: Float64Array.from(x), y: Float64Array.from(y) };
}

const mean = (values: Float64Array) => values.reduce((sum, v) => sum + v, 0) / values.length;

/** The axis through the center of the cord about which the shapes mirror best. */
export function symmetryAxis(cord: Cut, others: Cut[], m: Matrix2): Axis {
  const shapes = [cord, ...others].map((cut) => ({ cut, at: points(cut, m) }));
  const own = shapes[0]!.at;
  const center: [number, number] = [mean(own.x), mean(own.y)];
  const area = own.x.length;
  const score = (degrees: number) => {
    const angle = (degrees * Math.PI) / 180;
    const overlap = shapes.reduce((sum, one) => sum + mirrored(one.cut, one.at, center, angle, m), 0);
    return overlap / area - PREFER_UPRIGHT * angle ** 2;
  };
  const around = range(-MOST_DEG, MOST_DEG, COARSE_DEG);
  const best = around.reduce((a, b) => (score(b) > score(a) ? b : a));
  const near = range(best - COARSE_DEG, best + COARSE_DEG, FINE_DEG);
  const angle = peak(near, near.map(score));
  return { center, angle: Math.min(MOST_DEG, Math.max(-MOST_DEG, angle)) };
}

function range(first: number, last: number, by: number): number[] {
  return Array.from({ length: Math.round((last - first) / by) + 1 }, (_, i) => first + i * by);
}

/** How many pixels of a shape lie on itself after it was mirrored at the axis. */
function mirrored(
  cut: Cut,
  at: Points,
  center: [number, number],
  angle: number,
  m: Matrix2,
): number {
  const [rx, ry] = [Math.cos(angle), Math.sin(angle)];
  const det = m[0] * m[3] - m[1] * m[2];
  let sum = 0;
  for (let i = 0; i < at.x.length; i++) {
    const px = at.x[i]! - center[0];
    const py = at.y[i]! - center[1];
    const away = 2 * (px * rx + py * ry);
    const qx = px - away * rx + center[0];
    const qy = py - away * ry + center[1];
    sum += linear(cut, (m[0] * qy - m[2] * qx) / det, (m[3] * qx - m[1] * qy) / det);
  }
  return sum;
}

/** Linear interpolation of a mask; 0 outside. */
function linear(cut: Cut, row: number, column: number): number {
  if (row < 0 || column < 0 || row > cut.height - 1 || column > cut.width - 1) return 0;
  const [r, c] = [Math.floor(row), Math.floor(column)];
  const [fr, fc] = [row - r, column - c];
  const [r1, c1] = [Math.min(r + 1, cut.height - 1), Math.min(c + 1, cut.width - 1)];
  const value = (i: number, j: number) => cut.mask[i * cut.width + j]!;
  const upper = value(r, c) * (1 - fc) + value(r, c1) * fc;
  const lower = value(r1, c) * (1 - fc) + value(r1, c1) * fc;
  return upper * (1 - fr) + lower * fr;
}

/** The top of the parabola that fits best. */
function peak(angles: number[], scores: number[]): number {
  const middle = angles.reduce((a, b) => a + b) / angles.length;
  const t = angles.map((a) => a - middle);
  const sums = [0, 1, 2, 3, 4].map((power) => t.reduce((sum, v) => sum + v ** power, 0));
  const right = [0, 1, 2].map((power) => t.reduce((sum, v, i) => sum + v ** power * scores[i]!, 0));
  // Angles lie evenly around their middle, so odd sums are zero.
  const det = sums[0]! * sums[4]! - sums[2]! ** 2;
  const curve = (sums[0]! * right[2]! - sums[2]! * right[0]!) / det;
  const slope = right[1]! / sums[2]!;
  if (curve >= 0) return angles[scores.indexOf(Math.max(...scores))]!;
  const top = -slope / (2 * curve) + middle;
  return Math.min(angles.at(-1)!, Math.max(angles[0]!, top));
}

/** Areas of the quarters in mm2. Left and right are the patient's. */
export function partAreas(cut: Cut, axis: Axis, m: Matrix2): Parts {
  const angle = (axis.angle * Math.PI) / 180;
  const [rx, ry] = [Math.cos(angle), Math.sin(angle)];
  const at = points(cut, m);
  const counts = [0, 0, 0, 0];
  for (let i = 0; i < at.x.length; i++)
    for (let a = 0; a < POINTS; a++)
      for (let b = 0; b < POINTS; b++) {
        const [u, v] = [(a + 0.5) / POINTS - 0.5, (b + 0.5) / POINTS - 0.5];
        const x = at.x[i]! + m[0] * u + m[1] * v - axis.center[0];
        const y = at.y[i]! + m[2] * u + m[3] * v - axis.center[1];
        const isRight = x * rx + y * ry > 0;
        const isFront = -x * ry + y * rx > 0;
        counts[(isFront ? 0 : 2) + (isRight ? 1 : 0)]! += 1;
      }
  const [al, ar, pl, pr] = counts.map((n) => (n / POINTS ** 2) * pixelMm2(m));
  return { anteriorLeft: al!, anteriorRight: ar!, posteriorLeft: pl!, posteriorRight: pr! };
}
