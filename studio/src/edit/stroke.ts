/**
 * A stroke while it is drawn, on a canvas of its own.
 *
 * The viewer sends the whole drawing to the graphics card and draws everything anew at each
 * movement. From *begin* to *end* it does neither: it only marks voxels, which are drawn here.
 */
import { h } from "../dom";
import type { Niivue } from "../view/viewer";

const AXIAL = 0;
const SILENT = ["refreshDrawing", "drawScene"] as const;

/** Where the center of a voxel lies on the canvas, and how large a voxel is there. */
interface Places {
  x: (column: number) => number;
  y: (row: number) => number;
  width: number;
  height: number;
}

export class Stroke {
  readonly canvas = h("canvas", { class: "stroke", "aria-hidden": "true" });
  private nv: Niivue | null = null;
  private places: Places | null = null;
  private last: [number, number] | null = null;

  get drawn(): boolean {
    return this.nv !== null;
  }

  /** Draw in place of the viewer; not where it shows other planes than the axial one. */
  begin(nv: Niivue, color: string): void {
    if (nv.opts.sliceType !== AXIAL) return;
    const places = placesOf(nv);
    if (places === null) return;
    this.nv = nv;
    this.places = places;
    this.last = null;
    [this.canvas.width, this.canvas.height] = [nv.gl.canvas.width, nv.gl.canvas.height];
    this.canvas.getContext("2d")!.fillStyle = color;
    for (const name of SILENT) nv[name] = () => undefined;
  }

  /** Draw what the viewer has marked since the last call. */
  move(): void {
    const { nv, places, last } = this;
    const [column, row] = nv?.drawPenLocation ?? [NaN, NaN];
    if (nv === null || places === null || !Number.isFinite(column) || !Number.isFinite(row)) return;
    const drawing = this.canvas.getContext("2d")!;
    const half = Math.floor(nv.opts.penSize / 2);
    for (const [x, y] of between(last ?? [column!, row!], [column!, row!]))
      drawing.fillRect(
        places.x(x) - (half + 0.5) * places.width,
        places.y(y) - (half + 0.5) * places.height,
        (2 * half + 1) * places.width,
        (2 * half + 1) * places.height,
      );
    this.last = [column!, row!];
  }

  /** Let the viewer draw again, all at once. */
  end(): void {
    if (this.nv === null) return;
    for (const name of SILENT) Reflect.deleteProperty(this.nv, name);
    this.nv.refreshDrawing(true);
    this.nv = null;
    this.canvas.width = 0; // empties it
  }
}

/** All voxels on the line between two. */
export function between([x0, y0]: [number, number], [x1, y1]: [number, number]): [number, number][] {
  const steps = Math.max(Math.abs(x1 - x0), Math.abs(y1 - y0), 1);
  return [...Array(steps + 1).keys()].map((step) => [
    Math.round(x0 + ((x1 - x0) * step) / steps),
    Math.round(y0 + ((y1 - y0) * step) / steps),
  ]);
}

/** Two voxels beside the cross-hair tell where all are: axial slices are not turned. */
function placesOf(nv: Niivue): Places | null {
  const [, columns, rows] = nv.back!.dims!;
  const at = nv.scene.crosshairPos;
  const [x0, y0] = nv.frac2vox(at) as unknown as [number, number];
  const [x1, y1] = [x0 > 0 ? x0 - 1 : x0 + 1, y0 > 0 ? y0 - 1 : y0 + 1];
  const place = (x: number, y: number) =>
    nv.frac2canvasPos([(x + 0.5) / columns!, (y + 0.5) / rows!, at[2]!]);
  const [first, second] = [place(x0, y0), place(x1, y1)];
  if (!first || !second) return null;
  const dx = (second[0]! - first[0]!) / (x1 - x0);
  const dy = (second[1]! - first[1]!) / (y1 - y0);
  return {
    x: (column) => first[0]! + (column - x0) * dx,
    y: (row) => first[1]! + (row - y0) * dy,
    width: Math.abs(dx),
    height: Math.abs(dy),
  };
}
