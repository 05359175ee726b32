/**
 * Grow-cut: labels grow from seeds, each pixel taken by the neighbor that attacks most strongly.
 *
 * The method is that of Vezhnevets and Konouchine (GraphiCon 2005): the strength of an attack falls
 * with the difference of the intensities. Within one slice, on the processor: the viewer's own works
 * on the whole volume on the graphics card, which not every machine has.
 */

export interface Field {
  seeds: Uint8Array;
  image: Float32Array;
  height: number;
  width: number;
}

/** Grow all seeds (labels above 0) until nothing changes; returns a label for each pixel. */
export function growCut({ seeds, image, height, width }: Field): Uint8Array {
  const labels = seeds.slice();
  const strength = Float32Array.from(seeds, (label) => (label > 0 ? 1 : 0));
  const open = [...seeds.keys()].filter((i) => seeds[i] === 0);
  const range = spread(image, open);
  for (let changed = true; changed; ) {
    changed = false;
    for (const i of open)
      for (const other of neighbors(i, height, width)) {
        if (labels[other] === 0) continue;
        const likeness = 1 - Math.min(1, Math.abs(image[i]! - image[other]!) / range);
        const attack = Math.fround(strength[other]! * likeness); // as it is kept, or it never ends
        if (attack <= strength[i]!) continue;
        strength[i] = attack;
        labels[i] = labels[other]!;
        changed = true;
      }
  }
  return labels;
}

function spread(image: Float32Array, places: number[]): number {
  let [low, high] = [Infinity, -Infinity];
  for (const i of places) [low, high] = [Math.min(low, image[i]!), Math.max(high, image[i]!)];
  return high > low ? high - low : 1;
}

function neighbors(i: number, height: number, width: number): number[] {
  const [row, column] = [Math.floor(i / width), i % width];
  const found: number[] = [];
  if (row > 0) found.push(i - width);
  if (row + 1 < height) found.push(i + width);
  if (column > 0) found.push(i - 1);
  if (column + 1 < width) found.push(i + 1);
  return found;
}

/** Farther from the labels than this, nothing becomes cord. */
const REACH_MM = 1.2;

/** The value of seeds that become neither gray matter nor cord. */
export const OUTSIDE = 3;

/** The inside of the labels and all that is far from them; the band between is left to grow. */
export function seedsOf(
  labels: Uint8Array,
  height: number,
  width: number,
  pixel: [number, number],
): Uint8Array {
  const [ry, rx] = [Math.ceil(REACH_MM / pixel[0]), Math.ceil(REACH_MM / pixel[1])];
  const at = (r: number, c: number) =>
    r >= 0 && c >= 0 && r < height && c < width ? labels[r * width + c]! : 0;
  const near = (row: number, column: number) => {
    for (let r = row - ry; r <= row + ry; r++)
      for (let c = column - rx; c <= column + rx; c++) if (at(r, c) !== 0) return true;
    return false;
  };
  return labels.map((label, i) => {
    const [row, column] = [Math.floor(i / width), i % width];
    if (label === 0) return near(row, column) ? 0 : OUTSIDE;
    const beside = neighbors(i, height, width);
    return beside.length === 4 && beside.every((other) => labels[other] === label) ? label : 0;
  });
}
