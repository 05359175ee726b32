/** Intensities as methods get them; as `scgm.image.intensities`. */
import type { Scan, Triple } from "../types";
import { exponent } from "../read/values";

const USUAL_EXPONENT = 14;
const [LEAST_EXPONENT, MOST_EXPONENT] = [-5, 24];
const FAR = 10;
const FAR_BELOW_POSITIVE = 3;
const MOST_TOGETHER = 0.5;
export const SAMPLES = 1_000_000;

interface Usual {
  low: number;
  high: number;
  lowest: number;
  highest: number;
  positive: boolean;
}

export function forMethods(scan: Scan): Float32Array {
  const usual = usualRange(scan.slices, scan.missing);
  if (usual === null) return scan.slices;
  let slices = replaced(scan, usual);
  const power = exponent(usual.high - usual.low);
  if (power < LEAST_EXPONENT || power > MOST_EXPONENT)
    slices = slices.map((value) => value * 2 ** (USUAL_EXPONENT - power));
  return slices;
}

function usualRange(values: Float32Array, missing: Uint8Array | null): Usual | null {
  const step = Math.max(1, Math.floor(values.length / SAMPLES));
  const known: number[] = [];
  for (let i = 0; i < values.length; i += step)
    if (values[i] !== 0 && !missing?.[i]) known.push(values[i]!);
  if (known.length === 0) return null;
  const sorted = Float64Array.from(known).sort();
  const at = (percent: number) => sorted[Math.floor((percent / 100) * (sorted.length - 1))]!;
  let [low, high] = [at(5), at(95)];
  const middle = at(50);
  if (!(low < high)) [low, high] = [sorted[0]!, sorted.at(-1)!];
  let far = FAR;
  if (middle > 0) [low, far] = [Math.max(low, 2 * middle - high), FAR_BELOW_POSITIVE];
  if (!(low < high)) return null;
  const span = high - low;
  return { low, high, lowest: low - far * span, highest: high + FAR * span, positive: middle > 0 };
}

function replaced({ slices, missing, shape }: Scan, usual: Usual): Float32Array {
  const [below, above] = [new Uint8Array(slices.length), new Uint8Array(slices.length)];
  const far: number[] = [];
  slices.forEach((value, i) => {
    if (value < usual.lowest || value > usual.highest) far.push(i);
  });
  if (far.length === 0) return slices;
  const unknown = far.filter((i) => missing?.[i]);
  for (const i of far.filter((place) => !missing?.[place]))
    (slices[i]! < usual.lowest ? below : above)[i] = 1;
  if (!scattered(above, shape)) above.fill(0);
  if (!(usual.positive || scattered(below, shape))) below.fill(0);
  for (const i of unknown) below[i] = 1;
  return slices.map((value, i) => (below[i] ? usual.low : above[i] ? usual.high : value));
}

/** Whether most of the voxels stand alone, as no tissue does. */
function scattered(far: Uint8Array, [, height, width]: Triple): boolean {
  let [all, together] = [0, 0];
  for (let i = 0; i < far.length; i++) {
    if (!far[i]) continue;
    all += 1;
    if (besides(i, height, width).some((other) => far[other])) together += 1;
  }
  return together < MOST_TOGETHER * all;
}

/** Pixels of the same slice that share a side. */
export function besides(i: number, height: number, width: number): number[] {
  const [row, column] = [Math.floor(i / width) % height, i % width];
  const found: number[] = [];
  if (row > 0) found.push(i - width);
  if (row + 1 < height) found.push(i + width);
  if (column > 0) found.push(i - 1);
  if (column + 1 < width) found.push(i + 1);
  return found;
}
