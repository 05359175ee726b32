/** Learning: a tour of the cross-section, a scanner with sliders, and a quiz. */
import { button, h, number, select, slider } from "../dom";
import { STOPS, shownBy } from "../learn/parts";
import { halfArea, section, sectionsOf, simulate, softArea, type Scanner, type Sections, type Simulated } from "../learn/sections";
import { dice, isGray } from "../measure/slices";
import { state } from "../state";
import { around, CORD_COLOR, gray, GM_COLOR, Panel, usualRange, type Slice } from "./draw";
import { failed } from "./source";

const VIEW_MM = 20;

interface Slider {
  key: keyof Scanner & ("pixel" | "snr" | "thickness" | "tilt" | "rotation");
  label: string;
  title: string;
  min: number;
  max: number;
  step: number;
}

const SLIDERS: Slider[] = [
  { key: "pixel", label: "pixel, mm", title: "Size of a pixel: larger ones mix tissues", min: 0.1, max: 1.5, step: 0.05 },
  { key: "snr", label: "SNR", title: "Signal over noise: higher is clearer", min: 2, max: 60, step: 1 },
  { key: "thickness", label: "slice, mm", title: "Thickness of the slice", min: 1, max: 15, step: 0.5 },
  { key: "tilt", label: "angle, °", title: "Angle between cord and slice: a thick slice then blurs from front to back", min: 0, max: 40, step: 1 },
  { key: "rotation", label: "rotation, °", title: "Rotation of the cord in the slice", min: -30, max: 30, step: 1 },
];

export function learn(): HTMLElement {
  const element = h("div", { id: "learn" }, h("p", {}, "loading"));
  let asked = false;
  state.on(["tab"], () => {
    if (state.tab !== "learn" || asked) return;
    asked = true;
    state.engine
      .sections()
      .then((block) => fill(element, sectionsOf(block)))
      .catch((error: unknown) => {
        asked = false;
        failed(error);
      });
  });
  return element;
}

function fill(element: HTMLElement, all: Sections): void {
  const scanner: Scanner = {
    level: all.levels.indexOf("C5"),
    contrast: "t2star",
    pixel: 0.5,
    snr: 20,
    thickness: 5,
    tilt: 0,
    rotation: 0,
    seed: 1,
  };
  element.replaceChildren(tour(all, scanner), scannerPart(all, scanner), quiz(all));
  element.dataset["ready"] = "true";
}

function canvas(label: string): HTMLCanvasElement {
  return h("canvas", { width: 420, height: 420, role: "img", "aria-label": label, title: label });
}

function sliceOf(values: Float32Array | Uint8Array, size: number, pixel: number): Slice {
  return { values, height: size, width: size, pixel: [pixel, pixel] };
}

function show(panel: Panel, slice: Slice): void {
  const view = around(slice, (slice.height - 1) / 2, (slice.width - 1) / 2, VIEW_MM);
  panel.clear(view);
  panel.image(slice, gray(...usualRange(slice, view)));
}

/** One structure after the other, drawn on the section. */
function tour(all: Sections, scanner: Scanner): HTMLElement {
  const panel = new Panel(canvas("Cross-section of the cord with one structure outlined"));
  const text = h("p", { role: "status" });
  const title = h("h3", {});
  let at = 0;
  const draw = () => {
    const stop = STOPS[at]!;
    const tissues = section(all, scanner.level);
    const ideal = Float32Array.from(tissues, (tissue) => all.signals["t2star"]![tissue]!);
    show(panel, sliceOf(ideal, all.size, all.pixel));
    panel.outline(sliceOf(shownBy(stop, all, tissues), all.size, all.pixel), (v) => v > 0, GM_COLOR);
    panel.sides();
    title.textContent = `${at + 1} of ${STOPS.length}: ${stop.name}`;
    text.textContent = stop.about;
    panel.canvas.setAttribute("aria-label", `Cross-section at ${all.levels[scanner.level]}: ${stop.name}`);
  };
  const go = (by: number) => {
    at = (at + by + STOPS.length) % STOPS.length;
    draw();
  };
  const level = slider(
    "level",
    "Where along the cord: from the neck to its end",
    { min: 0, max: all.levels.length - 1, step: 1, value: scanner.level },
    (value) => {
      scanner.level = value;
      draw();
      document.dispatchEvent(new Event("level"));
    },
    (value) => all.levels[value]!,
  );
  level.querySelector("input")!.id = "level";
  draw();
  return h(
    "section",
    { class: "card learn", "aria-label": "Tour" },
    h("h2", {}, "Tour of the cross-section"),
    h("div", { class: "beside" }, panel.canvas, h("div", {}, title, text, level, h("div", { class: "bar" },
      button("Back", "The structure before", () => go(-1)),
      button("Next", "The next structure", () => go(1), { id: "tour-next" }),
    ))),
  );
}

/** See partial volume happen. */
function scannerPart(all: Sections, scanner: Scanner): HTMLElement {
  const seen = new Panel(canvas("What the scanner shows"));
  const shares = new Panel(canvas("Share of gray matter in each pixel"));
  const said = h("p", { role: "status", id: "areas" });
  const draw = () => {
    const scan = simulate(all, scanner);
    const slice = sliceOf(scan.image, scan.size, scan.pixel);
    show(seen, slice);
    const gm = sliceOf(scan.gm, scan.size, scan.pixel);
    shares.clear(around(gm, (scan.size - 1) / 2, (scan.size - 1) / 2, VIEW_MM));
    shares.image(gm, gray(0, 1));
    for (const panel of [seen, shares]) {
      panel.outline(gm, (share) => share >= 0.5, GM_COLOR);
      panel.sides();
    }
    seen.outline(sliceOf(scan.cord, scan.size, scan.pixel), (share) => share >= 0.5, CORD_COLOR);
    said.textContent = sentence(all, scanner, scan);
  };
  document.addEventListener("level", draw);
  draw();
  return h(
    "section",
    { class: "card learn", "aria-label": "Scanner" },
    h("h2", {}, "A scanner with sliders"),
    h("p", {}, "Make pixels larger, the slice thicker and the cord tilted, and see how gray matter is lost in pixels that hold two tissues. The level is that of the tour."),
    h("div", { class: "beside" },
      h("div", { class: "pair" },
        h("figure", {}, seen.canvas, h("figcaption", {}, "What the scanner shows; orange: gray matter is half of the pixel or more")),
        h("figure", {}, shares.canvas, h("figcaption", {}, "How much of each pixel is gray matter: the lighter, the more"))),
      h("div", {},
        select("contrast", "How the scan is weighted", Object.keys(all.signals).map((name) => [name, name]), (value) => {
          scanner.contrast = value;
          draw();
        }),
        ...SLIDERS.map(({ key, label, title, min, max, step }) => {
          const made = slider(label, title, { min, max, step, value: scanner[key] }, (value) => {
            scanner[key] = value;
            draw();
          });
          made.querySelector("input")!.id = `scanner-${key}`;
          return made;
        }),
        said)),
  );
}

function sentence(all: Sections, scanner: Scanner, scan: Simulated): string {
  const tissues = section(all, scanner.level);
  const truth = tissues.reduce((sum, tissue) => sum + (["GRAY_MATTER", "GELATINOSA", "CENTRAL_CANAL"].includes(all.tissues[tissue]!) ? 1 : 0), 0) * all.pixel ** 2;
  const [half, soft] = [halfArea(scan.gm, scan.pixel), softArea(scan.gm, scan.pixel)];
  const mixed = scan.gm.reduce((sum, share) => sum + (share > 0.02 && share < 0.98 ? 1 : 0), 0);
  const any = scan.gm.reduce((sum, share) => sum + (share > 0.02 ? 1 : 0), 0);
  return (
    `True area of gray matter ${number(truth)} mm²; counting pixels of at least half ${number(half)} mm² ` +
    `(${half >= truth ? "+" : ""}${number((100 * (half - truth)) / truth, 0)} %); counting shares ${number(soft)} mm². ` +
    `${number((100 * mixed) / any, 0)} % of the pixels with gray matter hold another tissue, too.`
  );
}

/** Draw the gray matter, and get the Dice coefficient. */
function quiz(all: Sections): HTMLElement {
  const panel = new Panel(h("canvas", { width: 520, height: 520, tabindex: 0, id: "quiz", title: "Draw the gray matter here: press and move; arrows and space by keyboard" }));
  const said = h("p", { role: "status", id: "quiz-said" });
  let round = 0;
  let scan: Simulated = simulate(all, question(all, round));
  let drawn = new Uint8Array(scan.size ** 2);
  let erase = false;
  let shown = false;
  let cursor: [number, number] = [0, 0];
  const draw = () => {
    const slice = sliceOf(scan.image, scan.size, scan.pixel);
    show(panel, slice);
    panel.outline(sliceOf(drawn, scan.size, scan.pixel), (v) => v > 0, GM_COLOR);
    if (shown) panel.outline(sliceOf(scan.gm, scan.size, scan.pixel), (share) => share >= 0.5, CORD_COLOR);
    if (document.activeElement === panel.canvas) panel.circle(cursor[0], cursor[1], slice, scan.pixel);
    panel.sides();
  };
  const mark = (row: number, column: number) => {
    const [r, c] = [Math.round(row), Math.round(column)];
    if (r < 0 || c < 0 || r >= scan.size || c >= scan.size) return;
    drawn[r * scan.size + c] = erase ? 0 : 1;
    cursor = [r, c];
    draw();
  };
  const anew = () => {
    scan = simulate(all, question(all, ++round));
    drawn = new Uint8Array(scan.size ** 2);
    shown = false;
    cursor = [Math.floor(scan.size / 2), Math.floor(scan.size / 2)];
    said.textContent = `Question ${round}: draw the gray matter, then press Check.`;
    panel.canvas.setAttribute("aria-label", `Slice of a phantom to draw on, question ${round}`);
    draw();
  };
  listen(panel, () => sliceOf(scan.image, scan.size, scan.pixel), mark, () => cursor);
  const check = () => {
    shown = true;
    draw();
    const truth = Uint8Array.from(scan.gm, (share) => (share >= 0.5 ? 1 : 0));
    const score = dice(drawn, truth, isGray);
    const [own, all_] = [drawn, truth].map((mask) => mask.reduce((a, b) => a + b, 0) * scan.pixel ** 2);
    said.textContent =
      `Dice ${number(score, 2)}. You drew ${number(own!)} mm² (orange), the truth has ${number(all_!)} mm² (blue).`;
  };
  anew();
  return h(
    "section",
    { class: "card learn", "aria-label": "Quiz" },
    h("h2", {}, "Quiz: draw the gray matter"),
    h("div", { class: "beside" }, panel.canvas, h("div", {}, said, h("div", { class: "bar" },
      pressed("Erase", "Erase in place of drawing", (on) => (erase = on)),
      button("Check", "Compare with the truth", check, { id: "quiz-check" }),
      button("Clear", "Remove all that was drawn", () => {
        drawn.fill(0);
        draw();
      }),
      button("Next question", "Another slice", anew),
    ), h("p", { class: "quiet" }, "By keyboard: focus the image, move with the arrows, draw with the space bar."))),
  );
}

function pressed(text: string, title: string, changed: (on: boolean) => void): HTMLButtonElement {
  let on = false;
  const made = button(text, title, () => {
    on = !on;
    made.setAttribute("aria-pressed", String(on));
    changed(on);
  }, { "aria-pressed": "false" });
  return made;
}

/** Draw while the pointer is pressed, or at the cursor by the space bar. */
function listen(
  panel: Panel,
  slice: () => Slice,
  mark: (row: number, column: number) => void,
  cursor: () => [number, number],
): void {
  const { canvas } = panel;
  canvas.classList.add("draws");
  const at = (event: PointerEvent) => mark(...panel.pixelAt(slice(), event.offsetX, event.offsetY));
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    at(event);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (event.buttons & 1) event.getCoalescedEvents().concat(event).forEach(at);
  });
  const moves: Record<string, [number, number]> = { ArrowUp: [1, 0], ArrowDown: [-1, 0], ArrowLeft: [0, 1], ArrowRight: [0, -1] };
  canvas.addEventListener("keydown", (event) => {
    const by = moves[event.key];
    const place = cursor();
    if (by !== undefined) {
      place[0] += by[0];
      place[1] += by[1];
    } else if (event.key === " ") mark(...place);
    else return;
    event.preventDefault();
    canvas.dispatchEvent(new Event("focus"));
  });
}

function question(all: Sections, round: number): Scanner {
  const levels = ["C3", "C5", "C7", "T2", "T8", "L2", "L4"];
  const level = all.levels.indexOf(levels[(round * 3) % levels.length]!);
  const rotation = ((round * 7) % 21) - 10;
  return { level, contrast: "t2star", pixel: 0.5, snr: 18, thickness: 4, tilt: 5, rotation, seed: round };
}
