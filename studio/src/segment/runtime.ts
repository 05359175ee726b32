/** Where a model file runs: in WebAssembly, or on the graphics card (WebGPU) where that gives the same. */
import * as ort from "onnxruntime-web/wasm";
import type { Triple } from "../types";

/** "auto" takes the graphics card if there is one; the others are asked for in the address. */
export type Wanted = "auto" | "webgpu" | "wasm";

export interface Inputs {
  slices: Float32Array;
  shape: Triple;
  spacing: Triple;
  centre: Float32Array;
}

export type Outputs = Record<"gm" | "cord" | "found_centre" | "presence", Float32Array>;

export interface Runner {
  readonly name: "webgpu" | "wasm";
  run(inputs: Inputs): Promise<Outputs>;
}

/** Of probabilities: far below what decides a pixel, far above how two runtimes round. */
const MOST_DIFFERENCE = 1e-3;
const NAMES = ["gm", "cord", "found_centre", "presence"] as const;
type Runtime = Pick<typeof ort, "Tensor" | "InferenceSession" | "env">;

export async function startWasm(graph: ArrayBuffer, site: string): Promise<Runner> {
  const threads = self.crossOriginIsolated ? Math.min(4, navigator.hardwareConcurrency) : 1;
  return started(ort, graph, "wasm", `${site}runtime/ort-wasm-simd-threaded`, threads);
}

/** Start the model on the graphics card; null where there is none, or where it does not start. */
export async function startWebGpu(graph: ArrayBuffer, site: string, wanted: Wanted): Promise<Runner | null> {
  if (wanted === "wasm") return null;
  try {
    const adapter = await (navigator as Partial<WithGpu>).gpu?.requestAdapter();
    // A processor that plays a graphics card is much slower than WebAssembly.
    if (!adapter || (adapter.info.isFallbackAdapter && wanted === "auto")) return null;
    const runtime = (await import("onnxruntime-web/webgpu")) as Runtime;
    return await started(runtime, graph, "webgpu", `${site}runtime/ort-wasm-simd-threaded.asyncify`, 1);
  } catch {
    return null;
  }
}

interface WithGpu {
  gpu: { requestAdapter(): Promise<{ info: { isFallbackAdapter: boolean } } | null> };
}

async function started(
  runtime: Runtime,
  graph: ArrayBuffer,
  name: Runner["name"],
  files: string,
  threads: number,
): Promise<Runner> {
  runtime.env.wasm.wasmPaths = { mjs: `${files}.mjs`, wasm: `${files}.wasm` };
  runtime.env.wasm.numThreads = threads;
  runtime.env.logLevel = "error";
  const session = await runtime.InferenceSession.create(graph, {
    executionProviders: [name],
    enableMemPattern: false,
  });
  const run = async ({ slices, shape, spacing, centre }: Inputs) => {
    const out = await session.run({
      slices: new runtime.Tensor("float32", slices, shape),
      spacing: new runtime.Tensor("float32", Float32Array.from(spacing), [3]),
      centre: new runtime.Tensor("float32", centre, [shape[0], 2]),
    });
    return Object.fromEntries(NAMES.map((each) => [each, out[each]!.data])) as Outputs;
  };
  return { name, run };
}

/** The graphics card as long as it works and gives on one slice what WebAssembly gives; else that. */
export class Runners {
  private trusted: boolean | null = null;

  constructor(
    private readonly wasm: Runner,
    private readonly card: Promise<Runner | null> = Promise.resolve(null),
  ) {}

  /** What ran last. */
  used: Runner["name"] = "wasm";

  async run(inputs: Inputs): Promise<Outputs> {
    const card = await this.card;
    if (card !== null && this.trusted !== false)
      try {
        this.trusted ??= await same(this.wasm, card, middleSlice(inputs));
        if (this.trusted) {
          const found = await card.run(inputs);
          this.used = "webgpu";
          return found;
        }
      } catch {
        this.trusted = false; // the card was lost, or has too little memory
      }
    this.used = "wasm";
    return this.wasm.run(inputs);
  }
}

function middleSlice({ slices, shape: [depth, height, width], spacing, centre }: Inputs): Inputs {
  const z = Math.floor(depth / 2);
  const size = height * width;
  return {
    slices: slices.subarray(z * size, (z + 1) * size),
    shape: [1, height, width],
    spacing,
    centre: centre.subarray(2 * z, 2 * z + 2),
  };
}

async function same(one: Runner, other: Runner, inputs: Inputs): Promise<boolean> {
  const [first, second] = [await one.run(inputs), await other.run(inputs)];
  // Not the center: where no cord is, it follows the rounding.
  return (["gm", "cord", "presence"] as const).every((name) =>
    first[name].every((value, i) => Math.abs(value - second[name][i]!) <= MOST_DIFFERENCE),
  );
}
