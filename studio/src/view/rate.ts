/** Rating: several raters in turn, a blind second reading, agreement, and the challenge layout. */
import { zipSync } from "fflate";
import { $, button, h, number, save } from "../dom";
import type { Editor } from "../edit/editor";
import { gzip, nativeImage } from "../image/nifti-out";
import { agreements, allReadings, forgetReading, keepReading, nextImage, titleOf, type Reading } from "../rate/readings";
import { state } from "../state";
import { UserError, type Listed } from "../types";
import { failed, images, open, say } from "./source";
import { table } from "./numbers";

interface Open {
  rater: string;
  number: number;
  started: number;
}

export class Rating {
  readonly element: HTMLElement;
  private current: Open | null = null;
  private readonly rater = h("input", {
    type: "text",
    id: "rater",
    maxlength: 40,
    title: "Name or letters of who draws; it is written into the files",
  });
  private readonly list = h("div", { id: "agreement" });
  private readonly slot = h("div", { id: "rate-edit" });
  private readonly said = h("p", { role: "status", id: "rating" });
  private readonly begin: HTMLButtonElement;
  private readonly finish: HTMLButtonElement;

  constructor(private readonly editor: Editor) {
    const act = (work: () => Promise<void>) => () => void work().catch(failed);
    this.begin = button("Begin a reading", "Draw this image from nothing; earlier drawings are hidden", act(() => this.start()), { id: "begin-reading" });
    this.finish = button("Finish", "Keep this reading and show how it agrees with others", act(() => this.end()), { id: "finish-reading", disabled: true });
    const next = button("Next image", "Open an image of the folder that you have read least often, by chance", act(() => this.next()), { id: "next-image" });
    this.element = h(
      "div",
      { id: "rate" },
      h("div", { class: "bar" }, h("label", { class: "inline" }, "Rater ", this.rater), next, this.begin, this.finish),
      this.said,
      this.slot,
      this.list,
    );
    state.on(["scan"], () => {
      if (state.scan === null) this.current = null;
    });
    state.on(["scan", "tab"], () => void this.show().catch(failed));
  }

  /** Where the tools of drawing are put. */
  take(tools: HTMLElement): void {
    this.slot.append(tools);
    this.slot.hidden = this.current === null;
  }

  private async start(): Promise<void> {
    if (state.scan === null) throw new UserError("open an image first");
    const rater = this.rater.value.trim();
    if (rater === "") {
      this.rater.focus();
      throw new UserError("write who draws into the field Rater");
    }
    const mine = (await this.readings()).filter((reading) => reading.rater === rater);
    this.current = { rater, number: mine.length + 1, started: Date.now() };
    this.editor.begin(`${titleOf(this.current)} (open)`, true);
    await this.show();
    say(`${titleOf(this.current)}: draw the cord, then the gray matter`);
  }

  private async end(): Promise<void> {
    const [open, scan, labels] = [this.current, state.scan, this.editor.labels];
    if (open === null || scan === null || labels === null) return;
    if (!labels.some((label) => label > 0)) throw new UserError("nothing is drawn yet");
    const title = titleOf(open);
    await keepReading({
      key: `${scan.name}|${title}`,
      image: scan.name,
      rater: open.rater,
      number: open.number,
      labels: labels.slice(),
      time: Date.now(),
      seconds: Math.round((Date.now() - open.started) / 1000),
    });
    this.current = null;
    state.drop(`${title} (open)`);
    await this.show();
    say(`${title} is kept in this browser`);
  }

  private async next(): Promise<void> {
    const files = images(await state.engine.files());
    const mine = (await allReadings()).filter(({ rater }) => rater === this.rater.value.trim());
    const names = new Map<string, Listed>(files.map((file) => [file.name.split("/").pop()!, file]));
    const name = nextImage([...names.keys()], mine, Math.random);
    if (name === null) throw new UserError("you have read every image of the folder twice");
    const file = names.get(name)!;
    this.current = null;
    open({ kind: "folder", id: file.id, name: file.name });
  }

  private async readings(): Promise<Reading[]> {
    return (await allReadings()).filter(({ image }) => image === state.scan?.name);
  }

  private async show(): Promise<void> {
    if (state.tab !== "rate") return;
    const blind = this.current !== null;
    this.begin.disabled = blind;
    this.finish.disabled = !blind;
    this.slot.hidden = !blind;
    $("work").dataset["blind"] = String(blind);
    this.said.textContent = blind
      ? "Results and earlier readings are hidden until you finish."
      : "Each rater draws on an empty image. Read an image twice to see how well you agree with yourself.";
    this.list.hidden = blind;
    this.list.replaceChildren(...(blind ? [] : this.told(await this.readings())));
  }

  private told(readings: Reading[]): Node[] {
    if (readings.length === 0) return [];
    const rows = agreements(readings).map((one) => [
      `${one.first} – ${one.second}`,
      number(one.gray, 3),
      number(one.cord, 3),
      one.area === null ? "–" : `${number(one.area)} %`,
    ]);
    const compare = button("Compare", "Show readings side by side, and where they differ", () => {
      for (const reading of readings)
        state.put({ title: titleOf(reading), labels: reading.labels, found: null });
      $("tab-compare").click();
    }, { id: "compare-readings" });
    const exported = button("Export", "All readings of this image in the layout of the 2017 challenge, which scgm evaluate, benchmark and train read", () => {
      this.packed(readings).then((content) => save(content, "readings.zip"), failed);
    }, { id: "export-readings" });
    return [
      h("h3", {}, `Readings of ${state.scan?.name ?? ""}`),
      h("ul", {}, ...readings.map((reading) => this.line(reading))),
      ...(rows.length ? [table(["agreement", "Dice, gray matter", "Dice, cord", "area, difference"], rows)] : []),
      h("div", { class: "bar" }, compare, exported),
    ];
  }

  private line(reading: Reading): HTMLElement {
    const text = `${titleOf(reading)}, ${new Date(reading.time).toLocaleString()}, ${number(reading.seconds / 60)} min `;
    const remove = button("Remove", `Remove ${titleOf(reading)} from this browser`, () => {
      forgetReading(reading.key).then(() => this.show()).catch(failed);
    }, { class: "small" });
    return h("li", {}, text, remove);
  }

  /** The image and one mask for each reading: 1 gray, 2 white matter. */
  private async packed(readings: Reading[]): Promise<Blob> {
    const scan = state.scan!;
    const named = [...new Set((await allReadings()).map(({ image }) => image))].sort();
    const subject = `site1-sc${String(named.indexOf(scan.name) + 1).padStart(2, "0")}`;
    const files: Record<string, [Uint8Array, { level: 0 }]> = {};
    const add = async (name: string, content: Blob) => {
      files[name] = [new Uint8Array(await content.arrayBuffer()), { level: 0 }];
    };
    const { version } = state.engine;
    await add(`${subject}-image.nii.gz`, await gzip(nativeImage(scan, scan.slices, version)));
    for (const [i, { labels }] of readings.entries())
      await add(`${subject}-mask-r${i + 1}.nii.gz`, await gzip(nativeImage(scan, labels, version)));
    const raters = readings.map((reading, i) => ({
      mask: `r${i + 1}`,
      rater: reading.rater,
      reading: reading.number,
      seconds: reading.seconds,
      finished: new Date(reading.time).toISOString(),
    }));
    const about = { GeneratedBy: [{ Name: "scgm studio", Version: version }], Image: scan.name, Raters: raters };
    await add(`${subject}-raters.json`, new Blob([`${JSON.stringify(about, null, 2)}\n`]));
    return new Blob([zipSync(files) as BlobPart], { type: "application/zip" });
  }
}
