/** The four panels of a slice: slice, window around the cord, gray matter, and it on the slice. */
import { h } from "../dom";
import { GM, isCord, isGray } from "../measure/slices";
import { state } from "../state";
import { whole, type Found, type Scan } from "../types";
import { around, CORD_COLOR, gray, GM_COLOR, heat, middle, Panel, sliceOf, usualRange, wholeView } from "./draw";

const TITLES = [
  ["Slice", "The whole axial slice; the blue box is the window beside it"],
  ["Window around the cord", "32 mm around the cord"],
  ["Gray matter", "The lighter, the more likely gray matter"],
  ["Gray matter on the slice", "Orange: gray matter; blue: the cord"],
] as const;

const maps = new WeakMap<Found, Float32Array>();

/** The probability of gray matter in whole slices, kept as long as its result. */
function softMap(scan: Scan, found: Found): Float32Array {
  const known = maps.get(found) ?? whole(scan, found, found.gm);
  maps.set(found, known);
  return known;
}

export function panels(): HTMLElement {
  const drawn = TITLES.map(([title, about]) => {
    const canvas = h("canvas", { width: 400, height: 400, role: "img", title: about });
    return { title, panel: new Panel(canvas) };
  });
  const figures = drawn.map(({ title, panel }) =>
    h("figure", {}, panel.canvas, h("figcaption", {}, title)),
  );
  const element = h("div", { class: "panels", id: "panels" }, ...figures);
  state.on(["scan", "results", "labels", "slice"], () => {
    element.hidden = state.scan === null;
    if (state.scan === null) return;
    draw(drawn.map(({ panel }) => panel), state.scan, state.slice);
    element.dataset["slice"] = String(state.slice);
    drawn.forEach(({ title, panel }) =>
      panel.canvas.setAttribute("aria-label", `${title}, slice ${state.native(state.slice)}`),
    );
  });
  return element;
}

function draw(all: Panel[], scan: Scan, z: number): void {
  const [first, second, third, fourth] = all as [Panel, Panel, Panel, Panel];
  const current = state.current;
  const image = sliceOf(scan, scan.slices, z);
  const labels = current === null ? null : sliceOf(scan, current.labels, z);
  const at = (labels && middle(labels)) ?? [(scan.shape[1] - 1) / 2, (scan.shape[2] - 1) / 2];
  const view = around(image, ...at);
  first.clear(wholeView(image));
  first.image(image, gray(...usualRange(image, wholeView(image))));
  first.box(view, CORD_COLOR);
  const near = gray(...usualRange(image, view));
  for (const panel of [second, fourth]) {
    panel.clear(view);
    panel.image(image, near);
  }
  third.clear(view);
  if (labels !== null && current !== null) {
    const soft = current.found === null ? null : softMap(scan, current.found);
    const map = soft === null ? labels : sliceOf(scan, soft, z);
    third.image(map, soft === null ? (value) => heat(value === GM ? 1 : 0) : heat);
    third.outline(labels, isGray, GM_COLOR);
    fourth.outline(labels, isCord, CORD_COLOR);
    fourth.outline(labels, isGray, GM_COLOR);
  }
  all.forEach((panel) => panel.sides());
}
