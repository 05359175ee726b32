/** Drawing slices: anterior up and the patient's left on the right, as seen from the feet. */
import type { Scan } from "../types";

export const GM_COLOR = "#E69F00";
export const CORD_COLOR = "#56B4E9";
export const SHOWN_MM = 32;

/** A part of a slice in mm; pixel (row, column) has its middle at (column, row) * spacing. */
export interface View {
  left: number;
  right: number;
  bottom: number;
  top: number;
}

export interface Slice {
  values: Float32Array | Uint8Array;
  height: number;
  width: number;
  pixel: [number, number];
}

export function sliceOf(scan: Scan, values: Float32Array | Uint8Array, z: number): Slice {
  const [, height, width] = scan.shape;
  const size = height * width;
  return {
    values: values.subarray(z * size, (z + 1) * size),
    height,
    width,
    pixel: [scan.spacing[1], scan.spacing[2]],
  };
}

export function wholeView({ height, width, pixel }: Slice): View {
  return {
    left: -pixel[1] / 2,
    right: (width - 0.5) * pixel[1],
    bottom: -pixel[0] / 2,
    top: (height - 0.5) * pixel[0],
  };
}

/** A square around a point (row, column), in mm. */
export function around(slice: Slice, row: number, column: number, mm = SHOWN_MM): View {
  const [x, y] = [column * slice.pixel[1], row * slice.pixel[0]];
  return { left: x - mm / 2, right: x + mm / 2, bottom: y - mm / 2, top: y + mm / 2 };
}

/** Middle of the labels of a slice; null where there are none. */
export function middle({ values, width }: Slice): [number, number] | null {
  let [count, rows, columns] = [0, 0, 0];
  for (let i = 0; i < values.length; i++)
    if (values[i]) {
      count += 1;
      rows += Math.floor(i / width);
      columns += i % width;
    }
  return count ? [rows / count, columns / count] : null;
}

/** Values between which nearly all of the shown part lies. */
export function usualRange(slice: Slice, view: View): [number, number] {
  const kept: number[] = [];
  const [rows, columns] = inside(slice, view);
  for (let row = rows[0]; row < rows[1]; row++)
    for (let column = columns[0]; column < columns[1]; column++)
      kept.push(slice.values[row * slice.width + column]!);
  const sorted = Float32Array.from(kept).sort();
  const at = (share: number) => sorted[Math.floor(share * (sorted.length - 1))] ?? 0;
  const [low, high] = [at(0.01), at(0.995)];
  return high > low ? [low, high] : [low, low + 1];
}

function inside(slice: Slice, view: View): [[number, number], [number, number]] {
  const [dy, dx] = slice.pixel;
  const clip = (value: number, most: number) => Math.min(most, Math.max(0, value));
  return [
    [clip(Math.round(view.bottom / dy), slice.height), clip(Math.round(view.top / dy) + 1, slice.height)],
    [clip(Math.round(view.left / dx), slice.width), clip(Math.round(view.right / dx) + 1, slice.width)],
  ];
}

export type Colors = (value: number) => [number, number, number, number];

export const gray =
  (low: number, high: number): Colors =>
  (value) => {
    const level = (255 * (value - low)) / (high - low);
    return [level, level, level, 255];
  };

/** Black to white over orange: the lighter, the more likely. */
export const heat: Colors = (value) => [
  Math.min(255, value * 420),
  Math.min(255, value * 250),
  Math.max(0, value * 380 - 150),
  255,
];

/** A canvas on which parts of slices are drawn. */
export class Panel {
  private readonly pen: CanvasRenderingContext2D;
  private view: View = { left: 0, right: 1, bottom: 0, top: 1 };

  constructor(readonly canvas: HTMLCanvasElement) {
    this.pen = canvas.getContext("2d")!;
  }

  /** Begin anew with a view, which is made as wide as the canvas. */
  clear(view: View): void {
    const { width, height } = this.canvas;
    const [w, t] = [view.right - view.left, view.top - view.bottom];
    const scale = Math.max(w / width, t / height);
    const [mx, my] = [(view.left + view.right) / 2, (view.top + view.bottom) / 2];
    const [hw, hh] = [(width * scale) / 2, (height * scale) / 2];
    this.view = { left: mx - hw, right: mx + hw, bottom: my - hh, top: my + hh };
    this.pen.fillStyle = "#000";
    this.pen.fillRect(0, 0, width, height);
  }

  image(slice: Slice, colors: Colors): void {
    const { height, width, values, pixel } = slice;
    const small = new OffscreenCanvas(width, height);
    const pen = small.getContext("2d")!;
    const data = pen.createImageData(width, height);
    for (let row = 0; row < height; row++)
      for (let column = 0; column < width; column++) {
        const at = 4 * ((height - 1 - row) * width + (width - 1 - column));
        data.data.set(colors(values[row * width + column]!), at);
      }
    pen.putImageData(data, 0, 0);
    const [x0, y0] = this.place((height - 0.5) * pixel[0], (width - 0.5) * pixel[1]);
    const [x1, y1] = this.place(-0.5 * pixel[0], -0.5 * pixel[1]);
    this.pen.imageSmoothingEnabled = false;
    this.pen.drawImage(small, x0, y0, x1 - x0, y1 - y0);
  }

  /** Draw the border between pixels that belong and pixels that do not. */
  outline(slice: Slice, belongs: (value: number) => boolean, color: string): void {
    const { height, width, values } = slice;
    const is = (row: number, column: number) =>
      row >= 0 && column >= 0 && row < height && column < width && belongs(values[row * width + column]!);
    this.pen.strokeStyle = color;
    this.pen.lineWidth = 1.6;
    this.pen.beginPath();
    for (let row = 0; row <= height; row++)
      for (let column = 0; column <= width; column++) {
        if (is(row, column) !== is(row, column - 1)) this.edge(slice, row, column, row + 1, column);
        if (is(row, column) !== is(row - 1, column)) this.edge(slice, row, column, row, column + 1);
      }
    this.pen.stroke();
  }

  box(view: View, color: string): void {
    const [x0, y0] = this.place(view.top, view.right);
    const [x1, y1] = this.place(view.bottom, view.left);
    this.pen.strokeStyle = color;
    this.pen.lineWidth = 1.5;
    this.pen.strokeRect(x0, y0, x1 - x0, y1 - y0);
  }

  circle(row: number, column: number, slice: Slice, mm: number): void {
    const [x, y] = this.place(row * slice.pixel[0], column * slice.pixel[1]);
    const scale = this.canvas.width / (this.view.right - this.view.left);
    this.pen.strokeStyle = "#fff";
    this.pen.setLineDash([5, 4]);
    this.pen.strokeRect(x - (mm / 2) * scale, y - (mm / 2) * scale, mm * scale, mm * scale);
    this.pen.setLineDash([]);
  }

  /** Name the sides: the patient's left is on the right. */
  sides(): void {
    const { width, height } = this.canvas;
    this.pen.font = "600 13px system-ui, sans-serif";
    this.pen.textBaseline = "middle";
    this.pen.textAlign = "center";
    this.pen.lineWidth = 3;
    this.pen.strokeStyle = "#000";
    this.pen.fillStyle = "#fff";
    for (const [text, x, y] of [
      ["A", width / 2, 11],
      ["P", width / 2, height - 10],
      ["R", 10, height / 2],
      ["L", width - 10, height / 2],
    ] as const) {
      this.pen.strokeText(text, x, y);
      this.pen.fillText(text, x, y);
    }
  }

  /** Row and column, with fractions, of a point of the canvas (CSS pixels from its corner). */
  pixelAt(slice: Slice, x: number, y: number): [number, number] {
    const { clientWidth, clientHeight } = this.canvas;
    const view = this.view;
    const mmX = view.right - (x / clientWidth) * (view.right - view.left);
    const mmY = view.top - (y / clientHeight) * (view.top - view.bottom);
    return [mmY / slice.pixel[0], mmX / slice.pixel[1]];
  }

  private edge(slice: Slice, r0: number, c0: number, r1: number, c1: number): void {
    const [dy, dx] = slice.pixel;
    this.pen.moveTo(...this.place((r0 - 0.5) * dy, (c0 - 0.5) * dx));
    this.pen.lineTo(...this.place((r1 - 0.5) * dy, (c1 - 0.5) * dx));
  }

  /** The place on the canvas of a point in mm (up, right). */
  private place(up: number, right: number): [number, number] {
    const { view } = this;
    return [
      ((view.right - right) / (view.right - view.left)) * this.canvas.width,
      ((view.top - up) / (view.top - view.bottom)) * this.canvas.height,
    ];
  }
}
