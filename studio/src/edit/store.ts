/** Work kept in this browser (IndexedDB), so that a closed tab or an ended server loses nothing. */
import type { Drawn } from "../state";
import type { Scan, Source } from "../types";
import type { Step } from "./history";

export interface Work {
  name: string;
  time: number;
  source: Source;
  scan: Scan;
  results: Drawn[];
  chosen: number;
  slice: number;
  done: Step[];
}

const MOST = 3;

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

/** Keep work under its name; of the rest, the newest stay. */
export async function keep(work: Work): Promise<void> {
  const base = await opened();
  try {
    const transaction = base.transaction("work", "readwrite");
    const store = transaction.objectStore("work");
    store.put(work);
    const all = (await asked(store.getAll())) as Work[];
    const old = all.filter(({ name }) => name !== work.name).sort((a, b) => b.time - a.time);
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
