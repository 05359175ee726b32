/** How visible the marked gray matter is; as `scgm.image.confidence.visible_contrast`. */
import { slice, span, type Maps, type Part } from "./maps";

const SAMPLE_MM = 0.5;
const WINDOW = 56;
const BORDER_SAMPLES = 2;
const LEAST_SAMPLES = 20;
const SURFACE_TERMS = 6;
const NEIGHBOR_WEIGHTS = [0.75, 0.5, 0.25];
const SHARE_OF_MEAN = 0.8;

interface Cut {
  height: number;
  width: number;
  image: Float32Array;
  gm: Float32Array;
  cord: Float32Array;
}

export function visibleContrast(part: Part, found: Maps, threshold: number): number[] {
  const depth = found.shape[0];
  const signed = new Array<number>(depth).fill(NaN);
  const shown = shownSlices(found, threshold);
  if (shown.length === 0) return signed;
  const box = extent(found, shown);
  for (const z of shown) signed[z] = signedContrast(cutSlice(part, found, z, box), part.pixel);
  return signed.map((value, z) => {
    const beside = SHARE_OF_MEAN * Math.abs(withNeighbors(signed, z));
    return Number.isNaN(value) ? NaN : Math.min(Math.abs(value), beside);
  });
}

/** Slices with gray matter. */
export function shownSlices(found: Maps, threshold: number): number[] {
  return Array.from({ length: found.shape[0] }, (_, z) => z).filter((z) =>
    slice(found.gm, found.shape, z).some((value) => value >= threshold),
  );
}

export interface Extent {
  rows: [number, number];
  columns: [number, number];
}

/** Rows and columns that hold everything above zero in these slices. */
export function extent(found: Maps, shown: number[]): Extent {
  const [, height, width] = found.shape;
  const [rows, columns] = [new Uint8Array(height), new Uint8Array(width)];
  for (const z of shown) {
    const [gm, cord] = [slice(found.gm, found.shape, z), slice(found.cord, found.shape, z)];
    for (let i = 0; i < gm.length; i++)
      if (gm[i]! > 0 || cord[i]! > 0) rows[Math.floor(i / width)] = columns[i % width] = 1;
  }
  return { rows: span(rows), columns: span(columns) };
}

export function cutFlat(values: Float32Array, width: number, box: Extent): Float32Array {
  const [[top, bottom], [left, right]] = [box.rows, box.columns];
  const out = new Float32Array((bottom - top) * (right - left));
  for (let row = top; row < bottom; row++)
    out.set(values.subarray(row * width + left, row * width + right), (row - top) * (right - left));
  return out;
}

function cutSlice(part: Part, found: Maps, z: number, box: Extent): Cut {
  const width = found.shape[2];
  const cut = (values: Float32Array) => cutFlat(slice(values, found.shape, z), width, box);
  return {
    height: box.rows[1] - box.rows[0],
    width: box.columns[1] - box.columns[0],
    image: cut(part.slices),
    gm: cut(found.gm),
    cord: cut(found.cord),
  };
}

function withNeighbors(signed: number[], z: number): number {
  let [total, weight] = [0, 0];
  for (let away = -3; away <= 3; away++) {
    const value = signed[z + away];
    if (value === undefined || Number.isNaN(value)) continue;
    const by = away === 0 ? 1 : NEIGHBOR_WEIGHTS[Math.abs(away) - 1]!;
    total += by * value;
    weight += by;
  }
  return total / Math.max(weight, 1e-12);
}

function signedContrast(cut: Cut, pixel: [number, number]): number {
  const { shown, marked, inner } = samples(cut, pixel);
  const places = [...inner].flatMap((inside, i) => (inside ? [i] : []));
  const count = places.length;
  if (count < LEAST_SAMPLES) return NaN;
  const basis = surface(places);
  const [first, second] = [shown, marked].map((values) =>
    without(basis, places.map((i) => values[i]!)),
  );
  if (!first || !second) return 0;
  const correlation = first.reduce((sum, value, i) => sum + value * second[i]!, 0);
  const pixels = count / Math.max(1, (pixel[0] * pixel[1]) / SAMPLE_MM ** 2);
  const freedom = Math.max(pixels - SURFACE_TERMS - 1, 1);
  return correlation * Math.sqrt(freedom / Math.max(1 - correlation ** 2, 1e-6));
}

/** Orthonormal surface of second order over the samples. */
function surface(places: number[]): number[][] {
  const middle = (values: number[]) => values.reduce((a, b) => a + b) / values.length;
  const scaled = (values: number[]) => {
    const mean = middle(values);
    return values.map((value) => (value - mean) / WINDOW);
  };
  const rows = scaled(places.map((i) => Math.floor(i / WINDOW)));
  const columns = scaled(places.map((i) => i % WINDOW));
  const terms = [
    rows.map(() => 1),
    rows,
    columns,
    rows.map((r) => r * r),
    columns.map((c) => c * c),
    rows.map((r, i) => r * columns[i]!),
  ];
  const basis: number[][] = [];
  for (const term of terms) {
    const left = removed(basis, removed(basis, term)); // twice, for the last digits
    const length = Math.hypot(...left);
    basis.push(left.map((value) => value / length));
  }
  return basis;
}

function removed(basis: number[][], values: number[]): number[] {
  const left = [...values];
  for (const one of basis) {
    const along = one.reduce((sum, value, i) => sum + value * left[i]!, 0);
    for (let i = 0; i < left.length; i++) left[i]! -= along * one[i]!;
  }
  return left;
}

function without(basis: number[][], values: number[]): number[] | null {
  const mean = values.reduce((a, b) => a + b) / values.length;
  const moved = values.map((value) => value - mean);
  const scale = Math.max(...moved.map(Math.abs));
  if (!(scale > 0)) return null;
  const left = removed(basis, moved.map((value) => value / scale));
  const length = Math.hypot(...left);
  return length < 1e-5 * Math.sqrt(values.length) ? null : left.map((value) => value / length);
}

/** Image and map on samples of 0.5 mm around the cord, and which lie well within it. */
function samples(
  cut: Cut,
  pixel: [number, number],
): { shown: Float32Array; marked: Float32Array; inner: Uint8Array } {
  const middle = weightedMiddle(cut);
  const level = medianWithin(cut);
  const rows = weights(middle[0] * pixel[0], cut.height, pixel[0]);
  const columns = weights(middle[1] * pixel[1], cut.width, pixel[1]);
  const moved = cut.image.map((value) => value - level);
  const window = (values: Float32Array) => resampled(values, cut, rows, columns);
  const [shown, marked, cord] = [moved, cut.gm, cut.cord].map(window) as [
    Float32Array, Float32Array, Float32Array,
  ];
  const mask = Uint8Array.from(cord, (value, i) =>
    value >= 0.5 && rows.share[Math.floor(i / WINDOW)]! >= 0.5 && columns.share[i % WINDOW]! >= 0.5 ? 1 : 0,
  );
  let inner = eroded(mask, BORDER_SAMPLES);
  if (inner.reduce((a, b) => a + b, 0) < LEAST_SAMPLES) inner = eroded(mask, 1);
  return { shown, marked, inner };
}

function weightedMiddle({ cord, width }: Cut): [number, number] {
  let [total, rows, columns] = [0, 0, 0];
  cord.forEach((value, i) => {
    const weight = value * value;
    total += weight;
    rows += weight * Math.floor(i / width);
    columns += weight * (i % width);
  });
  const by = Math.max(total, 1e-12);
  return [rows / by, columns / by];
}

function medianWithin({ image, cord }: Cut): number {
  const inside = image.filter((_, i) => cord[i]! >= 0.5).sort();
  return median(inside);
}

/** The median of sorted values; 0 of none. */
export function median(sorted: ArrayLike<number>): number {
  const n = sorted.length;
  if (n === 0) return 0;
  return n % 2 ? sorted[(n - 1) / 2]! : (sorted[n / 2 - 1]! + sorted[n / 2]!) / 2;
}

interface Weights {
  /** One row for each sample. */
  by: Float32Array[];
  share: number[];
}

/** Weights of pixels in the samples of a window around a place in mm. */
function weights(middle: number, count: number, pixel: number): Weights {
  const width = Math.max(SAMPLE_MM, pixel);
  const by = Array.from({ length: WINDOW }, (_, i) => {
    const at = middle + (i - (WINDOW - 1) / 2) * SAMPLE_MM;
    return Float32Array.from({ length: count }, (_, j) => {
      const high = Math.min(at + width / 2, j * pixel + pixel / 2);
      const low = Math.max(at - width / 2, j * pixel - pixel / 2);
      return Math.max(high - low, 0) / width;
    });
  });
  return { by, share: by.map((row) => row.reduce((a, b) => a + b, 0)) };
}

function resampled(values: Float32Array, cut: Cut, rows: Weights, columns: Weights): Float32Array {
  const half = rows.by.map((row) => {
    const out = new Float64Array(cut.width);
    row.forEach((weight, r) => {
      if (weight > 0) for (let c = 0; c < cut.width; c++) out[c]! += weight * values[r * cut.width + c]!;
    });
    return out;
  });
  const out = new Float32Array(WINDOW * WINDOW);
  for (let i = 0; i < WINDOW; i++)
    for (let j = 0; j < WINDOW; j++) {
      const share = rows.share[i]! * columns.share[j]!;
      if (rows.share[i]! < 0.5 || columns.share[j]! < 0.5) continue;
      let sum = 0;
      columns.by[j]!.forEach((weight, c) => (sum += weight > 0 ? weight * half[i]![c]! : 0));
      out[i * WINDOW + j] = sum / Math.max(share, 0.25);
    }
  return out;
}

function eroded(mask: Uint8Array, steps: number): Uint8Array {
  let now = mask;
  for (let step = 0; step < steps; step++) {
    const before = now;
    const at = (row: number, column: number) =>
      row >= 0 && column >= 0 && row < WINDOW && column < WINDOW && before[row * WINDOW + column] === 1;
    now = before.map((inside, i) => {
      const [row, column] = [Math.floor(i / WINDOW), i % WINDOW];
      const all = at(row - 1, column) && at(row + 1, column) && at(row, column - 1) && at(row, column + 1);
      return inside && all ? 1 : 0;
    });
  }
  return now;
}
