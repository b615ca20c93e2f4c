// The page: an image with a hole, what the model's Worker answers, and how it is shown.
"use strict";

const known = JSON.parse(document.getElementById("known").textContent);
const { rows, columns } = known.predictor;
const size = rows * columns;
const EXACT_PIXELS = 12, RUNS = 8, SAMPLES = 16, CELL = 12;
const $ = (id) => document.getElementById(id);

// ---- the Worker

const source = new Blob([$("model").textContent], { type: "text/javascript" });
const worker = new Worker(URL.createObjectURL(source));
const waiting = new Map();
let questions = 0;
worker.onmessage = ({ data }) => {
  const { resolve, reject, told } = waiting.get(data.id);
  if ("progress" in data) return told(data.progress);
  waiting.delete(data.id);
  if (data.error) reject(new Error(data.error));
  else resolve(data.answer ?? null); // null where a later question ended this one
};
worker.postMessage(known);
const ask = (kind, about, told = () => {}) =>
  new Promise((resolve, reject) => {
    waiting.set(++questions, { resolve, reject, told });
    worker.postMessage({ id: questions, ask: kind, ...about });
  });

// ---- the image and its hole

const image = new Uint8Array(size), hole = new Uint8Array(size);
let cursor = null; // flat index, once the keyboard is used
let turn = 0; // counts changes: an answer to an earlier image is not shown
const tool = () => document.querySelector("input[name=tool]:checked").value;

function use(pixel) {
  const reach = Number($("size").value), row = Math.floor(pixel / columns), column = pixel % columns;
  const first = -Math.floor((reach - 1) / 2);
  for (let down = first; down < first + reach; down++)
    for (let right = first; right < first + reach; right++) {
      const r = row + down, c = column + right;
      if (r < 0 || c < 0 || r >= rows || c >= columns) continue;
      const at = r * columns + c;
      hole[at] = tool() === "hide" ? 1 : 0;
      if (tool() === "draw") image[at] = 1;
      if (tool() === "erase") image[at] = 0;
    }
}

// ---- drawing

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const parsed = (hex) => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));
const mixed = (a, b, share) => parsed(a).map((v, i) => Math.round(v + share * (parsed(b)[i] - v)));

// One pixel a cell; shade(pixel) gives [red, green, blue]
function paint(canvas, shade) {
  canvas.width = columns;
  canvas.height = rows;
  const context = canvas.getContext("2d"), data = context.createImageData(columns, rows);
  for (let i = 0; i < size; i++) data.data.set([...shade(i), 255], 4 * i);
  context.putImageData(data, 0, 0);
}

function paintImage() {
  const canvas = $("image"), context = canvas.getContext("2d");
  canvas.width = columns * CELL;
  canvas.height = rows * CELL;
  const colours = ["--paper", "--ink", "--hole", "--hole-ink"].map(colour);
  for (let i = 0; i < size; i++) {
    context.fillStyle = colours[2 * hole[i] + image[i]];
    context.fillRect((i % columns) * CELL, Math.floor(i / columns) * CELL, CELL, CELL);
  }
  if (cursor === null || document.activeElement !== canvas) return;
  context.strokeStyle = colour("--cursor");
  context.lineWidth = 3;
  context.strokeRect((cursor % columns) * CELL + 1, Math.floor(cursor / columns) * CELL + 1, CELL - 2, CELL - 2);
}

// The image with values in its hole, each between 0 and 1
function paintFilled(canvas, given, places, values) {
  const [paper, ink, guess] = ["--paper", "--ink", "--guess"].map(colour);
  const inHole = new Map(places.map((pixel, place) => [pixel, values[place]]));
  paint(canvas, (i) =>
    inHole.has(i) ? mixed(paper, guess, inHole.get(i)) : parsed(given[i] ? ink : paper));
}

// ---- what the model says

const uniforms = (count) => Array.from({ length: count }, Math.random);
const minus = (number, digits) => number.toFixed(digits).replace("-", "\u2212");
const percent = (share) => `${(100 * share).toFixed(share > 0.995 || share < 0.005 ? 1 : 0)}\u00a0%`;

function changed() {
  paintImage();
  understand(++turn).catch((error) => ($("status").textContent = error.message));
}

async function understand(now) {
  worker.postMessage({ stop: "posterior" });
  const given = Array.from(image), hidden = [];
  hole.forEach((is, pixel) => is && hidden.push(pixel));
  $("hidden").textContent = `${hidden.length} of ${size}`;
  $("of").textContent = hidden.length ? "log p(observed)" : "log p(image)";
  $("progress").value = 0;
  const exact = hidden.length <= EXACT_PIXELS;
  const runs = exact ? 1 : RUNS;
  const particles = exact ? 2 ** hidden.length : Number($("particles").value);
  $("status").textContent = exact
    ? `Weighs ${particles === 1 ? "the image" : `all ${particles} completions`} …`
    : "Fills the hole …";
  const found = [];
  for (let run = 0; run < runs; run++) {
    const about = { pixels: given, hidden, particles, uniforms: uniforms(2 * hidden.length) };
    const answer = await ask("posterior", about, (share) => {
      if (now === turn) $("progress").value = (run + share) / runs;
    });
    if (now !== turn || !answer) return;
    found.push(answer);
    const pool = pooled(found, hidden.length);
    $("progress").value = (run + 1) / runs;
    const done = run + 1 === runs;
    $("status").textContent = exact
      ? hidden.length
        ? `Exact: all ${particles.toLocaleString("en")} completions were weighed.`
        : "Nothing is hidden. Hide a part of the image, by the brush or a half at once."
      : `Estimated by ${(particles * (run + 1)).toLocaleString("en")} particles${done ? "." : " so far …"}`;
    $("nats").textContent = `${minus(pool.logObserved, 2)} nats`;
    $("error").textContent = exact ? "none" : run ? `± ${pool.error.toFixed(2)} nats` : "after two runs";
    $("effective").textContent = exact ? "all" : pool.effectiveSampleSize.toFixed(1);
    paintFilled($("marginals"), given, hidden, pool.marginals);
    await showCompletions(given, hidden, sampled(pool), now);
    if (now !== turn) return;
  }
}

// Populations as one set of particles, as scanline.inference.smc.pooled has it
function pooled(found, count) {
  const parts = found.map((each) => each.logObserved);
  const top = Math.max(...parts);
  const mean = parts.reduce((sum, v) => sum + Math.exp(v - top), 0) / parts.length;
  const logObserved = top + Math.log(mean);
  const relative = parts.map((v) => Math.exp(v - logObserved));
  const centre = parts.reduce((sum, v) => sum + v, 0) / parts.length, others = Math.max(parts.length - 1, 1);
  const variance = parts.reduce((sum, v) => sum + (v - centre) ** 2, 0) / others;
  const marginals = new Array(count).fill(0), particles = [];
  let inverse = 0;
  found.forEach((each, run) => {
    const share = relative[run] / found.length;
    inverse += share ** 2 / each.effectiveSampleSize;
    each.values.forEach((values, p) => {
      const weight = share * Math.exp(each.logWeights[p]);
      particles.push({ values, weight, logLikelihood: each.logLikelihood[p] });
      values.forEach((value, place) => (marginals[place] += weight * value));
    });
  });
  return {
    logObserved,
    // as scanline.inference.one_image.error_of has it
    error: Math.sqrt(variance / parts.length + variance ** 2 / (2 * others)),
    marginals: marginals.map((p) => Math.min(p, 1)),
    effectiveSampleSize: 1 / inverse,
    particles,
  };
}

// Draws by weight; equal ones are one, with their number
function sampled({ particles }) {
  const drawn = new Map(), offset = Math.random();
  let sum = 0, count = 0;
  for (const particle of particles) {
    sum += particle.weight;
    while (count < SAMPLES && (count + offset) / SAMPLES < sum) {
      const key = particle.values.join("");
      const known = drawn.get(key) ?? { ...particle, times: 0 };
      drawn.set(key, { ...known, times: known.times + 1 });
      count++;
    }
  }
  return [...drawn.values()].sort((a, b) => b.times - a.times || b.logLikelihood - a.logLikelihood);
}

async function showCompletions(given, hidden, drawn, now) {
  const total = drawn.reduce((sum, each) => sum + each.times, 0);
  const items = drawn.map((each) => {
    const item = document.createElement("li"), canvas = document.createElement("canvas");
    const words = document.createElement("span");
    paintFilled(canvas, given, hidden, each.values);
    canvas.setAttribute("role", "img");
    words.textContent = each.times > 1 ? `${each.times} of ${total} \u00b7 ` : "";
    canvas.setAttribute("aria-label", "A completion");
    item.append(canvas, words);
    return item;
  });
  $("completions").replaceChildren(...items);
  if (!known.classifier) return;
  const images = drawn.map((each) => {
    const whole = given.slice();
    hidden.forEach((pixel, place) => (whole[pixel] = each.values[place]));
    return whole;
  });
  const read = await ask("classify", { images });
  if (now !== turn || !read) return;
  const shares = read[0].map((_, label) =>
    drawn.reduce((sum, each, n) => sum + (each.times / total) * Math.exp(read[n][label]), 0));
  read.forEach((logProbs, n) => {
    const label = logProbs.indexOf(Math.max(...logProbs));
    const share = percent(Math.exp(logProbs[label]));
    items[n].lastChild.append(`${label}: ${share}`);
    items[n].firstChild.setAttribute("aria-label", `A completion, read as ${label}`);
  });
  $("classes").replaceChildren(
    ...shares.map((share, label) => {
      const item = document.createElement("li"), meter = document.createElement("meter");
      meter.value = share;
      meter.setAttribute("aria-label", `Probability of ${label}`);
      item.append(`${label}`, meter, percent(share));
      return item;
    }),
  );
}

// ---- written pixel by pixel

let writing = { pixels: image, ink: [0], at: 0, logProb: 0 }; // before the first: nothing

async function begin(running) {
  const start = Number($("given").value) * columns;
  const written = await ask("write", { pixels: Array.from(image), start, uniforms: uniforms(size) });
  if (!written) return;
  writing = { ...written, begun: true, at: 0, owed: 0, running, logProb: 0 };
  if (running) requestAnimationFrame(advance);
}

function advance(time) {
  if (!writing.running) return;
  const passed = Math.min(time - (writing.time ?? time), 100) / 1000;
  writing.time = time;
  writing.owed += passed * Number($("speed").value);
  const whole = Math.floor(writing.owed);
  writing.owed -= whole;
  writePixels(whole);
  if (writing.at < size) requestAnimationFrame(advance);
}

function writePixels(count) {
  for (const end = Math.min(writing.at + count, size); writing.at < end; writing.at++) {
    const p = writing.ink[writing.at];
    writing.logProb += Math.log(writing.pixels[writing.at] ? p : 1 - p);
  }
  const { at, pixels, ink } = writing;
  const [paper, dark, guess, page] = ["--paper", "--ink", "--guess", "--page"].map(colour);
  paint($("written"), (i) => parsed(i < at ? (pixels[i] ? dark : paper) : page));
  paint($("ink"), (i) => (i < at ? mixed(paper, guess, ink[i]) : parsed(page)));
  if (!writing.begun) return;
  $("next").value = at < size ? ink[at] : 0;
  $("told").textContent =
    at < size
      ? `${percent(ink[at])}, row ${Math.floor(at / columns) + 1}, column ${(at % columns) + 1}; so far ${minus(writing.logProb, 1)} nats`
      : `log p(image) is ${minus(writing.logProb, 2)} nats`;
}

$("write").onclick = () => begin(true);
$("pause").onclick = () => {
  if (!writing.begun || writing.at === size) return;
  writing.running = !writing.running;
  writing.time = undefined;
  if (writing.running) requestAnimationFrame(advance);
};
$("step").onclick = async () => {
  if (!writing.begun || writing.at === size) await begin(false);
  writing.running = false;
  writePixels(1);
};

// ---- mouse, finger, keyboard

const canvas = $("image");
let last = null; // the cell under the pointer that is down

function cellOf(event) {
  const box = canvas.getBoundingClientRect();
  const column = Math.floor(((event.clientX - box.left) / box.width) * columns);
  const row = Math.floor(((event.clientY - box.top) / box.height) * rows);
  const within = (value, end) => Math.max(0, Math.min(end - 1, value));
  return [within(row, rows), within(column, columns)];
}

canvas.addEventListener("pointerdown", (event) => {
  canvas.setPointerCapture(event.pointerId);
  cursor = null;
  last = cellOf(event);
  use(last[0] * columns + last[1]);
  paintImage();
});
canvas.addEventListener("pointermove", (event) => {
  if (!last) return;
  const [row, column] = cellOf(event), steps = Math.max(Math.abs(row - last[0]), Math.abs(column - last[1]));
  for (let i = 1; i <= steps; i++) {
    const at = (from, to) => Math.round(from + ((to - from) * i) / steps);
    use(at(last[0], row) * columns + at(last[1], column));
  }
  last = [row, column];
  paintImage();
});
for (const end of ["pointerup", "pointercancel"])
  canvas.addEventListener(end, () => {
    if (last) changed();
    last = null;
  });

canvas.addEventListener("keydown", (event) => {
  const moves = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
  const at = cursor ?? Math.floor(rows / 2) * columns + Math.floor(columns / 2);
  let [row, column] = [Math.floor(at / columns), at % columns];
  if (event.key in moves) {
    row = Math.max(0, Math.min(rows - 1, row + moves[event.key][0]));
    column = Math.max(0, Math.min(columns - 1, column + moves[event.key][1]));
  } else if (event.key !== " " && event.key !== "Enter") return;
  event.preventDefault();
  cursor = row * columns + column;
  const uses = !(event.key in moves);
  if (uses) use(cursor);
  $("cell").textContent =
    `Row ${row + 1}, column ${column + 1}: ${hole[cursor] ? "hidden" : image[cursor] ? "ink" : "paper"}.`;
  if (uses) changed();
  else paintImage();
});
canvas.addEventListener("focus", paintImage);
canvas.addEventListener("blur", paintImage);

// ---- buttons

const HALVES = {
  upper: (row) => row < Math.floor(rows / 2),
  lower: (row) => row >= Math.floor(rows / 2),
  left: (_, column) => column < Math.floor(columns / 2),
  right: (_, column) => column >= Math.floor(columns / 2),
};

function hideHalf(name) {
  hole.forEach((_, i) => (hole[i] = HALVES[name](Math.floor(i / columns), i % columns) ? 1 : 0));
}

for (const button of document.querySelectorAll("[data-hide]"))
  button.onclick = () => {
    hideHalf(button.dataset.hide);
    changed();
  };
$("nothing").onclick = () => {
  hole.fill(0);
  changed();
};
$("empty").onclick = () => {
  hole.fill(0);
  image.fill(0);
  document.querySelector("input[value=draw]").checked = true;
  changed();
};
$("again").onclick = changed;
$("particles").onchange = changed;
$("stop").onclick = () => {
  turn++;
  worker.postMessage({ stop: "posterior" });
  $("status").textContent += " Stopped.";
};
known.examples.forEach(({ name, pixels }) => {
  const button = document.createElement("button"), small = document.createElement("canvas");
  button.type = "button";
  button.setAttribute("aria-label", `Take ${name}`);
  button.append(small);
  const values = Uint8Array.from(pixels, Number);
  button.onclick = () => {
    image.set(values);
    changed();
  };
  $("examples").append(button);
  button.repaint = () => paint(small, (i) => parsed(colour(values[i] ? "--ink" : "--paper")));
});

function repaint() {
  for (const button of $("examples").children) button.repaint();
  writePixels(0);
  changed();
}
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", repaint);

const first = known.examples[Math.min(8, known.examples.length - 1)];
image.set(Uint8Array.from(first.pixels, Number));
hideHalf("lower");
repaint();

// For programs: what the page asks its Worker.
window.scanline = { ask };
