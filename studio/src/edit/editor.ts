/** Labels that are corrected: tools of the viewer, the rules, undo and redo, kept in the browser. */
import { resultName } from "../segment/files";
import { state, type Drawn } from "../state";
import type { Part, Scan } from "../types";
import type { Niivue } from "../view/viewer";
import { growCut, OUTSIDE, seedsOf } from "./grow-cut";
import { History, type Step } from "./history";
import { difference, PEN, ruled, type Change, type Target } from "./rules";
import { ChangedElsewhereError, keep, keptAs, workName, type Work } from "./store";
import type { Stroke } from "./stroke";

export const CORRECTED = "corrected";
/** At the end of the title of a reading that is not finished. */
export const OPEN = " (open)";
export type Tool = "brush" | "eraser" | "fill" | "click" | "none";

const AUTOSAVE_MS = 400;
/** Of a stroke while it is drawn. */
const COLORS = { gm: "rgb(230 159 0 / 80%)", cord: "rgb(86 180 233 / 80%)", none: "rgb(128 128 128 / 80%)" };

/** A copy of a result, or an empty drawing. */
function copied(title: string, scan: Scan, from: Drawn | null): Drawn {
  const labels = from === null ? new Uint8Array(scan.slices.length) : from.labels.slice();
  return { title, labels, found: null, base: from?.found?.model ?? from?.title ?? "nothing", done: [] };
}

const FULL = "this browser cannot keep more: save the masks now";
const ELSEWHERE =
  "this image was changed in another window of this browser: save the masks here, or reload this page to go on from there";

const changesOf = (results: Drawn[]) => results.flatMap(({ done }) => done ?? []);

/** Which part of a file the image is, for the record; nothing where it is all of it. */
function named(part: Part | undefined): { Volume?: Part["volume"]; Series?: Part["series"] } {
  const { volume = null, series = null } = part ?? {};
  return { ...(volume !== null && { Volume: volume }), ...(series !== null && { Series: series }) };
}

/** Whether a copy in which nothing was changed is made anew, of the result that is looked at. */
function givesWay(copy: Drawn, current: Drawn | null): boolean {
  return copy.done?.length === 0 && current !== null && current !== copy && !current.title.endsWith(OPEN);
}

export class Editor {
  target: Target = "gm";
  tool: Tool = "none";
  size = 3;
  history = new History();
  private drawn: Drawn | null = null;
  private readonly histories = new WeakMap<Drawn, History>();
  private later = 0;
  private laterOf: Scan | null = null;
  /** When images were last kept, as far as this window knows. */
  private readonly keptAt = new WeakMap<Scan, number>();
  private writes: Promise<void> = Promise.resolve();
  /** What was kept of this image is taken up before it could be replaced. */
  taken: Promise<void> = Promise.resolve();

  constructor(
    private readonly changed: () => void,
    private readonly refused: (sentence: string) => void,
  ) {
    state.on(["results"], () => this.keepLater());
    let last: Scan | null = null;
    state.on(["scan"], () => {
      if (state.scan === last) return;
      last = state.scan;
      this.turnTo(null);
      if (last !== null) this.taken = this.takeUp(last).catch(() => undefined);
    });
  }

  /** Whether the result that a correction begins with is still being made. */
  get waits(): boolean {
    return state.busy && !state.results.some(({ title, found }) => found !== null || title === CORRECTED);
  }

  /**
   * Begin with a copy of the result that is looked at, or with nothing; or go on with it.
   *
   * A copy in which nothing was changed gives way to one of another result.
   */
  begin(title = CORRECTED, empty = false): void {
    const scan = state.scan;
    if (scan === null) return;
    const known = state.results.find((each) => each.title === title);
    const goesOn = known !== undefined && (empty || !givesWay(known, state.current));
    const drawn = goesOn ? known : copied(title, scan, empty ? null : state.current);
    state.held = drawn;
    state.put(drawn);
    this.turnTo(drawn);
  }

  /** What is drawn, looked at again where another result was chosen; null where nothing is. */
  private front(): Drawn | null {
    if (this.drawn === null || !state.results.includes(this.drawn)) return null;
    if (this.drawn !== state.current) this.begin(this.drawn.title, this.drawn.title !== CORRECTED);
    return this.drawn;
  }

  private turnTo(drawn: Drawn | null): void {
    this.drawn = drawn;
    this.history = (drawn && this.histories.get(drawn)) ?? new History(drawn === null ? [] : (drawn.done ??= []));
    if (drawn !== null) this.histories.set(drawn, this.history);
    this.changed();
  }

  /** Add what was drawn on this image before, and kept. */
  private async takeUp(scan: Scan): Promise<void> {
    const work = await keptAs(workName(scan));
    if (work === undefined || state.scan !== scan) return;
    const known = new Set(state.results.map(({ title }) => title));
    const own = work.results.filter(({ title }) => title === CORRECTED || title.endsWith(OPEN));
    if (own.length === 0 || own.some(({ title }) => known.has(title))) return;
    state.results.push(...own);
    this.restore(work);
    state.tell("scan", "results", "labels");
  }

  /** Take over work that was kept. */
  restore(work: Work): void {
    const last = state.results.find(({ title }) => title.endsWith(OPEN));
    const drawn = last ?? state.results.find(({ title }) => title === CORRECTED) ?? null;
    if (drawn !== null) drawn.done ??= work.done; // of an earlier version
    this.keptAt.set(state.scan!, work.time);
    this.turnTo(drawn);
  }

  /** Let the viewer draw with the tool that was chosen. */
  equip(nv: Niivue): void {
    nv.opts.penSize = this.size;
    nv.opts.clickToSegment = this.tool === "click";
    nv.opts.clickToSegmentIs2D = true;
    nv.opts.clickToSegmentMaxDistanceMM = 6;
    nv.opts.clickToSegmentAutoIntensity = true;
    nv.setDrawingEnabled(this.tool !== "none");
    nv.setPenValue(this.tool === "eraser" ? 0 : PEN, this.tool === "fill");
  }

  /** Draw a stroke of the tool while the button is held. */
  beginStroke(nv: Niivue, stroke: Stroke): void {
    if (this.tool === "none" || this.front() === null) return;
    if (this.tool === "eraser") stroke.begin(nv, COLORS.none);
    else if (this.tool === "brush" || this.tool === "fill") stroke.begin(nv, COLORS[this.target]);
  }

  /** Take over what the viewer has drawn. */
  absorb(nv: Niivue): void {
    if (this.drawn === null || nv.drawBitmap === null || this.tool === "none") return;
    if (this.drawn !== state.current) return; // of the image before
    const started = performance.now();
    this.draw(this.drawn, nv.drawBitmap, this.tool);
    this.show(nv);
    document.body.dataset["stroke"] = (performance.now() - started).toFixed(1);
  }

  /** Draw or erase at the cross-hair, for those who use the keyboard. */
  stamp(nv: Niivue): void {
    const [scan, drawn] = [state.scan, this.front()];
    if (scan === null || drawn === null) return;
    const at = nv.frac2vox(nv.scene.crosshairPos) as unknown as [number, number, number];
    const marked = drawn.labels.slice();
    const [, height, width] = scan.shape;
    const reach = Math.floor(this.size / 2);
    for (let row = at[1] - reach; row < at[1] - reach + this.size; row++)
      for (let column = at[0] - reach; column < at[0] - reach + this.size; column++)
        if (row >= 0 && column >= 0 && row < height && column < width)
          marked[(at[2] * height + row) * width + column] = this.tool === "eraser" ? 0 : PEN;
    this.draw(drawn, marked, `${this.tool} by keyboard`);
    this.show(nv);
  }

  /** Take what was drawn; say why nothing is left of gray matter where there is no cord. */
  private draw(drawn: Drawn, marked: Uint8Array, tool: string): void {
    this.apply(ruled(drawn.labels, marked, this.target), tool);
    const cord = drawn.labels.subarray(...this.range(state.slice)).some((label) => label > 0);
    if (this.target === "gm" && this.tool !== "eraser" && !cord)
      this.refused("gray matter stays within the cord, and this slice has none: choose cord and draw it first");
  }

  undo(nv: Niivue | null): void {
    const drawn = this.front();
    if (drawn !== null) this.moved(this.history.undo(drawn.labels), nv);
  }

  redo(nv: Niivue | null): void {
    const drawn = this.front();
    if (drawn !== null) this.moved(this.history.redo(drawn.labels), nv);
  }

  /** Empty the label that is drawn in this slice. */
  clear(nv: Niivue | null): void {
    const drawn = this.front();
    if (drawn === null) return;
    const marked = drawn.labels.slice();
    const [start, stop] = this.range(state.slice);
    marked.fill(0, start, stop);
    this.apply(ruled(drawn.labels, marked, this.target), "clear");
    this.show(nv);
  }

  /** Draw the label of this slice by those of the nearest slices below and above that have one. */
  interpolate(nv: Niivue): string | null {
    const drawn = this.front();
    if (drawn === null || nv.drawBitmap === null) return null;
    const [low, high] = this.neighbors(drawn.labels);
    if (low === undefined || high === undefined)
      return "there is no such label both below and above this slice";
    const mine = nv.drawBitmap;
    const only = new Uint8Array(mine.length);
    for (const z of [low, high]) {
      const [start, stop] = this.range(z);
      for (let i = start; i < stop; i++) only[i] = this.has(drawn.labels[i]!) ? 1 : 0;
    }
    nv.drawBitmap = only;
    nv.interpolateMaskSlices(low, high, { useIntensityGuided: false, sliceType: 0 });
    const found = nv.drawBitmap;
    nv.drawBitmap = mine;
    const marked = drawn.labels.slice();
    const [start, stop] = this.range(state.slice);
    for (let i = start; i < stop; i++) marked[i] = found[i] ? PEN : 0;
    this.apply(ruled(drawn.labels, marked, this.target), "interpolation");
    this.show(nv);
    return null;
  }

  /** Let grow-cut find the edges of gray and white matter in this slice. */
  fit(nv: Niivue | null): void {
    const [scan, drawn] = [state.scan, this.front()];
    if (drawn === null || scan === null) return;
    const [, height, width] = scan.shape;
    const [start, stop] = this.range(state.slice);
    const own = drawn.labels.subarray(start, stop);
    const seeds = seedsOf(own, height, width, [scan.spacing[1], scan.spacing[2]]);
    const grown = growCut({ seeds, image: scan.slices.subarray(start, stop), height, width });
    const wanted = drawn.labels.slice();
    grown.forEach((label, i) => (wanted[start + i] = label === OUTSIDE ? 0 : label));
    this.apply(difference(drawn.labels, wanted), "grow-cut");
    this.show(nv);
  }

  /** What goes into the record beside corrected masks. */
  record(version: string): string {
    const scan = state.scan!;
    const size = scan.shape[1] * scan.shape[2];
    const content = {
      GeneratedBy: [{ Name: "scgm studio", Version: version }],
      Image: scan.name,
      ...named(state.source?.part),
      StartedFrom: this.drawn?.base ?? "",
      Saved: new Date().toISOString(),
      Changes: this.history.summary(size, (z) => state.native(z)),
    };
    return `${JSON.stringify(content, null, 2)}\n`;
  }

  get name(): string {
    return resultName(state.scan?.name ?? "image");
  }

  get labels(): Uint8Array | null {
    return this.drawn?.labels ?? null;
  }

  show(nv: Niivue | null): void {
    if (nv?.drawBitmap?.length !== this.drawn?.labels.length || this.drawn === null) return;
    nv!.drawBitmap!.set(this.drawn.labels);
    nv!.refreshDrawing(true);
  }

  private apply(change: Change, tool: string): void {
    const step: Step = { ...change, tool, target: this.target };
    if (this.drawn !== null && this.history.apply(this.drawn.labels, step)) this.told();
  }

  private moved(step: Step | null, nv: Niivue | null): void {
    if (step === null) return;
    const size = state.scan!.shape[1] * state.scan!.shape[2];
    state.goTo(Math.floor(step.places[0]! / size));
    this.show(nv);
    this.told();
  }

  private told(): void {
    this.changed();
    this.keepLater();
  }

  private keepLater(): void {
    const { scan, source, results, chosen, slice } = state;
    if (scan === null || source === null || results.length === 0) return;
    if (this.laterOf === scan) clearTimeout(this.later); // of the image before, it is kept all the same
    this.laterOf = scan;
    this.later = window.setTimeout(() => {
      const now = { scan, source, results, chosen, slice: state.scan === scan ? state.slice : slice };
      this.writes = this.writes.then(() => this.keepNow(now)).catch((error: unknown) => {
        if (changesOf(results).length) this.refused(error instanceof ChangedElsewhereError ? ELSEWHERE : FULL);
      });
    }, AUTOSAVE_MS);
  }

  private async keepNow(now: Omit<Work, "name" | "time" | "done">): Promise<void> {
    await this.taken;
    const [time, done] = [Date.now(), changesOf(now.results)];
    await keep({ ...now, name: workName(now.scan), time, done }, this.keptAt.get(now.scan) ?? 0);
    this.keptAt.set(now.scan, time);
    document.body.dataset["kept"] = String(done.length);
  }

  private has(label: number): boolean {
    return this.target === "gm" ? label === 1 : label > 0;
  }

  /** The nearest slices below and above this one that have the label. */
  private neighbors(labels: Uint8Array): [number | undefined, number | undefined] {
    const all = [...Array(state.scan!.shape[0]).keys()].filter((z) =>
      labels.subarray(...this.range(z)).some((label) => this.has(label)),
    );
    return [all.filter((z) => z < state.slice).at(-1), all.find((z) => z > state.slice)];
  }

  private range(z: number): [number, number] {
    const size = state.scan!.shape[1] * state.scan!.shape[2];
    return [z * size, (z + 1) * size];
  }
}
