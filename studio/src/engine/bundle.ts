/** Reading the blocks of `scgm.studio.bundle`. */
import type { Found, Grid, Inside, Scan, Triple } from "../types";

interface Entry {
  type: "float32" | "uint8";
  shape: number[];
  offset: number;
}

export interface Bundle {
  fields: Record<string, unknown>;
  arrays: Record<string, Float32Array | Uint8Array>;
  shapes: Record<string, number[]>;
}

export function unpack(block: ArrayBuffer): Bundle {
  const length = new DataView(block).getUint32(0, true);
  const text = new TextDecoder().decode(new Uint8Array(block, 4, length));
  const fields = JSON.parse(text) as Record<string, unknown>;
  const arrays: Bundle["arrays"] = {};
  const shapes: Bundle["shapes"] = {};
  for (const [name, { type, shape, offset }] of Object.entries(
    fields["arrays"] as Record<string, Entry>,
  )) {
    const count = shape.reduce((product, n) => product * n, 1);
    arrays[name] =
      type === "float32"
        ? new Float32Array(block, offset, count)
        : new Uint8Array(block, offset, count);
    shapes[name] = shape;
  }
  return { fields, arrays, shapes };
}

export function scanOf({ fields, arrays, shapes }: Bundle): Scan {
  return {
    name: fields["name"] as string,
    shape: shapes["slices"] as Triple,
    slices: arrays["slices"] as Float32Array,
    missing: (arrays["missing"] as Uint8Array | undefined) ?? null,
    spacing: fields["spacing"] as Triple,
    order: fields["order"] as Triple,
    flipped: fields["flipped"] as [boolean, boolean, boolean],
    affine: fields["affine"] as number[][],
    nativeShape: fields["nativeShape"] as number[],
    pixelArea: fields["pixelArea"] as number,
    sizeFrom: fields["sizeFrom"] as string | null,
    warnings: fields["warnings"] as string[],
    grid: fields["grid"] as Grid,
    truthGm: (arrays["truth_gm"] as Uint8Array | undefined) ?? null,
    truthCord: (arrays["truth_cord"] as Uint8Array | undefined) ?? null,
  };
}

export function foundOf({ fields, arrays }: Bundle, job: string): Found {
  return {
    method: fields["method"] as string,
    model: fields["model"] as string,
    version: fields["version"] as string,
    runtime: "", // the server writes the record
    threshold: fields["threshold"] as number,
    rows: fields["rows"] as [number, number],
    columns: fields["columns"] as [number, number],
    gm: arrays["gm"] as Float32Array,
    cord: (arrays["cord"] as Float32Array | undefined) ?? null,
    status: fields["status"] as string[],
    confidence: fields["confidence"] as (number | null)[],
    presence: fields["presence"] as number[],
    warnings: fields["warnings"] as string[],
    seconds: fields["seconds"] as number,
    centre: null,
    job,
    files: [],
  };
}

export function insideOf({ fields, arrays, shapes }: Bundle): Inside {
  const [, filters, size] = shapes["maps"] as [number, number, number, number];
  return {
    centre: fields["centre"] as [number, number],
    sample: fields["sample"] as number,
    size,
    filters,
    branches: fields["branches"] as Inside["branches"],
    maps: arrays["maps"] as Uint8Array,
    gm: arrays["gm"] as Float32Array,
    without: arrays["without"] as Float32Array,
  };
}
