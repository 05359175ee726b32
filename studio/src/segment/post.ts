/** What is changed in the maps of a model before they are a result; as `scgm.segmentation`. */
import type { Scan } from "../types";
import { cutByWindow } from "./cut-off";
import { boxed, centroids, count, joined, maskOf, only, partOf, slice, type Box, type Maps, type Part } from "./maps";

const MIN_CORD_AREA_MM2 = 10;
const MIN_PRESENCE = 0.5;
const MIN_PRESENCE_BETWEEN = 0.25;
const BETWEEN_MM = 30;
const MOST_OFF_CENTER_MM = 3;
const MOST_MOVES = 3;

/** Empty whatever is cord but not joined to the piece with the most probable pixel. */
export function onePiece(found: Maps, threshold: number): Maps {
  const [depth, height, width] = found.shape;
  const size = height * width;
  const keep = new Uint8Array(found.cord.length).fill(1);
  for (let z = 0; z < depth; z++) {
    const cord = slice(found.cord, found.shape, z);
    const mask = maskOf(cord, threshold);
    let best = 0;
    cord.forEach((value, i) => (best = value > cord[best]! ? i : best));
    const piece = joined([best], mask, width, true);
    mask.forEach((inside, i) => (keep[z * size + i] = inside && !piece[i] ? 0 : 1));
  }
  return only(found, (i) => keep[i] === 1);
}

type Run = (centre: Float32Array) => Promise<Maps>;

/** Run a model; where its window cuts the cord, run it again around what it found. */
export async function centered(
  run: Run,
  scan: Scan,
  threshold: number,
): Promise<{ found: Maps; box: Box }> {
  let told = new Float32Array(2 * scan.shape[0]).fill(NaN);
  let { found, box } = boxed(await run(told));
  found = onePiece(found, threshold);
  for (let move = 0; move < MOST_MOVES; move++) {
    const center = betterCenter(found, partOf(scan, scan.slices, box), box, told, threshold);
    if (center === null) break;
    ({ found, box } = boxed(await run(center)));
    found = onePiece(found, threshold);
    told = center;
  }
  return { found, box };
}

function betterCenter(
  found: Maps,
  part: Part,
  box: Box,
  told: Float32Array,
  threshold: number,
): Float32Array<ArrayBuffer> | null {
  const middle = centroids(maskOf(found.cord, threshold), found.shape).map(
    (value, i) => value + (i % 2 ? box.columns[0] : box.rows[0]),
  );
  const cut = cutByWindow(found.cord, found.shape, threshold, part.pixel, part.atBorder);
  const out = new Float32Array(told);
  let moved = false;
  for (let z = 0; z < found.shape[0]; z++) {
    const [row, column] = [2 * z, 2 * z + 1];
    const away = Math.hypot(
      (middle[row]! - told[row]!) * part.pixel[0],
      (middle[column]! - told[column]!) * part.pixel[1],
    );
    const wanted = away > MOST_OFF_CENTER_MM || (cut[z]! && Number.isNaN(told[row]!));
    if (!wanted || !Number.isFinite(middle[row]!)) continue;
    moved = true;
    [out[row], out[column]] = [middle[row]!, middle[column]!];
  }
  return moved ? out : null;
}

/** Whether each slice shows a cord. */
export function showsCord(found: Maps, part: Part, threshold: number): boolean[] {
  const present = isPresent(found.presence, part.distance);
  return present.map((there, z) => {
    const area = count(maskOf(slice(found.cord, found.shape, z), threshold)) * part.pixelArea;
    return area >= MIN_CORD_AREA_MM2 && there;
  });
}

/** Whether the presence of each slice is enough; less is needed between two slices with a cord, not far apart. */
export function isPresent(presence: ArrayLike<number>, sliceMm: number): boolean[] {
  const all = Array.from(presence);
  const most = Math.floor(BETWEEN_MM / sliceMm + 0.01);
  return all.map((value, z) => {
    if (value >= MIN_PRESENCE) return true;
    const before = all.findLastIndex((other, i) => i < z && other >= MIN_PRESENCE);
    const after = all.findIndex((other, i) => i > z && other >= MIN_PRESENCE);
    return before >= 0 && after >= 0 && after - before <= most && value >= MIN_PRESENCE_BETWEEN;
  });
}

/** Zero where the image has no value, and in slices without a cord. */
export function kept(found: Maps, part: Part, seen: boolean[]): Maps {
  const size = found.shape[1] * found.shape[2];
  const out = only(found, (i) => seen[Math.floor(i / size)]! && !part.missing?.[i]);
  const centre = found.centre.map((value, i) => (seen[Math.floor(i / 2)] ? value : NaN));
  return { ...out, centre };
}
