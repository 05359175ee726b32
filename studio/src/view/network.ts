/** What the network ddc sees in a slice: maps of its branches, how far each looks, what each adds. */
import { button, h, number } from "../dom";
import { state } from "../state";
import { UserError, type Inside, type Scan } from "../types";
import { around, CORD_COLOR, gray, GM_COLOR, Panel, sliceOf, usualRange, type Colors, type Slice } from "./draw";
import { failed, say } from "./source";

const WINDOW_MM = 28;

/** Blue: less gray matter without the branch; orange: more. */
const change: Colors = (value) => {
  const size = Math.min(1, Math.abs(value) * 4);
  const [r, g, b] = value < 0 ? [86, 180, 233] : [230, 159, 0];
  return [r! * size, g! * size, b! * size, 255];
};

export function network(): HTMLElement {
  return new Network().element;
}

class Network {
  readonly element: HTMLElement;
  private inside: Inside | null = null;
  private of: Scan | null = null;
  private chosen = 0;
  /** Row and column in the window whose surroundings are drawn. */
  private point: [number, number] = [0, 0];
  private readonly reach = canvas("network-reach", "How far the chosen branch looks around a point; press on the image, or use arrows, to move it", true);
  private readonly gm = canvas("network-gm", "Probability of gray matter by all branches together");
  private readonly effect = canvas("network-effect", "What changes without the chosen branch");
  private readonly maps = h("canvas", { id: "network-maps", role: "img", width: 904, height: 452 });
  private readonly branches = h("div", { class: "bar", role: "group", "aria-label": "Branch" });
  private readonly said = h("p", { role: "status", id: "network-said" });
  private readonly shown: HTMLElement;

  constructor() {
    const start = button("Look inside", "Run the network ddc on this slice and keep the maps of its branches", () => {
      start.disabled = true;
      this.look()
        .catch(failed)
        .finally(() => (start.disabled = false));
    }, { id: "network-start" });
    this.shown = h(
      "div",
      { hidden: true },
      this.branches,
      this.said,
      h(
        "div",
        { class: "panels two" },
        figure(this.reach, "The window; the square is all that one pixel (the dot) of this branch depends on"),
        figure(this.gm, "Gray matter, by all branches together"),
        figure(this.effect, "Without this branch: blue, gray matter that is lost; orange, that is added"),
      ),
      h("h3", {}, "Maps of this branch"),
      this.maps,
      h("p", { class: "quiet" }, "One square for each of its filters, from dark (its lowest value) to light (its highest). A branch is taken away by giving all its pixels the mean of the window, so that it says nothing of places."),
    );
    this.element = h(
      "div",
      { id: "network" },
      h("p", {}, "The network ddc looks at a slice in several ways side by side. Each branch skips pixels by its dilation: the larger, the farther it sees with as few weights."),
      h("div", { class: "bar" }, start),
      this.shown,
    );
    this.listen();
    state.on(["scan", "slice"], () => this.hide());
  }

  private async look(): Promise<void> {
    const [scan, source, z] = [state.scan, state.source, state.slice];
    if (scan === null || source === null) throw new UserError("open an image first");
    say("looking inside the network");
    const inside = await state.engine.inside(source, z, new AbortController().signal);
    if (state.scan !== scan || state.slice !== z) return;
    [this.inside, this.of] = [inside, scan];
    const middle = (inside.size - 1) / 2;
    this.point = [Math.round(middle), Math.round(middle)];
    this.branches.replaceChildren(
      ...inside.branches.map(({ name, reach }, i) =>
        button(name, reach ? `It looks ${number(reach, 2)} mm wide` : "It takes the mean of the whole window", () => {
          this.chosen = i;
          this.draw();
        }),
      ),
    );
    this.shown.hidden = false;
    this.draw();
    say(`slice ${state.native(z)}: ${inside.branches.length} branches of the network ddc`);
  }

  private hide(): void {
    this.inside = null;
    this.shown.hidden = true;
  }

  private draw(): void {
    const { inside, of: scan } = this;
    if (inside === null || scan === null) return;
    [...this.branches.children].forEach((each, i) => each.setAttribute("aria-pressed", String(i === this.chosen)));
    const { name, reach } = inside.branches[this.chosen]!;
    const image = sliceOf(scan, scan.slices, state.slice);
    const view = around(image, ...inside.centre, WINDOW_MM);
    this.reach.clear(view);
    this.reach.image(image, gray(...usualRange(image, view)));
    this.drawReach(image, view, reach);
    const size = inside.size ** 2;
    const without = inside.without.subarray(this.chosen * size, (this.chosen + 1) * size);
    const gm = windowSlice(inside, inside.gm);
    const all = around(gm, (inside.size - 1) / 2, (inside.size - 1) / 2, WINDOW_MM);
    this.gm.clear(all);
    this.gm.image(gm, gray(0, 1));
    const less = windowSlice(inside, without.map((value, i) => value - inside.gm[i]!));
    this.effect.clear(all);
    this.effect.image(less, change);
    this.effect.outline(gm, (value) => value >= 0.5, "#fff");
    [this.reach, this.gm, this.effect].forEach((panel) => panel.sides());
    this.said.textContent = sentence(name, reach, inside, without);
    this.drawMaps(inside);
  }

  private drawReach(image: Slice, view: ReturnType<typeof around>, reach: number): void {
    const inside = this.inside!;
    const half = (inside.size - 1) / 2;
    const row = inside.centre[0] + ((this.point[0] - half) * inside.sample) / image.pixel[0];
    const column = inside.centre[1] + ((this.point[1] - half) * inside.sample) / image.pixel[1];
    this.reach.box(reach ? around(image, row, column, reach) : view, GM_COLOR);
    this.reach.box(around(image, row, column, 2 * inside.sample), CORD_COLOR);
  }

  private drawMaps(inside: Inside): void {
    const size = inside.size;
    const [columns, gap] = [8, 1];
    const rows = Math.ceil(inside.filters / columns);
    this.maps.width = columns * (size + gap);
    this.maps.height = rows * (size + gap);
    const pen = this.maps.getContext("2d")!;
    for (let k = 0; k < inside.filters; k++) {
      const data = pen.createImageData(size, size);
      const start = (this.chosen * inside.filters + k) * size * size;
      for (let row = 0; row < size; row++)
        for (let column = 0; column < size; column++) {
          const level = inside.maps[start + row * size + column]!;
          // Anterior is up, and the patient's left on the right.
          const at = 4 * ((size - 1 - row) * size + size - 1 - column);
          data.data.set([level, level, level, 255], at);
        }
      pen.putImageData(data, (k % columns) * (size + gap), Math.floor(k / columns) * (size + gap));
    }
    this.maps.setAttribute("aria-label", `${inside.filters} maps of the branch ${inside.branches[this.chosen]!.name}`);
    this.maps.title = this.maps.getAttribute("aria-label")!;
  }

  private listen(): void {
    const move = (row: number, column: number) => {
      const most = (this.inside?.size ?? 1) - 1;
      const clip = (value: number) => Math.min(most, Math.max(0, Math.round(value)));
      this.point = [clip(row), clip(column)];
      this.draw();
    };
    const { canvas: surface } = this.reach;
    surface.addEventListener("pointerdown", (event) => {
      if (this.inside === null || this.of === null) return;
      const image = sliceOf(this.of, this.of.slices, state.slice);
      const [row, column] = this.reach.pixelAt(image, event.offsetX, event.offsetY);
      const half = (this.inside.size - 1) / 2;
      const by = (value: number, centre: number, pixel: number) => ((value - centre) * pixel) / this.inside!.sample + half;
      move(by(row, this.inside.centre[0], image.pixel[0]), by(column, this.inside.centre[1], image.pixel[1]));
    });
    const steps: Record<string, [number, number]> = { ArrowUp: [2, 0], ArrowDown: [-2, 0], ArrowLeft: [0, 2], ArrowRight: [0, -2] };
    surface.addEventListener("keydown", (event) => {
      const by = steps[event.key];
      if (by === undefined) return;
      move(this.point[0] + by[0], this.point[1] + by[1]);
      event.preventDefault();
    });
  }
}

function canvas(id: string, label: string, focus = false): Panel {
  return new Panel(h("canvas", { id, width: 448, height: 448, role: "img", title: label, "aria-label": label, tabindex: focus ? 0 : null }));
}

function figure(panel: Panel, caption: string): HTMLElement {
  return h("figure", {}, panel.canvas, h("figcaption", {}, caption));
}

function windowSlice(inside: Inside, values: Float32Array): Slice {
  return { values, height: inside.size, width: inside.size, pixel: [inside.sample, inside.sample] };
}

const areaOf = (inside: Inside, map: Float32Array) => map.reduce((sum, share) => sum + (share >= 0.5 ? 1 : 0), 0) * inside.sample ** 2;

function sentence(name: string, reach: number, inside: Inside, without: Float32Array): string {
  const wide = reach ? `looks ${number(reach, 2)} mm wide` : "is the same everywhere, so it changes no place alone";
  let most = 0;
  without.forEach((value, i) => (most = Math.max(most, Math.abs(value - inside.gm[i]!))));
  return (
    `The branch "${name}" ${wide}. Gray matter in this slice: ${number(areaOf(inside, inside.gm))} mm² with all branches, ` +
    `${number(areaOf(inside, without))} mm² without it; no probability changes by more than ${number(most, 2)}.`
  );
}
