import { describe, expect, it, vi } from "vitest";
import { Runners, type Inputs, type Outputs, type Runner } from "../src/segment/runtime";

vi.mock("onnxruntime-web/wasm", () => ({}));

const inputs: Inputs = {
  slices: Float32Array.from([1, 2, 3, 4, 5, 6]),
  shape: [3, 1, 2],
  spacing: [1, 1, 1],
  centre: new Float32Array(6).fill(NaN),
};

/** Half of each pixel is its probability, plus a fault. */
const runner = (name: Runner["name"], fault = 0, breaksAt = Infinity): Runner & { shapes: number[] } => {
  const shapes: number[] = [];
  return {
    name,
    shapes,
    run({ slices, shape }) {
      shapes.push(shape[0]);
      if (shapes.length >= breaksAt) return Promise.reject(new Error("the device is lost"));
      const gm = slices.map((value) => value / 20 + fault);
      const found: Outputs = { gm, cord: gm, found_centre: new Float32Array(2), presence: new Float32Array(1) };
      return Promise.resolve(found);
    },
  };
};

describe("where a model runs", () => {
  it("is WebAssembly where there is no graphics card", async () => {
    const runners = new Runners(runner("wasm"));
    await runners.run(inputs);
    expect(runners.used).toBe("wasm");
  });

  it("is the graphics card after it gave the same on the middle slice, asked once", async () => {
    const [wasm, card] = [runner("wasm"), runner("webgpu", 1e-5)];
    const runners = new Runners(wasm, Promise.resolve(card));
    await runners.run(inputs);
    await runners.run(inputs);
    expect([runners.used, wasm.shapes, card.shapes]).toEqual(["webgpu", [1], [1, 3, 3]]);
  });

  it.each([0.01, NaN])("is WebAssembly where the card is wrong by %s", async (fault) => {
    const [wasm, card] = [runner("wasm"), runner("webgpu", fault)];
    const runners = new Runners(wasm, Promise.resolve(card));
    const found = await runners.run(inputs);
    await runners.run(inputs);
    expect([runners.used, wasm.shapes, card.shapes]).toEqual(["wasm", [1, 3, 3], [1]]);
    expect(found.gm[5]).toBeCloseTo(0.3);
  });

  it("goes on in WebAssembly when the card is lost", async () => {
    const [wasm, card] = [runner("wasm"), runner("webgpu", 0, 3)];
    const runners = new Runners(wasm, Promise.resolve(card));
    await runners.run(inputs);
    const found = await runners.run(inputs);
    expect([runners.used, card.shapes.length]).toEqual(["wasm", 3]);
    expect(found.gm[0]).toBeCloseTo(0.05);
    await runners.run(inputs);
    expect(card.shapes.length).toBe(3);
  });
});
