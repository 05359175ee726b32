import { describe, expect, it } from "vitest";
import { nativeImage, stackImage, toNative } from "../src/image/nifti-out";
import { GRID, scan } from "./scans";

describe("bringing values back to the file", () => {
  it("keeps them where axes are in order", () => {
    const values = Uint8Array.from({ length: 24 }, (_, i) => i);
    expect(toNative(scan([2, 3, 4]), values)).toEqual(values);
  });

  it("permutes and flips as the axes say", () => {
    // Native axes: i is Z backward, j is X, k is Y.
    const one = scan([2, 1, 3], { order: [0, 2, 1], flipped: [true, false, false] });
    const native = toNative(one, Uint8Array.from([1, 2, 3, 4, 5, 6]));
    expect([...native]).toEqual([4, 1, 5, 2, 6, 3]);
  });
});

describe("a file of labels", () => {
  it("has the size, the type and the grid of the image", () => {
    const file = nativeImage(scan([1, 2, 3]), Uint8Array.from([0, 1, 2, 0, 0, 1]), "9.9");
    const view = new DataView(file.buffer);
    expect(file.length).toBe(352 + 6);
    expect([0, 1, 2, 3].map((i) => view.getInt16(40 + 2 * i, true))).toEqual([3, 3, 2, 1]);
    expect(view.getInt16(70, true)).toBe(2);
    expect(view.getFloat32(280, true)).toBe(0.5);
    expect(new TextDecoder().decode(file.subarray(148, 156))).toBe("scgm 9.9");
    expect([...file.subarray(352)]).toEqual([0, 1, 2, 0, 0, 1]);
  });

  it("is NIfTI-2 where the image is", () => {
    const two = scan([1, 1, 1], { grid: { ...GRID, version: 2 } });
    const view = new DataView(nativeImage(two, new Float32Array(1), "1").buffer);
    expect(view.getInt32(0, true)).toBe(540);
    expect(view.getFloat64(400, true)).toBe(0.5);
  });
});

describe("the image for the viewer", () => {
  it("lies where the stack lies, also where its axes are flipped", () => {
    const one = scan([2, 2, 2], { flipped: [true, false, false] });
    const view = new DataView(stackImage(one));
    expect(view.getFloat32(280 + 4 * 10, true)).toBe(-5);
    expect(view.getFloat32(280 + 4 * 11, true)).toBe(5);
  });
});
