/** Changes one after the other: undone, done again, and summed up for the record. */
import { GM } from "../measure/slices";
import type { Change, Target } from "./rules";

export interface Step extends Change {
  tool: string;
  target: Target;
}

export interface Summary {
  tool: string;
  label: string;
  slices: number[];
  added: number;
  removed: number;
}

export class History {
  undone: Step[] = [];

  constructor(readonly done: Step[] = []) {}

  /** Apply a change to the labels; an empty one is not kept. */
  apply(labels: Uint8Array, step: Step): boolean {
    if (step.places.length === 0) return false;
    put(labels, step.places, step.after);
    this.done.push(step);
    this.undone = [];
    return true;
  }

  undo(labels: Uint8Array): Step | null {
    const step = this.done.pop();
    if (step === undefined) return null;
    put(labels, step.places, step.before);
    this.undone.push(step);
    return step;
  }

  redo(labels: Uint8Array): Step | null {
    const step = this.undone.pop();
    if (step === undefined) return null;
    put(labels, step.places, step.after);
    this.done.push(step);
    return step;
  }

  /** What was changed, by tool and label; *slicePixels* are the pixels of a slice. */
  summary(slicePixels: number, native: (z: number) => number): Summary[] {
    const groups = new Map<string, Summary>();
    for (const step of this.done) {
      const label = step.target === "gm" ? "gray matter" : "cord";
      const key = `${step.tool} ${label}`;
      const one = groups.get(key) ?? { tool: step.tool, label, slices: [], added: 0, removed: 0 };
      groups.set(key, one);
      const has = (value: number) => (step.target === "gm" ? value === GM : value > 0);
      step.places.forEach((place, i) => {
        const [was, is] = [has(step.before[i]!), has(step.after[i]!)];
        if (is && !was) one.added += 1;
        if (was && !is) one.removed += 1;
        const slice = native(Math.floor(place / slicePixels));
        if (!one.slices.includes(slice)) one.slices.push(slice);
      });
      one.slices.sort((a, b) => a - b);
    }
    return [...groups.values()];
  }
}

function put(labels: Uint8Array, places: Uint32Array, values: Uint8Array): void {
  places.forEach((place, i) => (labels[place] = values[i]!));
}
