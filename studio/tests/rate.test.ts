import { describe, expect, it } from "vitest";
import { workName } from "../src/edit/store";
import { agreements, nextImage, numberOf, readingsOf, type Reading } from "../src/rate/readings";

const reading = (image: string, rater: string, number: number, labels: number[]): Reading => ({
  key: `${image}|${rater}|${number}`,
  image,
  rater,
  number,
  labels: Uint8Array.from(labels),
  time: 0,
  seconds: 60,
});

describe("agreement", () => {
  it("is that of each reading with each other", () => {
    const all = [reading("a", "X", 1, [1, 1, 2, 0]), reading("a", "X", 2, [1, 2, 2, 0]), reading("a", "Y", 1, [1, 1, 1, 1])];
    const found = agreements(all);
    expect(found.map(({ first, second }) => `${first}/${second}`)).toEqual([
      "X, reading 1/X, reading 2",
      "X, reading 1/Y, reading 1",
      "X, reading 2/Y, reading 1",
    ]);
    expect(found[0]!.gray).toBeCloseTo(2 / 3);
    expect(found[0]!.cord).toBe(1);
    expect(found[0]!.area).toBeCloseTo((200 * (1 - 2)) / 3);
  });
});

describe("readings of an image", () => {
  const [first, second] = [0, 1].map((value) => workName({ name: "t2s.nii", slices: Float32Array.of(value, 2) }));
  const of = (image: string, rater: string): Reading => ({ ...reading(image, rater, 1, [1, 2]), name: "t2s.nii" });

  it("are those of its content, not of its name", () => {
    const all = [of(first!, "X"), of(second!, "Y")];
    expect(first).not.toBe(second);
    expect(readingsOf(all, first!, "t2s.nii", 2)).toEqual([all[0]]);
    expect(readingsOf(all, first!, "t2s.nii", 3)).toEqual([]);
    expect([numberOf(all, first!), numberOf(all, second!)].sort()).toEqual([1, 2]);
  });

  it("that an earlier version kept by name come last", () => {
    const [old, own] = [reading("t2s.nii", "X", 1, [1, 2]), of(first!, "Y")];
    expect(readingsOf([old, own], first!, "t2s.nii", 2)).toEqual([own, old]);
    expect(readingsOf([old, own], second!, "t2s.nii", 2)).toEqual([old]);
  });
});

describe("the next image", () => {
  it("is found by the names of readings", () => {
    const mine = [{ ...reading("a#1", "X", 1, []), name: "a" }];
    expect(nextImage(["a", "b"], mine, () => 0)).toBe("b");
  });

  it("is one that was read least often, and none after two readings", () => {
    const mine = [reading("a", "X", 1, []), reading("b", "X", 1, []), reading("b", "X", 2, [])];
    expect(nextImage(["a", "b", "c"], mine, () => 0)).toBe("c");
    expect(nextImage(["a", "b"], mine, () => 0.99)).toBe("a");
    expect(nextImage(["b"], mine, () => 0)).toBeNull();
    expect(nextImage([], [], () => 0)).toBeNull();
  });
});

describe("the number of an image", () => {
  it("is given by the order of first readings, so later ones change nothing", () => {
    const at = (image: string, time: number): Reading => ({ ...reading(image, "X", 1, []), time });
    const before = [at("b", 5)];
    const after = [at("a", 9), ...before, at("b", 12)];
    expect(numberOf(before, "b")).toBe(1);
    expect(numberOf(after, "b")).toBe(1);
    expect(numberOf(after, "a")).toBe(2);
  });
});
