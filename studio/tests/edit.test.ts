import { describe, expect, it } from "vitest";
import { growCut, OUTSIDE, seedsOf } from "../src/edit/grow-cut";
import { History } from "../src/edit/history";
import { between } from "../src/edit/stroke";
import { difference, PEN, ruled } from "../src/edit/rules";

const after = (labels: number[], drawn: number[], target: "gm" | "cord") => {
  const out = Uint8Array.from(labels);
  new History().apply(out, { ...ruled(out, Uint8Array.from(drawn), target), tool: "brush", target });
  return [...out];
};

describe("the rules of drawing", () => {
  it("let gray matter grow within the cord alone", () => {
    expect(after([0, 1, 2], [PEN, PEN, PEN], "gm")).toEqual([0, 1, 1]);
  });

  it("leave white matter where gray matter is erased", () => {
    expect(after([0, 1, 2], [0, 0, 0], "gm")).toEqual([0, 2, 2]);
  });

  it("add cord as white matter and keep its gray matter", () => {
    expect(after([0, 1, 2], [PEN, PEN, PEN], "cord")).toEqual([2, 1, 2]);
  });

  it("take gray matter away with the cord", () => {
    expect(after([0, 1, 2], [0, 0, 0], "cord")).toEqual([0, 0, 0]);
  });

  it("change nothing where nothing was drawn", () => {
    expect(ruled(Uint8Array.from([0, 1, 2]), Uint8Array.from([0, 1, 2]), "gm").places.length).toBe(0);
  });
});

describe("the history", () => {
  const step = (labels: Uint8Array, wanted: number[], tool = "brush") => ({
    ...difference(labels, Uint8Array.from(wanted)),
    tool,
    target: "gm" as const,
  });

  it("goes back and forth", () => {
    const [labels, history] = [Uint8Array.from([2, 2, 2]), new History()];
    history.apply(labels, step(labels, [1, 2, 2]));
    history.apply(labels, step(labels, [1, 1, 2]));
    history.undo(labels);
    expect([...labels]).toEqual([1, 2, 2]);
    history.undo(labels);
    expect([...labels]).toEqual([2, 2, 2]);
    expect(history.undo(labels)).toBeNull();
    history.redo(labels);
    history.redo(labels);
    expect([...labels]).toEqual([1, 1, 2]);
    expect(history.redo(labels)).toBeNull();
  });

  it("forgets what was undone when something else is done", () => {
    const [labels, history] = [Uint8Array.from([2, 2]), new History()];
    history.apply(labels, step(labels, [1, 2]));
    history.undo(labels);
    history.apply(labels, step(labels, [2, 1]));
    expect(history.redo(labels)).toBeNull();
    expect([...labels]).toEqual([2, 1]);
  });

  it("sums up what is left of the changes, by tool", () => {
    const [labels, history] = [Uint8Array.from([2, 2, 1, 2]), new History()];
    history.apply(labels, step(labels, [1, 1, 1, 2]));
    history.apply(labels, step(labels, [1, 1, 2, 2], "eraser"));
    history.apply(labels, step(labels, [1, 1, 2, 1], "eraser"));
    history.undo(labels);
    expect(history.summary(2, (z) => 10 + z)).toEqual([
      { tool: "brush", label: "gray matter", slices: [10], added: 2, removed: 0 },
      { tool: "eraser", label: "gray matter", slices: [11], added: 0, removed: 1 },
    ]);
  });
});

describe("grow-cut", () => {
  const [height, width] = [9, 9];
  const place = (row: number, column: number) => row * width + column;

  it("moves a border to the edge of the image", () => {
    // Bright in columns 0 to 5; the seeds stop short of the edge on both sides.
    const image = Float32Array.from({ length: height * width }, (_, i) => (i % width < 6 ? 100 : 10));
    const seeds = new Uint8Array(height * width);
    for (let row = 0; row < height; row++) [seeds[place(row, 0)], seeds[place(row, 8)]] = [1, OUTSIDE];
    const grown = growCut({ seeds, image, height, width });
    expect([...grown.subarray(place(4, 0), place(5, 0))]).toEqual([1, 1, 1, 1, 1, 1, 3, 3, 3]);
  });

  it("ends on noise", () => {
    const image = Float32Array.from({ length: height * width }, (_, i) => ((i * 7919) % 101) / 3);
    const seeds = new Uint8Array(height * width);
    [seeds[place(0, 0)], seeds[place(8, 8)]] = [1, OUTSIDE];
    expect(growCut({ seeds, image, height, width }).includes(0)).toBe(false);
  });

  it("keeps the inside of labels and lets nothing far away become cord", () => {
    const labels = new Uint8Array(31 * 31);
    for (let row = 12; row < 19; row++) for (let c = 12; c < 19; c++) labels[row * 31 + c] = 2;
    const seeds = seedsOf(labels, 31, 31, [0.5, 0.5]);
    expect(seeds[15 * 31 + 15]).toBe(2);
    expect(seeds[12 * 31 + 12]).toBe(0);
    expect(seeds[10 * 31 + 15]).toBe(0);
    expect(seeds[5 * 31 + 15]).toBe(OUTSIDE);
  });
});

it("a stroke has no gaps, whichever way it goes", () => {
  expect(between([2, 5], [2, 5])).toEqual([[2, 5], [2, 5]]);
  const points = between([0, 10], [7, -4]);
  expect(points[0]).toEqual([0, 10]);
  expect(points.at(-1)).toEqual([7, -4]);
  for (let i = 1; i < points.length; i++)
    expect(Math.max(...points[i]!.map((value, axis) => Math.abs(value - points[i - 1]![axis]!)))).toBe(1);
});
