/** The line from an image to its result; as `scgm.segmentation.pipeline`. */
import { UserError, type Found, type Scan } from "../types";
import { LOW_CONFIDENCE_BELOW, sliceConfidence } from "./confidence";
import { visibleContrast } from "./contrast";
import { cutByImage, cutByWindow } from "./cut-off";
import { implausible } from "./findings";
import { forMethods } from "./intensities";
import { maskOf, partOf, slice, type Maps, type Part } from "./maps";
import { runModel, type Model } from "./model";
import { centered, kept, showsCord } from "./post";
import { clipped, refusal } from "./refusal";

const MOST_MISSING = 0.02;
// The first that applies is given.
const STATUSES = ["no cord", "cut off", "missing values", "no gray matter", "low confidence"] as const;
type Status = (typeof STATUSES)[number];

export async function segment(
  scan: Scan,
  model: Model,
  wanted: number | null,
  done: (share: number) => void,
): Promise<Found> {
  const problem = refusal(scan);
  if (problem !== null) throw new UserError(`${scan.name}: ${problem}`);
  const started = performance.now();
  const threshold = Math.fround(wanted ?? model.card.threshold);
  const slices = forMethods(scan);
  const run = (centre: Float32Array) => runModel(model, scan, slices, centre, done);
  const { found: own, box } = await centered(run, scan, threshold);
  const part = partOf(scan, slices, box);
  const seen = showsCord(own, part, threshold);
  if (!seen.includes(true)) {
    const remedy = clipped(scan) ?? "tell where it is: scgm segment --center or --cord";
    throw new UserError(`${scan.name}: no slice shows a spinal cord; ${remedy}`);
  }
  const faults = faultsOf(own, part, threshold, seen);
  const found = kept(own, part, seen);
  const contrast = visibleContrast(part, found, threshold);
  const confidence = sliceConfidence(found, box, contrast, threshold, model.card.confidence);
  const findings = implausible(scan, slices, part, found, contrast, threshold);
  const statuses = statusesOf(found, confidence, threshold, faults).map((status, z) =>
    status === "ok" && findings.some((finding) => finding.slices[z]) ? "low confidence" : status,
  );
  return {
    method: model.card.method,
    model: `${model.card.name} ${model.card.version}`,
    version: "",
    runtime: `onnxruntime-web, ${model.runners.used}`,
    threshold,
    ...box,
    gm: found.gm,
    cord: found.cord,
    status: statuses,
    confidence,
    presence: [...found.presence],
    warnings: [
      ...scan.warnings,
      ...remarks(statuses, confidence),
      ...findings.map((finding) => said(finding.what, finding.slices)),
    ],
    seconds: (performance.now() - started) / 1000,
    centre: [...found.centre],
    job: null,
    files: [],
  };
}

const said = (what: string, slices: boolean[]) =>
  `${slices.filter(Boolean).length} of ${slices.length} slices: ${what}`;

function faultsOf(own: Maps, part: Part, threshold: number, seen: boolean[]): Map<Status, boolean[]> {
  const byWindow = cutByWindow(own.cord, own.shape, threshold, part.pixel, part.atBorder);
  const faults = new Map<Status, boolean[]>([
    ["no cord", seen.map((shown) => !shown)],
    ["cut off", cutByImage(own, threshold, part).map((cut, z) => cut || byWindow[z]!)],
  ]);
  if (part.missing !== null)
    faults.set(
      "missing values",
      seen.map((_, z) => {
        const mask = maskOf(slice(own.cord, own.shape, z), threshold);
        const gone = slice(part.missing!, own.shape, z);
        let [all, missing] = [0, 0];
        mask.forEach((inside, i) => {
          all += inside;
          missing += inside && gone[i] ? 1 : 0;
        });
        return missing > MOST_MISSING * all;
      }),
    );
  return faults;
}

function statusesOf(
  found: Maps,
  confidence: (number | null)[],
  threshold: number,
  faults: Map<Status, boolean[]>,
): string[] {
  return confidence.map((sure, z) => {
    const applies: Record<Status, boolean> = {
      "no cord": faults.get("no cord")![z]!,
      "cut off": faults.get("cut off")![z]!,
      "missing values": faults.get("missing values")?.[z] ?? false,
      "no gray matter": !slice(found.gm, found.shape, z).some((value) => value >= threshold),
      "low confidence": sure !== null && sure < LOW_CONFIDENCE_BELOW,
    };
    return STATUSES.find((status) => applies[status]) ?? "ok";
  });
}

function remarks(statuses: string[], confidence: (number | null)[]): string[] {
  const lines = STATUSES.flatMap((status) => {
    const count = statuses.filter((one) => one === status).length;
    return count ? [`${count} of ${statuses.length} slices: ${status}`] : [];
  });
  if (confidence.every((sure) => sure === null))
    lines.push("confidence not available for this method or model: look at every slice");
  return lines;
}
