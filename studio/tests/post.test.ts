import { describe, expect, it } from "vitest";
import { isPresent } from "../src/segment/post";

describe("the presence of a cord", () => {
  it("needs less between two slices that show one", () => {
    expect(isPresent([0.49, 0.5, 0.24, 0.25, 0.9, 0.49], 5)).toEqual([false, true, false, true, true, false]);
  });

  it("needs as much where these are far apart", () => {
    expect(isPresent([0.9, 0.4, 0.4, 0.9], 10)).toEqual([true, true, true, true]);
    expect(isPresent([0.9, 0.4, 0.4, 0.9], 11)).toEqual([true, false, false, true]);
  });

  it("is not enough where no slice shows one", () => {
    expect(isPresent([0.3, 0.49, 0.3], 5)).toEqual([false, false, false]);
  });
});
