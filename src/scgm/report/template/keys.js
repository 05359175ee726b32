// Single keys, which can be switched off, and which never act while someone types.

const KEYS = [
  ["j", "next image", () => move(1)], ["k", "previous image", () => move(-1)],
  ["p", "pass", () => judge("pass")], ["f", "fail", () => judge("fail")], ["u", "no verdict", () => judge("")],
  ["n", "note", () => byId("note").focus()],
  ["o", "overlays on or off", toggleAll],
  ["g", "gray matter on or off", () => setOverlay("gm", !overlays.gm)],
  ["c", "cord on or off", () => setOverlay("cord", !overlays.cord)],
  ["h", "probability on or off", () => setOverlay("probability", !overlays.probability)],
  ["]", "next slice", () => chooseSlice(state.slice + 1)], ["[", "previous slice", () => chooseSlice(state.slice - 1)],
  ["/", "search", () => byId("search").focus()],
  ["?", "these keys", () => { byId("help").open = !byId("help").open; }],
];

function types(target) {
  return target.isContentEditable || ["INPUT", "SELECT", "TEXTAREA"].includes(target.tagName) && target.type !== "checkbox";
}

function onKey(event) {
  if (event.key === "Escape" && types(event.target)) { event.target.blur(); return; }
  if (event.ctrlKey || event.metaKey || event.altKey || types(event.target) || !byId("single-keys").checked) return;
  const known = KEYS.find(([key]) => key === event.key);
  if (!known) return;
  event.preventDefault();
  known[2]();
}

function startKeys() {
  document.addEventListener("keydown", onKey);
  byId("keys").append(...KEYS.flatMap(([key, what]) => [make("dt", {}, make("kbd", {}, key)), make("dd", {}, what)]));
}
