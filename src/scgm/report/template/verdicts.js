// Pass, fail and note of each image: kept in this browser, written to and read from TSV.

const STORE = "scgm-report:";
const HEAD = ["key", "image", "verdict", "note"];
const FORMULA = /^[=+\-@\t\r]/;
const verdicts = new Map();
let keeps = true;

function loadVerdicts() {
  for (const image of IMAGES) {
    let kept = null;
    try {
      kept = JSON.parse(localStorage.getItem(STORE + image.key));
    } catch {
      keeps = keeps && storeWorks();
    }
    verdicts.set(image.key, cleaned(kept || {}));
  }
  if (!keeps) say("This browser keeps nothing for this page: export the verdicts before you close it.");
}

function storeWorks() {
  try {
    localStorage.getItem(STORE);
    return true;
  } catch {
    return false;
  }
}

function cleaned(kept) {
  return {
    verdict: /^(pass|fail)$/i.test(kept.verdict || "") ? kept.verdict.toLowerCase() : "",
    note: typeof kept.note === "string" ? oneLine(kept.note) : "",
  };
}

function oneLine(text) {
  return text.replace(/[\t\r\n]+/g, " ").slice(0, 1000);
}

function verdictOf(image) {
  return verdicts.get(image.key);
}

function keep(image, change) {
  const now = cleaned({ ...verdictOf(image), ...change });
  verdicts.set(image.key, now);
  try {
    localStorage.setItem(STORE + image.key, JSON.stringify(now));
  } catch {
    say("This browser keeps nothing for this page: export the verdicts before you close it.");
  }
}

// A spreadsheet runs a cell that begins as a formula; an apostrophe in front prevents it.
function cell(text) {
  const line = oneLine(text);
  const safe = FORMULA.test(line) || line.startsWith("'") ? `'${line}` : line;
  return safe.includes('"') ? `"${safe.replaceAll('"', '""')}"` : safe;
}

function plainCell(text) {
  const quoted = /^"(.*)"$/.exec(text);
  const own = quoted ? quoted[1].replaceAll('""', '"') : text;
  return own.startsWith("'") ? own.slice(1) : own;
}

function exported() {
  const rows = IMAGES.map((image) => {
    const { verdict, note } = verdictOf(image);
    return [image.key, image.title, verdict, note].map(cell).join("\t");
  });
  return [HEAD.join("\t"), ...rows].join("\n") + "\n";
}

function exportVerdicts() {
  const address = URL.createObjectURL(new Blob([exported()], { type: "text/tab-separated-values" }));
  make("a", { href: address, download: "verdicts.tsv" }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10000);
  say("The verdicts were exported to verdicts.tsv.");
}

// Returns what to say.
function importVerdicts(text) {
  const [head, ...lines] = text.replace(/^\ufeff/, "").split(/\r?\n/);
  const columns = head.split("\t");
  if (!["key", "verdict", "note"].every((name) => columns.includes(name))) {
    return "This is no file of verdicts: its first line must name key, image, verdict and note.";
  }
  const known = new Map(IMAGES.map((image) => [image.key, image]));
  let taken = 0, other = 0;
  for (const line of lines.filter(Boolean)) {
    const cells = line.split("\t").map(plainCell);
    const row = Object.fromEntries(columns.map((name, place) => [name, cells[place] || ""]));
    const image = known.get(row.key);
    if (image) keep(image, { verdict: row.verdict, note: row.note });
    image ? taken++ : other++;
  }
  return `Verdicts imported: ${taken}.${other ? ` Left out, of other results: ${other}.` : ""}`;
}
