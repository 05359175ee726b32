/** The header of a NIfTI file: fields by name, voxels, and how they are stored. */
import { UserError, type Grid } from "../types";

export interface Header {
  grid: Grid;
  /** Sizes of all dimensions; ones at the end are left. */
  sizes: number[];
  type: number;
  offset: number;
  slope: number;
  inter: number;
  little: boolean;
  intent: number;
}

/** How the voxels are arranged: one volume, and how many follow one another. */
export interface Layout {
  nativeShape: number[];
  shape: [number, number, number];
  count: number;
  warnings: string[];
}

const MAX_VOXELS = 1 << 27;
const VECTORS = [1004, 1005, 1006, 1007];

export function header(bytes: Uint8Array<ArrayBuffer>): Header {
  if (bytes.length === 0) throw new UserError("the file is empty; copy or download it again");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (const little of [true, false]) {
    const length = bytes.length >= 4 ? view.getInt32(0, little) : 0;
    if (length === 348 && bytes.length >= 352) return first(view, bytes, little);
    if (length === 540 && bytes.length >= 544) return second(view, bytes, little);
  }
  throw new UserError(otherKind(bytes));
}

function first(view: DataView, bytes: Uint8Array, little: boolean): Header {
  requireSingle(bytes, 344);
  const float = (at: number) => view.getFloat32(at, little);
  const short = (at: number) => view.getInt16(at, little);
  return {
    grid: grid(1, float, 76, 256, 280, [short(252), short(254), view.getUint8(123)]),
    sizes: sizes([0, 1, 2, 3, 4, 5, 6, 7].map((i) => short(40 + 2 * i))),
    type: short(70),
    offset: offset(float(108), 352),
    slope: float(112),
    inter: float(116),
    little,
    intent: short(68),
  };
}

function second(view: DataView, bytes: Uint8Array, little: boolean): Header {
  requireSingle(bytes, 4);
  const float = (at: number) => view.getFloat64(at, little);
  const int = (at: number) => view.getInt32(at, little);
  const long = (at: number) => Number(view.getBigInt64(at, little));
  return {
    grid: grid(2, float, 104, 352, 400, [int(344), int(348), int(500)]),
    sizes: sizes([0, 1, 2, 3, 4, 5, 6, 7].map((i) => long(16 + 8 * i))),
    type: view.getInt16(12, little),
    offset: offset(long(168), 544),
    slope: float(176),
    inter: float(184),
    little,
    intent: int(504),
  };
}

function grid(
  version: number,
  float: (at: number) => number,
  pixdim: number,
  quaternion: number,
  rows: number,
  [qform_code, sform_code, xyzt_units]: [number, number, number],
): Grid {
  const size = version === 1 ? 4 : 8;
  const list = (at: number, count: number) =>
    Array.from({ length: count }, (_, i) => float(at + size * i));
  const [quatern_b, quatern_c, quatern_d, qoffset_x, qoffset_y, qoffset_z] = list(quaternion, 6) as [
    number, number, number, number, number, number,
  ];
  return {
    version,
    sform_code,
    srow_x: list(rows, 4),
    srow_y: list(rows + 4 * size, 4),
    srow_z: list(rows + 8 * size, 4),
    qform_code,
    quatern_b,
    quatern_c,
    quatern_d,
    qoffset_x,
    qoffset_y,
    qoffset_z,
    pixdim: list(pixdim, 8),
    xyzt_units,
  };
}

function sizes(dim: number[]): number[] {
  const [count, ...rest] = dim as [number, ...number[]];
  if (count < 1 || count > 7)
    throw new UserError(`its header gives it ${count} dimensions; export the image again from its source`);
  return rest.slice(0, count);
}

function offset(value: number, least: number): number {
  if (!(value >= least && value < 2 ** 53))
    throw new UserError(`its header puts the voxels at byte ${value}, which is impossible; export it again`);
  return Math.trunc(value);
}

function requireSingle(bytes: Uint8Array, at: number): void {
  const magic = new TextDecoder("latin1").decode(bytes.subarray(at, at + 3));
  if (magic === "ni1" || magic === "ni2")
    throw new UserError("it is one half of a pair .hdr and .img; join them to one .nii.gz file");
  if (magic !== "n+1" && magic !== "n+2")
    throw new UserError("it is Analyze 7.5 or damaged, not NIfTI, so left and right are unknown; convert it");
}

const KINDS: [number, string, string][] = [
  [0, "\x89PNG", "a PNG picture"],
  [0, "\xff\xd8\xff", "a JPEG picture"],
  [0, "NRRD", "an NRRD file"],
  [0, "PK\x03\x04", "a zip archive"],
  [0, "\x89HDF", "an HDF5 file"],
  [128, "DICM", "a DICOM file"],
];

function otherKind(bytes: Uint8Array): string {
  const start = new TextDecoder("latin1").decode(bytes.subarray(0, 348));
  // The decoder maps some bytes to letters outside of Latin 1, so bytes are compared.
  const found = KINDS.find(([at, mark]) =>
    [...mark].every((letter, i) => bytes[at + i] === letter.charCodeAt(0)),
  );
  if (found) return `it is ${found[2]}, not a NIfTI image; convert it to .nii.gz (DICOM: dcm2niix)`;
  if (start.includes("version https://git-lfs"))
    return "it is a pointer of Git LFS, not the image; get its content first (git lfs pull)";
  return "it is not a NIfTI image; give a .nii or .nii.gz file (from DICOM: dcm2niix)";
}

/** The arrangement of voxels, as `scgm.io.nifti.header.header_layout`. */
export function layout({ sizes: given, intent }: Header): Layout {
  const zeros = given.flatMap((n, axis) => (axis > 2 && n === 0 ? [axis + 1] : []));
  const all = given.map((n, axis) => (axis > 2 && n === 0 ? 1 : n));
  const text = all.join(" x ");
  if (Math.min(...all) < 1)
    throw new UserError(`its header gives it ${text} voxels; export the image again from its source`);
  if (all.length < 2) throw new UserError(`it holds a single row of ${text} values; give a 2D or 3D image`);
  const series = all.slice(3).filter((n) => n > 1);
  if (VECTORS.includes(intent) && series.length)
    throw new UserError(`it holds vectors, not gray values (${text}); give a 3D image`);
  if (series.length > 1)
    throw new UserError(`it has more than four dimensions (${text}); give a 3D or 4D image`);
  const [i, j, k = 1] = all as [number, number, number?];
  if (i * j * k > MAX_VOXELS)
    throw new UserError(`it has ${text} voxels, too many for a page; crop it, or use 'scgm segment'`);
  return {
    nativeShape: all.slice(0, 3),
    shape: [i, j, k],
    count: all.slice(3).reduce((a, b) => a * b, 1),
    warnings: zeros.map((axis) => `dim[${axis}] is 0 in the header; it was read as 1`),
  };
}
