/** The stored numbers of one volume, or of one made of several. */
import { UserError } from "../types";
import type { Header, Layout } from "./header";

/** Numbers as the file stores them; the values are numbers * slope + inter. */
export interface Stored {
  numbers: ArrayLike<number>;
  slope: number;
  inter: number;
  /** Bits of a signed integer type; 0 for others. */
  signedBits: number;
}

interface Kind {
  size: number;
  signedBits: number;
  get: (view: DataView, at: number, little: boolean) => number;
}

const KINDS: Record<number, Kind> = {
  2: { size: 1, signedBits: 0, get: (v, at) => v.getUint8(at) },
  4: { size: 2, signedBits: 16, get: (v, at, l) => v.getInt16(at, l) },
  8: { size: 4, signedBits: 32, get: (v, at, l) => v.getInt32(at, l) },
  16: { size: 4, signedBits: 0, get: (v, at, l) => v.getFloat32(at, l) },
  64: { size: 8, signedBits: 0, get: (v, at, l) => v.getFloat64(at, l) },
  256: { size: 1, signedBits: 8, get: (v, at) => v.getInt8(at) },
  512: { size: 2, signedBits: 0, get: (v, at, l) => v.getUint16(at, l) },
  768: { size: 4, signedBits: 0, get: (v, at, l) => v.getUint32(at, l) },
  1024: { size: 8, signedBits: 64, get: (v, at, l) => Number(v.getBigInt64(at, l)) },
  1280: { size: 8, signedBits: 0, get: (v, at, l) => Number(v.getBigUint64(at, l)) },
};
const COMPLEX = [32, 1792, 2048];
const COLORS = [128, 2304];

export type VolumeChoice = number | "mean" | "rms" | null;

export function stored(
  bytes: Uint8Array<ArrayBuffer>,
  head: Header,
  layout: Layout,
  choice: VolumeChoice,
): Stored {
  const wanted = volumes(layout, choice);
  const kind = kindOf(head.type);
  const each = layout.shape.reduce((a, b) => a * b, 1);
  const needed = head.offset + each * layout.count * kind.size;
  if (bytes.length < needed)
    throw new UserError(
      `it is cut short: its header promises ${needed} bytes, it has ${bytes.length}; copy or download it again`,
    );
  const { slope, inter } = scaling(head);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const numbers = (volume: number) => {
    const out = new Float64Array(each);
    let at = head.offset + volume * each * kind.size;
    for (let i = 0; i < each; i++, at += kind.size) out[i] = kind.get(view, at, head.little);
    return out;
  };
  const { signedBits } = kind;
  if (wanted.length === 1) return { numbers: numbers(wanted[0]!), slope, inter, signedBits };
  const total = new Float64Array(each);
  const rms = choice === "rms";
  for (const volume of wanted) {
    const one = numbers(volume);
    for (let i = 0; i < each; i++) total[i]! += rms ? (one[i]! * slope + inter) ** 2 : one[i]!;
  }
  for (let i = 0; i < each; i++) {
    const mean = total[i]! / wanted.length;
    total[i] = rms ? Math.sqrt(mean) : mean;
  }
  return { numbers: total, slope: rms ? 1 : slope, inter: rms ? 0 : inter, signedBits: 0 };
}

function kindOf(type: number): Kind {
  const kind = KINDS[type];
  if (kind) return kind;
  if (COMPLEX.includes(type)) throw new UserError("its voxels are complex numbers; give the magnitude image");
  if (COLORS.includes(type))
    throw new UserError("its voxels are colors or other compounds, not gray values; give a gray-value image");
  throw new UserError(`its voxels are of the unknown type ${type}; export it again`);
}

function scaling({ slope, inter }: Header): { slope: number; inter: number } {
  if (slope === 0 || !Number.isFinite(slope)) return { slope: 1, inter: 0 };
  return { slope, inter: Number.isFinite(inter) ? inter : 0 };
}

function volumes({ count, shape }: Layout, choice: VolumeChoice): number[] {
  const together = choice === "mean" || choice === "rms";
  if (count === 1) {
    if (choice === null || together || choice === 0) return [0];
    throw new UserError(`it holds a single volume, so there is no volume ${choice}; leave Volume empty`);
  }
  if (together && shape[2] > 1) return Array.from({ length: count }, (_, i) => i);
  if (typeof choice === "number" && Array.from({ length: count }, (_, i) => i).includes(choice))
    return [choice];
  throw new UserError(
    `it holds ${count} volumes; write one into Volume (0 to ${count - 1}), or mean, or rms`,
  );
}
