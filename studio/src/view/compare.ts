/** Two results side by side: outlines, where they differ, Dice and areas. */
import { h, number, select } from "../dom";
import { areas, dice, isCord, isGray } from "../measure/slices";
import { state, type Drawn } from "../state";
import { around, CORD_COLOR, gray, GM_COLOR, middle, Panel, sliceOf, usualRange } from "./draw";
import { table } from "./numbers";

const chosen: [number, number] = [0, 1];

export function compare(): HTMLElement {
  const choose = h("div", { class: "bar" });
  const titles = ["First", "Second", "Only one of the two marks gray matter"];
  const drawn = titles.map(() => new Panel(h("canvas", { width: 400, height: 400, role: "img" })));
  const figures = drawn.map((panel, i) => h("figure", {}, panel.canvas, h("figcaption", {}, titles[i]!)));
  const result = h("div", {});
  const few = h("p", {}, "Segment the image by two methods, then compare them here.");
  const rest = h("div", {}, choose, h("div", { class: "panels two" }, ...figures), result);
  const redraw = () => {
    const enough = state.results.length > 1;
    few.hidden = enough;
    rest.hidden = !enough;
    if (!enough || state.tab !== "compare") return;
    const [a, b] = chosen.map((i) => state.results[i] ?? state.results[0]!) as [Drawn, Drawn];
    draw(drawn as [Panel, Panel, Panel], a, b);
    result.replaceChildren(...told(a, b));
  };
  const options = () => {
    const names = state.results.map(({ title }, i) => [String(i), title] as const);
    if (chosen[0] === chosen[1] && names.length > 1) chosen[1] = chosen[0] === names.length - 1 ? 0 : names.length - 1;
    const one = (label: string, at: 0 | 1) => {
      const box = select(label, `The ${label} of the two results`, names, (value) => {
        chosen[at] = Number(value);
        redraw();
      });
      chosen[at] = Math.min(chosen[at], Math.max(0, names.length - 1));
      box.querySelector("select")!.value = String(chosen[at]);
      return box;
    };
    choose.replaceChildren(one("first", 0), one("second", 1));
    redraw();
  };
  state.on(["results"], options);
  state.on(["slice", "labels", "tab"], redraw);
  return h("div", { id: "compare" }, few, rest);
}

function draw(panels: [Panel, Panel, Panel], a: Drawn, b: Drawn): void {
  const scan = state.scan!;
  const image = sliceOf(scan, scan.slices, state.slice);
  const [first, second] = [a, b].map((one) => sliceOf(scan, one.labels, state.slice));
  const at = middle(first!) ?? middle(second!) ?? [scan.shape[1] / 2, scan.shape[2] / 2];
  const view = around(image, ...at);
  const colors = gray(...usualRange(image, view));
  panels.forEach((panel) => {
    panel.clear(view);
    panel.image(image, colors);
  });
  [first!, second!].forEach((labels, i) => {
    panels[i]!.outline(labels, isCord, CORD_COLOR);
    panels[i]!.outline(labels, isGray, GM_COLOR);
  });
  const differs = first!.values.map((label, i) =>
    isGray(label) === isGray(second!.values[i]!) ? 0 : isGray(label) ? 1 : 2,
  ) as Uint8Array;
  const map = { ...first!, values: differs };
  panels[2].outline(map, (value) => value === 1, GM_COLOR);
  panels[2].outline(map, (value) => value === 2, CORD_COLOR);
  panels.forEach((panel, i) => {
    panel.sides();
    panel.canvas.setAttribute("aria-label", ["first result", "second result", "where they differ"][i]!);
  });
}

/** Agreement of all slices and of this one. */
export function told(a: Drawn, b: Drawn): Node[] {
  const scan = state.scan!;
  const size = scan.shape[1] * scan.shape[2];
  const here = ({ labels }: Drawn) => labels.subarray(state.slice * size, (state.slice + 1) * size);
  const [first, second] = [areas(scan, a.labels, a.found), areas(scan, b.labels, b.found)];
  const z = state.slice;
  return [
    h("p", {}, `Orange in the third panel: only ${a.title}; blue: only ${b.title}.`),
    table(
      ["", "Dice, all slices", "Dice, this slice", `${a.title}, mm²`, `${b.title}, mm²`],
      [
        row("gray matter", isGray, "gm"),
        row("cord", isCord, "cord"),
      ],
    ),
  ];
  function row(name: string, is: (label: number) => boolean, key: "gm" | "cord"): string[] {
    return [
      name,
      number(dice(a.labels, b.labels, is), 3),
      number(dice(here(a), here(b), is), 3),
      number(first[z]![key]),
      number(second[z]![key]),
    ];
  }
}
