import { beforeEach, describe, expect, it, vi } from "vitest";
import { CORRECTED, Editor } from "../src/edit/editor";
import { state, type Drawn } from "../src/state";
import type { Found } from "../src/types";
import type { Niivue } from "../src/view/viewer";
import { scan } from "./scans";

vi.mock("../src/edit/store", () => ({
  workName: () => "",
  keep: () => Promise.resolve(),
  keptAs: () => Promise.resolve(undefined),
}));

const result = (title: string, labels: number[]): Drawn => ({ title, labels: Uint8Array.from(labels), found: null });

/** What a method has found: gray matter in the first pixel, cord in the first two. */
const FOUND = {
  method: "ddc",
  model: "ddc 1",
  threshold: 0.5,
  rows: [0, 1],
  columns: [0, 4],
  gm: Float32Array.of(1, 0, 0, 0),
  cord: Float32Array.of(1, 1, 0, 0),
} as unknown as Found;

/** The viewer, with what is drawn on it. */
const viewer = (drawn: number[]) =>
  ({ drawBitmap: Uint8Array.from(drawn), refreshDrawing: () => undefined }) as unknown as Niivue;

const editor = new Editor(
  () => undefined,
  () => undefined,
);
const drawn = () => [...(editor.labels ?? [])];

function open(): void {
  state.open({ kind: "folder", id: "a", name: "a.nii" });
  state.show(scan([1, 1, 4], { name: "a.nii" }));
}

describe("a correction", () => {
  beforeEach(() => {
    vi.stubGlobal("window", globalThis);
    vi.stubGlobal("document", { body: { dataset: {} } });
    state.busy = false;
    editor.tool = "none";
    editor.target = "gm";
    open();
  });

  it("waits for the result that it begins with", () => {
    state.busy = true;
    expect(editor.waits).toBe(true);
    state.add(FOUND);
    expect(editor.waits).toBe(false);
    editor.begin();
    expect(drawn()).toEqual([1, 2, 0, 0]);
  });

  it("of the image before is not drawn on", () => {
    state.put(result("ddc", [1, 2, 0, 0]));
    editor.begin();
    const before = editor.labels!;
    open();
    editor.clear(null);
    editor.undo(null);
    expect(editor.labels).toBeNull();
    expect([...before]).toEqual([1, 2, 0, 0]);
  });

  it("stays in view when another result comes in", () => {
    state.put(result("unet", [0, 1, 2, 0]));
    editor.begin();
    state.add(FOUND);
    expect(state.current?.title).toBe(CORRECTED);
    expect(state.results.map(({ title }) => title)).toContain("ddc");
  });

  it("takes nothing over from another result that is looked at", () => {
    const other = result("unet", [2, 2, 0, 0]);
    state.put(other);
    state.put(result("ddc", [1, 1, 2, 2]));
    editor.begin();
    editor.tool = "eraser";
    editor.target = "cord";
    editor.absorb(viewer([1, 1, 2, 0]));
    state.chosen = state.results.indexOf(other);
    editor.absorb(viewer([2, 2, 0, 0]));
    expect(drawn()).toEqual([1, 1, 2, 0]);
  });

  it("is looked at again when it is changed", () => {
    const other = result("unet", [2, 2, 0, 0]);
    state.put(other);
    state.put(result("ddc", [1, 1, 2, 2]));
    editor.begin();
    editor.clear(null);
    state.chosen = state.results.indexOf(other);
    editor.undo(null);
    expect(state.current?.title).toBe(CORRECTED);
    expect(drawn()).toEqual([1, 1, 2, 2]);
    expect([...other.labels]).toEqual([2, 2, 0, 0]);
  });

  it("without changes begins anew with the result that is looked at", () => {
    state.put(result("ddc", [1, 2, 0, 0]));
    editor.begin();
    state.put(result("unet", [0, 1, 2, 0]));
    editor.begin();
    expect(drawn()).toEqual([0, 1, 2, 0]);
    editor.clear(null);
    state.chosen = 0;
    editor.begin();
    expect(drawn()).toEqual([0, 2, 2, 0]);
  });
});
