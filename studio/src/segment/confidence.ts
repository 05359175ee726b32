/** How sure the gray matter of each slice is; as `scgm.image.confidence`. */
import { cutFlat, extent, shownSlices } from "./contrast";
import { slice, type Box, type Maps } from "./maps";

export const LOW_CONFIDENCE_BELOW = 0.5;
export const EVEN_CONTRAST = 3;
const CONTRAST_SLOPE = 2;

type Coefficients = Record<string, number>;

interface Near {
  gm: Float32Array;
  cord: Float32Array;
}

export function sliceConfidence(
  found: Maps,
  box: Box,
  contrast: number[],
  threshold: number,
  coefficients: Coefficients | null,
): (number | null)[] {
  if (coefficients === null) return contrast.map(() => null);
  const features = sliceFeatures(found, box, threshold);
  return contrast.map((visible, z) => {
    if (!slice(found.cord, found.shape, z).some((value) => value >= threshold)) return null;
    const one = features.get(z);
    if (one === undefined) return 0;
    const neighbors = Number.isNaN(one.neighbors) ? coefficients["no_neighbors"]! : one.neighbors;
    const score =
      coefficients["intercept"]! +
      coefficients["core"]! * one.core +
      coefficients["cord"]! * one.cord +
      coefficients["outline"]! * one.outline +
      coefficients["neighbors"]! * neighbors;
    const agrees = logistic(score);
    const shown = Number.isNaN(visible) ? 1 : logistic(CONTRAST_SLOPE * (visible - EVEN_CONTRAST));
    return Math.min(agrees, shown);
  });
}

const logistic = (score: number) => 1 / (1 + Math.exp(-Math.min(50, Math.max(-50, score))));

interface Features {
  core: number;
  cord: number;
  outline: number;
  neighbors: number;
}

function sliceFeatures(found: Maps, box: Box, threshold: number): Map<number, Features> {
  const shown = shownSlices(found, threshold);
  const out = new Map<number, Features>();
  if (shown.length === 0) return out;
  const part = extent(found, shown);
  const [height, width] = [part.rows[1] - part.rows[0], part.columns[1] - part.columns[0]];
  const near = new Map<number, Near>();
  const placed = new Map<number, Float32Array>();
  for (const z of shown) {
    const cut = (values: Float32Array) => cutFlat(slice(values, found.shape, z), found.shape[2], part);
    const one = { gm: cut(found.gm), cord: cut(found.cord) };
    near.set(z, one);
    const centre = [
      found.centre[2 * z]! - box.rows[0] - part.rows[0],
      found.centre[2 * z + 1]! - box.columns[0] - part.columns[0],
    ];
    placed.set(z, centeredMap(one.gm, height, width, centre));
  }
  for (const [z, { gm, cord }] of near) {
    const beside = [z - 1, z + 1].filter((other) => near.has(other));
    const overlaps = beside.map((other) => overlap(placed.get(z)!, placed.get(other)!));
    out.set(z, {
      core: core(gm, threshold),
      cord: expectedDice(cord, threshold),
      outline: outline(gm, width, threshold),
      neighbors: overlaps.length ? overlaps.reduce((a, b) => a + b) / overlaps.length : NaN,
    });
  }
  return out;
}

function core(gm: Float32Array, threshold: number): number {
  const inside = gm.filter((value) => value >= threshold).sort();
  const surest = inside.subarray(inside.length - Math.max(Math.floor(inside.length / 4), 1));
  return surest.reduce((a, b) => a + b, 0) / surest.length;
}

function expectedDice(shares: Float32Array, threshold: number): number {
  let [total, inside, count] = [0, 0, 0];
  for (const value of shares) {
    total += value;
    if (value < threshold) continue;
    inside += value;
    count += 1;
  }
  return total + count ? (2 * inside) / (total + count) : 0;
}

/** Log of the squared length of the outline over the area, in pixels. */
function outline(gm: Float32Array, width: number, threshold: number): number {
  const height = gm.length / width;
  const is = (row: number, column: number) =>
    row >= 0 && column >= 0 && row < height && column < width && gm[row * width + column]! >= threshold;
  let [sides, count] = [0, 0];
  for (let row = 0; row <= height; row++)
    for (let column = 0; column <= width; column++) {
      const inside = is(row, column);
      count += inside ? 1 : 0;
      sides += (inside !== is(row - 1, column) ? 1 : 0) + (inside !== is(row, column - 1) ? 1 : 0);
    }
  return Math.log(sides ** 2 / count);
}

/** The map with its center in the middle of twice as large a map. */
function centeredMap(shares: Float32Array, rows: number, columns: number, centre: number[]): Float32Array {
  const width = 2 * columns + 1;
  const out = new Float32Array((2 * rows + 1) * width);
  const place = (value: number, size: number) => {
    const at = Math.floor((Number.isFinite(value) ? value : (size - 1) / 2) + 0.5);
    return size - Math.min(size, Math.max(0, at));
  };
  const [top, left] = [place(centre[0]!, rows), place(centre[1]!, columns)];
  for (let row = 0; row < rows; row++)
    out.set(shares.subarray(row * columns, (row + 1) * columns), (top + row) * width + left);
  return out;
}

function overlap(a: Float32Array, b: Float32Array): number {
  let [both, total] = [0, 0];
  for (let i = 0; i < a.length; i++) {
    both += Math.min(a[i]!, b[i]!);
    total += a[i]! + b[i]!;
  }
  return (2 * both) / total;
}
