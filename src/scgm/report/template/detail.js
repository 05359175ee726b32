// Everything about the image that is chosen.

const state = { place: 0, slice: 0, quantity: "GM", rows: [], open: null, panels: [], tiles: [], turn: 0 };

function image() {
  return IMAGES[state.place];
}

async function choose(place) {
  const turn = ++state.turn;
  const details = detailsOf(place);
  Object.assign(state, { place, rows: details.rows, open: null, panels: [], tiles: [] });
  state.slice = firstSlice(details.rows);
  showDetail(details);
  markChosen();
  if (!details.pictures) return;
  const open = await opened(details.pictures);
  if (turn !== state.turn) return;
  open.hasCord = open.labels.some((code) => code & CORD_BIT);
  open.hasProbability = open.labels.some((code) => code & LEVELS);
  state.open = open;
  byId("overlay-probability").disabled = !open.hasProbability;
  byId("overlay-cord").disabled = !open.hasCord;
  byId("no-probability").hidden = open.hasProbability;
  redraw();
  byId("detail").dataset.drawn = image().key;
}

// The middle one of those that are ok, or of all.
function firstSlice(rows) {
  const fine = rows.filter((row) => row.status === "ok");
  const from = fine.length ? fine : rows;
  return from[Math.floor(from.length / 2)].slice_is;
}

function showDetail(details) {
  const own = image();
  const section = byId("detail");
  delete section.dataset.drawn;
  section.replaceChildren(
    make("h2", { id: "name" }, own.title),
    verdictBar(own),
    alerts(own),
    ...(details.pictures ? pictureParts(details.pictures) : []),
    make("div", { class: "columns" },
      make("div", {}, make("h3", {}, "Along the cord"), quantityBar(), make("div", { id: "plot" }),
        make("p", { class: "quiet", id: "normal-range", hidden: !state.rows.some((row) => Object.keys(row.normal).length) },
          "The band is the normal range: 95 of 100 healthy people of the norms.")),
      make("div", {}, make("h3", {}, "How it was made"), made(details))),
    make("h3", {}, "Measurements"),
    make("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Measurements" }, measurements(details.rows)),
  );
  showPlot();
  showVerdict();
}

function verdictBar(own) {
  const button = (verdict, text) =>
    make("button", { type: "button", id: `verdict-${verdict || "none"}`, "aria-pressed": "false", onclick: () => judge(verdict) }, text);
  const step = (by, text) =>
    make("button", { type: "button", onclick: () => move(by) }, text);
  return make("div", { class: "bar", role: "group", "aria-label": "Verdict" },
    IMAGES.length > 1 ? [step(-1, "◀ Previous"), step(1, "Next ▶")] : null,
    button("pass", "✓ Pass"), button("fail", "✗ Fail"), button("", "No verdict"),
    make("label", { for: "note" }, "Note"),
    make("input", { id: "note", maxlength: 1000, autocomplete: "off", value: verdictOf(own).note,
      oninput: (event) => { keep(own, { note: event.target.value }); refreshRow(own); } }));
}

function judge(verdict) {
  keep(image(), { verdict });
  showVerdict();
  refreshRow(image());
  say(`${image().title}: ${verdict || "no verdict"}`);
}

function showVerdict() {
  const { verdict, note } = verdictOf(image());
  for (const each of ["pass", "fail", ""]) {
    byId(`verdict-${each || "none"}`).setAttribute("aria-pressed", `${each === verdict}`);
  }
  if (byId("note").value !== note) byId("note").value = note;
}

function alerts(own) {
  const flagged = state.rows.filter((row) => row.status !== "ok");
  const byStatus = new Map();
  for (const row of flagged) byStatus.set(row.status, [...(byStatus.get(row.status) || []), row.slice]);
  const counted = [...byStatus].map(([status, slices]) => `${slices.length} of ${state.rows.length} slices: ${status}`);
  const lines = [
    ...own.notices,
    ...[...byStatus].map(([status, slices]) => `${status}: slice${slices.length > 1 ? "s" : ""} ${ranges(slices)}`),
    ...own.warnings.filter((warning) => !counted.includes(warning)),
    ...reasons(own).map((reason) => `unusual in this set: ${reason}`),
  ];
  if (!lines.length) return make("p", { id: "flags" }, "No slice is flagged.");
  return make("div", { class: "alert", id: "flags" },
    make("strong", {}, "Look at this"), make("ul", {}, lines.map((line) => make("li", {}, line))));
}

// 0, 1, 2, 5 becomes "0-2, 5".
function ranges(slices) {
  const sorted = [...slices].sort((a, b) => a - b), runs = [];
  for (const slice of sorted) {
    const run = runs.at(-1);
    if (run && run[1] === slice - 1) run[1] = slice;
    else runs.push([slice, slice]);
  }
  return runs.map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`)).join(", ");
}

function pictureParts(pictures) {
  const toggle = (name, text, mark) =>
    make("label", {}, make("input", { type: "checkbox", id: `overlay-${name}`, checked: overlays[name],
      onchange: (event) => setOverlay(name, event.target.checked) }), " ", make("span", { class: mark }), text);
  state.panels = ["slice", "window around the cord", "gray matter", "gray matter on the slice"].map((name) =>
    make("canvas", { role: "img", "aria-label": name, "data-name": name }));
  state.tiles = pictures.slices.map((z) => tile(state.rows[z]));
  const drawn = pictures.slices.length;
  const few = drawn < state.rows.length ? `${drawn} of ${state.rows.length} slices are drawn, evenly spaced.` : "";
  const coarse = pictures.step > 1 ? `Drawn with one of every ${pictures.step} pixels in each direction.` : "";
  return [
    make("div", { class: "bar", role: "group", "aria-label": "Overlays" },
      toggle("gm", "gray matter", "key gm"), toggle("cord", "cord", "key cord"), toggle("probability", " probability", "scale"),
      make("span", { class: "quiet", id: "no-probability", hidden: true }, "No probability was saved; segment with --soft.")),
    make("h3", { id: "slice-name" }),
    make("div", { class: "panels" }, state.panels.map((canvas) =>
      make("figure", {}, canvas, make("figcaption", {}, canvas.dataset.name)))),
    make("h3", {}, "All slices"),
    few || coarse ? make("p", { class: "quiet" }, [few, coarse].filter(Boolean).join(" ")) : "",
    make("div", { class: "mosaic" }, state.tiles),
  ];
}

function tile(row) {
  const words = row.status === "ok" ? "" : `, ${row.status}`;
  return make("button", { type: "button", "data-place": row.slice_is, "aria-label": `Slice ${row.slice}${words}`, onclick: () => chooseSlice(row.slice_is) },
    make("canvas", {}), make("small", { class: words ? "flag" : "" }, `${row.slice}${words}`));
}

function setOverlay(name, on) {
  const box = byId(`overlay-${name}`);
  if (box && box.disabled && on) { say(`This result has no ${name}.`); return; }
  overlays[name] = on;
  if (box) box.checked = on;
  redraw();
}

function toggleAll() {
  const on = !(overlays.gm || overlays.cord || overlays.probability);
  overlays.probability = false;
  for (const name of ["gm", "cord", "probability"]) setOverlay(name, name !== "probability" && on);
}

function redraw() {
  if (!state.open) return;
  state.tiles.forEach((button, place) => showWindow(button.querySelector("canvas"), state.open, place));
  showSlice();
}

// The drawn slice that is nearest to the chosen one.
function nearest() {
  const distance = (place) => Math.abs(state.open.slices[place] - state.slice);
  return state.open.slices.map((_, place) => place).reduce((best, place) => (distance(place) < distance(best) ? place : best), 0);
}

function showSlice() {
  if (!state.open) return;
  const place = nearest(), row = state.rows[state.open.slices[place]];
  showPanels(state.panels, state.open, place);
  byId("slice-name").textContent = `Slice ${row.slice}${row.status === "ok" ? "" : `: ${row.status}`}`;
  state.tiles.forEach((button, i) => {
    button.classList.toggle("chosen", i === place);
    button.setAttribute("aria-pressed", `${i === place}`);
  });
}

function chooseSlice(place, focus) {
  if (place < 0 || place >= state.rows.length) return;
  state.slice = place;
  showSlice();
  showPlot();
  if (focus) byId("plot").querySelector(`[data-place="${place}"]`).focus();
  for (const row of document.querySelectorAll("#measurements tbody tr")) row.classList.toggle("chosen", +row.dataset.place === place);
}

function quantityBar() {
  return make("label", {}, "Show ", make("select", { id: "quantity", onchange: (event) => { state.quantity = event.target.value; showPlot(); } },
    Object.entries(QUANTITIES).map(([value, text]) => make("option", { value, selected: value === state.quantity }, text))));
}

function showPlot() {
  PLOT.width = Math.min(640, Math.max(320, byId("plot").clientWidth));
  byId("plot").replaceChildren(plotted(state.rows, state.quantity, state.slice, chooseSlice));
}

function measurements(rows) {
  const columns = [
    ["slice", (row) => `${row.slice}`], ["status", (row) => row.status],
    ["gray matter, mm²", (row) => number(row.areas.GM, 2)], ["white matter, mm²", (row) => number(row.areas.WM, 2)],
    ["cord, mm²", (row) => number(row.areas.SC, 2)],
    ["gray matter by probability, mm²", (row) => number(row.soft_areas.GM, 2)],
    ["confidence", (row) => number(row.confidence, 2)], ["contrast to noise", (row) => number(row.contrast, 1)],
    ["cord width / height", (row) => number(row.cord_shape, 2)],
  ];
  return make("table", { id: "measurements" },
    make("thead", {}, make("tr", {}, columns.map(([name], i) => make("th", { scope: "col", class: i === 1 ? "" : "number" }, name)))),
    make("tbody", {}, rows.map((row) => make("tr", { "data-place": row.slice_is, class: row.slice_is === state.slice ? "chosen" : "" },
      columns.map(([, text], i) => make("td", { class: i === 1 ? (row.status === "ok" ? "" : "flag") : "number" }, text(row)))))));
}

function made(details) {
  const entries = Object.entries(details.made);
  const card = details.card ? Object.entries(details.card).map(([name, text]) => [`model card: ${name}`, text]) : [];
  const none = card.length ? [] : [["model card", "none for this model on the machine that made this report"]];
  return [
    make("dl", { class: "made" }, [...entries, ...card, ...none].flatMap(([name, text]) => [make("dt", {}, name), make("dd", {}, text)])),
    make("p", {}, "Repeat it with:"),
    make("p", {}, make("code", { id: "command" }, details.command)),
  ];
}
