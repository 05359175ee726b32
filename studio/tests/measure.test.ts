import { describe, expect, it } from "vitest";
import { areas, dice, isCord, isGray, parts } from "../src/measure/slices";
import { pixelToMm } from "../src/measure/plane";
import { summary } from "../src/view/chart";
import { labels, scan } from "./scans";

const SIZE = 41;

describe("areas", () => {
  it("are pixels times their area, and cord is gray and white matter", () => {
    const one = scan([1, 2, 3]);
    const found = areas(one, Uint8Array.from([1, 2, 2, 0, 0, 1]), null)[0]!;
    expect(found).toEqual({ gm: 0.5, wm: 0.5, cord: 1 });
  });
});

describe("the means that screen readers say", () => {
  it("leave flagged slices out, as the terminal does", () => {
    const one = (area: number) => ({ gm: area, wm: area, cord: 2 * area });
    const said = summary([one(10), one(20), one(90)], ["ok", "confidence not available", "low confidence"]);
    expect(said).toBe(
      "Mean areas: gray matter 15.0, white matter 15.0, cord 30.0 mm², of 2 slices of 3 that are not flagged",
    );
  });
});

describe("quarters", () => {
  it("put gray matter of the patient's right to the right", () => {
    const split = parts(scan([1, SIZE, SIZE]), labels(SIZE), 0)!;
    expect(split.gm!.anteriorLeft + split.gm!.posteriorLeft).toBe(0);
    expect(split.gm!.anteriorRight).toBeCloseTo(split.gm!.posteriorRight, 6);
  });

  it("add up to the area of the mask", () => {
    const drawn = labels(SIZE, 0.2);
    const split = parts(scan([1, SIZE, SIZE]), drawn, 0)!;
    const sum = Object.values(split.wm!).reduce((a, b) => a + b);
    expect(sum).toBeCloseTo(drawn.filter((label) => label === 2).length * 0.25, 6);
  });

  it("follow the rotation of the cord", () => {
    const angle = (15 * Math.PI) / 180;
    const symmetric = labels(SIZE, angle).map((label) => (label ? 2 : 0));
    const split = parts(scan([1, SIZE, SIZE]), symmetric, 0)!;
    expect(split.axis.angle).toBeGreaterThan(12);
    expect(split.axis.angle).toBeLessThan(18);
  });

  it("are not there without a cord", () => {
    expect(parts(scan([1, SIZE, SIZE]), new Uint8Array(SIZE * SIZE), 0)).toBeNull();
  });
});

describe("the plane of the slices", () => {
  it("measures toward the right and the front, also where the file is stored the other way", () => {
    const mirrored = scan([1, 4, 4], {
      flipped: [false, true, true],
      affine: [
        [-0.5, 0, 0, 0],
        [0, -0.5, 0, 0],
        [0, 0, 5, 0],
        [0, 0, 0, 1],
      ],
    });
    const [rx, ry, fx, fy] = pixelToMm(mirrored);
    expect([rx, ry, fx, fy].map((v) => Math.round(v * 1e6) / 1e6 + 0)).toEqual([0.5, 0, 0, 0.5]);
  });
});

describe("Dice", () => {
  it("is twice the overlap over both", () => {
    const [a, b] = [Uint8Array.from([1, 1, 2, 0]), Uint8Array.from([1, 2, 2, 0])];
    expect(dice(a, b, isGray)).toBeCloseTo(2 / 3);
    expect(dice(a, b, isCord)).toBe(1);
  });

  it("is unknown where both are empty", () => {
    expect(dice(new Uint8Array(3), new Uint8Array(3), isGray)).toBeNull();
  });
});
