/** What speaks against the cord that was found; as `scgm.segmentation.plausibility.implausible`. */
import type { Scan } from "../types";
import { EVEN_CONTRAST } from "./confidence";
import { SAMPLES } from "./intensities";
import { cavities } from "./cavities";
import { count, maskOf, slice, type Maps, type Part } from "./maps";

const MOST_CORD_MM2 = 160;
const MOST_JUMP_MM = 10;
const LEAST_BODY_MM = 60;
const [AIR_LEVEL, AIR_AT_BORDER] = [0.1, 0.9];
const UNEVEN_BODY = 0.3;
const LARGEST_SHARE = 0.1;

export interface Finding {
  what: string;
  slices: boolean[];
}

export function implausible(
  scan: Scan,
  slices: Float32Array,
  part: Part,
  found: Maps,
  contrast: number[],
  threshold: number,
): Finding[] {
  const mask = maskOf(found.cord, threshold);
  if (count(mask) === 0) return [];
  const all = [
    {
      what: "gray matter has no visible contrast with the white matter around it, so that its mask is a guess",
      slices: contrast.map((value) => value < EVEN_CONTRAST),
    },
    tooLarge(mask, found, part),
    jumps(mask, found, part),
    smallBody(scan, slices, mask, found),
    saturated(scan, slices, mask, part),
    cavities(mask, part),
  ];
  return all.filter((one) => one.slices.includes(true));
}

function tooLarge(mask: Uint8Array, found: Maps, part: Part): Finding {
  const areas = Array.from(
    { length: found.shape[0] },
    (_, z) => count(slice(mask, found.shape, z)) * part.pixel[0] * part.pixel[1],
  );
  return {
    what:
      `the cord that was found has up to ${Math.max(...areas).toFixed(0)} mm2, and no cord is larger than ` +
      `${MOST_CORD_MM2} mm2; check the voxel size, or give --cord`,
    slices: areas.map((area) => area > MOST_CORD_MM2),
  };
}

function jumps(mask: Uint8Array, found: Maps, part: Part): Finding {
  const width = found.shape[2];
  const middles = Array.from({ length: found.shape[0] }, (_, z) => {
    let [n, rows, columns] = [0, 0, 0];
    slice(mask, found.shape, z).forEach((inside, i) => {
      if (!inside) return;
      n += 1;
      rows += Math.floor(i / width);
      columns += i % width;
    });
    return [(rows / n) * part.pixel[0], (columns / n) * part.pixel[1]] as const;
  });
  const apart = (a: number, b: number) =>
    Math.hypot(middles[a]![0] - middles[b]![0], middles[a]![1] - middles[b]![1]);
  const slices = middles.map((_, z) => {
    if (z === 0 || z === middles.length - 1) return false;
    const away = [apart(z - 1, z), apart(z + 1, z)];
    return away.every((mm) => mm > MOST_JUMP_MM + part.distance) && apart(z + 1, z - 1) < Math.min(...away);
  });
  return {
    what: `the cord that was found lies more than ${MOST_JUMP_MM} mm from that of the slices above and below; give --center or --cord`,
    slices,
  };
}

function smallBody(scan: Scan, slices: Float32Array, mask: Uint8Array, found: Maps): Finding {
  const [depth, height, width] = scan.shape;
  const step = Math.max(1, Math.floor(slices.length / SAMPLES));
  const sample: number[] = [];
  for (let i = 0; i < slices.length; i += step) sample.push(slices[i]!);
  const sorted = Float32Array.from(sample).sort();
  const level = AIR_LEVEL * sorted[Math.floor(0.99 * (sorted.length - 1))]!;
  const [rows, columns] = [new Float64Array(height), new Float64Array(width)];
  let [tissue, border] = [0, 0];
  for (let i = 0; i < slices.length; i++) {
    if (!(slices[i]! > level)) continue;
    const [row, column] = [Math.floor(i / width) % height, i % width];
    tissue += 1;
    rows[row]! += 1;
    columns[column]! += 1;
    border += [row, height - 1 - row, column, width - 1 - column].filter((away) => away === 0).length;
  }
  const inBorder = border / (depth * 2 * (width + height));
  const sides = [
    extentOf(rows, 0.1 * depth * width) * scan.spacing[1],
    extentOf(columns, 0.1 * depth * height) * scan.spacing[2],
  ];
  const small =
    Math.max(...sides) < LEAST_BODY_MM &&
    1 - inBorder >= AIR_AT_BORDER &&
    tissue > 2 * count(mask) &&
    isUneven(sample.filter((value) => value > level));
  return {
    what:
      `the whole body in view is ${sides[1]!.toFixed(0)} x ${sides[0]!.toFixed(0)} mm, too small for that of a ` +
      "person; check the voxel size (animals cannot be segmented)",
    slices: Array.from({ length: depth }, (_, z) => small && slice(mask, found.shape, z).includes(1)),
  };
}

function saturated(scan: Scan, slices: Float32Array, mask: Uint8Array, part: Part): Finding {
  const largest = slices.reduce((a, b) => Math.max(a, b));
  const highest = mask.map((inside, i) => (inside && part.slices[i] === largest ? 1 : 0));
  const isCutOff = (z: number) => {
    const inCord = count(slice(highest, part.shape, z));
    const pixels = count(slice(mask, part.shape, z));
    const all = slice(slices, scan.shape, z).reduce((sum, value) => sum + (value === largest ? 1 : 0), 0);
    return inCord >= LARGEST_SHARE * Math.max(1, pixels) && all - inCord > inCord;
  };
  return {
    what:
      "much of the cord has the largest value of the image, as if bright values were cut off; " +
      "export it again with all of its values",
    slices: Array.from({ length: part.shape[0] }, (_, z) => isCutOff(z)),
  };
}

function isUneven(values: number[]): boolean {
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  const deviation = Math.sqrt(values.reduce((a, b) => a + (b - mean) ** 2, 0) / values.length);
  return deviation > UNEVEN_BODY * mean;
}

function extentOf(sums: Float64Array, least: number): number {
  const used = [...sums.keys()].filter((i) => sums[i]! > least);
  return used.length ? used.at(-1)! - used[0]! + 1 : 0;
}
