/** The local server does the work: all methods of the package, and the user's folder. */
import type { Choices, Engine, Found, Inside, Listed, Method, Progress, Scan, Source } from "../types";
import { UserError } from "../types";
import { foundOf, insideOf, scanOf, unpack } from "./bundle";

interface JobState {
  job: string;
  state: "waiting" | "running" | "done" | "failed" | "cancelled";
  stage: string;
  error: string;
  ready: string[];
}

const SCAN = "scan.bin";
const RESULT = "result.bin";
const NETWORK = "network.bin";
const POLL_MS = 60;

export class ServerEngine implements Engine {
  readonly mode = "server";
  private readonly uploads = new WeakMap<File, string>();

  constructor(
    readonly version: string,
    private readonly token: string,
  ) {}

  async methods(): Promise<Method[]> {
    return (await this.json<{ methods: Method[] }>("about")).methods;
  }

  async files(): Promise<Listed[]> {
    return (await this.json<{ files: Listed[] }>("files")).files;
  }

  async content(file: Listed): Promise<File> {
    const blob = await (await this.ask(`files/${file.id}`)).blob();
    return new File([blob], file.name.split("/").pop()!);
  }

  async segment(
    source: Source,
    choices: Choices,
    on: Progress,
    signal: AbortSignal,
  ): Promise<Found> {
    on.stage("sending the image");
    const order = { ...choices, ...source.part, ...(await this.image(source, signal)) };
    let state = await this.post<JobState>("jobs", order, signal);
    const cancel = () => void this.ask(`jobs/${state.job}`, { method: "DELETE" });
    signal.addEventListener("abort", cancel);
    try {
      let seen = false;
      while (!state.ready.includes(RESULT)) {
        if (!seen && state.ready.includes(SCAN)) {
          seen = true;
          on.scan(scanOf(unpack(await this.bytes(state.job, SCAN))));
        }
        signal.throwIfAborted();
        if (state.state === "failed" || state.state === "cancelled")
          throw new UserError(state.error);
        on.stage(state.state === "waiting" ? "waiting for its turn" : state.stage);
        await new Promise((go) => setTimeout(go, POLL_MS));
        state = await this.json<JobState>(`jobs/${state.job}`);
      }
      if (!seen) on.scan(scanOf(unpack(await this.bytes(state.job, SCAN))));
      const found = foundOf(unpack(await this.bytes(state.job, RESULT)), state.job);
      void this.follow(found);
      return found;
    } finally {
      signal.removeEventListener("abort", cancel);
    }
  }

  async download(_: Scan, found: Found, name: string): Promise<Blob> {
    return (await this.ask(`jobs/${found.job}/${encodeURIComponent(name)}`)).blob();
  }

  async sections(): Promise<ArrayBuffer> {
    return (await this.ask("sections")).arrayBuffer();
  }

  warm(): void {
    // A process waits already.
  }

  async saveInto(source: Source, content: Blob): Promise<string> {
    if (source.kind !== "folder") throw new UserError("open an image of the folder first");
    const signal = new AbortController().signal;
    const { upload } = await this.send(new File([content], "corrected.zip"), signal);
    const order = { ...source.part, file: source.id, corrected: upload, kind: "save" };
    return (await this.done(order, signal)).stage;
  }

  async inside(source: Source, slice: number, signal: AbortSignal): Promise<Inside> {
    const order = { ...source.part, kind: "network", slice, ...(await this.image(source, signal)) };
    const { job } = await this.done(order, signal);
    return insideOf(unpack(await this.bytes(job, NETWORK)));
  }

  /** Order a job and wait for its end. */
  private async done(order: unknown, signal: AbortSignal): Promise<JobState> {
    let state = await this.post<JobState>("jobs", order, signal);
    while (state.state === "waiting" || state.state === "running") {
      await new Promise((go) => setTimeout(go, POLL_MS));
      state = await this.json<JobState>(`jobs/${state.job}`);
    }
    if (state.state !== "done") throw new UserError(state.error);
    return state;
  }

  private async send(file: File, signal: AbortSignal): Promise<{ upload: string }> {
    const answer = await this.ask("scans", {
      method: "POST",
      body: file,
      headers: { "x-file-name": encodeURIComponent(file.name) },
      signal,
    });
    return (await answer.json()) as { upload: string };
  }

  /** Wait until the files of a result are written. */
  private async follow(found: Found): Promise<void> {
    for (;;) {
      const state = await this.json<JobState>(`jobs/${found.job}`);
      found.files = state.ready.filter((name) => !name.endsWith(".bin"));
      if (state.state !== "running" && state.state !== "waiting") break;
      await new Promise((go) => setTimeout(go, 500));
    }
    document.dispatchEvent(new CustomEvent("files", { detail: found }));
  }

  private async image(source: Source, signal: AbortSignal): Promise<Record<string, unknown>> {
    if (source.kind === "folder") return { file: source.id };
    if (source.kind === "phantom") return { phantom: source.phantom };
    const known = this.uploads.get(source.file);
    if (known !== undefined) return { upload: known };
    const { upload } = await this.send(source.file, signal);
    this.uploads.set(source.file, upload);
    return { upload };
  }

  private async bytes(job: string, name: string): Promise<ArrayBuffer> {
    return (await this.ask(`jobs/${job}/${name}`)).arrayBuffer();
  }

  private async post<T>(path: string, body: unknown, signal: AbortSignal): Promise<T> {
    const headers = { "content-type": "application/json" };
    const init = { method: "POST", body: JSON.stringify(body), headers, signal };
    return (await this.ask(path, init)).json() as Promise<T>;
  }

  private async json<T>(path: string): Promise<T> {
    return (await this.ask(path)).json() as Promise<T>;
  }

  private async ask(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = { ...(init.headers as Record<string, string>), "x-scgm-token": this.token };
    let answer: Response;
    try {
      answer = await fetch(`api/${path}`, { ...init, headers });
    } catch (error) {
      if ((error as Error).name === "AbortError") throw error;
      throw new UserError(
        "the server does not answer; start it again with 'scgm serve' and open the new address " +
          "(your corrections are kept in this browser)",
      );
    }
    if (answer.ok) return answer;
    const said = (await answer.json().catch(() => ({}))) as { error?: string };
    throw new UserError(said.error ?? `the server answers with ${answer.status}`);
  }
}
