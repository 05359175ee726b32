/** The numbers of a slice, what to look at, and the files of the result. */
import { button, h, number, save } from "../dom";
import { areas, parts, type SliceParts } from "../measure/slices";
import type { Parts } from "../measure/parts";
import { state, type Drawn } from "../state";
import { isFlagged } from "./chart";

export function numbers(): HTMLElement {
  const element = h("div", { id: "numbers" });
  let later = 0;
  const redraw = () => {
    clearTimeout(later);
    element.hidden = state.scan === null || state.current === null;
    // Sliding through the slices waits for no numbers.
    if (!element.hidden) later = window.setTimeout(() => element.replaceChildren(...filled()), 30);
  };
  state.on(["results", "labels", "slice"], redraw);
  return element;
}

function filled(): Node[] {
  const [scan, current, z] = [state.scan!, state.current!, state.slice];
  const one = areas(scan, current.labels, current.found)[z]!;
  const split = parts(scan, current.labels, z);
  const sure = current.found?.confidence[z] ?? null;
  const status = current.found?.status[z];
  return [
    h("h3", {}, `Slice ${state.native(z)}`),
    h("p", { class: isFlagged(status) ? "flag" : "" }, statusLine(status, sure)),
    table(
      ["mm²", "all", "ant. L", "ant. R", "post. L", "post. R"],
      [
        ["gray matter", number(one.gm), ...quarters(split?.gm ?? null)],
        ["white matter", number(one.wm), ...quarters(split?.wm ?? null)],
        ["cord", number(one.cord), ...quarters(both(split))],
      ],
    ),
    h("p", { class: "quiet" }, "Areas of the slice as it was acquired, and of its quarters: anterior and posterior, the patient's left (L) and right (R)."),
  ];
}

function statusLine(status: string | undefined, sure: number | null): string {
  return `Status: ${status ?? "drawn"}${sure === null ? "" : `; confidence ${number(sure, 2)}`}`;
}

function both(split: SliceParts | null): Parts | null {
  if (split === null || split.wm === null || split.gm === null) return null;
  const [a, b] = [split.gm, split.wm];
  return {
    anteriorLeft: a.anteriorLeft + b.anteriorLeft,
    anteriorRight: a.anteriorRight + b.anteriorRight,
    posteriorLeft: a.posteriorLeft + b.posteriorLeft,
    posteriorRight: a.posteriorRight + b.posteriorRight,
  };
}

function quarters(one: Parts | null): string[] {
  if (one === null) return ["–", "–", "–", "–"];
  return [one.anteriorLeft, one.anteriorRight, one.posteriorLeft, one.posteriorRight].map((area) =>
    number(area),
  );
}

export function table(head: string[], rows: string[][]): HTMLTableElement {
  const cells = (row: string[], tag: "td" | "th") =>
    row.map((cell, i) => h(i ? tag : "th", { class: i ? "number" : "", scope: i ? null : "row" }, cell));
  return h(
    "table",
    {},
    h("thead", {}, h("tr", {}, ...cells(head, "th"))),
    h("tbody", {}, ...rows.map((row) => h("tr", {}, ...cells(row, "td")))),
  );
}

/** What to look at: remarks of the image and of the method, and flagged slices. */
export function flags(): HTMLElement {
  const element = h("div", { id: "flags", class: "alert", role: "status" });
  state.on(["scan", "results"], () => {
    const { scan, current } = state;
    const said = current?.found?.warnings ?? scan?.warnings ?? [];
    const slices = (current?.found?.status ?? []).flatMap((status, z) =>
      isFlagged(status) ? [flagged(z, status)] : [],
    );
    element.hidden = said.length + slices.length === 0;
    element.replaceChildren(
      h("strong", {}, "Look at this"),
      h("ul", {}, ...said.map((line) => h("li", {}, line))),
      h("div", { class: "bar" }, ...slices.slice(0, 40)),
    );
  });
  return element;
}

function flagged(z: number, status: string): HTMLElement {
  const at = state.native(z);
  return button(`${at}: ${status}`, `Go to slice ${at}`, () => state.goTo(z), { class: "small" });
}

/** The files of the result, to download. */
export function downloads(failed: (error: unknown) => void): HTMLElement {
  const element = h("div", { id: "downloads" });
  const redraw = () => {
    const drawn = state.current;
    const files = drawn?.found?.files ?? [];
    element.hidden = files.length === 0;
    element.replaceChildren(
      h("h3", {}, "Download"),
      h("div", { class: "bar" }, ...files.map((name) => link(name, drawn!, failed))),
    );
  };
  state.on(["results"], redraw);
  document.addEventListener("files", redraw);
  return element;
}

const KINDS: [RegExp, string, string][] = [
  [/label-GM_seg/, "gray matter", "Mask of the gray matter, a NIfTI image on the grid of yours"],
  [/label-WM_seg/, "white matter", "Mask of the white matter, a NIfTI image on the grid of yours"],
  [/label-SC_seg/, "cord", "Mask of the cord, a NIfTI image on the grid of yours"],
  [/label-GM_probseg/, "soft gray matter", "Probability of gray matter, 0 to 1"],
  [/label-WM_probseg/, "soft white matter", "Probability of white matter, 0 to 1"],
  [/label-SC_probseg/, "soft cord", "Probability of the cord, 0 to 1"],
  [/measurements\.csv$/, "table", "Areas slice by slice, to open in a spreadsheet"],
  [/report\.html$/, "report", "One page with pictures of every slice, to open in a browser"],
  [/_seg\.json$/, "record", "What made the result: version, model, options, checksums"],
];

function link(name: string, drawn: Drawn, failed: (error: unknown) => void): HTMLElement {
  const [, text, title] = KINDS.find(([pattern]) => pattern.test(name)) ?? [null, name, name];
  return button(text, `${title} (${name})`, () => {
    state.engine
      .download(state.scan!, drawn.found!, name)
      .then((content) => save(content, name))
      .catch(failed);
  });
}
