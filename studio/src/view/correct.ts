/** Correcting: tools, undo and redo, and saving what was corrected. */
import { zipSync } from "fflate";
import { button, h, save, slider } from "../dom";
import { Editor, type Tool } from "../edit/editor";
import { forget, kept, type Work } from "../edit/store";
import { Stroke } from "../edit/stroke";
import type { Target } from "../edit/rules";
import { nativeImage } from "../image/nifti-out";
import { mask } from "../segment/files";
import { gzip } from "../image/nifti-out";
import { state } from "../state";
import { failed, say } from "./source";
import type { Viewer } from "./viewer";

const TOOLS: [Tool, string, string, string][] = [
  ["none", "Look", "v", "Move the cross-hair; nothing is drawn"],
  ["brush", "Brush", "b", "Draw while the button is held"],
  ["eraser", "Eraser", "e", "Erase while the button is held"],
  ["fill", "Fill", "f", "Draw an outline; what it encloses is filled"],
  ["click", "Click", "c", "Click on tissue: what is alike around it is marked; the wheel changes how much"],
];

const TARGETS: [Target, string, string][] = [
  ["gm", "gray matter", "Gray matter stays within the cord; erased, it becomes white matter"],
  ["cord", "cord", "New cord is white matter; erased cord takes its gray matter with it"],
];

/** Where the viewer draws. */
const DRAWING = ["correct", "rate"];

export interface Correcting {
  editor: Editor;
  element: HTMLElement;
}

export function correct(viewer: Viewer): Correcting {
  const changes = h("p", { id: "changes", class: "quiet", role: "status" });
  let later = 0;
  const editor = new Editor(() => {
    const count = editor.history.done.length;
    changes.textContent = `${count} ${count === 1 ? "change" : "changes"}, kept in this browser`;
    clearTimeout(later);
    later = window.setTimeout(() => state.tell("labels"), 60);
  }, (sentence) => say(sentence, "error"));
  const equip = () => {
    const nv = viewer.running;
    if (nv === null) return;
    if (DRAWING.includes(state.tab)) editor.equip(nv);
    else nv.setDrawingEnabled(false);
  };
  const stroke = new Stroke();
  viewer.canvas.after(stroke.canvas);
  const begin = (event: Event) => {
    const nv = viewer.running;
    const left = !(event instanceof MouseEvent) || event.button === 0;
    if (nv !== null && left && DRAWING.includes(state.tab)) editor.beginStroke(nv, stroke);
  };
  const absorb = () => {
    const nv = viewer.running;
    if (nv !== null && DRAWING.includes(state.tab)) editor.absorb(nv);
    stroke.end(); // in any view: until then the viewer draws nothing
  };
  const end = () => setTimeout(absorb, 0); // the viewer's own listeners come first
  for (const type of ["mousedown", "touchstart"]) viewer.canvas.addEventListener(type, begin, { capture: true });
  for (const type of ["mousedown", "mousemove", "touchstart", "touchmove"])
    viewer.canvas.parentElement!.addEventListener(type, () => stroke.move());
  for (const type of ["mouseup", "touchend", "touchcancel"])
    window.addEventListener(type, (event) => {
      if (event.target === viewer.canvas || stroke.drawn) end();
    });
  viewer.canvas.addEventListener("mouseleave", () => {
    if (stroke.drawn) end();
  });
  const enter = async () => {
    const { scan, tab } = state;
    if (!DRAWING.includes(tab)) state.held = null;
    if (!DRAWING.includes(tab) || scan === null) return equip();
    await viewer.ready();
    await editor.taken;
    if (scan !== state.scan || tab !== state.tab) return;
    if (tab === "correct" && !editor.waits) editor.begin();
    viewer.toCord();
    equip();
    editor.show(viewer.running);
  };
  state.on(["tab", "scan"], () => void enter().catch(failed));
  state.on(["busy"], () => {
    if (!state.busy && editor.labels === null) void enter().catch(failed);
  });
  const element = h(
    "div",
    { id: "edit" },
    tools(editor, equip),
    steps(editor, viewer),
    h("div", { id: "correct-viewer" }),
    changes,
    saving(editor),
    keysHelp(),
  );
  element.addEventListener("keydown", (event) => keys(event, editor, viewer, element), { capture: true });
  void offer(editor);
  return { editor, element };
}

function tools(editor: Editor, equip: () => void): HTMLElement {
  const group = (label: string, buttons: HTMLButtonElement[], chosen: number) => {
    const press = (pressed: HTMLButtonElement) =>
      buttons.forEach((each) => each.setAttribute("aria-pressed", String(each === pressed)));
    buttons.forEach((each) => each.addEventListener("click", () => press(each)));
    press(buttons[chosen]!);
    return h("div", { class: "bar", role: "group", "aria-label": label }, ...buttons);
  };
  const targets = TARGETS.map(([target, text, title]) =>
    button(text, title, () => {
      editor.target = target;
    }, { id: `target-${target}` }),
  );
  const chosen = TOOLS.map(([tool, text, key, title]) =>
    button(text, `${title} (key ${key})`, () => {
      editor.tool = tool;
      equip();
    }, { id: `tool-${tool}` }),
  );
  const size = slider("size", "Width of brush and eraser in pixels", { min: 1, max: 13, step: 2, value: 3 }, (value) => {
    editor.size = value;
    equip();
  });
  size.querySelector("input")!.id = "pen-size";
  return h("div", { class: "bar" }, group("What is drawn", targets, 0), group("Tool", chosen, 0), size);
}

function steps(editor: Editor, viewer: Viewer): HTMLElement {
  const now = () => viewer.running;
  return h(
    "div",
    { class: "bar" },
    button("Undo", "Take back the last change (Ctrl+Z)", () => editor.undo(now()), { id: "undo" }),
    button("Redo", "Do again what was taken back (Ctrl+Y)", () => editor.redo(now()), { id: "redo" }),
    button("Fit to edges", "Grow-cut: move the borders of gray and white matter in this slice to the edges of the image", () => editor.fit(now()), { id: "fit" }),
    button("Interpolate", "Draw this slice by the nearest slices below and above that have the label", () => {
      const nv = now();
      const problem = nv === null ? null : editor.interpolate(nv);
      if (problem !== null) say(problem, "error");
    }, { id: "interpolate" }),
    button("Clear slice", "Remove the label that is drawn from this slice", () => editor.clear(now()), { id: "clear" }),
  );
}

function saving(editor: Editor): HTMLElement {
  const download = button("Save masks", "Masks of gray matter, white matter and cord as NIfTI, and what was changed, in one zip file", () => {
    packed(editor, folderOf(editor.name)).then(
      (content) => save(content, `${editor.name}_corrected.zip`),
      failed,
    );
  }, { id: "save" });
  const into = button("Save into the folder", "Write the masks to derivatives/labels_studio in the folder that was opened", () => {
    say("saving");
    packed(editor, "").then((content) => state.engine.saveInto(state.source!, content)).then(
      (place) => say(`saved: ${place}`),
      failed,
    );
  }, { id: "save-into", hidden: true });
  state.on(["scan"], () => (into.hidden = state.source?.kind !== "folder"));
  return h(
    "div",
    { id: "saving" },
    h("div", { class: "bar" }, download, into),
    h(
      "p",
      { class: "quiet" },
      "Unpack the zip file in the folder of a BIDS data set: scgm train and scgm evaluate then take the masks as those of the rater \"studio\", and scgm measure takes them by --gm and --cord.",
    ),
  );
}

/** Where masks of an image lie in a BIDS data set; beside each other for other names. */
function folderOf(name: string): string {
  const found = /^(sub-[A-Za-z0-9]+)(?:_(ses-[A-Za-z0-9]+))?_/.exec(name);
  if (found === null) return "";
  const session = found[2] === undefined ? "" : `${found[2]}/`;
  return `derivatives/labels_studio/${found[1]}/${session}anat/`;
}

async function packed(editor: Editor, folder: string): Promise<Blob> {
  const scan = state.scan!;
  const files: Record<string, [Uint8Array, { level: 0 }]> = {};
  const add = async (name: string, content: Blob) => {
    files[`${folder}${name}`] = [new Uint8Array(await content.arrayBuffer()), { level: 0 }];
  };
  for (const suffix of ["GM", "WM", "SC"] as const) {
    const image = nativeImage(scan, mask(editor.labels!, suffix), state.engine.version);
    await add(`${editor.name}_label-${suffix}_seg.nii.gz`, await gzip(image));
  }
  await add(`${editor.name}_corrected.json`, new Blob([editor.record(state.engine.version)]));
  return new Blob([zipSync(files) as BlobPart], { type: "application/zip" });
}

function keys(event: KeyboardEvent, editor: Editor, viewer: Viewer, element: HTMLElement): void {
  const nv = viewer.running;
  if ((event.target as HTMLElement).matches("input, select") || nv === null) return;
  const key = event.key.toLowerCase();
  const steps: Record<string, () => void> = event.shiftKey
    ? { z: () => editor.redo(nv) }
    : { z: () => editor.undo(nv), y: () => editor.redo(nv) };
  const plain: Record<string, () => void> = Object.fromEntries(
    TOOLS.map(([tool, , of]) => [of, () => element.querySelector<HTMLElement>(`#tool-${tool}`)!.click()]),
  );
  if (event.target === viewer.canvas) {
    const [by, stamp] = [ARROWS[key], () => editor.stamp(nv)];
    Object.assign(plain, { " ": stamp, enter: stamp });
    if (by !== undefined) plain[key] = () => viewer.move(by);
  }
  const act = (event.ctrlKey || event.metaKey ? steps : plain)[key];
  if (act === undefined) return;
  act();
  event.preventDefault();
  event.stopPropagation();
}

/** Steps in columns and rows; the patient's left is on the right. */
const ARROWS: Record<string, [number, number]> = {
  arrowleft: [1, 0],
  arrowright: [-1, 0],
  arrowup: [0, 1],
  arrowdown: [0, -1],
};

function keysHelp(): HTMLElement {
  const rows: [string, string][] = [
    ...TOOLS.map(([, text, key]) => [key, text] as [string, string]),
    ["Ctrl+Z, Ctrl+Y", "undo, redo"],
    ["[ ]", "slice below, slice above"],
    ["arrows", "move the cross-hair, when the image has the focus"],
    ["space", "draw or erase at the cross-hair"],
  ];
  return h(
    "details",
    {},
    h("summary", {}, "Keys"),
    h("dl", { class: "keys" }, ...rows.flatMap(([key, text]) => [h("dt", {}, h("kbd", {}, key)), h("dd", {}, text)])),
  );
}

/** Offer the work that was kept in this browser. */
async function offer(editor: Editor): Promise<void> {
  const works = await kept().catch(() => [] as Work[]);
  if (works.length === 0 || state.source !== null) return;
  const list = h("div", { id: "kept", class: "card" }, h("h2", {}, "Kept in this browser"));
  for (const work of works) {
    const time = new Date(work.time).toLocaleString();
    const row = h(
      "div",
      { class: "bar" },
      button(`Go on with ${work.scan.name}`, `As it was on ${time}`, () => {
        state.open(work.source);
        state.show(work.scan);
        state.results = work.results;
        state.chosen = work.chosen;
        state.slice = work.slice;
        editor.restore(work);
        state.tell("scan", "results", "labels", "slice");
        list.remove();
      }),
      button("Forget", "Remove it from this browser", () => {
        row.remove();
        void forget(work.name).catch(failed);
      }),
      h("span", { class: "quiet" }, time),
    );
    list.append(row);
  }
  document.getElementById("welcome")!.after(list);
  state.on(["scan"], () => list.remove());
}
