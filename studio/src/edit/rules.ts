/** What a drawn mark does to the labels: gray matter stays in the cord, white matter follows. */
import { GM, WM } from "../measure/slices";

export type Target = "gm" | "cord";

/** What tools draw with, before the rules decide: no label has this value. */
export const PEN = 3;

export interface Change {
  /** Places in the labels, with what was there and what is now. */
  places: Uint32Array;
  before: Uint8Array;
  after: Uint8Array;
}

/**
 * Return what becomes of the labels where a tool has drawn.
 *
 * Gray matter can be added within the cord alone; where it is removed, white matter is left. The
 * cord is added as white matter; where it is removed, its gray matter goes with it.
 */
export function ruled(labels: Uint8Array, drawn: Uint8Array, target: Target): Change {
  const places: number[] = [];
  for (let i = 0; i < labels.length; i++)
    if (drawn[i] !== labels[i] && decided(labels[i]!, drawn[i]!, target) !== labels[i]) places.push(i);
  return {
    places: Uint32Array.from(places),
    before: Uint8Array.from(places, (i) => labels[i]!),
    after: Uint8Array.from(places, (i) => decided(labels[i]!, drawn[i]!, target)),
  };
}

function decided(label: number, drawn: number, target: Target): number {
  if (target === "gm") {
    if (drawn === PEN) return label === WM ? GM : label;
    return drawn === 0 && label === GM ? WM : label;
  }
  if (drawn === PEN) return label === 0 ? WM : label;
  return drawn === 0 ? 0 : label;
}

/** The change from labels to others that a whole-slice tool has made; gray stays in the cord. */
export function difference(labels: Uint8Array, wanted: Uint8Array): Change {
  const places: number[] = [];
  for (let i = 0; i < labels.length; i++) if (labels[i] !== wanted[i]) places.push(i);
  return {
    places: Uint32Array.from(places),
    before: Uint8Array.from(places, (i) => labels[i]!),
    after: Uint8Array.from(places, (i) => wanted[i]!),
  };
}
