/** What is open, and who wants to know when it changes. */
import type { Step } from "./edit/history";
import type { Engine, Found, Scan, Source } from "./types";
import { labels } from "./types";

/** Labels of the user or of a method: 1 gray, 2 white matter. */
export interface Drawn {
  title: string;
  labels: Uint8Array;
  found: Found | null;
  /** What a correction started from; work kept by an earlier version does not say it. */
  base?: string;
  /** What was changed by hand, where it is drawn. */
  done?: Step[];
}

type Topic = "scan" | "results" | "slice" | "labels" | "tab" | "busy";

export class State {
  engine!: Engine;
  source: Source | null = null;
  scan: Scan | null = null;
  results: Drawn[] = [];
  chosen = 0;
  slice = 0;
  tab = "look";
  busy = false;
  /** A rater draws: results and other views are hidden. */
  blind = false;
  /** What is drawn in the view that is open: a result that comes in does not take its place. */
  held: Drawn | null = null;
  private readonly listeners = new Map<Topic, Set<() => void>>();

  on(topics: Topic[], listener: () => void): void {
    for (const topic of topics) {
      const known = this.listeners.get(topic) ?? new Set();
      known.add(listener);
      this.listeners.set(topic, known);
    }
  }

  tell(...topics: Topic[]): void {
    const all = new Set(topics.flatMap((topic) => [...(this.listeners.get(topic) ?? [])]));
    for (const listener of all) listener();
  }

  /** The result that is looked at. */
  get current(): Drawn | null {
    return this.results[this.chosen] ?? null;
  }

  open(source: Source): void {
    this.source = source;
    this.scan = null;
    this.results = [];
    this.chosen = 0;
    this.held = null;
    this.tell("scan", "results", "labels", "slice");
  }

  show(scan: Scan): void {
    if (this.scan !== null) return;
    this.scan = scan;
    this.slice = Math.floor(scan.shape[0] / 2);
    if (scan.truthGm !== null && scan.truthCord !== null)
      this.results.push({
        title: "truth of the phantom",
        labels: scan.truthCord.map((inside, i) => (scan.truthGm![i] ? 1 : inside ? 2 : 0)),
        found: null,
      });
    this.tell("scan", "results", "labels", "slice");
  }

  /** Add a result, in place of an earlier one of the same title, and look at it. */
  add(found: Found): void {
    const title = found.method;
    const look = this.held === null || this.current !== this.held;
    this.put({ title, labels: labels(this.scan!, found), found }, look);
  }

  put(drawn: Drawn, look = true): void {
    if (this.current === drawn) return;
    const at = this.results.findIndex((each) => each.title === drawn.title);
    if (at < 0) this.results.push(drawn);
    else this.results[at] = drawn;
    if (look) this.chosen = at < 0 ? this.results.length - 1 : at;
    this.tell("results", "labels", "slice");
  }

  /** Remove a result. */
  drop(title: string): void {
    this.results = this.results.filter((each) => each.title !== title);
    this.chosen = Math.max(0, this.results.length - 1);
    this.tell("results", "labels", "slice");
  }

  goTo(slice: number): void {
    if (this.scan === null) return;
    const z = Math.min(this.scan.shape[0] - 1, Math.max(0, Math.round(slice)));
    if (z === this.slice) return;
    this.slice = z;
    this.tell("slice");
  }

  /** The number of a slice as viewers show it. */
  native(z: number): number {
    const scan = this.scan!;
    return scan.flipped[0] ? scan.shape[0] - 1 - z : z;
  }
}

export const state = new State();
