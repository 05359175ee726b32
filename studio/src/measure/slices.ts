/** Areas and parts of labels, slice by slice. */
import type { Found, Scan } from "../types";
import { type Axis, type Cut, type Parts, partAreas, symmetryAxis } from "./parts";
import { pixelToMm } from "./plane";

export const GM = 1;
export const WM = 2;

export interface SliceAreas {
  /** mm2; null where it cannot be measured. */
  gm: number | null;
  wm: number | null;
  cord: number | null;
}

export interface SliceParts {
  axis: Axis;
  gm: Parts | null;
  wm: Parts | null;
}

const NO_CORD_AREA = ["no cord", "cut off"];
const NO_GRAY_AREA = [...NO_CORD_AREA, "no gray matter"];

/** Areas of every slice; a slice whose status forbids it has none. */
export function areas(scan: Scan, labels: Uint8Array, found: Found | null): SliceAreas[] {
  const size = scan.shape[1] * scan.shape[2];
  return Array.from({ length: scan.shape[0] }, (_, z) => {
    const status = found?.status[z] ?? "ok";
    const counts = count(labels.subarray(z * size, (z + 1) * size));
    const gray = !NO_GRAY_AREA.includes(status);
    const hasCord = found === null || found.cord !== null;
    const cord = hasCord && !NO_CORD_AREA.includes(status);
    return {
      gm: gray ? counts[GM]! * scan.pixelArea : null,
      wm: gray && hasCord ? counts[WM]! * scan.pixelArea : null,
      cord: cord ? (counts[GM]! + counts[WM]!) * scan.pixelArea : null,
    };
  });
}

function count(labels: Uint8Array): number[] {
  const counts = [0, 0, 0];
  for (const label of labels) counts[label]! += 1;
  return counts;
}

/** Quarters of one slice, null without a cord. */
export function parts(scan: Scan, labels: Uint8Array, z: number): SliceParts | null {
  const size = scan.shape[1] * scan.shape[2];
  const slice = labels.subarray(z * size, (z + 1) * size);
  const [cord, gm, wm] = cuts(slice, scan.shape[1], scan.shape[2]);
  if (cord === undefined || !slice.includes(WM)) return null;
  const matrix = pixelToMm(scan);
  const hasGm = gm!.mask.includes(1);
  const axis = symmetryAxis(cord, hasGm ? [gm!] : [], matrix);
  return {
    axis,
    gm: hasGm ? partAreas(gm!, axis, matrix) : null,
    wm: partAreas(wm!, axis, matrix),
  };
}

/** Cord, gray and white matter, cut to the cord with a margin of a pixel; none without a cord. */
function cuts(slice: Uint8Array, height: number, width: number): Cut[] {
  let [top, bottom, left, right] = [height, -1, width, -1];
  for (let i = 0; i < slice.length; i++) {
    if (!slice[i]) continue;
    const [row, column] = [Math.floor(i / width), i % width];
    [top, bottom] = [Math.min(top, row), Math.max(bottom, row)];
    [left, right] = [Math.min(left, column), Math.max(right, column)];
  }
  if (bottom < 0) return [];
  const [h, w] = [bottom - top + 3, right - left + 3];
  return [(label: number) => label > 0, (l: number) => l === GM, (l: number) => l === WM].map(
    (is) => {
      const mask = new Uint8Array(h * w);
      for (let row = top; row <= bottom; row++)
        for (let column = left; column <= right; column++)
          if (is(slice[row * width + column]!)) mask[(row - top + 1) * w + column - left + 1] = 1;
      return { mask, height: h, width: w };
    },
  );
}

/** Dice coefficient of one label in two images of labels; null where both are empty. */
export function dice(a: Uint8Array, b: Uint8Array, is: (label: number) => boolean): number | null {
  let [both, first, second] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    const [x, y] = [is(a[i]!), is(b[i]!)];
    first += x ? 1 : 0;
    second += y ? 1 : 0;
    both += x && y ? 1 : 0;
  }
  return first + second ? (2 * both) / (first + second) : null;
}

export const isGray = (label: number) => label === GM;
export const isCord = (label: number) => label > 0;
