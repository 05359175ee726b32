/** From native axes to canonical slices: permuted and flipped, never interpolated. */
import type { Triple } from "../types";

export interface AxisMap {
  order: Triple;
  flipped: [boolean, boolean, boolean];
}

// The first of equally close orders is taken.
const ORDERS: Triple[] = [
  [2, 1, 0],
  [2, 0, 1],
  [1, 2, 0],
  [1, 0, 2],
  [0, 2, 1],
  [0, 1, 2],
];

export function axisMap(affine: number[][]): AxisMap {
  const length = [0, 1, 2].map((j) => Math.hypot(affine[0]![j]!, affine[1]![j]!, affine[2]![j]!));
  const cosine = (world: number, axis: number) => affine[world]![axis]! / length[axis]!;
  const rounded = (value: number) => Math.round(value * 1e6);
  const closeness = ([z, y, x]: Triple) => [
    rounded(Math.abs(cosine(2, z))),
    rounded(Math.abs(cosine(1, y)) + Math.abs(cosine(0, x))),
  ];
  const order = ORDERS.reduce((best, next) => {
    const [a, b] = [closeness(best), closeness(next)];
    return b[0]! > a[0]! || (b[0] === a[0] && b[1]! > a[1]!) ? next : best;
  });
  const [z, y, x] = order;
  return { order, flipped: [cosine(2, z) < 0, cosine(1, y) < 0, cosine(0, x) < 0] };
}

/** Values in the order of the file, first axis fastest, as slices (Z, Y, X). */
export function toStack<T extends Float32Array | Uint8Array>(
  native: T,
  shape: Triple,
  { order, flipped }: AxisMap,
): T {
  const strides = [1, shape[0], shape[0] * shape[1]];
  const size = order.map((axis) => shape[axis]!);
  const walk = order.map((axis, i) => {
    const stride = strides[axis]!;
    return flipped[i] ? [(size[i]! - 1) * stride, -stride] : [0, stride];
  });
  const out = native.slice() as T;
  let to = 0;
  for (let z = 0; z < size[0]!; z++)
    for (let y = 0; y < size[1]!; y++) {
      let from = walk[0]![0]! + z * walk[0]![1]! + walk[1]![0]! + y * walk[1]![1]! + walk[2]![0]!;
      for (let x = 0; x < size[2]!; x++, to++, from += walk[2]![1]!) out[to] = native[from]!;
    }
  return out;
}
