/** Whether the cord goes on beyond the image, or beyond the window of the network. */
import { maskOf, slice, span, type Maps, type Part, type Sides } from "./maps";

const EDGE_MM = 6.5;
const LEAST_WINDOW_MM = 20;

interface Flat {
  mask: Uint8Array;
  height: number;
  width: number;
}

export function cutByImage(found: Maps, threshold: number, part: Part): boolean[] {
  const [depth, height, width] = found.shape;
  return Array.from({ length: depth }, (_, z) => {
    const mask = maskOf(slice(found.cord, found.shape, z), threshold);
    return cut({ mask, height, width }, part.pixel, part.atBorder);
  });
}

export function cutByWindow(
  cord: Float32Array,
  shape: Maps["shape"],
  threshold: number,
  pixel: [number, number],
  atBorder: Sides,
): boolean[] {
  return Array.from({ length: shape[0] }, (_, z) =>
    windowCuts(slice(cord, shape, z), shape[1], shape[2], threshold, { pixel, atBorder }),
  );
}

function windowCuts(
  cord: Float32Array,
  height: number,
  width: number,
  threshold: number,
  { pixel, atBorder }: { pixel: [number, number]; atBorder: Sides },
): boolean {
  const [rows, columns] = [new Uint8Array(height), new Uint8Array(width)];
  cord.forEach((value, i) => {
    if (value > 0) rows[Math.floor(i / width)] = columns[i % width] = 1;
  });
  if (!rows.includes(1)) return false;
  const [[top, bottom], [left, right]] = [span(rows), span(columns)];
  const isWindow =
    (bottom - top) * pixel[0] >= LEAST_WINDOW_MM || (right - left) * pixel[1] >= LEAST_WINDOW_MM;
  if (!isWindow) return false;
  const ends = [top === 0, bottom === height, left === 0, right === width];
  const sides = ends.map((reached, i) => !(reached && atBorder[i])) as Sides;
  const inner = new Uint8Array((bottom - top) * (right - left));
  for (let row = top; row < bottom; row++)
    for (let column = left; column < right; column++)
      if (cord[row * width + column]! >= threshold)
        inner[(row - top) * (right - left) + column - left] = 1;
  return cut({ mask: inner, height: bottom - top, width: right - left }, pixel, sides);
}

/** Whether the two outermost lines at a side hold too much of the mask. */
function cut({ mask, height, width }: Flat, [dy, dx]: [number, number], sides: Sides): boolean {
  const rowSum = (row: number) => {
    let sum = 0;
    if (row >= 0 && row < height) for (let c = 0; c < width; c++) sum += mask[row * width + c]!;
    return sum;
  };
  const columnSum = (column: number) => {
    let sum = 0;
    if (column >= 0 && column < width) for (let r = 0; r < height; r++) sum += mask[r * width + column]!;
    return sum;
  };
  const edges = [
    (rowSum(0) + rowSum(1)) * dx,
    (rowSum(height - 1) + rowSum(height - 2)) * dx,
    (columnSum(0) + columnSum(1)) * dy,
    (columnSum(width - 1) + columnSum(width - 2)) * dy,
  ];
  return edges.some((mm, i) => sides[i] && mm >= EDGE_MM);
}
