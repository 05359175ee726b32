/** The files of a result that the browser made: masks, probabilities, table and record. */
import { general } from "../format";
import { gzip, nativeImage } from "../image/nifti-out";
import { labels, whole, type Found, type Scan, type Triple } from "../types";

const SUFFIXES = ["GM", "WM", "SC"] as const;
type Suffix = (typeof SUFFIXES)[number];

const NO_CORD_AREA = ["no cord", "cut off"];
const NO_GRAY_AREA = [...NO_CORD_AREA, "no gray matter"];

/** What the results of an image are called; the endings are those of `scgm.segmentation.outputs`. */
export function resultName(name: string): string {
  return name.replace(/(?<=.)\.(nii(\.gz)?|hdr|img(\.gz)?|zip|dcm|ima)$/i, "");
}

export function fileNames(scan: Scan): string[] {
  const name = resultName(scan.name);
  const maps = ["seg", "probseg"].flatMap((kind) => SUFFIXES.map((s) => `${name}_label-${s}_${kind}.nii.gz`));
  return [...maps, `${name}_measurements.csv`, `${name}_seg.json`];
}

export async function makeFile(scan: Scan, found: Found, name: string): Promise<Blob> {
  const image = /label-(GM|WM|SC)_(seg|probseg)/.exec(name);
  if (image !== null) {
    const suffix = image[1] as Suffix;
    const values = image[2] === "seg" ? mask(labels(scan, found), suffix) : soft(scan, found, suffix);
    return gzip(nativeImage(scan, values, found.version));
  }
  if (name.endsWith(".csv")) return new Blob([table(scan, found)], { type: "text/csv" });
  return new Blob([record(scan, found)], { type: "application/json" });
}

export function mask(drawn: Uint8Array, suffix: Suffix): Uint8Array {
  const is = { GM: (l: number) => l === 1, WM: (l: number) => l === 2, SC: (l: number) => l > 0 }[suffix];
  return drawn.map((label) => (is(label) ? 1 : 0));
}

function soft(scan: Scan, found: Found, suffix: Suffix): Float32Array {
  const gm = whole(scan, found, found.gm);
  if (suffix === "GM") return gm;
  const cord = whole(scan, found, found.cord!);
  return suffix === "SC" ? cord : cord.map((value, i) => value - gm[i]!);
}

const HEAD =
  "file,slice,slice_is,label,area_mm2,area_soft_mm2,center_x,center_y,presence,confidence,status,slice_mm,pixel_area_mm2,voxel_size_from";

/** The table of `scgm segment`. */
export function table(scan: Scan, found: Found): string {
  const [depth, height, width] = scan.shape;
  const size = height * width;
  const drawn = labels(scan, found);
  const maps = Object.fromEntries(SUFFIXES.map((suffix) => [suffix, soft(scan, found, suffix)]));
  const lines = [HEAD];
  const sum = (values: Uint8Array | Float32Array) => (values as Float32Array).reduce((a, b) => a + b, 0);
  for (let z = 0; z < depth; z++)
    for (const suffix of SUFFIXES) {
      const measured = !(suffix === "SC" ? NO_CORD_AREA : NO_GRAY_AREA).includes(found.status[z]!);
      const hard = sum(mask(drawn.subarray(z * size, (z + 1) * size), suffix));
      const shares = sum(maps[suffix]!.subarray(z * size, (z + 1) * size));
      const sizes = [hard, shares].map((pixels) => (measured ? pixels * scan.pixelArea : null));
      const where = [cell(scan.name), scan.flipped[0] ? depth - 1 - z : z, z, suffix];
      lines.push([...where, ...sizes.map(text), ...ofSlice(scan, found, z)].join(","));
    }
  return `${lines.join("\n")}\n`;
}

/** In mm between the planes of the slices, which may be shifted: volume of a voxel over area of its pixel. */
export function sliceDistance({ affine, pixelArea }: Pick<Scan, "affine" | "pixelArea">): number {
  const [[a, b, c], [d, e, f], [g, h, i]] = affine as [Triple, Triple, Triple];
  return Math.abs(a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g)) / pixelArea;
}

/** What is the same in the three rows of a slice. */
function ofSlice(scan: Scan, found: Found, z: number): string[] {
  const status = found.status[z]!;
  const sure = found.confidence[z] ?? null;
  return [
    ...(status === "no cord" ? ["", ""] : center(scan, found, z).map(text)),
    text(found.presence[z]!),
    text(sure),
    status === "ok" && sure === null ? "confidence not available" : status,
    text(sliceDistance(scan)),
    text(scan.pixelArea),
    scan.sizeFrom ?? "",
  ];
}

/** Center of the cord in voxels along the two native in-plane axes. */
function center(scan: Scan, found: Found, z: number): [number, number] {
  const [row, column] = [found.centre![2 * z]!, found.centre![2 * z + 1]!];
  const turned = (axis: 1 | 2, value: number) => (scan.flipped[axis] ? scan.shape[axis] - 1 - value : value);
  const [first, second] = [turned(1, row), turned(2, column)];
  return scan.order[1] < scan.order[2] ? [first, second] : [second, first];
}

const text = (value: number | null) => (value === null || Number.isNaN(value) ? "" : general(value, 6));

/** A name as a cell: quoted where it must be, and no formula of a spreadsheet. */
function cell(name: string): string {
  const safe = /^[=+\-@\t\r]/.test(name) ? `'${name}` : name;
  return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

function record(scan: Scan, found: Found): string {
  const { depth, native } = { depth: scan.shape[0], native: scan.flipped[0] };
  return `${JSON.stringify(
    {
      version: found.version,
      method: found.method,
      model: { name: found.model, runtime: found.runtime },
      input: { file: scan.name, shape: scan.nativeShape, voxel_size_from: scan.sizeFrom },
      warnings: found.warnings,
      seconds: found.seconds,
      threshold: found.threshold,
      slices: found.status.map((status, z) => ({ slice: native ? depth - 1 - z : z, slice_is: z, status })),
    },
    null,
    2,
  )}\n`;
}
