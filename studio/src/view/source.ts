/** Where images come from: dropped, chosen, of the folder, or a phantom; and starting a method. */
import { $, button, h, number, select, slider } from "../dom";
import { dropped, oneImage } from "../engine/zip";
import { state } from "../state";
import { UserError, type Choices, type Listed, type Method, type Part, type Phantom, type Source } from "../types";

const PHANTOM: Phantom = {
  region: "cervical",
  contrast: "t2star",
  pixel_mm: 0.5,
  thickness_mm: 5,
  slices: 10,
  snr: 20,
  rotation_deg: 0,
  seed: 1,
};

/** Names of masks and label maps, which are no images to segment. */
const LABELS = /(^|[/_-])(label|gm|wm|sc|cord)?-?(prob)?(seg|mask|label)[^/]*$/i;

const choices: Choices = { method: "default", threshold: null };
const NO_PART: Part = { volume: null, series: null };
let running: AbortController | null = null;

export function say(text: string, kind: "" | "error" = ""): void {
  const line = $("status");
  line.textContent = text;
  line.className = kind;
}

export function failed(error: unknown): void {
  if ((error as Error).name === "AbortError") say("cancelled");
  else if (error instanceof UserError) say(error.message, "error");
  else say(`a fault of this page, not yours: ${String(error)}`, "error");
}

export async function sourcePanel(): Promise<void> {
  const place = $("source");
  const [methods, files] = await Promise.all([state.engine.methods(), state.engine.files()]);
  place.replaceChildren(
    dropZone(),
    ...(files.length ? [folder(files)] : []),
    ...(state.engine.mode === "server" ? [phantomPart()] : []),
    methodPart(methods),
  );
}

const take = (file: File) => open({ kind: "local", file });

function dropZone(): HTMLElement {
  const server = state.engine.mode === "server";
  const about = server
    ? "A NIfTI file (.nii or .nii.gz), a ZIP with DICOM files, or all DICOM files of a series; it stays on this machine"
    : "A NIfTI file (.nii or .nii.gz); it stays on this machine";
  const input = h("input", {
    type: "file",
    id: "file",
    class: "file",
    multiple: server,
    title: about,
    accept: server ? null : ".nii,.gz,.nii.gz",
    onchange: () => {
      const files = [...(input.files ?? [])];
      input.value = "";
      if (files.length) oneImage(files).then(take, failed);
    },
  });
  const label = h(
    "label",
    { for: "file", class: "button", title: about },
    "Choose an image",
  );
  const zone = h("div", { id: "drop" }, input, label, h("p", { class: "quiet" }, server ? "or drop it anywhere on this page: NIfTI, or a DICOM folder or ZIP" : "or drop it anywhere on this page (NIfTI: .nii or .nii.gz)"));
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    zone.classList.add("over");
  });
  document.addEventListener("dragleave", () => zone.classList.remove("over"));
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    zone.classList.remove("over");
    if (event.dataTransfer) dropped(event.dataTransfer).then(oneImage).then(take).catch(failed);
  });
  return zone;
}

/** The files that are images to segment. */
export const images = (files: Listed[]) => files.filter((file) => !LABELS.test(file.name));

function folder(files: Listed[]): HTMLElement {
  const list = h(
    "ul",
    { class: "files" },
    ...images(files).map((file) =>
      h(
        "li",
        {},
        button(file.name, `Open ${file.name} (${number(file.size / 1e6)} MB)`, () =>
          open({ kind: "folder", id: file.id, name: file.name }),
        ),
      ),
    ),
  );
  return h("details", { open: true }, h("summary", {}, `Images of the folder (${images(files).length})`), list);
}

function phantomPart(): HTMLElement {
  const wanted = { ...PHANTOM };
  const set = (key: keyof Phantom) => (value: number) => {
    (wanted as unknown as Record<string, unknown>)[key] = value;
  };
  return h(
    "details",
    {},
    h("summary", {}, "Phantom"),
    h("p", { class: "quiet" }, "A synthetic scan whose truth is known."),
    select(
      "region",
      "The part of the cord in the middle of the scan",
      ["cervical", "thoracic", "lumbar"].map((name) => [name, name]),
      (value) => (wanted.region = value),
    ),
    select(
      "contrast",
      "How the scan is weighted",
      ["t2star", "mt", "psir", "t1", "t2"].map((name) => [name, name]),
      (value) => (wanted.contrast = value),
    ),
    slider("pixel", "Size of a pixel in mm", { min: 0.25, max: 1.2, step: 0.05, value: 0.5 }, set("pixel_mm")),
    slider("noise", "Signal over noise", { min: 2, max: 60, step: 1, value: 20 }, set("snr")),
    slider("seed", "Another number gives another person", { min: 0, max: 50, step: 1, value: 1 }, set("seed")),
    button("Make a phantom", "Simulate a scan and segment it", () =>
      open({ kind: "phantom", phantom: { ...wanted } }), { id: "phantom" }),
  );
}

function methodPart(methods: Method[]): HTMLElement {
  const about = h("p", { class: "quiet" }, methods[0]?.about ?? "");
  const method = select(
    "Method",
    "What finds cord and gray matter",
    methods.map(({ name }) => [name, name]),
    (value) => {
      choices.method = value;
      about.textContent = methods.find(({ name }) => name === value)?.about ?? "";
    },
  );
  method.querySelector("select")!.id = "method";
  const volume = h("input", {
    id: "volume",
    type: "text",
    size: 5,
    title: "For images with several volumes: a number from 0, or mean, or rms",
  });
  const series = h("input", {
    id: "series",
    type: "text",
    size: 5,
    maxlength: 200,
    title: "For DICOM with several series: the number or the description of one",
  });
  let last: Source | null = null;
  const show = () => {
    if (state.source === last) return;
    last = state.source;
    volume.value = String(last?.part?.volume ?? "");
    series.value = String(last?.part?.series ?? "");
  };
  state.on(["scan"], show);
  show(); // kept work can be taken up before this is made
  const start = button("Segment", "Find cord and gray matter by this method; add it to compare", () => {
    try {
      again();
    } catch (error) {
      failed(error);
    }
  }, {
    id: "segment",
    disabled: true,
  });
  const stop = button("Cancel", "End the work that is going on", () => running?.abort(), {
    id: "cancel",
    disabled: true,
  });
  const enable = () => {
    start.disabled = state.source === null || state.busy || state.blind;
    stop.disabled = !state.busy;
  };
  state.on(["scan", "busy"], enable);
  enable(); // kept work can be taken up before this is made
  return h(
    "div",
    { id: "methods" },
    method,
    about,
    h("label", {}, "Volume ", volume),
    state.engine.mode === "server" ? h("label", {}, "Series ", series) : null,
    h("div", { class: "bar" }, start, stop),
  );
}

export function open(source: Source): void {
  if (state.blind) {
    say("finish the reading, or give it up, before you open another image", "error");
    return;
  }
  running?.abort();
  state.open(source);
  void run();
}

/** Segment the image that is open; another one where the fields name another part of its file. */
function again(): void {
  const { source } = state;
  if (source === null) return;
  const [known, part] = [source.part ?? NO_PART, fields()];
  if (part.volume !== known.volume || part.series !== known.series) state.open({ ...source, part });
  void run();
}

/** What the fields Volume and Series say. */
function fields(): Part {
  const text = (id: string) => (document.getElementById(id) as HTMLInputElement | null)?.value.trim() ?? "";
  const [volume, series] = [text("volume").toLowerCase(), text("series")];
  if (!/^(\d+|mean|rms)?$/.test(volume))
    throw new UserError(`there is no volume "${volume}": write a number from 0, mean or rms into Volume, or leave it empty`);
  return {
    volume: volume === "mean" || volume === "rms" ? volume : volume === "" ? null : Number(volume),
    series: series === "" ? null : /^\d+$/.test(series) ? Number(series) : series,
  };
}

async function run(): Promise<void> {
  const source = state.source;
  if (source === null) return;
  const own = (running = new AbortController());
  const started = performance.now();
  state.busy = true;
  state.tell("busy");
  say("starting");
  try {
    const found = await state.engine.segment(
      source,
      choices,
      { stage: say, scan: (scan) => source === state.source && state.show(scan) },
      own.signal,
    );
    if (source !== state.source) return;
    state.add(found);
    const seconds = (performance.now() - started) / 1000;
    document.body.dataset["seconds"] = seconds.toFixed(2);
    say(`${state.scan!.name}: ${found.model}, ${number(seconds)} s`);
  } catch (error) {
    if (source === state.source) failed(error);
  } finally {
    if (running === own) {
      running = null;
      state.busy = false;
      state.tell("busy");
    }
  }
}
