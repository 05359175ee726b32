/** Rating: several raters in turn, a blind second reading, agreement, and the challenge layout. */
import { zipSync } from "fflate";
import { $, button, h, number, save } from "../dom";
import { OPEN, type Editor } from "../edit/editor";
import { workName } from "../edit/store";
import { gzip, nativeImage } from "../image/nifti-out";
import {
  agreements,
  allReadings,
  byNameAlone,
  forgetReading,
  keepReading,
  nextImage,
  numberOf,
  readingsOf,
  titleOf,
  type Reading,
} from "../rate/readings";
import { state } from "../state";
import { UserError, type Listed, type Scan } from "../types";
import { failed, images, open, say } from "./source";
import { table } from "./numbers";

interface Open {
  rater: string;
  number: number;
  /** Null where the reading goes on after the page was closed. */
  started: number | null;
}

/** What an image is called: below the folder where there is one. */
const nameOf = (scan: Scan) => (state.source?.kind === "folder" ? state.source.name : scan.name);

/** What readings of an image are known by: names alone can be alike. */
const imageOf = (scan: Scan) => workName({ name: nameOf(scan), slices: scan.slices });

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
  private readonly leave: HTMLButtonElement;

  constructor(private readonly editor: Editor) {
    const act = (work: () => Promise<void>) => () => void work().catch(failed);
    this.begin = button("Begin a reading", "Draw this image from nothing; earlier drawings are hidden", act(() => this.start()), { id: "begin-reading" });
    this.finish = button("Finish", "Keep this reading and show how it agrees with others", act(() => this.end()), { id: "finish-reading", disabled: true });
    this.leave = button("Give up", "Forget what was drawn in this reading", act(() => this.forget()), { id: "leave-reading", disabled: true });
    const next = button("Next image", "Open an image of the folder that you have read least often, by chance", act(() => this.next()), { id: "next-image" });
    this.element = h(
      "div",
      { id: "rate" },
      h("div", { class: "bar" }, h("label", { class: "inline" }, "Rater ", this.rater), next, this.begin, this.finish, this.leave),
      this.said,
      this.slot,
      this.list,
    );
    state.on(["scan"], () => {
      if (state.scan === null) this.current = null;
      else this.goOn();
    });
    state.on(["scan", "tab"], () => void this.show().catch(failed));
  }

  /** Where the tools of drawing are put. */
  take(tools: HTMLElement): void {
    this.slot.append(tools);
    this.slot.hidden = this.current === null;
  }

  /** Take up a reading that was open when the page was closed. */
  private goOn(): void {
    const title = state.results.find((each) => each.title.endsWith(OPEN))?.title;
    const found = /^(.*), reading (\d+) \(open\)$/.exec(title ?? "");
    if (this.current !== null || title === undefined || found === null) return;
    this.current = { rater: found[1]!, number: Number(found[2]), started: null };
    this.rater.value = found[1]!;
    this.editor.begin(title, true);
    state.tab = "rate";
  }

  private async start(): Promise<void> {
    if (state.scan === null) throw new UserError("open an image first");
    const rater = this.rater.value.trim();
    if (rater === "") {
      this.rater.focus();
      throw new UserError("write who draws into the field Rater");
    }
    await this.editor.taken;
    const mine = (await this.readings()).filter((reading) => reading.rater === rater);
    const number = Math.max(0, ...mine.map((reading) => reading.number)) + 1;
    this.current = { rater, number, started: Date.now() };
    this.editor.begin(`${titleOf(this.current)}${OPEN}`, true);
    await this.show();
    $("target-cord").click();
    $("tool-brush").click();
    say(`${titleOf(this.current)}: draw the cord, then the gray matter`);
  }

  private async end(): Promise<void> {
    const [open, scan, labels] = [this.current, state.scan, this.editor.labels];
    if (open === null || scan === null || labels === null) return;
    if (!labels.some((label) => label > 0)) throw new UserError("nothing is drawn yet");
    const title = titleOf(open);
    await keepReading({
      key: `${imageOf(scan)}|${title}`,
      image: imageOf(scan),
      name: nameOf(scan),
      rater: open.rater,
      number: open.number,
      labels: labels.slice(),
      time: Date.now(),
      seconds: open.started === null ? null : Math.round((Date.now() - open.started) / 1000),
    });
    this.current = null;
    state.drop(`${title}${OPEN}`);
    await this.show();
    say(`${title} is kept in this browser`);
  }

  private async forget(): Promise<void> {
    if (this.current === null) return;
    const title = titleOf(this.current);
    this.current = null;
    state.drop(`${title}${OPEN}`);
    await this.show();
    say(`${title} is forgotten`);
  }

  private async next(): Promise<void> {
    const files = images(await state.engine.files());
    const mine = (await allReadings()).filter(({ rater }) => rater === this.rater.value.trim());
    const names = new Map<string, Listed>(files.map((file) => [file.name, file]));
    const name = nextImage([...names.keys()], mine, Math.random);
    if (name === null) throw new UserError("you have read every image of the folder twice");
    const file = names.get(name)!;
    open({ kind: "folder", id: file.id, name: file.name });
  }

  private async readings(): Promise<Reading[]> {
    const scan = state.scan;
    if (scan === null) return [];
    return readingsOf(await allReadings(), imageOf(scan), nameOf(scan), scan.slices.length);
  }

  private async show(): Promise<void> {
    const blind = this.current !== null;
    if (state.blind !== blind) {
      state.blind = blind;
      state.tell("busy");
    }
    if (state.tab !== "rate") return;
    this.begin.disabled = blind;
    this.finish.disabled = this.leave.disabled = !blind;
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
    const text = [
      titleOf(reading),
      new Date(reading.time).toLocaleString(),
      reading.seconds === null ? "with a break" : `${number(reading.seconds / 60)} min`,
      ...(byNameAlone(reading) ? ["of an image of this name, perhaps another one"] : []),
    ];
    const remove = button("Remove", `Remove ${titleOf(reading)} from this browser`, () => {
      forgetReading(reading.key).then(() => this.show()).catch(failed);
    }, { class: "small" });
    return h("li", {}, `${text.join(", ")} `, remove);
  }

  /** The image and one mask for each reading: 1 gray, 2 white matter. */
  private async packed(readings: Reading[]): Promise<Blob> {
    const scan = state.scan!;
    const subject = `site1-sc${String(numberOf(await allReadings(), readings[0]!.image)).padStart(2, "0")}`;
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
    const about = { GeneratedBy: [{ Name: "scgm studio", Version: version }], Image: nameOf(scan), Raters: raters };
    await add(`${subject}-raters.json`, new Blob([`${JSON.stringify(about, null, 2)}\n`]));
    return new Blob([zipSync(files) as BlobPart], { type: "application/zip" });
  }
}
