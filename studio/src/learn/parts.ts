/** What a cross-section shows, for the tour: names, and where each lies. */
import type { Sections } from "./sections";

export interface Place {
  /** Tissue, and mm to the patient's right and to the front from the middle. */
  tissue: string;
  x: number;
  y: number;
}

export interface Stop {
  name: string;
  about: string;
  shows: (place: Place) => boolean;
}

const gray = (tissue: string) => tissue === "GRAY_MATTER" || tissue === "GELATINOSA";
const white = (place: Place) => place.tissue === "WHITE_MATTER";
const HALF_COMMISSURE_MM = 0.8;
// The posterior column lies between the posterior horns, the anterior between the anterior ones.
const COLUMN_MM = 2.2;

export const STOPS: Stop[] = [
  {
    name: "Gray matter",
    about: "The butterfly in the middle: bodies of nerve cells. It is largest in the enlargements for arms (C5 to T1) and legs (L2 to S2).",
    shows: ({ tissue }) => gray(tissue),
  },
  {
    name: "White matter",
    about: "Nerve fibers that run up and down. It thins from head to tail, as fibers leave the cord.",
    shows: white,
  },
  {
    name: "Anterior horns",
    about: "Toward the front, wide and blunt: the nerve cells that move the muscles.",
    shows: ({ tissue, x, y }) => gray(tissue) && y > 0.3 && Math.abs(x) > HALF_COMMISSURE_MM,
  },
  {
    name: "Posterior horns",
    about: "Toward the back, long and narrow: where feeling arrives. They are the hardest part to see on MRI.",
    shows: ({ tissue, x, y }) => gray(tissue) && y < -0.3 && Math.abs(x) > HALF_COMMISSURE_MM,
  },
  {
    name: "Commissure",
    about: "The bridge between right and left gray matter, about a millimeter wide from front to back.",
    shows: ({ tissue, x }) => (gray(tissue) || tissue === "CENTRAL_CANAL") && Math.abs(x) <= HALF_COMMISSURE_MM,
  },
  {
    name: "Central canal",
    about: "A tenth of a millimeter of fluid in the commissure; in most adults it is closed. Raters count it as gray matter.",
    shows: ({ tissue }) => tissue === "CENTRAL_CANAL",
  },
  {
    name: "Posterior columns",
    about: "White matter between the posterior horns: fine touch and the position of the body, on their way to the brain.",
    shows: (place) => white(place) && place.y < -0.8 && Math.abs(place.x) < COLUMN_MM,
  },
  {
    name: "Lateral columns",
    about: "White matter on either side: the path of voluntary movement, and of pain and temperature.",
    shows: (place) => white(place) && Math.abs(place.x) >= COLUMN_MM,
  },
  {
    name: "Anterior columns",
    about: "White matter between the anterior horns, on both sides of the fissure.",
    shows: (place) => white(place) && place.y > 0.6 && Math.abs(place.x) < COLUMN_MM,
  },
  {
    name: "Anterior fissure",
    about: "A deep furrow in the front, with fluid and vessels. Raters count it as cord.",
    shows: ({ tissue }) => tissue === "FISSURE",
  },
  {
    name: "Cerebrospinal fluid",
    about: "The fluid around the cord, bright on T2* and dark on T1. At the border, pixels hold both.",
    shows: ({ tissue }) => tissue === "CSF",
  },
  {
    name: "Nerve roots",
    about: "They leave the cord at the front and enter at the back, and can be taken for gray matter where they touch it.",
    shows: ({ tissue }) => tissue === "NERVE_ROOT",
  },
];

/** Which samples of a section a stop shows. */
export function shownBy(stop: Stop, all: Sections, tissues: Uint8Array): Uint8Array {
  const middle = (all.size - 1) / 2;
  return tissues.map((tissue, i) =>
    stop.shows({
      tissue: all.tissues[tissue]!,
      x: ((i % all.size) - middle) * all.pixel,
      y: (Math.floor(i / all.size) - middle) * all.pixel,
    })
      ? 1
      : 0,
  );
}
