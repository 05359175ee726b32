/** The browser does the work, in a worker: the page stays free. */
import { readScan } from "../read/scan";
import { segment } from "../segment/pipeline";
import { loadModel, type Model } from "../segment/model";
import type { Wanted } from "../segment/runtime";
import { UserError, type Choices, type Found, type Part, type Scan } from "../types";

export interface Order {
  id: number;
  site: string;
  runtime: Wanted;
  file: File;
  volume: Part["volume"];
  choices: Choices;
}

export type Said =
  | { id: number; stage: string }
  | { id: number; scan: Scan }
  | { id: number; found: Found }
  | { id: number; error: string; fault: boolean };

const models = new Map<string, Promise<Model>>();
const say = (said: Said) => self.postMessage(said);

export interface Warm {
  warm: true;
  site: string;
  runtime: Wanted;
  method: string;
}

self.onmessage = (event: MessageEvent<Order | Warm>) => {
  if ("warm" in event.data) {
    void model(event.data, event.data.method).catch(() => undefined);
    return;
  }
  const { id, file, choices } = event.data;
  work(event.data).catch((error: unknown) => {
    const fault = !(error instanceof UserError);
    const text = error instanceof Error ? error.message : String(error);
    say({ id, error: text.includes(file.name) || fault ? text : `${file.name}: ${text}`, fault });
  });
  void model(event.data, choices.method).catch(() => undefined);
};

/** Started while the image is still read. */
function model({ site, runtime }: Order | Warm, name: string): Promise<Model> {
  const known = models.get(name) ?? loadModel(site, name, runtime);
  models.set(name, known);
  known.catch(() => models.delete(name));
  return known;
}

async function work(order: Order): Promise<void> {
  const { id, file, volume, choices } = order;
  say({ id, stage: "reading the image" });
  const scan = await readScan(file, volume);
  say({ id, scan });
  say({ id, stage: "starting the model" });
  const started = await model(order, choices.method);
  const found = await segment(scan, started, choices.threshold, (share) =>
    say({ id, stage: `finding cord and gray matter, ${Math.round(100 * share)} %` }),
  );
  say({ id, found });
}
