/** The browser itself does the work: the image never leaves it. */
import { fileNames, makeFile } from "../segment/files";
import type { Choices, Engine, Found, Inside, Listed, Method, Progress, Scan, Source } from "../types";
import { UserError } from "../types";
import type { Order, Said } from "./worker";

/** The place of the models, and what the address says of where they run: "?runtime=wasm". */
function where(): Pick<Order, "site" | "runtime"> {
  const { href, searchParams } = new URL(location.href);
  const asked = searchParams.get("runtime");
  return { site: new URL("./", href).href, runtime: asked === "webgpu" || asked === "wasm" ? asked : "auto" };
}

export class BrowserEngine implements Engine {
  readonly mode = "browser";
  private worker: Worker | null = null;
  private count = 0;

  constructor(
    readonly version: string,
    private readonly models: Method[],
  ) {}

  methods(): Promise<Method[]> {
    const first = (method: Method) => (method.name === "default" ? 0 : 1);
    return Promise.resolve([...this.models].sort((a, b) => first(a) - first(b)));
  }

  files(): Promise<Listed[]> {
    return Promise.resolve([]);
  }

  content(): Promise<File> {
    return Promise.reject(new UserError("there is no folder without the server"));
  }

  segment(source: Source, choices: Choices, on: Progress, signal: AbortSignal): Promise<Found> {
    if (source.kind !== "local")
      return Promise.reject(new UserError("choose a file: phantoms and folders need 'scgm serve'"));
    if (/\.(zip|dcm|ima)$/i.test(source.file.name))
      return Promise.reject(new UserError("this page takes NIfTI files (.nii, .nii.gz); for DICOM, use 'scgm serve'"));
    const worker = (this.worker ??= this.start());
    const volume = source.part?.volume ?? null;
    const order: Order = { id: ++this.count, ...where(), file: source.file, volume, choices };
    let scan: Scan | null = null;
    return new Promise((resolve, reject) => {
      const end = () => {
        worker.removeEventListener("message", hear);
        signal.removeEventListener("abort", stop);
      };
      const stop = () => {
        end();
        this.worker?.terminate(); // a model that runs hears nothing
        this.worker = null;
        reject(new DOMException("cancelled", "AbortError"));
      };
      const hear = ({ data: said }: MessageEvent<Said>) => {
        if (said.id !== order.id) return;
        if ("stage" in said) on.stage(said.stage);
        else if ("scan" in said) on.scan((scan = said.scan));
        else {
          end();
          if ("error" in said) reject(said.fault ? new Error(said.error) : new UserError(said.error));
          else resolve({ ...said.found, version: this.version, files: fileNames(scan!) });
        }
      };
      signal.addEventListener("abort", stop);
      worker.addEventListener("message", hear);
      worker.postMessage(order);
    });
  }

  download(scan: Scan, found: Found, name: string): Promise<Blob> {
    return makeFile(scan, found, name);
  }

  saveInto(): Promise<string> {
    return Promise.reject(new UserError("there is no folder without the server"));
  }

  async sections(): Promise<ArrayBuffer> {
    return (await fetch("sections.bin")).arrayBuffer();
  }

  inside(): Promise<Inside> {
    return Promise.reject(new UserError("looking inside the network needs 'scgm serve'"));
  }

  warm(): void {
    this.worker ??= this.start();
    this.worker.postMessage({ warm: true, ...where(), method: "default" });
  }

  private start(): Worker {
    return new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
  }
}
