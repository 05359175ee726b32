/** Cross-sections of the cord at 0.1 mm, and what a scanner makes of them. */
import { unpack } from "../engine/bundle";

export interface Sections {
  levels: string[];
  pixel: number;
  tissues: string[];
  signals: Record<string, number[]>;
  /** Samples along each side. */
  size: number;
  values: Uint8Array;
}

export interface Scanner {
  level: number;
  contrast: string;
  pixel: number;
  snr: number;
  thickness: number;
  /** Angle between the cord and the normal of the slice, in degrees. */
  tilt: number;
  rotation: number;
  seed: number;
}

export interface Simulated {
  image: Float32Array;
  /** Share of gray matter and of the cord in each pixel. */
  gm: Float32Array;
  cord: Float32Array;
  size: number;
  pixel: number;
}

export const GRAY = ["GRAY_MATTER", "GELATINOSA", "CENTRAL_CANAL"];
export const CORD = [...GRAY, "WHITE_MATTER", "FISSURE", "SEPTUM"];

export function sectionsOf(block: ArrayBuffer): Sections {
  const { fields, arrays, shapes } = unpack(block);
  return {
    levels: fields["levels"] as string[],
    pixel: fields["pixel"] as number,
    tissues: fields["tissues"] as string[],
    signals: fields["signals"] as Record<string, number[]>,
    size: shapes["sections"]![1]!,
    values: arrays["sections"] as Uint8Array,
  };
}

/** The tissues of one level. */
export function section(all: Sections, level: number): Uint8Array {
  const each = all.size * all.size;
  return all.values.subarray(level * each, (level + 1) * each);
}

/** Random numbers that a seed repeats, normally distributed. */
export function normal(seed: number): () => number {
  let state = (seed * 2654435761 + 1) >>> 0;
  const uniform = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  return () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
}

/**
 * Simulate a slice: the mean of all tissues in a pixel, and Rician noise.
 *
 * A thick slice across a cord at an angle sees the cord moved from its lower to its upper side.
 */
export function simulate(all: Sections, scanner: Scanner): Simulated {
  const tissues = section(all, scanner.level);
  const width = all.size * all.pixel;
  const size = Math.floor(width / scanner.pixel + 1e-6);
  const signal = all.signals[scanner.contrast]!;
  const is = (names: string[]) => all.tissues.map((name) => (names.includes(name) ? 1 : 0));
  const [gray, cord] = [is(GRAY), is(CORD)];
  const out = {
    image: new Float32Array(size * size),
    gm: new Float32Array(size * size),
    cord: new Float32Array(size * size),
  };
  const points = pointsOf(scanner, all.pixel);
  const by = 1 / points.length;
  const look = lookup(tissues, all, scanner.rotation);
  for (let row = 0; row < size; row++)
    for (let column = 0; column < size; column++) {
      const [x, y] = [(column - (size - 1) / 2) * scanner.pixel, (row - (size - 1) / 2) * scanner.pixel];
      const at = row * size + column;
      for (const [dx, dy] of points) {
        const tissue = look(x + dx, y + dy);
        out.image[at]! += signal[tissue]! * by;
        out.gm[at]! += gray[tissue]! * by;
        out.cord[at]! += cord[tissue]! * by;
      }
    }
  addNoise(out.image, signal[all.tissues.indexOf("WHITE_MATTER")]! / scanner.snr, scanner.seed);
  return { ...out, size, pixel: scanner.pixel };
}

/** Where the tissues of a voxel are looked up, in mm from its middle. */
function pointsOf({ pixel, thickness, tilt }: Scanner, finest: number): [number, number][] {
  const across = Math.min(8, Math.max(1, Math.ceil(pixel / finest)));
  const shift = thickness * Math.tan((tilt * Math.PI) / 180);
  const planes = Math.min(15, Math.max(1, Math.ceil(Math.abs(shift) / 0.2)));
  const places = (count: number, size: number) =>
    Array.from({ length: count }, (_, i) => ((i + 0.5) / count - 0.5) * size);
  return places(planes, shift).flatMap((dz) =>
    places(across, pixel).flatMap((dy) =>
      places(across, pixel).map((dx) => [dx, dy + dz] as [number, number]),
    ),
  );
}

function lookup(tissues: Uint8Array, all: Sections, degrees: number): (x: number, y: number) => number {
  const angle = (degrees * Math.PI) / 180;
  const [c, s] = [Math.cos(angle), Math.sin(angle)];
  const clip = (value: number) => Math.min(all.size - 1, Math.max(0, Math.round(value)));
  const middle = (all.size - 1) / 2;
  return (x, y) => {
    const [u, v] = [c * x + s * y, -s * x + c * y];
    return tissues[clip(v / all.pixel + middle) * all.size + clip(u / all.pixel + middle)]!;
  };
}

function addNoise(image: Float32Array, deviation: number, seed: number): void {
  const draw = normal(seed);
  image.forEach((value, i) => {
    image[i] = Math.hypot(value + deviation * draw(), deviation * draw());
  });
}

/** Area in mm2 of what a share of at least half marks. */
export function halfArea(shares: Float32Array, pixel: number): number {
  return shares.reduce((sum, share) => sum + (share >= 0.5 ? 1 : 0), 0) * pixel * pixel;
}

export function softArea(shares: Float32Array, pixel: number): number {
  return shares.reduce((sum, share) => sum + share, 0) * pixel * pixel;
}
