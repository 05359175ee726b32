// One quantity along the cord: a line that skips what was not measured, and a point for each slice.

const PLOT = { width: 640, height: 240, left: 52, right: 14, top: 12, bottom: 38 };
const QUANTITIES = { GM: "gray matter, mm²", WM: "white matter, mm²", SC: "cord, mm²", confidence: "confidence" };

function valueOf(row, quantity) {
  const value = quantity === "confidence" ? row.confidence : row.areas[quantity];
  return value === undefined ? null : value;
}

// The distance of the lines of a scale: the smallest round number that needs at most six of them.
function stepOf(most) {
  const power = 10 ** Math.floor(Math.log10(most / 5 || 1));
  return [1, 2, 5, 10].map((step) => step * power).find((step) => step * 5 >= most);
}

function plotted(rows, quantity, chosen, choose) {
  const normals = rows.map((row) => row.normal[quantity] || null);
  const values = rows.map((row) => valueOf(row, quantity));
  const most = Math.max(0, ...values.filter((v) => v !== null), ...normals.flatMap((n) => n || []));
  const step = quantity === "confidence" ? 0.25 : stepOf(most);
  const top = quantity === "confidence" ? 1 : Math.max(1, Math.ceil(most / step)) * step;
  const inner = { w: PLOT.width - PLOT.left - PLOT.right, h: PLOT.height - PLOT.top - PLOT.bottom };
  const x = (i) => PLOT.left + (rows.length > 1 ? (i / (rows.length - 1)) * inner.w : inner.w / 2);
  const y = (v) => PLOT.top + (1 - v / top) * inner.h;
  return draw(
    "svg",
    { viewBox: `0 0 ${PLOT.width} ${PLOT.height}`, class: quantity, role: "group", "aria-label": `${QUANTITIES[quantity]} along the cord` },
    axes(rows, quantity, [top, step], x, y),
    normalBand(normals, x, y),
    draw("line", { class: "here", x1: x(chosen), x2: x(chosen), y1: PLOT.top, y2: PLOT.top + inner.h }),
    draw("path", { class: "line", d: path(values, x, y) }),
    rows.map((row, i) => point(row, quantity, values[i], [x(i), values[i] === null ? y(0) : y(values[i])], i === chosen, choose)),
  );
}

function axes(rows, quantity, [top, step], x, y) {
  const levels = Array.from({ length: Math.round(top / step) + 1 }, (_, i) => i * step);
  const marks = levels.map((level) => [
    draw("line", { class: "axis", x1: PLOT.left, x2: PLOT.width - PLOT.right, y1: y(level), y2: y(level) }),
    draw("text", { x: PLOT.left - 6, y: y(level) + 4, "text-anchor": "end" }, `${+level.toPrecision(3)}`),
  ]);
  const every = Math.ceil(rows.length / (PLOT.width / 40));
  const names = rows.map((row, i) =>
    i % every ? null : draw("text", { x: x(i), y: PLOT.height - PLOT.bottom + 15, "text-anchor": "middle" }, `${row.slice}`));
  const under = draw("text", { x: PLOT.width / 2, y: PLOT.height - 5, "text-anchor": "middle" }, "slice of the image, from inferior to superior");
  const side = draw("text", { x: -(PLOT.height - PLOT.bottom) / 2, y: 13, transform: "rotate(-90)", "text-anchor": "middle" }, QUANTITIES[quantity]);
  return [...marks.flat(), ...names, under, side];
}

function path(values, x, y) {
  let pen = "M";
  return values
    .map((value, i) => {
      if (value === null) { pen = "M"; return ""; }
      const step = `${pen}${x(i).toFixed(1)} ${y(value).toFixed(1)}`;
      pen = "L";
      return step;
    })
    .join("");
}

// One strip between each two neighbors that both have a normal range.
function normalBand(normals, x, y) {
  return normals.slice(1).map((next, i) => {
    const here = normals[i];
    if (!here || !next) return null;
    const corners = [[x(i), y(here[0])], [x(i), y(here[1])], [x(i + 1), y(next[1])], [x(i + 1), y(next[0])]];
    return draw("polygon", { class: "normal", points: corners.map((corner) => corner.join(",")).join(" ") });
  });
}

function point(row, quantity, value, [x, y], isChosen, choose) {
  const measured = value === null ? "not measured" : `${value.toFixed(2)}${quantity === "confidence" ? "" : " mm²"}`;
  const normal = row.normal[quantity];
  const words = normal ? `${measured}, normal ${normal.map((limit) => limit.toFixed(1)).join(" to ")}` : measured;
  const name = `slice ${row.slice}: ${words}${row.status === "ok" ? "" : `, ${row.status}`}`;
  const size = isChosen ? 7 : 5;
  const flagged = row.status !== "ok" || value === null;
  const place = row.slice_is;
  return draw(
    flagged ? "rect" : "circle",
    {
      ...(flagged ? { x: x - size, y: y - size, width: 2 * size, height: 2 * size } : { cx: x, cy: y, r: size }),
      class: `point${flagged ? " flagged" : ""}${value === null ? " missing" : ""}`,
      role: "button", tabindex: isChosen ? 0 : -1, "aria-label": name, "aria-pressed": `${isChosen}`, "data-place": place,
      onclick: () => choose(place, true),
      onkeydown: (event) => {
        const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
        if (step) { event.preventDefault(); choose(place + step, true); }
      },
    },
    draw("title", {}, name),
  );
}
