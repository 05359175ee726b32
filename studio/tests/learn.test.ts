import { describe, expect, it } from "vitest";
import { halfArea, simulate, softArea, type Scanner, type Sections } from "../src/learn/sections";

/** A square of gray matter of 4 x 4 mm in white matter, 20 mm wide. */
function square(): Sections {
  const size = 200;
  const values = new Uint8Array(size * size).map((_, i) => {
    const [row, column] = [Math.floor(i / size), i % size];
    return row >= 80 && row < 120 && column >= 80 && column < 120 ? 1 : 0;
  });
  return { levels: ["C1"], pixel: 0.1, tissues: ["WHITE_MATTER", "GRAY_MATTER"], signals: { t2star: [100, 150] }, size, values };
}

const SCANNER: Scanner = { level: 0, contrast: "t2star", pixel: 0.5, snr: 1e9, thickness: 5, tilt: 0, rotation: 0, seed: 1 };

describe("the scanner", () => {
  it("keeps the area where no pixel is mixed", () => {
    const scan = simulate(square(), SCANNER);
    expect(halfArea(scan.gm, scan.pixel)).toBeCloseTo(16, 6);
    expect(softArea(scan.gm, scan.pixel)).toBeCloseTo(16, 4);
    expect(Math.max(...scan.image)).toBeCloseTo(150, 3);
  });

  it("mixes front and back in a thick slice across a tilted cord, and keeps the sum", () => {
    const scan = simulate(square(), { ...SCANNER, tilt: 30 });
    const mixed = scan.gm.filter((share) => share > 0.05 && share < 0.95).length;
    expect(mixed).toBeGreaterThan(20);
    expect(softArea(scan.gm, scan.pixel)).toBeCloseTo(16, 0);
  });

  it("repeats its noise by the seed, and draws other noise by another", () => {
    const noisy = { ...SCANNER, snr: 10 };
    const first = simulate(square(), noisy).image;
    expect(simulate(square(), noisy).image).toEqual(first);
    expect(simulate(square(), { ...noisy, seed: 2 }).image).not.toEqual(first);
    const white = first.slice(0, 40 * 10);
    const mean = white.reduce((a, b) => a + b, 0) / white.length;
    const deviation = Math.sqrt(white.reduce((a, b) => a + (b - mean) ** 2, 0) / white.length);
    expect(deviation).toBeGreaterThan(8);
    expect(deviation).toBeLessThan(12);
  });
});
