/** Work kept in this browser (IndexedDB), so that a closed tab or an ended server loses nothing. */
import type { Drawn } from "../state";
import type { Scan, Source } from "../types";
import type { Step } from "./history";

export interface Work {
  /** Of the image, with a checksum: other images can have its name. */
  name: string;
  time: number;
  source: Source;
  scan: Scan;
  results: Drawn[];
  chosen: number;
  slice: number;
  /** All changes of all results. */
  done: Step[];
}

/** What is kept was changed elsewhere since it was read or written here. */
export class ChangedElsewhereError extends Error {}

/** How many images without changes are kept; those with changes all are. */
const MOST = 3;

/** What work on an image is kept under. */
export function workName({ name, slices }: Pick<Scan, "name" | "slices">): string {
  const bits = new Uint32Array(slices.buffer, slices.byteOffset, slices.length);
  const step = Math.max(1, Math.floor(bits.length / 2 ** 20));
  let sum = bits.length;
  for (let i = 0; i < bits.length; i += step) sum = Math.imul(sum ^ bits[i]!, 0x01000193);
  return `${name}#${(sum >>> 0).toString(16)}`;
}

function opened(): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const asked = indexedDB.open("scgm-studio", 1);
    asked.onupgradeneeded = () => asked.result.createObjectStore("work", { keyPath: "name" });
    asked.onsuccess = () => resolve(asked.result);
    asked.onerror = () => reject(asked.error ?? new Error("the browser keeps nothing"));
  });
}

function ended(transaction: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onerror = transaction.onabort = () => reject(transaction.error ?? new Error("full"));
  });
}

function asked<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error("unreadable"));
  });
}

/**
 * Keep work under its name; of the rest, all with changes stay, and the newest.
 *
 * *known* is the time of what was kept under this name when it was last read or written here. Later
 * changes are those of another window, and are not replaced.
 */
export async function keep(work: Work, known: number): Promise<void> {
  const base = await opened();
  try {
    const transaction = base.transaction("work", "readwrite");
    const store = transaction.objectStore("work");
    const all = (await asked(store.getAll())) as Work[];
    const before = all.find(({ name }) => name === work.name);
    if (before !== undefined && before.time > known && before.done.length > 0) throw new ChangedElsewhereError();
    store.put(work);
    const old = all
      .filter(({ name, done }) => name !== work.name && done.length === 0)
      .sort((a, b) => b.time - a.time);
    for (const { name } of old.slice(MOST - 1)) store.delete(name);
    await ended(transaction);
  } finally {
    base.close();
  }
}

/** What is kept, the newest first. */
export async function kept(): Promise<Work[]> {
  const base = await opened();
  try {
    const all = (await asked(base.transaction("work").objectStore("work").getAll())) as Work[];
    return all.sort((a, b) => b.time - a.time);
  } finally {
    base.close();
  }
}

/** What is kept under a name. */
export async function keptAs(name: string): Promise<Work | undefined> {
  const base = await opened();
  try {
    return (await asked(base.transaction("work").objectStore("work").get(name))) as Work | undefined;
  } finally {
    base.close();
  }
}

export async function forget(name: string): Promise<void> {
  const base = await opened();
  try {
    const transaction = base.transaction("work", "readwrite");
    transaction.objectStore("work").delete(name);
    await ended(transaction);
  } finally {
    base.close();
  }
}
