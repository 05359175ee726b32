/** Is it a scan at all? As `scgm.segmentation.plausibility.refusal`. */
import { general, percent } from "../format";
import type { Scan } from "../types";
import { besides, SAMPLES } from "./intensities";

const FEWEST_VALUES = 8;
const MOST_LABELS = 64;
const EQUAL_NEIGHBORS = 0.9;
const [ZERO_SHARE, LARGEST_SHARE] = [0.5, 0.1];
const LEAST_UNEVEN = 0.1;
const [SMOOTH_ZERO_SHARE, SMOOTH_UNEVEN] = [0.8, 0.01];
const EXTREMES_DIFFER = 0.03;
const LEAST_WRAPPED = 10;
const TOWARD_LOWEST = 1.5;
const BESIDE_HIGHEST = 0.2;

export function refusal(scan: Scan): string | null {
  const { shown, sample } = sampled(scan);
  if (sample.length === 0) return null;
  return fewValued(scan, sample) ?? smoothMap(scan, sample, shown) ?? wrapped(scan);
}

/** How much has the largest value, where it is too much to see a cord. */
export function clipped({ slices }: Scan): string | null {
  const largest = slices.reduce((a, b) => Math.max(a, b), -Infinity);
  let [shown, most] = [0, 0];
  for (const value of slices) {
    if (value !== 0) shown += 1;
    if (value === largest) most += 1;
  }
  const share = most / Math.max(1, shown);
  if (largest === 0 || share < LARGEST_SHARE) return null;
  return (
    `${percent(share)} of its voxels, zeros aside, have the largest value, as if bright values were ` +
    "cut off; export it again with all of its values"
  );
}

/** Values that are not 0, evenly spread, slice by slice. */
function sampled({ slices, shape }: Scan): { shown: number; sample: Float32Array } {
  let shown = 0;
  for (const value of slices) if (value !== 0) shown += 1;
  const step = Math.max(1, Math.floor(shown / SAMPLES));
  const size = shape[1] * shape[2];
  const kept: number[] = [];
  for (let z = 0; z < shape[0]; z++) {
    let seen = 0;
    for (let i = z * size; i < (z + 1) * size; i++)
      if (slices[i] !== 0 && seen++ % step === 0) kept.push(slices[i]!);
  }
  return { shown, sample: Float32Array.from(kept) };
}

function fewValued(scan: Scan, sample: Float32Array): string | null {
  const { size } = new Set(sample);
  const advice = "it is a mask or a map of labels, not a scan; give the scan itself";
  if (size <= FEWEST_VALUES) return `it holds ${size} different values beside 0: ${advice}`;
  if (size <= MOST_LABELS && equalNeighbors(scan) >= EQUAL_NEIGHBORS)
    return `it holds ${size} different values beside 0, in areas of one value: ${advice}`;
  return null;
}

function equalNeighbors({ slices, shape }: Scan): number {
  let [pairs, equal] = [0, 0];
  for (let i = 1; i < slices.length; i++) {
    if (i % shape[2] === 0 || slices[i] === 0 || slices[i - 1] === 0) continue;
    pairs += 1;
    if (slices[i] === slices[i - 1]) equal += 1;
  }
  return equal / Math.max(1, pairs);
}

function smoothMap(scan: Scan, sample: Float32Array, shown: number): string | null {
  const zero = 1 - shown / scan.slices.length;
  const [lowest, highest] = [
    sample.reduce((a, b) => Math.min(a, b)),
    sample.reduce((a, b) => Math.max(a, b)),
  ];
  if (zero < ZERO_SHARE || lowest <= 0) return null;
  const top = highest - 1e-3 * highest;
  const largest = sample.reduce((sum, value) => sum + (value >= top ? 1 : 0), 0) / sample.length;
  const uneven = unevenShare(scan, highest);
  if (largest >= LARGEST_SHARE && uneven < LEAST_UNEVEN)
    return (
      `${percent(zero)} of its voxels are 0 and ${percent(largest)} of the others have the largest ` +
      "value: it is a mask or a probability map, not a scan; give the scan itself"
    );
  if (zero >= SMOOTH_ZERO_SHARE && uneven < SMOOTH_UNEVEN)
    return (
      `${percent(zero)} of its voxels are 0 and the others have no noise: it is a map, as of ` +
      "probabilities or distances, not a scan; give the scan itself"
    );
  return null;
}

/** Share of the voxels between 0 and the highest that lie beyond all four beside them. */
function unevenShare({ slices, shape }: Scan, highest: number): number {
  const [, height, width] = shape;
  let [count, uneven] = [0, 0];
  for (let i = 0; i < slices.length; i++) {
    const value = slices[i]!;
    if (!(value > 0.02 * highest && value < 0.98 * highest)) continue;
    const beside = besides(i, height, width);
    if (beside.length < 4) continue;
    count += 1;
    const above = beside.every((other) => value > slices[other]!);
    const below = beside.every((other) => value < slices[other]!);
    if (above || below) uneven += 1;
  }
  return uneven / Math.max(1, count);
}

function wrapped({ slices, shape }: Scan): string | null {
  const lowest = slices.reduce((a, b) => Math.min(a, b), Infinity);
  const highest = slices.reduce((a, b) => Math.max(a, b), -Infinity);
  const opposite = lowest < 0 && highest > 0 && Math.abs(lowest + highest) <= EXTREMES_DIFFER * highest;
  if (!opposite) return null;
  let [count, negative, beside] = [0, 0, 0];
  slices.forEach((value, i) => {
    if (value < 0) negative += 1;
    if (!(value < lowest / 2)) return;
    count += 1;
    if (besides(i, shape[1], shape[2]).some((other) => slices[other]! > highest / 2)) beside += 1;
  });
  const rest = negative - count;
  if (count < LEAST_WRAPPED || count < TOWARD_LOWEST * rest || beside < BESIDE_HIGHEST * count) return null;
  return (
    `its brightest voxels are negative (${count} of them, down to ${general(lowest, 6)}): whole numbers ` +
    "too large for the file's type have wrapped round; export it again as unsigned or 32-bit numbers"
  );
}
