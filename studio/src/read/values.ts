/** From stored numbers to gray values; as `scgm.image.values`, number by number. */
import { general } from "../format";
import { UserError } from "../types";
import type { Stored } from "./numbers";

export interface GrayValues {
  voxels: Float32Array;
  missing: Uint8Array | null;
  unit: number;
  warnings: string[];
}

const PIECE = 1 << 20;
const SAMPLE = 1 << 22;
const OUTLIER_FACTOR = 100;
const PADDING_SHARE = 0.005;
const PADDING_GAP = 1.5;
const PADDING_GAP_OF_ZERO = 3;
const SPIKES_SHARE = 0.03;
const SPIKES_GAP = 4;
const SIDE_BY_SIDE = 0.5;
const RATIO_MEDIAN = 0.05;
const RATIO_TAIL = 3;
const LEAST_VOXELS = 1000;
const LEAST_VALUES = 32;
const USUAL_RANGE = [2 ** -10, 2 ** 40] as const;
const UNIT_BITS = 9;

/** Finite values in ascending order: *usual* every n-th one, *tails* all beyond 99.8 %. */
class Sample {
  constructor(
    readonly usual: Float64Array,
    readonly tails: Float64Array,
  ) {}

  get ends(): [number, number] {
    const every = [this.usual, this.tails].filter((part) => part.length);
    return [Math.min(...every.map((p) => p[0]!)), Math.max(...every.map((p) => p.at(-1)!))];
  }

  /** The values from low to high, without some, which lie at the ends. */
  within(low: number, high: number, without: number[] = []): Sample {
    const kept = (part: Float64Array) => {
      let [first, last] = [bound(part, low, false), bound(part, high, true)];
      for (const end of without) {
        if (part[first] === end) first = Math.min(last, bound(part, end, true));
        if (part[last - 1] === end) last = Math.max(first, bound(part, end, false));
      }
      return part.subarray(first, Math.max(first, last));
    };
    return new Sample(kept(this.usual), kept(this.tails));
  }

  share(value: number): number {
    const found = bound(this.usual, value, true) - bound(this.usual, value, false);
    return found / Math.max(this.usual.length, 1);
  }

  quantile(share: number): number {
    return this.usual[Math.trunc(share * (this.usual.length - 1))]!;
  }

  get level(): number {
    const zeros = bound(this.usual, 0, true) - bound(this.usual, 0, false);
    const count = this.usual.length - zeros;
    const beyond = Math.max(3, Math.floor(count / 1000));
    if (beyond >= count) return Infinity;
    // The largest magnitudes lie at both ends.
    let [first, last] = [0, this.usual.length - 1];
    for (let i = 0; i < beyond; i++)
      if (-this.usual[first]! > this.usual[last]!) first += 1;
      else last -= 1;
    return Math.max(-this.usual[first]!, this.usual[last]!);
  }

  get looksLikeAnImage(): boolean {
    let different = 0;
    for (let i = 0; i < this.usual.length && different < LEAST_VALUES; i = bound(this.usual, this.usual[i]!, true))
      different += 1;
    return this.usual.length >= LEAST_VOXELS && different >= LEAST_VALUES;
  }

  get mirrored(): Sample {
    const turned = (part: Float64Array) => part.map((v) => -v).reverse();
    return new Sample(turned(this.usual), turned(this.tails));
  }
}

function bound(sorted: Float64Array, value: number, after: boolean): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle]! < value || (after && sorted[middle] === value)) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The different values of a sorted array. */
function distinct(sorted: Float64Array): Float64Array {
  return sorted.filter((v, i) => i === 0 || v !== sorted[i - 1]);
}

interface Cuts {
  low: number;
  lowBecomes: number;
  high: number;
  highBecomes: number;
  padding: number[];
  filling: number;
  unit: number;
}

export function grayValues(stored: Stored): GrayValues {
  const sample = sampleOf(stored);
  requireContrast(sample);
  requireUnwrapped(stored);
  return replaced(stored, cutsOf(stored, sample));
}

const valueAt = ({ numbers, slope, inter }: Stored, i: number) => numbers[i]! * slope + inter;

function sampleOf(stored: Stored): Sample {
  const size = stored.numbers.length;
  const step = Math.ceil(size / SAMPLE) | 1;
  const picked = new Float64Array(Math.ceil(size / step));
  for (let i = 0, at = 0; at < size; i++, at += step) picked[i] = valueAt(stored, at);
  const usual = sorted(picked.every(Number.isFinite) ? picked : picked.filter(Number.isFinite));
  if (step === 1 || usual.length === 0) return new Sample(usual, new Float64Array(0));
  const end = Math.floor(usual.length / 1000);
  const [low, high] = [usual[end]!, usual[usual.length - 1 - end]!];
  const tails: number[] = [];
  for (let i = 0; i < size; i++) {
    const value = valueAt(stored, i);
    if (Number.isFinite(value) && (value < low || value > high)) tails.push(value);
  }
  return new Sample(usual, Float64Array.from(tails).sort());
}

function requireContrast(sample: Sample): void {
  if (sample.usual.length === 0)
    throw new UserError("none of its voxels is a finite number; export the image again from its source");
  const [lowest, highest] = sample.ends;
  if (lowest === highest)
    throw new UserError(
      `all of its voxels are ${general(lowest, 6)}, so there is nothing to see; check the file`,
    );
}

/** Refuse integers that passed their largest number; as `scgm.image.wrapping`. */
function requireUnwrapped({ numbers, signedBits }: Stored): void {
  if (signedBits === 0 || signedBits > 16) return;
  const most = 2 ** (signedBits - 1) - 1;
  const end = Math.trunc(0.1 * most);
  const step = Math.ceil(numbers.length / SAMPLE) | 1;
  const high = among(numbers, step, (value) => value > most - end);
  const low = among(numbers, step, (value) => value < end - most);
  if (Math.min(high.different, low.different) < 5) return;
  const belowZero = among(numbers, step, (value) => value < 0 && value > -end).count;
  const continued = Math.max(high.count, low.count) <= 10 * Math.min(high.count, low.count);
  if (continued && low.count > 3 * belowZero)
    throw new UserError(
      `its brightest voxels are negative: values above ${most} were stored as signed ${signedBits}-bit ` +
        "integers; convert the image again, as unsigned integers or floating-point numbers",
    );
}

/** How many numbers are of a kind, and how many different ones. */
function among(
  numbers: ArrayLike<number>,
  step: number,
  is: (value: number) => boolean,
): { count: number; different: number } {
  const seen = new Set<number>();
  let count = 0;
  for (let i = 0; i < numbers.length; i += step)
    if (is(numbers[i]!)) {
      count += 1;
      seen.add(numbers[i]!);
    }
  return { count, different: seen.size };
}

function cutsOf(stored: Stored, sample: Sample): Cuts {
  const padding = paddingOf(stored, sample);
  let body = sample.within(-Infinity, Infinity, padding);
  let low = -spikesFrom(stored, body.mirrored, -1);
  let high = spikesFrom(stored, body, 1);
  body = body.within(low, high);
  let [lowBecomes, highBecomes] = [body.quantile(0.01), body.quantile(0.99)];
  const { level } = body;
  if (body.ends[1] > OUTLIER_FACTOR * level) [high, highBecomes] = [OUTLIER_FACTOR * level, level];
  if (body.ends[0] < -OUTLIER_FACTOR * level) [low, lowBecomes] = [-OUTLIER_FACTOR * level, -level];
  body = body.within(low, high);
  requireContrast(body);
  const deep = deepOf(body);
  if (body.ends[0] < deep) {
    low = deep;
    body = body.within(deep, high);
    lowBecomes = Math.max(body.quantile(0.01), deep);
  }
  return { low, lowBecomes, high, highBecomes, padding, filling: body.quantile(0.01), unit: unitOf(body) };
}

function deepOf(body: Sample): number {
  const [first, middle, last] = [0.01, 0.5, 0.99].map((share) => body.quantile(share)) as [
    number, number, number,
  ];
  if (middle > RATIO_MEDIAN * last && body.ends[0] < -RATIO_TAIL * last) return 0;
  return Math.min(0, first - (last - first));
}

function paddingOf(stored: Stored, sample: Sample): number[] {
  const ends = sample.ends.filter((value) => sample.share(value) >= PADDING_SHARE);
  const others = sample.within(-Infinity, Infinity, ends);
  if (ends.length === 0 || !others.looksLikeAnImage) return [];
  const [low, high] = [others.quantile(0.01), others.quantile(0.99)];
  const isFar = (value: number) => {
    const gap = value === 0 ? PADDING_GAP_OF_ZERO : PADDING_GAP;
    return Math.max(low - value, value - high) > gap * (high - low);
  };
  return ends.filter((value) => isFar(value) && sideBySide(stored, value, value) >= SIDE_BY_SIDE);
}

function spikesFrom(stored: Stored, body: Sample, sign: 1 | -1): number {
  if (!body.looksLikeAnImage) return Infinity;
  const [median, start] = [body.quantile(0.5), body.quantile(1 - SPIKES_SHARE)];
  const beyond = [body.usual, body.tails].flatMap((part) => [...part.subarray(bound(part, start, false))]);
  const tail = distinct(Float64Array.from(beyond).sort());
  const spread = start - body.quantile(SPIKES_SHARE);
  for (let i = 0; i + 1 < tail.length; i++) {
    const reach = Math.max(tail[i]! - median, spread / 2);
    if (!(tail[i + 1]! - tail[i]! > SPIKES_GAP * reach && reach > 0)) continue;
    const first = tail[i + 1]!;
    const share = sign > 0 ? sideBySide(stored, first, Infinity) : sideBySide(stored, -Infinity, -first);
    return share < SIDE_BY_SIDE ? tail[i]! : Infinity;
  }
  return Infinity;
}

/** How often a voxel from low to high has another one as neighbor in its row. */
function sideBySide(stored: Stored, low: number, high: number): number {
  let [count, pairs] = [0, 0];
  let before = false;
  for (let i = 0; i < stored.numbers.length; i++) {
    const value = valueAt(stored, i);
    const inside = value >= low && value <= high;
    if (inside) {
      count += 1;
      if (before && i % PIECE !== 0) pairs += 1;
    }
    before = inside;
  }
  return pairs / Math.max(count, 1);
}

function unitOf(body: Sample): number {
  let { level } = body;
  if (!Number.isFinite(level)) level = Math.max(...body.ends.map(Math.abs));
  const [least, most] = USUAL_RANGE;
  return level >= least && level <= most ? 1 : 2 ** (exponent(level) - UNIT_BITS);
}

/** The exponent of `frexp`: value = m * 2^e with m from 0.5 to 1. */
export function exponent(value: number): number {
  if (value === 0) return 0;
  let power = Math.floor(Math.log2(Math.abs(value))) + 1;
  while (Math.abs(value) >= 2 ** power) power += 1;
  while (Math.abs(value) < 2 ** (power - 1)) power -= 1;
  return power;
}

/** Values in ascending order: by counting where they are whole numbers of a small range. */
function sorted(values: Float64Array): Float64Array {
  let [low, high, integers] = [Infinity, -Infinity, true];
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
    if (integers && !Number.isInteger(value)) integers = false;
  }
  if (!integers || high - low > 1 << 20) return values.sort();
  const counts = new Uint32Array(high - low + 1);
  for (const value of values) counts[value - low]! += 1;
  let at = 0;
  for (let i = 0; i < counts.length; i++) {
    values.fill(low + i, at, at + counts[i]!);
    at += counts[i]!;
  }
  return values;
}

function replaced(stored: Stored, cuts: Cuts): GrayValues {
  const size = stored.numbers.length;
  const voxels = new Float32Array(size);
  const missing = new Uint8Array(size);
  const found = { notFinite: 0, padding: 0, low: 0, lowest: Infinity, high: 0, highest: -Infinity };
  for (let i = 0; i < size; i++) {
    let value = valueAt(stored, i);
    if (!Number.isFinite(value)) {
      found.notFinite += 1;
      missing[i] = 1;
      value = cuts.filling;
    } else if (cuts.padding.includes(value)) {
      found.padding += 1;
      missing[i] = 1;
      value = cuts.filling;
    } else if (value < cuts.low) {
      found.low += 1;
      found.lowest = Math.min(found.lowest, value);
      value = cuts.lowBecomes;
    } else if (value > cuts.high) {
      found.high += 1;
      found.highest = Math.max(found.highest, value);
      value = cuts.highBecomes;
    }
    voxels[i] = value / cuts.unit;
  }
  const any = found.notFinite + found.padding > 0;
  return { voxels, missing: any ? missing : null, unit: cuts.unit, warnings: warnings(found, cuts) };
}

function warnings(
  found: { notFinite: number; padding: number; low: number; lowest: number; high: number; highest: number },
  cuts: Cuts,
): string[] {
  const said: string[] = [];
  const count = (n: number) => (n === 1 ? "1 voxel is" : `${n} voxels are`);
  if (found.high)
    said.push(
      `${count(found.high)} far beyond all others (up to ${general(found.highest, 3)}), clipped to ${general(cuts.highBecomes, 6)}`,
    );
  if (found.low)
    said.push(
      `${count(found.low)} far below all others (to ${general(found.lowest, 3)}), set to ${general(cuts.lowBecomes, 6)}`,
    );
  if (found.padding)
    said.push(
      `${count(found.padding)} padding (${cuts.padding.map((v) => general(v, 6)).join(" and ")}), taken as outside the image`,
    );
  if (found.notFinite) said.push(`${count(found.notFinite)} NaN or infinite, taken as outside the image`);
  if (cuts.unit !== 1)
    said.push(`its values are stored in units of ${general(cuts.unit, 3)}, to fit into float32`);
  return said;
}
