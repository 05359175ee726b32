/** The viewer: three planes, window and level, zoom, and the labels as a drawing on top. */
import type { Niivue as NiivueType } from "@niivue/niivue";
import { button, h, select, slider } from "../dom";
import { middle, sliceOf, SHOWN_MM } from "./draw";
import { stackImage } from "../image/nifti-out";
import { state } from "../state";
import { UserError, whole, type Found, type Scan } from "../types";

export type Niivue = NiivueType;

/** Nothing, gray matter, white matter, and what is being drawn. */
const DRAW_COLORS = {
  R: [0, 230, 86, 255],
  G: [0, 159, 180, 60],
  B: [0, 0, 233, 200],
  A: [0, 255, 255, 255],
  labels: ["", "gray matter", "white matter", "new"],
};
const PLANES = [
  ["axial", "axial slice"],
  ["multi", "three planes"],
  ["coronal", "coronal"],
  ["sagittal", "sagittal"],
] as const;

/** One viewer for the whole page: it is moved to where it is needed. */
export class Viewer {
  readonly element = h("div", { id: "viewer" });
  readonly canvas = h("canvas", {
    tabindex: 0,
    "aria-label": "Image in three planes; arrows move the cross-hair",
    id: "gl",
  });
  private readonly place = h("p", { id: "place", class: "quiet", role: "status" });
  private nv: Niivue | null = null;
  private scan: Scan | null = null;
  /** The image whose voxels the viewer holds: a moment later than *scan*. */
  private loaded: Scan | null = null;
  private starting: Promise<Niivue> | null = null;
  /** The ends of the window, as shares of the usual range. */
  private readonly window = { dark: 0, bright: 0.8 };
  private readonly soft = button("Soft map", "Show the probability of gray matter in color", () => void this.toggleSoft().catch(this.failed), { "aria-pressed": "false" });
  /** Whose probability is drawn, or about to be. */
  private softOf: Found | null = null;

  constructor(private readonly failed: (error: unknown) => void) {
    this.element.append(
      this.controls(),
      h("div", { class: "scene", "data-plane": "axial" }, this.canvas, ...sides()),
      this.place,
    );
    state.on(["scan", "tab", "busy"], () => void this.load().catch(failed));
    state.on(["labels", "results"], () => {
      this.showLabels();
      void this.showSoft().catch(failed);
    });
    state.on(["slice"], () => this.follow());
  }

  /** The viewer's own state, once it runs. */
  async ready(): Promise<Niivue> {
    await this.load();
    return this.nv!;
  }

  get running(): Niivue | null {
    return this.nv;
  }

  /** Draw labels on the image. */
  showLabels(): void {
    const { nv, scan } = this;
    if (nv === null || scan === null || scan !== state.scan || scan !== this.loaded) return;
    const drawn = state.current;
    if (nv.drawBitmap === null || nv.drawBitmap.length !== scan.slices.length) nv.createEmptyDrawing();
    if (drawn === null) nv.drawBitmap!.fill(0);
    else nv.drawBitmap!.set(drawn.labels);
    nv.refreshDrawing(true);
  }

  /** Move the cross-hair by so many columns and rows. */
  move([columns, rows]: [number, number]): void {
    const { nv, scan } = this;
    if (nv === null || scan === null) return;
    const place = nv.scene.crosshairPos;
    place[0] = Math.min(1, Math.max(0, place[0]! + columns / scan.shape[2]));
    place[1] = Math.min(1, Math.max(0, place[1]! + rows / scan.shape[1]));
    nv.drawScene();
    nv.createOnLocationChange();
  }

  private controls(): HTMLElement {
    return h(
      "div",
      { class: "bar" },
      select("", "Which planes are shown", PLANES, (value) => this.planes(value)),
      slider("labels", "How strongly the labels are drawn", { min: 0, max: 1, step: 0.05, value: 0.4 }, (v) =>
        this.nv?.setDrawOpacity(v)),
      slider("dark", "What is shown black: lower end of the window", { min: 0, max: 1, step: 0.01, value: this.window.dark }, (v) => this.show("dark", v)),
      slider("bright", "What is shown white: upper end of the window", { min: 0, max: 1, step: 0.01, value: this.window.bright }, (v) => this.show("bright", v)),
      this.soft,
      button("Around the cord", "Zoom to the cord in this slice", () => this.toCord()),
      button("Whole image", "Show all of the image", () => this.zoom(1)),
    );
  }

  private async load(): Promise<void> {
    const scan = state.scan;
    if (scan === null || scan === this.scan || !this.element.isConnected) return;
    if (state.busy && state.tab === "look") return; // the result comes first; then it is called again
    this.scan = scan;
    const nv = await (this.starting ??= this.start());
    const { NVImage } = await import("@niivue/niivue");
    const file = new File([stackImage(scan)], `${scan.name.replace(/\.nii(\.gz)?$/, "")}.nii`);
    const image = await NVImage.loadFromFile({ file, name: file.name, colormap: "gray" });
    if (scan !== this.scan) return; // another one was opened meanwhile
    for (const volume of [...nv.volumes]) nv.removeVolume(volume);
    nv.closeDrawing();
    nv.addVolume(image);
    this.loaded = scan;
    this.softOf = null;
    this.applyWindow();
    this.showLabels();
    this.toSlice(nv, scan);
    await this.showSoft();
    this.element.dataset["ready"] = scan.name;
  }

  private async start(): Promise<Niivue> {
    const { Niivue, DRAG_MODE, SLICE_TYPE } = await import("@niivue/niivue");
    const nv = new Niivue({
      isRadiologicalConvention: true,
      isCornerOrientationText: false,
      isOrientationTextVisible: true,
      showAllOrientationMarkers: true,
      crosshairWidth: 0.3,
      crosshairColor: [1, 0.3, 0.3, 0.6],
      backColor: [0, 0, 0, 1],
      show3Dcrosshair: false,
      dragMode: DRAG_MODE.contrast,
      dragAndDropEnabled: false,
      isNearestInterpolation: true,
      maxDrawUndoBitmaps: 2,
      logLevel: "error",
      loadingText: "",
    });
    await nv.attachToCanvas(this.canvas);
    nv.setSliceType(SLICE_TYPE.AXIAL);
    nv.setDrawColormap(DRAW_COLORS as never);
    nv.setDrawOpacity(0.4);
    nv.onLocationChange = (place) => this.located(place as { mm: number[]; vox: number[] });
    this.nv = nv;
    return nv;
  }

  private located({ mm, vox }: { mm: number[]; vox: number[] }): void {
    const [x, y, z] = mm as [number, number, number];
    const side = (value: number, plus: string, minus: string) =>
      `${Math.abs(value).toFixed(1)} mm ${value >= 0 ? plus : minus}`;
    const words = [side(x, "right", "left"), side(y, "front", "back"), side(z, "up", "down")];
    this.place.textContent = `Cross-hair: ${words.join(", ")} (of the scanner's origin)`;
    if (this.scan === state.scan) state.goTo(vox[2]!);
  }

  /** Show the slice of the other views. */
  private follow(): void {
    const { nv, scan } = this;
    if (nv === null || scan === null || scan !== state.scan || scan !== this.loaded) return;
    const now = nv.frac2vox(nv.scene.crosshairPos)[2]!;
    if (now !== state.slice) this.toSlice(nv, scan);
  }

  /** Move the cross-hair to the middle of the slice. */
  private toSlice(nv: Niivue, scan: Scan): void {
    const place = nv.scene.crosshairPos;
    place[2] = (state.slice + 0.5) / scan.shape[0];
    nv.drawScene();
    nv.createOnLocationChange();
  }

  private planes(name: string): void {
    const types: Record<string, number> = { axial: 0, coronal: 1, sagittal: 2, multi: 3 };
    this.nv?.setSliceType(types[name]!);
    this.canvas.parentElement!.dataset["plane"] = name;
  }

  private show(end: "dark" | "bright", share: number): void {
    this.window[end] = share;
    this.applyWindow(end);
  }

  /** Apply the sliders, or one of them: the button of the mouse can have moved the other end. */
  private applyWindow(end?: "dark" | "bright"): void {
    const [volume] = this.nv?.volumes ?? [];
    if (!volume) return;
    const at = (share: number) => volume.robust_min! + share * 1.25 * (volume.robust_max! - volume.robust_min!);
    if (end !== "bright") volume.cal_min = at(this.window.dark);
    if (end !== "dark") volume.cal_max = at(this.window.bright);
    this.nv!.updateGLVolume();
  }

  /** Zoom to the middle of the labels of this slice. */
  toCord(): void {
    const { nv, scan } = this;
    const drawn = state.current;
    if (nv === null || scan === null || drawn === null) return;
    const at = middle(sliceOf(scan, drawn.labels, state.slice));
    if (at === null) return;
    const place = nv.scene.crosshairPos;
    place[0] = (Math.round(at[1]) + 0.5) / scan.shape[2];
    place[1] = (Math.round(at[0]) + 0.5) / scan.shape[1];
    nv.createOnLocationChange();
    this.zoom((Math.min(scan.shape[1] * scan.spacing[1], scan.shape[2] * scan.spacing[2]) / SHOWN_MM) * 0.9);
  }

  private zoom(by: number): void {
    const { nv, scan } = this;
    if (nv === null || scan === null) return;
    const [px, py, pz] = nv.frac2mm(nv.scene.crosshairPos) as unknown as [number, number, number];
    nv.setPan2Dxyzmm(by === 1 ? [0, 0, 0, 1] : [-px, -py, -pz, by]);
  }

  private async toggleSoft(): Promise<void> {
    const on = this.soft.ariaPressed !== "true";
    if (on && !state.current?.found) throw new UserError("this result has no probabilities: choose that of a method");
    this.soft.ariaPressed = String(on);
    await this.showSoft();
  }

  /** The result that is looked at, where its probability is wanted and it has one. */
  private get softWanted(): Found | null {
    return this.soft.ariaPressed === "true" ? (state.current?.found ?? null) : null;
  }

  private async showSoft(): Promise<void> {
    const { nv, loaded: scan, softWanted: found } = this;
    if (nv === null || scan === null || scan !== state.scan || found === this.softOf) return;
    this.softOf = found;
    for (const volume of nv.volumes.slice(1)) nv.removeVolume(volume);
    if (found === null) return;
    const { NVImage } = await import("@niivue/niivue");
    const file = new File([stackImage({ ...scan, slices: whole(scan, found, found.gm) })], "soft.nii");
    const soft = await NVImage.loadFromFile({ file, name: "soft.nii", colormap: "warm", opacity: 0.7, cal_min: 0.05, cal_max: 1 });
    if (this.softOf === found) nv.addVolume(soft);
  }
}

/** The sides of axial and coronal slices, where the cross-hair hides no letter. */
function sides(): HTMLElement[] {
  const places = [
    ["right", "R", "The patient's right"],
    ["left", "L", "The patient's left"],
  ] as const;
  return places.map(([side, text, title]) => h("span", { class: `side ${side}`, title }, text));
}
