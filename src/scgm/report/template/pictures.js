// Tiles of the sprites on canvases, and what was found drawn over them.

const GM_BIT = 16, CORD_BIT = 32, LEVELS = 15;
const GM_COLOR = "#E69F00", CORD_COLOR = "#56B4E9";  // of Okabe and Ito
// Cividis (Nunez et al. 2018), which looks alike with every kind of color vision.
const CIVIDIS = [[0, 34, 78], [53, 69, 108], [102, 105, 112], [148, 142, 119], [200, 184, 102], [254, 232, 56]];
const overlays = { gm: true, cord: true, probability: false };

async function decoded(source) {
  const image = new Image();
  image.src = source;
  await image.decode();
  return image;
}

async function inflated(text) {
  const packed = Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

async function opened(pictures) {
  const [windowSheet, wholeSheet, labels] = await Promise.all([
    decoded(pictures.window.src), decoded(pictures.whole.src), inflated(pictures.labels),
  ]);
  return { ...pictures, windowSheet, wholeSheet, labels };
}

// Fits a tile into a canvas at its true proportions; returns where it lies.
function showTile(canvas, sheet, sprite, place) {
  const side = Math.max(1, Math.round((canvas.clientWidth || 112) * (window.devicePixelRatio || 1)));
  canvas.width = canvas.height = side;
  const [heightMm, widthMm] = sprite.mm;
  const scale = side / Math.max(heightMm, widthMm);
  const at = { w: widthMm * scale, h: heightMm * scale };
  at.x = (side - at.w) / 2;
  at.y = (side - at.h) / 2;
  const pen = canvas.getContext("2d");
  pen.imageSmoothingEnabled = false;
  const column = place % sprite.across, row = Math.floor(place / sprite.across);
  if (sheet) {
    pen.drawImage(sheet, column * sprite.width, row * sprite.height, sprite.width, sprite.height, at.x, at.y, at.w, at.h);
  }
  return { pen, at, scale, side };
}

function codesOf(open, place) {
  const size = open.window.width * open.window.height;
  return open.labels.subarray(place * size, (place + 1) * size);
}

// Labels run from posterior and left; pictures from anterior and right.
function mirrored(open, x, y) {
  return (open.window.height - 1 - y) * open.window.width + (open.window.width - 1 - x);
}

// Where no probability was saved, the mask stands for it.
function shareOf(open, code) {
  return open.hasProbability ? (code & LEVELS) / LEVELS : Number((code & GM_BIT) > 0);
}

function showProbability(open, place, { pen, at }, color) {
  const { width, height } = open.window;
  const codes = codesOf(open, place);
  const layer = make("canvas", { width, height });
  const ink = layer.getContext("2d");
  const pixels = ink.createImageData(width, height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      pixels.data.set(color(shareOf(open, codes[mirrored(open, x, y)])), (y * width + x) * 4);
    }
  }
  ink.putImageData(pixels, 0, 0);
  pen.drawImage(layer, at.x, at.y, at.w, at.h);
}

function asColor(share) {
  const step = Math.min(CIVIDIS.length - 2, Math.floor(share * (CIVIDIS.length - 1)));
  const rest = share * (CIVIDIS.length - 1) - step;
  const mixed = CIVIDIS[step].map((low, i) => Math.round(low + rest * (CIVIDIS[step + 1][i] - low)));
  return [...mixed, share > 0 ? 190 : 0];
}

function asGray(share) {
  const value = Math.round(share * 255);
  return [value, value, value, 255];
}

// The edges of the pixels of a mask, which is where it ends.
function showOutline(open, place, { pen, at, side }, bit, color) {
  const { width, height } = open.window;
  const codes = codesOf(open, place);
  const inside = (x, y) => x >= 0 && y >= 0 && x < width && y < height && (codes[mirrored(open, x, y)] & bit) > 0;
  const px = at.w / width, py = at.h / height;
  pen.beginPath();
  for (let y = 0; y <= height; y++) {
    for (let x = 0; x <= width; x++) {
      const here = inside(x, y), left = at.x + x * px, top = at.y + y * py;
      if (here !== inside(x - 1, y)) { pen.moveTo(left, top); pen.lineTo(left, top + py); }
      if (here !== inside(x, y - 1)) { pen.moveTo(left, top); pen.lineTo(left + px, top); }
    }
  }
  pen.strokeStyle = color;
  pen.lineWidth = Math.max(1, side / 150);
  pen.stroke();
}

function showOverlays(open, place, where) {
  if (overlays.probability && open.hasProbability) showProbability(open, place, where, asColor);
  if (overlays.cord && open.hasCord) showOutline(open, place, where, CORD_BIT, CORD_COLOR);
  if (overlays.gm) showOutline(open, place, where, GM_BIT, GM_COLOR);
}

function letters({ pen, side, scale }, widthMm) {
  const write = (text, x, y) => {
    pen.strokeText(text, x * side, y * side);
    pen.fillText(text, x * side, y * side);
  };
  pen.font = `${Math.round(side / 18)}px sans-serif`;
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  pen.strokeStyle = "#000";
  pen.lineWidth = side / 90;
  pen.fillStyle = "#fff";
  write("A", 0.5, 0.05);
  write("P", 0.5, 0.95);
  write("R", 0.05, 0.5);
  write("L", 0.95, 0.5);
  const mm = [50, 20, 10, 5, 2, 1].find((length) => length < widthMm / 3) || 1;
  pen.fillRect(0.05 * side, 0.94 * side, mm * scale, Math.max(2, side / 120));
  write(`${mm} mm`, 0.05 + (mm * scale) / side / 2, 0.89);
}

function showWindow(canvas, open, place) {
  showOverlays(open, place, showTile(canvas, open.windowSheet, open.window, place));
}

// Slice, window, gray matter, and gray matter on the slice: as in the reference paper.
function showPanels(canvases, open, place) {
  const [whole, crop, soft, overlay] = canvases;
  const widthMm = Math.max(...open.window.mm);
  const full = showTile(whole, open.wholeSheet, open.whole, place);
  const [left, top, wide, high] = open.boxes[place];
  full.pen.strokeStyle = CORD_COLOR;
  full.pen.lineWidth = Math.max(1, full.side / 150);
  full.pen.strokeRect(full.at.x + left * full.at.w, full.at.y + top * full.at.h, wide * full.at.w, high * full.at.h);
  letters(full, Math.max(...open.whole.mm));
  letters(showTile(crop, open.windowSheet, open.window, place), widthMm);
  const third = showTile(soft, null, open.window, place);
  showProbability(open, place, third, asGray);
  showOutline(open, place, third, GM_BIT, GM_COLOR);
  letters(third, widthMm);
  const fourth = showTile(overlay, open.windowSheet, open.window, place);
  showOverlays(open, place, fourth);
  letters(fourth, widthMm);
}
