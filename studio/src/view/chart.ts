/** Areas along the cord. A point chooses its slice. */
import { h, number, svg } from "../dom";
import { areas, type SliceAreas } from "../measure/slices";
import { state } from "../state";

const SERIES = [
  ["gm", "gray matter"],
  ["wm", "white matter"],
  ["cord", "cord"],
] as const;
const [W, H, LEFT, BOTTOM, TOP] = [640, 230, 44, 30, 10];

export function chart(): HTMLElement {
  const drawing = svg("svg", { viewBox: `0 0 ${W} ${H}`, role: "img", id: "chart" });
  const element = h("div", {}, h("h3", {}, "Areas along the cord, mm²"), drawing as never, legend());
  const redraw = () => {
    const { scan, current } = state;
    element.hidden = scan === null || current === null;
    if (scan === null || current === null) return;
    const values = areas(scan, current.labels, current.found);
    const status = current.found?.status ?? [];
    drawing.setAttribute("aria-label", summary(values, status));
    drawing.replaceChildren(...lines(values, status));
  };
  state.on(["results", "labels"], redraw);
  state.on(["slice"], () => here(drawing));
  return element;
}

function legend(): HTMLElement {
  return h(
    "p",
    { class: "legend quiet" },
    ...SERIES.map(([key, name]) => h("span", { class: key }, name)),
    "From the lowest slice (left) to the highest; a hollow point is flagged.",
  );
}

/** What the chart says to screen readers: as in the terminal, the mean leaves flagged slices out. */
export function summary(values: SliceAreas[], status: string[]): string {
  const ok = values.filter((_, z) => !isFlagged(status[z]));
  const mean = (key: keyof SliceAreas) => {
    const known = ok.map((value) => value[key]).filter((area) => area !== null);
    return number(known.length ? known.reduce((a, b) => a + b) / known.length : null);
  };
  return `Mean areas: gray matter ${mean("gm")}, white matter ${mean("wm")}, cord ${mean("cord")} mm², of ${ok.length} slices of ${values.length} that are not flagged`;
}

function lines(values: SliceAreas[], status: string[]): SVGElement[] {
  const most = Math.max(1, ...values.flatMap((v) => [v.gm ?? 0, v.wm ?? 0, v.cord ?? 0])) * 1.08;
  const x = (z: number) => xOf(z, values.length);
  const y = (area: number) => H - BOTTOM - (area / most) * (H - BOTTOM - TOP);
  const drawn: SVGElement[] = ticks(most).flatMap((tick) => [
    svg("line", { class: "axis", x1: LEFT, x2: W - 8, y1: y(tick), y2: y(tick) }),
    svg("text", { x: LEFT - 6, y: y(tick) + 4, "text-anchor": "end" }, String(tick)),
  ]);
  drawn.push(svg("line", { class: "here", y1: TOP, y2: H - BOTTOM, x1: x(state.slice), x2: x(state.slice) }));
  for (const [key] of SERIES) {
    const known = values.map((value, z) => [z, value[key]] as const);
    const path = known.map(([z, area], i) =>
      area === null ? "" : `${i > 0 && known[i - 1]![1] !== null ? "L" : "M"}${x(z)} ${y(area)}`,
    );
    drawn.push(svg("path", { class: `line ${key}`, d: path.join("") || "M0 0" }));
    for (const [z, area] of known)
      if (area !== null) drawn.push(point(key, z, x(z), y(area), area, isFlagged(status[z])));
  }
  const step = Math.ceil(values.length / 16);
  for (let z = 0; z < values.length; z += step)
    drawn.push(svg("text", { x: x(z), y: H - 10, "text-anchor": "middle" }, String(state.native(z))));
  return drawn;
}

function point(key: string, z: number, x: number, y: number, area: number, flagged: boolean): SVGElement {
  const name = `slice ${state.native(z)}: ${number(area)} mm²`;
  const attributes = { class: `point ${key}${flagged ? " flagged" : ""}`, cx: x, cy: y, r: 4.5 };
  const circle = svg("circle", { ...attributes, onclick: () => state.goTo(z) });
  circle.append(svg("title", {}, name));
  return circle;
}

export function isFlagged(status: string | undefined): boolean {
  return status !== undefined && status !== "ok" && status !== "confidence not available";
}

function xOf(z: number, count: number): number {
  return LEFT + 10 + ((W - LEFT - 30) * z) / Math.max(1, count - 1);
}

function here(drawing: SVGElement): void {
  const x = xOf(state.slice, state.scan?.shape[0] ?? 1);
  const line = drawing.querySelector(".here");
  line?.setAttribute("x1", String(x));
  line?.setAttribute("x2", String(x));
}

function ticks(most: number): number[] {
  const step = [5, 10, 20, 25, 50, 100, 200, 500].find((size) => most / size <= 5) ?? 1000;
  return Array.from({ length: Math.floor(most / step) + 1 }, (_, i) => i * step);
}
