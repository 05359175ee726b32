/** A model file in the browser; cut into chunks as `scgm.segmenters.onnx` does. */
import { UserError, type Scan, type Triple } from "../types";
import type { Maps } from "./maps";
import { Runners, startWasm, startWebGpu, type Wanted } from "./runtime";

export interface Card {
  name: string;
  method: string;
  version: string;
  sha256?: string;
  graph_sha256?: string; // as older cards have it
  threshold: number;
  slices_at_once?: number;
  finer_below_mm?: number;
  finest_mm?: number;
  reach_slices?: number;
  confidence: Record<string, number> | null;
}

const CHUNK_PIXELS = 2 ** 23;
const CHUNK_SLICES = 48;
const CONTEXT_MM = 10;
const FINEST_MM = 0.25;

export interface Model {
  card: Card;
  runners: Runners;
}

/** Fetch a model and its card, check its checksum and start it. */
export async function loadModel(site: string, name: string, wanted: Wanted): Promise<Model> {
  const [card, graph] = await Promise.all([
    fetched(`${site}models/${name}.json`).then((answer) => answer.json() as Promise<Card>),
    fetched(`${site}models/${name}.onnx`).then((answer) => answer.arrayBuffer()),
  ]);
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", graph));
  const sum = [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  if (sum !== (card.sha256 ?? card.graph_sha256))
    throw new UserError(`model ${name} is damaged: its checksum is not that of its card; load the page anew`);
  const faster = startWebGpu(graph, site, wanted);
  return { card, runners: new Runners(await startWasm(graph, site), faster) };
}

async function fetched(address: string): Promise<Response> {
  const answer = await fetch(address).catch(() => null);
  if (answer?.ok) return answer;
  throw new UserError("the model cannot be loaded; connect to the network once, then it is kept");
}

/** Find cord and gray matter in every slice; *centre* holds what is known of the cord. */
export async function runModel(
  model: Model,
  scan: Scan,
  slices: Float32Array,
  centre: Float32Array,
  done: (share: number) => void,
): Promise<Maps> {
  const [depth, height, width] = scan.shape;
  const found: Maps = {
    shape: scan.shape,
    gm: new Float32Array(slices.length),
    cord: new Float32Array(slices.length),
    centre: new Float32Array(2 * depth),
    presence: new Float32Array(depth),
  };
  const size = height * width;
  let start = 0;
  for (const { seen, own } of chunks(scan.shape, scan.spacing, model.card)) {
    const out = await model.runners.run({
      slices: slices.subarray(seen[0] * size, seen[1] * size),
      shape: [seen[1] - seen[0], height, width],
      spacing: scan.spacing,
      centre: centre.subarray(2 * seen[0], 2 * seen[1]),
    });
    const keep = (name: keyof typeof out, to: Float32Array, each: number) =>
      to.set(out[name].subarray(own[0] * each, own[1] * each), start * each);
    keep("gm", found.gm, size);
    keep("cord", found.cord, size);
    keep("found_centre", found.centre, 2);
    keep("presence", found.presence, 1);
    start += own[1] - own[0];
    done(start / depth);
  }
  return limited(found, height, width);
}

/** Values within their ranges: gray matter at most the cord, centers in the slice. */
function limited(found: Maps, height: number, width: number): Maps {
  const clip = (value: number, most: number) => Math.min(most, Math.max(0, value));
  for (let i = 0; i < found.gm.length; i++) {
    if (!Number.isFinite(found.gm[i]!) || !Number.isFinite(found.cord[i]!))
      throw new UserError("the model gave values that are not numbers; try another browser");
    found.cord[i] = clip(found.cord[i]!, 1);
    found.gm[i] = clip(found.gm[i]!, found.cord[i]!);
  }
  for (let z = 0; z < found.presence.length; z++) {
    found.presence[z] = clip(found.presence[z]!, 1);
    const [row, column] = [found.centre[2 * z]!, found.centre[2 * z + 1]!];
    if (!(row >= -1 && row <= height && column >= -1 && column <= width))
      found.centre[2 * z] = found.centre[2 * z + 1] = NaN;
  }
  return found;
}

interface Chunk {
  seen: [number, number];
  own: [number, number];
}

export function chunks([depth, height, width]: Triple, spacing: Triple, card: Card): Chunk[] {
  const [distance, row, column] = spacing;
  const finer = Math.min(1, Math.max(row, column, card.finest_mm ?? FINEST_MM) / (card.finer_below_mm ?? FINEST_MM));
  const atOnce = Math.floor((card.slices_at_once ?? CHUNK_SLICES) * finer ** 2);
  const most = Math.max(1, Math.min(atOnce, Math.floor(CHUNK_PIXELS / (height * width))));
  if (depth <= most) return [{ seen: [0, depth], own: [0, depth] }];
  const wanted = Math.max(Math.ceil(CONTEXT_MM / distance), card.reach_slices ?? 0);
  const context = Math.min(wanted, Math.floor((most - 1) / 3));
  const step = most - 2 * context;
  const all: Chunk[] = [];
  for (let start = 0; start < depth; start += step) {
    const stop = Math.min(start + step, depth);
    const first = Math.max(0, start - context);
    all.push({ seen: [first, Math.min(depth, stop + context)], own: [start - first, stop - first] });
  }
  return all;
}
