/** What the page works on. Arrays are (slice, row, column): inferior to superior, posterior to
 *  anterior, and toward the patient's right, as everywhere in scgm. */

export type Triple = [number, number, number];

/** Fields of a NIfTI header that say where the voxels lie. */
export interface Grid {
  version: number;
  sform_code: number;
  srow_x: number[];
  srow_y: number[];
  srow_z: number[];
  qform_code: number;
  quatern_b: number;
  quatern_c: number;
  quatern_d: number;
  qoffset_x: number;
  qoffset_y: number;
  qoffset_z: number;
  pixdim: number[];
  xyzt_units: number;
}

/** An image as axial slices. */
export interface Scan {
  name: string;
  shape: Triple;
  slices: Float32Array;
  missing: Uint8Array | null;
  spacing: Triple;
  /** Native axis of Z, Y and X, and whether each runs backward. */
  order: Triple;
  flipped: [boolean, boolean, boolean];
  /** Native voxels to millimeters, four rows. */
  affine: number[][];
  nativeShape: number[];
  pixelArea: number;
  sizeFrom: string | null;
  warnings: string[];
  grid: Grid;
  truthGm: Uint8Array | null;
  truthCord: Uint8Array | null;
}

/** What a method found, in a box of rows and columns that holds the cord. */
export interface Found {
  method: string;
  model: string;
  version: string;
  /** What ran the model, where the browser did. */
  runtime: string;
  threshold: number;
  rows: [number, number];
  columns: [number, number];
  gm: Float32Array;
  cord: Float32Array | null;
  status: string[];
  confidence: (number | null)[];
  presence: number[];
  warnings: string[];
  seconds: number;
  /** Row and column of the cord's center, slice by slice, where the browser found it. */
  centre: number[] | null;
  /** Names of files that the server has made of it, and its job there. */
  job: string | null;
  files: string[];
}

export interface Phantom {
  region: string;
  contrast: string;
  pixel_mm: number;
  thickness_mm: number;
  slices: number;
  snr: number;
  rotation_deg: number;
  seed: number;
}

/** Which part of a file is the image. */
export interface Part {
  /** Of several volumes. */
  volume: number | "mean" | "rms" | null;
  /** Of several DICOM series. */
  series: number | string | null;
}

/** Where an image comes from. */
export type Source = (
  | { kind: "local"; file: File }
  | { kind: "folder"; id: string; name: string }
  | { kind: "phantom"; phantom: Phantom }
) & { part?: Part };

/** What the network ddc makes of a slice (`scgm.studio.features`), in a window of square samples. */
export interface Inside {
  /** Row and column of the middle of the window, in pixels of the slice. */
  centre: [number, number];
  /** mm. */
  sample: number;
  size: number;
  filters: number;
  /** How wide one pixel of each branch looks, in mm; 0: the whole window. */
  branches: { name: string; reach: number }[];
  /** (branch, filter, row, column), each map from 0 to 255. */
  maps: Uint8Array;
  gm: Float32Array;
  /** Gray matter without each branch. */
  without: Float32Array;
}

export interface Choices {
  method: string;
  threshold: number | null;
}

export interface Method {
  name: string;
  about: string;
}

export interface Listed {
  id: string;
  name: string;
  size: number;
}

export interface Progress {
  stage(text: string): void;
  scan(scan: Scan): void;
}

/** What does the work: the local server, or the browser itself. */
export interface Engine {
  readonly mode: "server" | "browser";
  readonly version: string;
  methods(): Promise<Method[]>;
  files(): Promise<Listed[]>;
  content(file: Listed): Promise<File>;
  segment(source: Source, choices: Choices, on: Progress, signal: AbortSignal): Promise<Found>;
  /** The files of a result, as the engine makes them. */
  download(scan: Scan, found: Found, name: string): Promise<Blob>;
  /** Write corrected masks (a zip file) beside an image of the folder; returns where. */
  saveInto(source: Source, content: Blob): Promise<string>;
  /** Cross-sections of the phantom, to learn from (`scgm.studio.sections`). */
  sections(): Promise<ArrayBuffer>;
  /** What the network ddc makes of a slice. */
  inside(source: Source, slice: number, signal: AbortSignal): Promise<Inside>;
  /** Make ready what the first image needs. */
  warm(): void;
}

/** Something that the user can put right; its text is shown as it is. */
export class UserError extends Error {}

/** Area of one slice in the stack, in pixels. */
export function slicePixels(scan: Scan): number {
  return scan.shape[1] * scan.shape[2];
}

/** A map in the box brought to whole slices. */
export function whole(scan: Scan, found: Found, values: Float32Array): Float32Array {
  const [depth, height, width] = scan.shape;
  const [top, bottom] = found.rows;
  const [left, right] = found.columns;
  const all = new Float32Array(depth * height * width);
  let from = 0;
  for (let z = 0; z < depth; z++)
    for (let row = top; row < bottom; row++) {
      all.set(values.subarray(from, from + right - left), (z * height + row) * width + left);
      from += right - left;
    }
  return all;
}

/** Labels of a result: 1 gray matter, 2 white matter (the cord less the gray matter). */
export function labels(scan: Scan, found: Found): Uint8Array {
  const gm = whole(scan, found, found.gm);
  const cord = found.cord === null ? null : whole(scan, found, found.cord);
  const out = new Uint8Array(gm.length);
  for (let i = 0; i < out.length; i++)
    out[i] = gm[i]! >= found.threshold ? 1 : cord !== null && cord[i]! >= found.threshold ? 2 : 0;
  return out;
}
