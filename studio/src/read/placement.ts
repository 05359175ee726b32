/** Where a header says that the voxels lie: by the sform, else the qform, else their size alone. */
import { general } from "../format";
import { axisMap } from "./orientation";
import { UserError, type Grid } from "../types";
import type { Layout } from "./header";

export type Affine = number[][];

export interface Placement {
  affine: Affine;
  sizeFrom: "sform" | "qform" | "pixdim";
  unusable: ("sform" | "qform")[];
  warnings: string[];
}

type Form = "sform" | "qform";

interface Claims {
  unit: string;
  sizes: number[];
  forms: Partial<Record<Form, Affine>>;
  problems: Partial<Record<Form, string>>;
  sformCode: number;
}

const RANGE_MM = [0.01, 50] as const;
const FORM_TOLERANCE = 0.5;
const SIZE_TOLERANCE = 0.01;
const UNIT_AXES = 1e-3;
const LEAST_SPAN = 1e-3;
const UNITS: Record<number, [string, number]> = { 1: ["meters", 1e3], 2: ["mm", 1], 3: ["microns", 1e-3] };

export function placement(grid: Grid, layout: Layout): Placement {
  const { claims, warnings } = claimsOf(grid, layout);
  const place = Object.keys(claims.forms).length ? byForms(claims, layout) : unplaced(claims);
  return {
    ...place,
    unusable: Object.keys(claims.problems) as Form[],
    warnings: [...warnings, ...place.warnings],
  };
}

type Placed = Omit<Placement, "unusable">;

function claimsOf(grid: Grid, layout: Layout): { claims: Claims; warnings: string[] } {
  const [unit, scale] = UNITS[grid.xyzt_units & 7] ?? ["mm", 1];
  const warnings = scale === 1 ? [] : [`the header is in ${unit}; its lengths were turned into mm`];
  const sizes = grid.pixdim.slice(1, 4);
  if (layout.shape[2] === 1 && !(sizes[2]! > 0)) {
    sizes[2] = 1 / scale;
    warnings.push("the thickness of the slice is not in the header; 1 mm is assumed");
  }
  const forms: Claims["forms"] = {};
  if (grid.sform_code !== 0)
    forms.sform = inMm([grid.srow_x, grid.srow_y, grid.srow_z, [0, 0, 0, 1]], scale);
  if (grid.qform_code !== 0) forms.qform = inMm(qform(grid, sizes), scale);
  const problems: Claims["problems"] = {};
  for (const name of Object.keys(forms) as Form[]) {
    const problem = formProblem(name === "sform" ? grid.sform_code : grid.qform_code, forms[name]!);
    if (problem !== null) problems[name] = problem;
  }
  const inMmSizes = sizes.map((size) => size * scale);
  return { claims: { unit, sizes: inMmSizes, forms, problems, sformCode: grid.sform_code }, warnings };
}

function byForms(claims: Claims, layout: Layout): Placed {
  const usable = usableForms(claims);
  if (usable.length === 0) {
    const [name, problem] = Object.entries(claims.problems)[0]!;
    throw new UserError(
      `its ${name} ${problem}, so position and orientation are undefined; export the image again`,
    );
  }
  const first = usable[0]!;
  const warnings = Object.entries(claims.problems).map(
    ([name, problem]) => `the ${name} ${problem}; the ${first} is used`,
  );
  const affine = claims.forms[first]!;
  if (first === "qform" || pixdimProblem(claims) !== null || !disagree(affine, claims.sizes)) {
    if (usable.length === 2) warnings.push(...difference(layout, claims.forms.sform!, claims.forms.qform!));
    return { affine, sizeFrom: first, warnings };
  }
  const source = scannerSize(claims);
  const place = chosen(claims, source);
  return { ...place, warnings: [...warnings, ...place.warnings] };
}

function scannerSize(claims: Claims): Placement["sizeFrom"] {
  const unitAxes = lengths(claims.forms.sform!).every((size) => Math.abs(size - 1) <= UNIT_AXES);
  if (!unitAxes && ![3, 4, 5].includes(claims.sformCode)) return "sform";
  if (usableForms(claims).includes("qform")) return "qform";
  if (claims.sizes.every((size) => Math.abs(size - 1) <= UNIT_AXES))
    throw new UserError(`${bothSizes(claims)}, and neither is sure; use scgm segment --voxel-size-from`);
  return "pixdim";
}

function chosen(claims: Claims, source: Placement["sizeFrom"]): Placed {
  let affine = claims.forms[usableForms(claims)[0]!]!;
  if (source === "pixdim") {
    const by = claims.sizes.map((size, i) => size / lengths(affine)[i]!);
    affine = affine.map((row, i) => (i < 3 ? row.map((v, j) => (j < 3 ? v * by[j]! : v)) : row));
  } else affine = claims.forms[source]!;
  const said = `${bothSizes(claims)}; the size by ${source} is used (--voxel-size-from decides)`;
  return { affine, sizeFrom: source, warnings: [said] };
}

function bothSizes(claims: Claims): string {
  const sform = claims.forms.sform!;
  const [, y, x] = axisMap(sform).order;
  const size = lengths(sform);
  const ratio = (claims.sizes[y]! / size[y]!) * (claims.sizes[x]! / size[x]!);
  const areas =
    Math.abs(ratio - 1) < SIZE_TOLERANCE / 2
      ? "areas are the same"
      : `areas by pixdim are ${Math.round(Math.abs(ratio - 1) * 100)}% ${ratio > 1 ? "larger" : "smaller"}`;
  const names = usableForms(claims).includes("qform") ? "qform and pixdim" : "pixdim";
  return `the voxel sizes disagree: ${text(size)} mm by the sform, ${text(claims.sizes)} mm by ${names}, so ${areas}`;
}

function unplaced(claims: Claims): Placed {
  const problem = pixdimProblem(claims);
  if (problem !== null)
    throw new UserError(`its voxel grid ${problem}; put the right voxel size into the header`);
  const affine = [0, 1, 2, 3].map((i) => [0, 1, 2, 3].map((j) => (i === j ? (claims.sizes[i] ?? 1) : 0)));
  const unknown = "the header does not say where the voxels lie, so left and right are unknown";
  return { affine, sizeFrom: "pixdim", warnings: [unknown] };
}

const usableForms = (claims: Claims) =>
  (Object.keys(claims.forms) as Form[]).filter((name) => claims.problems[name] === undefined);

function pixdimProblem({ sizes }: Claims): string | null {
  const diagonal = [0, 1, 2, 3].map((i) => [0, 1, 2, 3].map((j) => (i === j ? (sizes[i] ?? 1) : 0)));
  return sizeProblem(diagonal) ?? (sizes.some((size) => size < 0) ? "has a negative voxel size" : null);
}

function qform(grid: Grid, sizes: number[]): Affine {
  const [b, c, d] = [grid.quatern_b, grid.quatern_c, grid.quatern_d];
  const rounding = 3 * (grid.version === 1 ? 2 ** -23 : 2 ** -52);
  const rest = 1 - (b * b + c * c + d * d);
  if (!(rest >= -rounding) || !sizes.every((size) => size > 0)) return [0, 1, 2, 3].map(() => [NaN, NaN, NaN, NaN]);
  const a = rest > rounding ? Math.sqrt(rest) : 0;
  const length = Math.sqrt(a * a + b * b + c * c + d * d);
  const [w, x, y, z] = [a / length, b / length, c / length, d / length];
  const rotation = [
    [w * w + x * x - y * y - z * z, 2 * (x * y - w * z), 2 * (x * z + w * y)],
    [2 * (x * y + w * z), w * w + y * y - x * x - z * z, 2 * (y * z - w * x)],
    [2 * (x * z - w * y), 2 * (y * z + w * x), w * w + z * z - x * x - y * y],
  ];
  const handed = grid.pixdim[0]! < 0 ? -1 : 1;
  const by = [sizes[0]!, sizes[1]!, sizes[2]! * handed];
  const offset = [grid.qoffset_x, grid.qoffset_y, grid.qoffset_z];
  return [
    ...rotation.map((row, i) => [...row.map((v, j) => v * by[j]!), offset[i]!]),
    [0, 0, 0, 1],
  ];
}

const inMm = (affine: Affine, scale: number): Affine =>
  affine.map((row, i) => (i < 3 ? row.map((v) => v * scale) : row));

function formProblem(code: number, form: Affine): string | null {
  return code < 0 || code > 5 ? `has the unknown code ${code}` : sizeProblem(form);
}

function sizeProblem(affine: Affine): string | null {
  const sizes = lengths(affine);
  if (![...sizes, ...affine.flat()].every(Number.isFinite))
    return "is impossible (NaN, infinity or no rotation)";
  const [low, high] = RANGE_MM;
  if (!sizes.every((size) => size >= low * (1 - 1e-6) && size <= high * (1 + 1e-6)))
    return `has voxels of ${text(sizes)} mm (possible are ${low} to ${high} mm)`;
  const m = affine.map((row) => row.map((v, j) => v / (sizes[j] ?? 1)));
  const det =
    m[0]![0]! * (m[1]![1]! * m[2]![2]! - m[1]![2]! * m[2]![1]!) -
    m[0]![1]! * (m[1]![0]! * m[2]![2]! - m[1]![2]! * m[2]![0]!) +
    m[0]![2]! * (m[1]![0]! * m[2]![1]! - m[1]![1]! * m[2]![0]!);
  return Math.abs(det) < LEAST_SPAN ? "is singular (its axes lie in one plane)" : null;
}

export function lengths(affine: Affine): [number, number, number] {
  return [0, 1, 2].map((j) => Math.hypot(affine[0]![j]!, affine[1]![j]!, affine[2]![j]!)) as [
    number, number, number,
  ];
}

function disagree(affine: Affine, sizes: number[]): boolean {
  return lengths(affine).some((length, i) => {
    const ratio = length / sizes[i]!;
    return Math.max(ratio, 1 / ratio) > 1 + SIZE_TOLERANCE;
  });
}

const text = (sizes: number[]) => sizes.map((size) => general(size, 4)).join(" x ");

function difference({ shape }: Layout, sform: Affine, q: Affine): string[] {
  let most = 0;
  for (let corner = 0; corner < 8; corner++) {
    const at = [0, 1, 2].map((i) => ((corner >> i) & 1 ? shape[i]! - 1 : 0));
    const away = [0, 1, 2].map(
      (row) =>
        at.reduce((sum, v, j) => sum + v * (sform[row]![j]! - q[row]![j]!), 0) + sform[row]![3]! - q[row]![3]!,
    );
    most = Math.max(most, Math.hypot(...away));
  }
  if (most <= FORM_TOLERANCE * Math.min(...lengths(sform))) return [];
  return [`sform and qform differ by up to ${general(most, 3)} mm; the sform is used`];
}
