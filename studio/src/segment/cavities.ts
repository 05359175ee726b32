/** Holes in the cord, and one round spot in it as bright as the fluid around it, or as dark. */
import { median } from "./contrast";
import type { Finding } from "./findings";
import { count, joined, slice, span, type Part } from "./maps";

const LEAST_CAVITY_MM2 = 2;
const [BORDER_MM, RING_MM] = [1, 2.5];
const FLUID_LEVEL = 0.7;
const [VOID_NOISE, MEDIAN_OF_NORMAL] = [3, 0.6745];
const [ROUND_SHARE, SPOT_SHARE] = [0.8, 0.9];

interface Near {
  mask: Uint8Array;
  image: Float32Array;
  height: number;
  width: number;
}

type Pixel = [number, number];

export function cavities(mask: Uint8Array, part: Part): Finding {
  const pixelArea = part.pixel[0] * part.pixel[1];
  const slices = Array.from({ length: part.shape[0] }, (_, z) => {
    const near = surroundings(mask, part, z);
    if (near === null) return false;
    const whole = filled(near);
    const hole = count(whole.filter((inside, i) => inside && !near.mask[i])) * pixelArea;
    return Math.max(hole, spot(near, whole, part.pixel) * pixelArea) >= LEAST_CAVITY_MM2;
  });
  return {
    what:
      "the cord has a hole, or a spot that differs from it as much as the fluid around it, as a " +
      "syrinx or a void; gray matter cannot be told from it",
    slices,
  };
}

/** The cord of a slice and what surrounds it; null without a cord. */
function surroundings(all: Uint8Array, part: Part, z: number): Near | null {
  const [, height, width] = part.shape;
  const [mask, image] = [slice(all, part.shape, z), slice(part.slices, part.shape, z)];
  const [rows, columns] = [new Uint8Array(height), new Uint8Array(width)];
  mask.forEach((inside, i) => {
    if (inside) rows[Math.floor(i / width)] = columns[i % width] = 1;
  });
  if (!rows.includes(1)) return null;
  const [my, mx] = part.pixel.map((size) => Math.ceil((2 * RING_MM) / size) + 1) as Pixel;
  const [[r0, r1], [c0, c1]] = [span(rows), span(columns)];
  const [top, bottom] = [Math.max(r0 - my, 0), Math.min(height, r1 + my)];
  const [left, right] = [Math.max(c0 - mx, 0), Math.min(width, c1 + mx)];
  const [h, w] = [bottom - top, right - left];
  const out: Near = { mask: new Uint8Array(h * w), image: new Float32Array(h * w), height: h, width: w };
  for (let row = 0; row < h; row++) {
    const from = (top + row) * width;
    out.mask.set(mask.subarray(from + left, from + right), row * w);
    out.image.set(image.subarray(from + left, from + right), row * w);
  }
  return out;
}

/** Fill what a mask encloses. */
function filled({ mask, height, width }: Near): Uint8Array {
  const [h, w] = [height + 2, width + 2];
  const free = new Uint8Array(h * w).fill(1);
  for (let row = 0; row < height; row++)
    for (let column = 0; column < width; column++)
      free[(row + 1) * w + column + 1] = mask[row * width + column] ? 0 : 1;
  const outside = joined([0], free, w, false);
  return mask.map((_, i) => {
    const [row, column] = [Math.floor(i / width), i % width];
    return outside[(row + 1) * w + column + 1] ? 0 : 1;
  });
}

/** Pixels of one round spot that differs from the cord nearly as much as the fluid around it. */
function spot(near: Near, whole: Uint8Array, pixel: Pixel): number {
  const [far, close] = [grown(whole, near, RING_MM, pixel), grown(whole, near, 0.5, pixel)];
  const outside = grown(whole.map((inside) => 1 - inside), near, BORDER_MM, pixel);
  const inner = outside.map((reached) => 1 - reached);
  const places = [...whole.keys()];
  const ringed = places.filter((i) => far[i] && !close[i]);
  if (ringed.length === 0 || !inner.includes(1)) return 0;
  const own = places.filter((i) => whole[i]);
  const middle = median(own.map((i) => near.image[i]!).sort((a, b) => a - b));
  const away = near.image.map((value) => value - middle);
  const ring = ringed.map((i) => away[i]!).sort((a, b) => a - b);
  const [low, high] = [quantile(ring, 0.25), quantile(ring, 0.75)];
  const noise = median(own.map((i) => Math.abs(away[i]!)).sort((a, b) => a - b)) / MEDIAN_OF_NORMAL;
  const limits: [number, number][] = [
    [1, FLUID_LEVEL * high],
    [-1, Math.max(FLUID_LEVEL * Math.max(high, -low), VOID_NOISE * noise)],
  ];
  const spots = limits
    .filter(([, limit]) => limit > 0)
    .map(([sign, limit]) => roundSpot(away.map((value) => sign * value), inner, limit, near.width));
  return Math.max(0, ...spots);
}

function quantile(sorted: number[], share: number): number {
  const at = share * (sorted.length - 1);
  const [low, high] = [sorted[Math.floor(at)]!, sorted[Math.ceil(at)]!];
  return low + (high - low) * (at - Math.floor(at));
}

function roundSpot(values: Float32Array, inner: Uint8Array, limit: number, width: number): number {
  const beyond = inner.map((inside, i) => (inside && values[i]! > limit ? 1 : 0));
  const all = count(beyond);
  if (all === 0) return 0;
  let highest = beyond.indexOf(1);
  beyond.forEach((inside, i) => {
    if (inside && values[i]! > values[highest]!) highest = i;
  });
  const found = joined([highest], beyond, width, false);
  const size = count(found);
  return size >= SPOT_SHARE * all && roundness(found, width) >= ROUND_SHARE ? size : 0;
}

/** Area over that of an ellipse of equal second moments. */
function roundness(mask: Uint8Array, width: number): number {
  const places = [...mask.keys()].filter((i) => mask[i]);
  const n = places.length;
  const [rows, columns] = [places.map((i) => Math.floor(i / width)), places.map((i) => i % width)];
  const mean = (values: number[]) => values.reduce((a, b) => a + b, 0) / n;
  const [mr, mc] = [mean(rows), mean(columns)];
  const rr = mean(rows.map((r) => (r - mr) ** 2)) + 1 / 12;
  const cc = mean(columns.map((c) => (c - mc) ** 2)) + 1 / 12;
  const rc = mean(rows.map((r, i) => (r - mr) * (columns[i]! - mc)));
  return n / (4 * Math.PI * Math.sqrt(rr * cc - rc * rc));
}

/** Pixels whose center is at most so far from the center of one of the mask. */
function grown(mask: Uint8Array, { height, width }: Near, radius: number, [dy, dx]: Pixel): Uint8Array {
  const out = mask.slice();
  const [ry, rx] = [Math.floor(radius / dy), Math.floor(radius / dx)];
  for (let i = 0; i < mask.length; i++) {
    if (!mask[i]) continue;
    const [row, column] = [Math.floor(i / width), i % width];
    for (let r = Math.max(0, row - ry); r <= Math.min(height - 1, row + ry); r++)
      for (let c = Math.max(0, column - rx); c <= Math.min(width - 1, column + rx); c++)
        if (Math.hypot((r - row) * dy, (c - column) * dx) <= radius) out[r * width + c] = 1;
  }
  return out;
}
