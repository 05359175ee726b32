import { beforeEach, describe, expect, it, vi } from "vitest";
import { CORRECTED, Editor, OPEN } from "../src/edit/editor";
import type { Work } from "../src/edit/store";
import { state, type Drawn } from "../src/state";
import type { Scan } from "../src/types";
import { scan } from "./scans";

/** What the browser keeps; as there, only copies come back. */
const kept = vi.hoisted(() => new Map<string, Work>());

vi.mock("../src/edit/store", () => ({
  workName: ({ name }: Scan) => name,
  keep: (work: Work) => Promise.resolve(void kept.set(work.name, structuredClone(work))),
  keptAs: (name: string) => Promise.resolve(structuredClone(kept.get(name))),
}));

const result = (title: string): Drawn => ({ title, labels: new Uint8Array(4), found: null });

function show(name: string): void {
  state.open({ kind: "folder", id: name, name });
  state.show(scan([1, 2, 2], { name }));
}

const startedFrom = (editor: Editor) => (JSON.parse(editor.record("1")) as { StartedFrom: string }).StartedFrom;

/** The page has one. */
const editor = new Editor(
  () => undefined,
  () => undefined,
);

async function correctAndKeep(name: string, title: string): Promise<void> {
  show(name);
  state.put(result(title));
  editor.begin();
  await vi.waitFor(() => expect(kept.get(name)?.results).toHaveLength(2));
}

async function openAgain(name: string): Promise<void> {
  show(name);
  await vi.waitFor(() => expect(state.results.some(({ title }) => title === CORRECTED)).toBe(true));
}

beforeEach(() => {
  kept.clear();
  vi.stubGlobal("window", globalThis);
  vi.stubGlobal("document", { body: { dataset: {} } });
});

describe("changes", () => {
  /** Open an image and take the gray matter of one pixel away. */
  function change(name: string): void {
    show(name);
    state.put({ title: "ddc", labels: Uint8Array.of(1, 2, 0, 0), found: null });
    editor.begin();
    editor.clear(null);
  }
  const changes = () => (JSON.parse(editor.record("1")) as { Changes: unknown[] }).Changes;

  it("are kept where another image is opened at once", async () => {
    change("a.nii");
    show("b.nii");
    state.put(result("ddc"));
    await vi.waitFor(() => expect([...kept.keys()].sort()).toEqual(["a.nii", "b.nii"]), 3000);
    expect(kept.get("a.nii")?.done).toHaveLength(1);
  });

  it("are still known and kept after a reading of the same image", async () => {
    change("a.nii");
    editor.begin(`Ann, reading 1${OPEN}`, true);
    expect(changes()).toHaveLength(0);
    state.drop(`Ann, reading 1${OPEN}`);
    await vi.waitFor(() => expect(kept.get("a.nii")?.results).toHaveLength(2), 3000);
    expect(kept.get("a.nii")?.done).toHaveLength(1);
    editor.begin();
    expect(changes()).toHaveLength(1);
    editor.undo(null);
    expect(changes()).toHaveLength(0);
  });
});

describe("the result that a correction started from", () => {

  it("is known when the image is opened again", async () => {
    await correctAndKeep("a.nii", "ddc");
    await correctAndKeep("c.nii", "unet");
    await openAgain("a.nii");
    expect(startedFrom(editor)).toBe("ddc");
  });

  it("is not that of another image where kept work does not say it", async () => {
    await correctAndKeep("a.nii", "ddc");
    const old = structuredClone(kept.get("a.nii")!);
    for (const drawn of old.results) delete drawn.base;
    kept.set("b.nii", { ...old, name: "b.nii" });
    await openAgain("b.nii");
    expect(startedFrom(editor)).toBe("");
  });

  it("is still known after a reading of the same image", async () => {
    await correctAndKeep("a.nii", "ddc");
    editor.begin(`Ann, reading 1${OPEN}`, true);
    expect(startedFrom(editor)).toBe("nothing");
    editor.begin();
    expect(startedFrom(editor)).toBe("ddc");
  });
});
