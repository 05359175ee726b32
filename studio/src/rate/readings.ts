/** What raters drew, kept in this browser, and how well they agree. */
import { dice, isCord, isGray } from "../measure/slices";

export interface Reading {
  /** Image, rater and number in one. */
  key: string;
  /** With a checksum: other images can have its name. */
  image: string;
  /** Missing in a reading kept by an earlier version, which knows the image by its name alone. */
  name?: string;
  rater: string;
  /** 1 for the first reading of an image by a rater, 2 for the second. */
  number: number;
  labels: Uint8Array;
  time: number;
  /** Null where the page was closed in between. */
  seconds: number | null;
}

export interface Agreement {
  first: string;
  second: string;
  gray: number | null;
  cord: number | null;
  /** Gray matter of the second less that of the first, in percent of their mean. */
  area: number | null;
}

export const titleOf = ({ rater, number }: Pick<Reading, "rater" | "number">) => `${rater}, reading ${number}`;

/** The readings of an image, then those that an earlier version kept under its name. */
export function readingsOf(readings: Reading[], image: string, name: string, size: number): Reading[] {
  const fit = readings.filter(({ labels }) => labels.length === size);
  const own = fit.filter((reading) => reading.image === image);
  return [...own, ...fit.filter((reading) => byNameAlone(reading) && reading.image === name)];
}

export const byNameAlone = ({ name }: Reading) => name === undefined;

/** The agreement of each reading with each other. */
export function agreements(readings: Reading[]): Agreement[] {
  return readings.flatMap((a, i) =>
    readings.slice(i + 1).map((b) => ({
      first: titleOf(a),
      second: titleOf(b),
      gray: dice(a.labels, b.labels, isGray),
      cord: dice(a.labels, b.labels, isCord),
      area: areaDifference(count(a.labels), count(b.labels)),
    })),
  );
}

const count = (labels: Uint8Array) => labels.reduce((sum, label) => sum + (isGray(label) ? 1 : 0), 0);

function areaDifference(first: number, second: number): number | null {
  return first + second ? (200 * (second - first)) / (first + second) : null;
}

/** The number of an image, from 1: in the order of the first readings, so that it stays. */
export function numberOf(readings: Reading[], image: string): number {
  const first = new Map<string, number>();
  for (const reading of readings)
    first.set(reading.image, Math.min(reading.time, first.get(reading.image) ?? Infinity));
  const named = [...first.keys()].sort((a, b) => first.get(a)! - first.get(b)!);
  return named.indexOf(image) + 1;
}

/** Which image, by its name, is read next: one that this rater has read least often, by chance. */
export function nextImage(images: string[], mine: Reading[], random: () => number): string | null {
  const times = (name: string) => mine.filter((reading) => (reading.name ?? reading.image) === name).length;
  const least = Math.min(...images.map(times));
  const open = images.filter((image) => times(image) === least && times(image) < 2);
  return open[Math.floor(random() * open.length)] ?? null;
}

function opened(): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const asked = indexedDB.open("scgm-readings", 1);
    asked.onupgradeneeded = () => asked.result.createObjectStore("readings", { keyPath: "key" });
    asked.onsuccess = () => resolve(asked.result);
    asked.onerror = () => reject(asked.error ?? new Error("the browser keeps nothing"));
  });
}

function run<T>(mode: IDBTransactionMode, ask: (store: IDBObjectStore) => IDBRequest<T>): Promise<T> {
  return opened().then(
    (base) =>
      new Promise((resolve, reject) => {
        const transaction = base.transaction("readings", mode);
        const request = ask(transaction.objectStore("readings"));
        transaction.oncomplete = () => {
          base.close();
          resolve(request.result);
        };
        transaction.onabort = transaction.onerror = () => {
          base.close();
          reject(transaction.error ?? new Error("full"));
        };
      }),
  );
}

export const keepReading = (reading: Reading) => run("readwrite", (store) => store.put(reading));
export const allReadings = () => run<Reading[]>("readonly", (store) => store.getAll());
export const forgetReading = (key: string) => run("readwrite", (store) => store.delete(key));
