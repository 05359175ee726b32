import { describe, expect, it } from "vitest";
import { chunks, type Card } from "../src/segment/model";

const CARD: Card = {
  name: "one",
  method: "default",
  version: "1",
  threshold: 0.5,
  slices_at_once: 48,
  finer_below_mm: 0.25,
  finest_mm: 0.125,
  confidence: null,
};

describe("chunks", () => {
  it("are whole scans where these are small", () => {
    expect(chunks([48, 64, 64], [5, 0.5, 0.5], CARD)).toEqual([{ seen: [0, 48], own: [0, 48] }]);
  });

  it("have fewer slices where pixels are finer, down to the finest", () => {
    const most = (pixel: number) => {
      const sizes = chunks([100, 64, 64], [5, pixel, pixel], CARD).map(({ seen }) => seen[1] - seen[0]);
      return Math.max(...sizes);
    };
    expect([0.5, 0.2, 0.125, 0.05].map(most)).toEqual([48, 30, 12, 12]);
  });

  it("cover every slice once", () => {
    const kept = chunks([100, 64, 64], [5, 0.1, 0.1], CARD).flatMap(({ seen, own }) =>
      Array.from({ length: own[1] - own[0] }, (_, i) => seen[0] + own[0] + i),
    );
    expect(kept).toEqual(Array.from({ length: 100 }, (_, i) => i));
  });
});
