// The list of images: sorted, filtered, the unusual ones first.

const NO_OK_SLICE = 1000;
const order = { column: "look", down: true };
const rowOf = new Map();

function reasons(own) {
  return Object.entries(own.z)
    .filter(([, z]) => Math.abs(z) >= INDEX.outlierFrom)
    .sort((a, b) => Math.abs(b[1]) - Math.abs(a[1]))
    .map(([name, z]) => `${INDEX.features[name]} ${z > 0 ? "+" : "−"}${Math.abs(z).toFixed(1)}`);
}

// How much an image needs a look: robust z of what stands apart most, then flagged slices.
function look(own) {
  const share = own.flagged / own.slices;
  if (share === 1 || !own.drawn) return NO_OK_SLICE + share;
  return Math.max(0, ...Object.values(own.z).map(Math.abs)) + share;
}

const COLUMNS = [
  { id: "picture", text: "" },
  { id: "title", text: "image", of: (own) => own.title, show: nameButton },
  { id: "verdict", text: "verdict", of: (own) => verdictOf(own).verdict, show: verdictWord },
  { id: "look", text: "look first", of: look, show: lookWords, down: true },
  { id: "flagged", text: "flagged", of: (own) => own.flagged / own.slices, show: (own) => `${own.flagged} of ${own.slices}`, down: true, number: true },
  ...["gm_area", "cord_area", "confidence", "contrast"].map((name) => ({
    id: name, text: { gm_area: "gray matter, mm²", cord_area: "cord, mm²" }[name] || INDEX.features[name], number: true,
    of: (own) => own.features[name], show: (own) => number(own.features[name], name === "confidence" ? 2 : 1),
  })),
  ...INDEX.scores.map((name, i) => ({
    id: `score-${i}`, text: name, number: true, of: (own) => own.scores[name], show: (own) => number(own.scores[name], 3),
  })),
  { id: "method", text: "method", of: (own) => own.method, show: (own) => own.method },
  { id: "note", text: "note", of: (own) => verdictOf(own).note, show: (own) => verdictOf(own).note },
];

function nameButton(own) {
  return make("button", { type: "button", class: "name", onclick: () => { choose(IMAGES.indexOf(own)); byId("detail").focus({ preventScroll: isWide() }); } }, own.title);
}

// Whether list and image stand side by side, as the style sheet says.
function isWide() {
  return matchMedia("(min-width: 1200px)").matches;
}

function verdictWord(own) {
  const { verdict } = verdictOf(own);
  return make("span", { class: verdict }, { pass: "✓ pass", fail: "✗ fail", "": "" }[verdict]);
}

function lookWords(own) {
  if (own.flagged === own.slices) return make("span", { class: "flag" }, "no slice is ok");
  if (!own.drawn) return make("span", { class: "flag" }, "no picture");
  const [first] = reasons(own);
  if (first) return make("span", { class: "flag" }, first);
  const most = Math.max(0, ...Object.values(own.z).map(Math.abs));
  return Object.keys(own.z).length ? most.toFixed(1) : "";
}

function startList() {
  byId("overview").hidden = IMAGES.length < 2;
  document.querySelector("main").classList.toggle("many", IMAGES.length > 1);
  const table = byId("list");
  table.tHead.append(make("tr", {}, COLUMNS.map((column) =>
    make("th", { scope: "col", id: `column-${column.id}`, class: column.number ? "number" : "" },
      column.of ? make("button", { type: "button", onclick: () => sortBy(column) }, column.text) : make("span", { class: "skip" }, "picture")))));
  for (const own of IMAGES) {
    const picture = own.thumbnail && make("img", { src: own.thumbnail, alt: "", width: 44, height: 44, decoding: "async" });
    const row = make("tr", { "data-key": own.key }, COLUMNS.map((column) =>
      make("td", { class: column.number ? "number" : "" }, column.of ? "" : picture)));
    rowOf.set(own.key, row);
    refreshRow(own);
  }
  // A browser may have kept what was typed before the page was loaded again.
  byId("search").value = "";
  byId("show").value = "all";
  byId("search").addEventListener("input", showList);
  byId("show").addEventListener("change", showList);
  if (IMAGES.length < INDEX.fewest) document.querySelector('#show [value="outlier"]').disabled = true;
  showList();
}

function refreshRow(own) {
  const cells = rowOf.get(own.key).cells;
  COLUMNS.forEach((column, i) => { if (column.show) cells[i].replaceChildren(column.show(own)); });
}

function sortBy(column) {
  order.down = order.column === column.id ? !order.down : Boolean(column.down);
  order.column = column.id;
  showList();
}

// Missing values come last in both directions.
function compared(a, b) {
  const { of } = COLUMNS.find((column) => column.id === order.column);
  const [left, right] = [of(a), of(b)];
  const missing = (value) => value === null || value === undefined || value === "";
  if (missing(left) || missing(right)) return missing(left) - missing(right);
  const sign = order.down ? -1 : 1;
  return sign * (typeof left === "string" ? left.localeCompare(right, "en", { numeric: true }) : left - right);
}

function isShown(own) {
  const text = byId("search").value.trim().toLowerCase();
  const { verdict, note } = verdictOf(own);
  const choices = {
    all: true, outlier: reasons(own).length > 0, flagged: own.flagged > 0, notice: own.notices.length > 0,
    open: !verdict, pass: verdict === "pass", fail: verdict === "fail",
  };
  return choices[byId("show").value] && `${own.title} ${own.method} ${note}`.toLowerCase().includes(text);
}

function listed() {
  return IMAGES.filter(isShown).sort(compared);
}

function showList() {
  const shown = listed();
  byId("list").tBodies[0].replaceChildren(...shown.map((own) => rowOf.get(own.key)));
  byId("count").textContent = `${shown.length} of ${IMAGES.length}`;
  for (const column of COLUMNS) {
    const sorted = column.id === order.column ? (order.down ? "descending" : "ascending") : "none";
    if (column.of) byId(`column-${column.id}`).setAttribute("aria-sort", sorted);
  }
}

function markChosen() {
  for (const [key, row] of rowOf) {
    row.classList.toggle("chosen", key === image().key);
    row.setAttribute("aria-current", `${key === image().key}`);
  }
}

// To the next image of the list, as it is sorted and filtered now.
function move(by) {
  const shown = listed();
  const at = shown.indexOf(image());
  const next = shown[at < 0 ? 0 : at + by];
  if (!next) { say(by > 0 ? "This is the last image of the list." : "This is the first image of the list."); return; }
  choose(IMAGES.indexOf(next));
  rowOf.get(next.key).scrollIntoView({ block: "nearest" });
  say(next.title);
}
