/** The page: finds out who does the work, and puts the parts together. */
import "./style.css";
import { $, button, h, slider } from "./dom";
import { BrowserEngine } from "./engine/browser";
import { ServerEngine } from "./engine/server";
import { state } from "./state";
import type { Engine, Method } from "./types";
import { chart } from "./view/chart";
import { compare } from "./view/compare";
import { correct } from "./view/correct";
import { learn } from "./view/learn";
import { downloads, flags, numbers } from "./view/numbers";
import { panels } from "./view/panels";
import { network } from "./view/network";
import { Rating } from "./view/rate";
import { failed, say, sourcePanel } from "./view/source";
import { Viewer } from "./view/viewer";

interface Site {
  mode: "server" | "static";
  version: string;
  models?: Method[];
}

interface Tab {
  name: string;
  text: string;
  title: string;
  make: () => HTMLElement;
  /** Needs no image. */
  alone?: boolean;
}

const viewer = new Viewer(failed);
const drawing = correct(viewer);
const rating = new Rating(drawing.editor);

const TABS: Tab[] = [
  { name: "look", text: "Look", title: "The image and what was found in it", make: look },
  { name: "correct", text: "Correct", title: "Draw and erase gray matter and cord", make: () => h("div", { id: "correct-edit" }, drawing.element) },
  { name: "compare", text: "Compare", title: "Two results side by side", make: compare },
  { name: "rate", text: "Rate", title: "Draw as a rater, read twice, and see the agreement", make: () => rating.element },
  { name: "network", text: "Network", title: "What the network ddc sees in this slice", make: network },
  { name: "learn", text: "Learn", title: "The cross-section of the cord, a scanner with sliders, and a quiz", make: learn, alone: true },
];

async function engine(): Promise<Engine> {
  const site = (await (await fetch("site.json")).json()) as Site;
  if (site.mode === "server") return new ServerEngine(site.version, token());
  await offline();
  return new BrowserEngine(site.version, site.models ?? []);
}

/** Keep the site for the time without a network; the first time, load it anew with threads. */
async function offline(): Promise<void> {
  const workers = navigator.serviceWorker as ServiceWorkerContainer | undefined;
  if (workers === undefined) return; // not over https
  const known = workers.controller;
  const kept = workers.register("sw.js").then(() => workers.ready);
  kept
    .then(() => {
      document.body.dataset["offline"] = "ready";
      // Only a page that the worker has given can use threads.
      const again = !crossOriginIsolated && state.source === null && !sessionStorage.getItem("again");
      sessionStorage.setItem("again", "1");
      if (again) location.reload();
    })
    .catch(() => undefined);
  known?.postMessage("renew");
}

/** The token in the address, behind the "#"; kept for a reload in the same tab. */
function token(): string {
  const given = new URLSearchParams(location.hash.slice(1)).get("token");
  if (given !== null) sessionStorage.setItem("token", given);
  return given ?? sessionStorage.getItem("token") ?? "";
}

function look(): HTMLElement {
  return h(
    "div",
    { id: "look" },
    flags(),
    panels(),
    h("div", { class: "columns" }, h("div", {}, chart()), h("div", {}, numbers(), downloads(failed))),
    h("h3", {}, "Viewer"),
    h("div", { id: "look-viewer" }),
  );
}

/** The slice: a slider, which arrow keys move. */
function slices(): HTMLElement {
  const element = h("div", { id: "slices", hidden: true });
  state.on(["scan"], () => {
    element.hidden = state.scan === null;
    if (state.scan === null) return;
    const range = { min: 0, max: state.scan.shape[0] - 1, step: 1, value: state.slice };
    const moved = slider("Slice", "Which slice is shown: from the lowest to the highest", range, (z) => state.goTo(z), (z) =>
      String(state.native(z)),
    );
    moved.querySelector("input")!.id = "slice";
    element.replaceChildren(moved);
  });
  state.on(["slice"], () => {
    const input = element.querySelector("input");
    if (input === null || state.scan === null) return;
    input.value = String(state.slice);
    element.querySelector("output")!.value = String(state.native(state.slice));
  });
  return element;
}

function choose(name: string): void {
  state.tab = name;
  const isAlone = TABS.some((tab) => tab.name === name && tab.alone);
  for (const { name: each } of TABS) {
    $(`tab-${each}`).setAttribute("aria-selected", String(each === name));
    $(`tab-${each}`).tabIndex = each === name ? 0 : -1;
    $(`page-${each}`).hidden = each !== name || (state.scan === null && !isAlone);
  }
  $("work").dataset["alone"] = String(isAlone);
  if (name === "rate") rating.take(drawing.element);
  if (name === "correct") $("correct-edit").append(drawing.element);
  const place = name === "look" ? $("look-viewer") : $("correct-viewer");
  if (["look", "correct", "rate"].includes(name) && state.scan !== null) place.append(viewer.element);
  state.tell("tab");
}

/** While a rater draws, no other view may show a result. */
function hideFromRater(): void {
  for (const { name } of TABS) $<HTMLButtonElement>(`tab-${name}`).disabled = state.blind && name !== "rate";
}

function build(): void {
  $("tabs").replaceChildren(
    ...TABS.map(({ name, text, title }) =>
      button(text, title, () => choose(name), { id: `tab-${name}`, role: "tab", "aria-controls": `page-${name}` }),
    ),
  );
  $("tabs").addEventListener("keydown", (event) => {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (by === undefined) return;
    if (state.blind) return;
    const at = TABS.findIndex(({ name }) => name === state.tab) + by;
    const next = TABS[(at + TABS.length) % TABS.length]!;
    choose(next.name);
    $(`tab-${next.name}`).focus();
  });
  const pages = TABS.map(({ name, make }) =>
    h("div", { id: `page-${name}`, role: "tabpanel", "aria-labelledby": `tab-${name}`, hidden: true }, make()),
  );
  $("work").append(results(), slices(), ...pages);
  state.on(["scan"], () => {
    $("welcome").hidden = state.source !== null;
    document.body.dataset["opened"] = String(state.source !== null);
    choose(state.tab);
  });
  state.on(["busy"], hideFromRater);
  document.addEventListener("keydown", keys);
  choose("look");
}

/** Which result is looked at. */
function results(): HTMLElement {
  const element = h("div", { class: "bar", id: "results", role: "group", "aria-label": "Result" });
  state.on(["results"], () => {
    element.hidden = state.results.length < 2;
    element.replaceChildren(
      ...state.results.map(({ title }, i) =>
        button(title, `Look at the result of ${title}`, () => {
          state.chosen = i;
          state.tell("results", "labels");
        }, { "aria-pressed": String(i === state.chosen) }),
      ),
    );
  });
  return element;
}

function keys(event: KeyboardEvent): void {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if ((event.target as HTMLElement).matches("input, select, textarea")) return;
  const by = { "[": -1, "]": 1, PageDown: -1, PageUp: 1 }[event.key];
  if (by !== undefined) {
    state.goTo(state.slice + by);
    event.preventDefault();
  }
}

async function begin(): Promise<void> {
  build();
  state.engine = await engine();
  await sourcePanel();
  say("ready");
  state.engine.warm();
}

begin().catch(failed);
